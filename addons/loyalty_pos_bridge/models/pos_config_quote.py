# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a till is told while the cashier scans goods.

A till asks after each product. An order of nothing but goods, as most are, is therefore
described to the ledger straight from what the till says. One with rewards, returns or
top-ups is built as the order that it will become, without saving it. Both say the same.
"""

from functools import partial
from types import MappingProxyType

from odoo import api, fields, models, tools
from odoo.tools import SQL, float_round, format_date

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine, get_discount
from odoo.addons.loyalty_member.orm_cache import fetch_where

# Points that expire later than this are no news at the till.
EXPIRY_NOTICE_DAYS = 30
# What is asked of the register and of the customer
TILL_FIELDS = ("company_id", "currency_id", "loyalty_store_id", "tip_product_id")
CUSTOMER_FIELDS = (
    "birthdate_date",
    "commercial_partner_id",
    "name",
    # The access rules ask for these
    "company_id",
    "partner_share",
)
# A line with one of these is more than goods
SPECIAL_FIELDS = {
    "is_reward_line",
    "reward_id",
    "reward_identifier_code",
    "points_cost",
    "refunded_orderline_id",
}
MAX_NUMBER = 1e12
NUMBER_FIELDS = ("qty", "price_unit", "price_subtotal", "price_subtotal_incl")


class PosConfig(models.Model):
    _inherit = "pos.config"

    # === AN ORDER OF GOODS === #

    def _quote_loyalty_goods(self, order):
        """Quote an order, if there is nothing but goods on it.

        :param dict order: see :meth:`loyalty_quote`
        :return: one dictionary for each scheme that this register serves, or ``None``
            if the order has to be built
        :rtype: list[dict] | None
        """
        if not self._is_loyalty_goods(order):
            return None
        schemes = self._get_loyalty_schemes()
        partner = self._find_loyalty_customer(order)
        sale = self._prepare_loyalty_goods(order, partner)
        return [
            {
                **self._quote_loyalty_sale(partner, scheme, sale),
                **self._quote_no_loyalty_return(scheme.id, self.env.lang),
                "shares": [],
            }
            for scheme in schemes
        ]

    def _is_loyalty_goods(self, order):
        """Whether an order has nothing but goods, that can be read as they are."""
        top_ups = self.env["loyalty.program"]._get_top_ups()
        return all(
            isinstance(line, dict)
            and not any(line.get(name) for name in SPECIAL_FIELDS)
            and all(_is_number(line.get(name)) for name in NUMBER_FIELDS)
            and _is_number(line.get("discount") or 0)
            and isinstance(line.get("uuid"), str)
            and isinstance(line.get("product_id"), int)
            and line["product_id"] not in top_ups
            for line in order["lines"]
        )

    def _prepare_loyalty_goods(self, order, partner):
        """Describe an order of goods as :meth:`pos.order._prepare_loyalty_sale` does.

        :rtype: Sale
        """
        uuid = str(order.get("uuid") or "")
        return Sale(
            channel="pos",
            reference=uuid,
            date=fields.Datetime.now(),
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            store_id=self.loyalty_store_id.id or None,
            lines=tuple(self._prepare_loyalty_goods_lines(order, partner)),
            payments=self.env["pos.payment.method"]._name_loyalty_payments(
                self._get_loyalty_quoted_payments(order)
            ),
            hold_owner=f"pos:{uuid}",
            res_model="pos.order",
        )

    def _prepare_loyalty_goods_lines(self, order, partner):
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        round_ = self.currency_id.round
        tip_id = self.tip_product_id.id
        fiscal_position = self._get_loyalty_fiscal_position(order)
        for line in order["lines"]:
            quantity = float_round(line["qty"], precision_digits=digits)
            discount = line.get("discount") or 0.0
            compute = partial(
                self._compute_loyalty_taxes,
                line,
                quantity=quantity,
                fiscal_position=fiscal_position,
                partner=partner,
            )
            total, untaxed = compute(line["price_unit"] * (1 - discount / 100.0))
            incl = min(round_(total), round_(line["price_subtotal_incl"]))
            excl = min(round_(untaxed), round_(line["price_subtotal"]))
            is_discount = round_(line["price_subtotal_incl"]) < 0
            yield SaleLine(
                key=line["uuid"],
                product_id=line["product_id"],
                quantity=quantity,
                amount_incl=incl,
                amount_excl=excl,
                eligible=not is_discount and line["product_id"] != tip_id,
                is_reward=is_discount,
                **get_discount(
                    discount, incl, excl, partial(compute, line["price_unit"])
                ),
            )

    def _compute_loyalty_taxes(self, line, price, quantity, fiscal_position, partner):
        """Return what a line comes to, with and without taxes, as native does."""
        taxes = self.env["account.tax"].browse(line.get("tax_ids") or ())
        if not taxes:
            return price * quantity, price * quantity
        values = fiscal_position.map_tax(taxes).compute_all(
            price,
            self.currency_id,
            quantity,
            product=self.env["product.product"].browse(line["product_id"]),
            partner=partner,
        )
        return values["total_included"], values["total_excluded"]

    def _get_loyalty_quoted_payments(self, order):
        """Return by which methods an order is being paid, as far as the till knows.

        :return: ids of pos.payment.method
        :rtype: list[int]
        """
        ids = order.get("payment_method_ids")
        known = self.payment_method_ids.ids if ids else []
        return [id_ for id_ in known if isinstance(ids, list) and id_ in ids]

    @api.model
    @tools.ormcache("company_id")
    def _get_loyalty_company_path(self, company_id):
        """Return the path of a company, kept ready: native does not let it change."""
        # sudo: the order of companies is no secret to who works in them
        return self.env["res.company"].sudo().browse(company_id).parent_path

    @api.model
    @tools.ormcache("scheme_id", "lang")
    def _quote_no_loyalty_return(self, scheme_id, lang):
        """Return what is said where nothing comes back, kept ready.

        :param str lang: of who asks
        :rtype: MappingProxyType
        """
        # sudo: how a brand calls its points is no secret
        scheme_sudo = self.env["loyalty.scheme"].sudo().browse(scheme_id)
        quote = self.env["pos.order"]._quote_loyalty_return(scheme_sudo)
        return MappingProxyType(
            {name: value for name, value in quote.items() if name != "shares"}
        )

    def _find_loyalty_customer(self, order):
        """Return the customer of an order, if the cashier may see them."""
        partner = self.env["res.partner"]
        # The access rules ask for it, and would read whole companies
        for company in self.env.companies:
            path = self._get_loyalty_company_path(company.id)
            company._fields["parent_path"]._insert_cache(company, (path,))
        # bool is an int too, but not to PostgreSQL
        if type(order.get("partner_id")) is not int:
            return partner
        # sudo: whether the cashier may see them is asked next, of what was fetched
        partner_sudo = fetch_where(
            partner.sudo(),
            SQL("id = %s AND active", order["partner_id"]),
            CUSTOMER_FIELDS,
        )
        return partner_sudo.sudo(False)._filtered_access("read")

    # === ONE SCHEME === #

    def _quote_loyalty_sale(self, partner, scheme, sale):
        """Say where a customer stands in a scheme, and what a sale earns.

        :param partner: the customer, perhaps none
        :param Sale sale: what is sold
        :rtype: dict
        """
        # sudo: the quote tells a cashier about the customer of this order only
        member_sudo = self.env["loyalty.member"].sudo()
        if partner:
            member_sudo = member_sudo._find_for_partner(partner, scheme)
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        quote = transaction_sudo._quote(member_sudo, scheme, sale)
        refusal = bool(member_sudo) and member_sudo._get_refusal_text()
        return {
            **self._prepare_loyalty_standing(scheme, member_sudo, quote),
            **self._prepare_loyalty_earning(scheme, quote),
            "depends_on_payment": not sale.payments
            and "payments" in scheme._get_rules().asks,
            "notice": refusal
            or self._get_loyalty_hold_notice(scheme, quote)
            or self._get_loyalty_expiry_notice(member_sudo, quote),
            "can_redeem": self._can_redeem_loyalty_points(scheme, quote, refusal),
            "can_enrol": scheme.state == "open"
            and (not member_sudo or member_sudo.state == "left")
            and bool(partner),
        }

    def _prepare_loyalty_standing(self, scheme, member, quote):
        return {
            "scheme_id": scheme.id,
            "is_member": bool(member) and member.state != "left",
            "name": member.display_name if member else False,
            "badge": member._get_badge() if member else {},
            "account_id": member.account_id.id,
            "partner_id": member.partner_id.id,
            "balance": quote["balance"],
            "balance_text": scheme._format_points(quote["balance"]),
            "value_text": scheme._format_points_value(quote["balance"]),
            "spendable": quote["spendable"],
            "wallet": quote["wallet"],
        }

    def _prepare_loyalty_earning(self, scheme, quote):
        return {
            "points": quote["points"],
            "earns": quote["points"] > 0,
            "points_text": scheme._format_points(quote["points"]),
            "available_text": quote["available_on"]
            and format_date(self.env, quote["available_on"]),
        }

    def _can_redeem_loyalty_points(self, scheme, quote, refusal):
        """Whether points of this scheme can pay at this register."""
        program = scheme.points_program_id
        return (
            quote["spendable"] > 0
            and not refusal
            and program.active
            and scheme.currency_id == self.currency_id
        )

    def _get_loyalty_hold_notice(self, scheme, quote):
        """Return that points cannot be used because of another order, as a sentence."""
        held = quote["balance"] - max(quote["spendable"], 0)
        if quote["spendable"] > 0 or held <= 0:
            return False
        return self.env._(
            "%(points)s are set aside for another order that is being paid.",
            points=scheme._format_points(held),
        )

    def _get_loyalty_expiry_notice(self, member, quote):
        """Return what expires soon, as a sentence."""
        soon = fields.Date.add(fields.Date.context_today(self), days=EXPIRY_NOTICE_DAYS)
        if not quote["ending"] or quote["ending"] > soon:
            return False
        return member.expiry_summary


def _is_number(value):
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        # Neither is what is no number
        and abs(value) <= MAX_NUMBER
    )
