# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math
from decimal import Decimal

from odoo import models

from odoo.addons.loyalty_ledger.ledger.sale import SaleLine

# Links that other addons add to a line that only pays for an earlier document.
SETTLED_DOCUMENT_FIELDS = (
    "sale_order_origin_id",
    "settled_invoice_id",
    "settled_order_id",
)
PAYMENT_PROGRAM_TYPES = ("ewallet", "gift_card")


class PosOrderLine(models.Model):
    _inherit = "pos.order.line"

    # === BUSINESS: WHAT A LINE IS === #

    def _is_loyalty_redemption(self, scheme):
        """Whether the line spends points of a scheme."""
        self.ensure_one()
        return (
            self.reward_id.program_id == scheme.points_program_id
            and not self.refunded_orderline_id
        )

    def _is_loyalty_payment(self):
        """Whether the line is what a gift card or a wallet pays.

        Like money it lowers nothing that was bought.
        """
        self.ensure_one()
        return self.reward_id.program_id.program_type in PAYMENT_PROGRAM_TYPES

    def _is_loyalty_discount(self):
        """Whether the line lowers what was paid for the goods."""
        self.ensure_one()
        return bool(self.reward_id) or self.price_subtotal_incl < 0

    def _is_loyalty_eligible(self, top_up_products):
        """Whether points can be earned on the line.

        :param top_up_products: product.product that fill gift cards and wallets
        """
        self.ensure_one()
        return not (
            self._is_loyalty_discount()
            or self.product_id in top_up_products
            or self.product_id == self.order_id.config_id.tip_product_id
            or any(self[name] for name in SETTLED_DOCUMENT_FIELDS if name in self)
        )

    # === BUSINESS: IN THE LEDGER'S WORDS === #

    def _get_loyalty_amounts(self):
        """Return what the line counts for, by the names of its fields.

        The till sends both the price and the subtotals; the smaller amount counts,
        that is the larger one of what comes back.

        :rtype: dict
        """
        self.ensure_one()
        currency = self.order_id.currency_id
        return {
            name: min(currency.round(amount), self[name])
            for name, amount in self._compute_amount_line_all().items()
        }

    def _prepare_loyalty_sale_line(self, top_up_products):
        """Describe a line that is sold.

        :rtype: SaleLine
        """
        self.ensure_one()
        amounts = self._get_loyalty_amounts()
        return SaleLine(
            key=self.uuid,
            product_id=self.product_id.id,
            quantity=self.qty,
            amount_incl=amounts["price_subtotal_incl"],
            amount_excl=amounts["price_subtotal"],
            name=self.full_product_name or self.product_id.display_name or "",
            eligible=self._is_loyalty_eligible(top_up_products),
            is_reward=self._is_loyalty_discount(),
        )

    def _prepare_loyalty_return_line(self):
        """Describe a line that comes back.

        :rtype: SaleLine
        """
        self.ensure_one()
        amounts = self._get_loyalty_amounts()
        return SaleLine(
            key=self.uuid,
            product_id=self.product_id.id,
            quantity=-self.qty,
            amount_incl=-amounts["price_subtotal_incl"],
            amount_excl=-amounts["price_subtotal"],
            name=self.full_product_name or self.product_id.display_name or "",
            origin_key=self.refunded_orderline_id.uuid,
        )

    # === BUSINESS: THE PRICE OF A REWARD === #

    def _get_loyalty_value(self):
        """Return what lines take off the order, tax included.

        The till sends both the price and the subtotals; the larger discount counts.

        :return: not negative, in the order's currency
        :rtype: float
        """
        value = 0
        for line in self:
            taxes = line.tax_ids_after_fiscal_position.compute_all(
                line.price_unit * (1 - (line.discount or 0) / 100),
                line.order_id.currency_id,
                line.qty,
                product=line.product_id,
                partner=line.order_id.partner_id,
            )
            value -= min(taxes["total_included"], line.price_subtotal_incl)
        return max(value, 0)

    def _get_loyalty_points_cost(self, scheme):
        """Return what the lines of one reward cost, by the reward's own price.

        :param scheme: the loyalty.scheme that sells the reward
        :return: the points to charge, and what the till asked for if that was less
        :rtype: tuple[Decimal, Decimal | None]
        """
        asked = sum(self.mapped("points_cost"))
        claimed = Decimal(str(round(asked, 4))) if math.isfinite(asked) else Decimal(0)
        price, tolerance = self._get_loyalty_price(scheme)
        if claimed + tolerance >= price:
            return claimed, None
        return price, claimed

    def _get_loyalty_price(self, scheme):
        """Return the price of one reward's lines in points, and how far the till
        may be off because money is rounded for each tax.

        :rtype: tuple[Decimal, Decimal]
        """
        reward = self.reward_id
        if reward.reward_type == "product":
            times = math.ceil(sum(self.mapped("qty")) / reward.reward_product_qty)
            return Decimal(str(reward.required_points)) * max(times, 1), Decimal(0)
        if reward.discount_mode != "per_point":
            return Decimal(str(reward.required_points)), Decimal(0)
        order = self.order_id
        price, tolerance = (
            scheme._money_to_points(
                order.currency_id._convert(
                    amount, scheme.currency_id, order.company_id, order.date_order
                )
            )
            for amount in (
                self._get_loyalty_value(),
                order.currency_id.rounding * len({line.tax_ids for line in self}),
            )
        )
        return price, tolerance

    # === NATIVE === #

    def _prepare_refund_data(self, refund_order, PosPackOperationLot):
        values = super()._prepare_refund_data(refund_order, PosPackOperationLot)
        if self.reward_id.program_id.ledger_managed:
            # The copy returns a discount; it does not use points once more
            values.update(
                is_reward_line=False,
                reward_id=False,
                coupon_id=False,
                reward_identifier_code=False,
                points_cost=0,
            )
        return values
