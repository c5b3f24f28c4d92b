# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from dataclasses import replace
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_amount

from odoo.addons.loyalty_ledger.ledger.sale import Sale

_logger = logging.getLogger(__name__)

CHANNEL = "pos"
LOYALTY_GROUPS = (
    "loyalty_member.loyalty_member_group_service,"
    "loyalty_member.loyalty_member_group_auditor"
)
# Points that expire later than this are no news at the till.
EXPIRY_NOTICE_DAYS = 30
RECEIPT_KEYS = (
    "scheme",
    "unit",
    "member",
    "badge",
    "balance",
    "balance_text",
    "balance_value",
    "expiry",
)


class PosOrder(models.Model):
    _inherit = "pos.order"

    loyalty_receipt = fields.Json(
        readonly=True,
        copy=False,
        help="What the receipt says about points: how it stood when the order was "
        "paid, so that a reprint says the same.",
    )
    loyalty_transaction_count = fields.Integer(
        compute="_compute_loyalty_transaction_count",
        groups=LOYALTY_GROUPS,
    )

    # === COMPUTE === #

    def _compute_loyalty_transaction_count(self):
        counts = dict(
            self.env["loyalty.transaction"]._read_group(
                [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                ["res_id"],
                ["__count"],
            )
        )
        for order in self:
            order.loyalty_transaction_count = counts.get(order.id, 0)

    # === CRUD === #

    @api.model
    def _process_order(self, order, existing_order):
        # A till sends back every field that it has read; this one is the server's
        order.pop("loyalty_receipt", None)
        return super()._process_order(order, existing_order)

    @api.model
    def remove_from_ui(self, server_ids):
        self.search(
            [("id", "in", server_ids), ("state", "=", "draft")]
        )._release_loyalty_points()
        return super().remove_from_ui(server_ids)

    # === ACTIONS === #

    def action_pos_order_paid(self):
        result = super().action_pos_order_paid()
        self._settle_loyalty()
        return result

    def action_pos_order_cancel(self):
        result = super().action_pos_order_cancel()
        self.filtered(lambda order: order.state == "cancel")._release_loyalty_points()
        return result

    def action_view_loyalty_transactions(self):
        """Open what this order did to its member's points."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_transaction_action"
        )
        action["domain"] = [("res_model", "=", self._name), ("res_id", "=", self.id)]
        action["context"] = {}
        return action

    def _refund(self):
        refund_orders = super()._refund()
        for order in refund_orders:
            order._update_loyalty_shares()
        return refund_orders

    # === NATIVE LOYALTY === #

    def validate_coupon_programs(self, point_changes, new_codes):
        # What an order spends of a managed account is set aside by
        # pos.config.loyalty_reserve and taken when the order is settled; the till's
        # own sum would count points that the order is only about to earn.
        managed_ids = self._filter_managed_accounts(map(int, point_changes)).ids
        return super().validate_coupon_programs(
            {
                card_id: change
                for card_id, change in point_changes.items()
                if int(card_id) not in managed_ids
            },
            new_codes,
        )

    def confirm_coupon_programs(self, coupon_data):
        native_data, managed_programs = self._split_coupon_data(coupon_data)
        # The context only ever drops a write to a managed balance: a second fence,
        # should native code reach an account by another way
        orders = self.with_context(loyalty_ledger_ignore_points=True)
        result = super(PosOrder, orders).confirm_coupon_programs(native_data)
        result["coupon_updates"] += self._get_account_updates(managed_programs)
        return result

    def _filter_managed_accounts(self, card_ids):
        """Return those of some native cards that the ledger keeps.

        :rtype: loyalty.card
        """
        # sudo: also a card that the cashier cannot see must not be written
        card_sudo = self.env["loyalty.card"].sudo()
        return card_sudo.search(
            [("id", "in", list(card_ids)), ("ledger_managed", "=", True)]
        )

    def _split_coupon_data(self, coupon_data):
        """Separate what Odoo confirms itself from what the ledger has settled.

        Nothing in the data can be trusted: a managed account is recognised by its
        id, its code or its program, wherever the till names it.

        :return: the coupon data of native programs; the managed programs by key
        :rtype: tuple[dict, dict]
        """
        values = coupon_data.values()
        accounts = self._filter_managed_accounts(
            [int(key) for key in coupon_data]
            + [int(vals.get("coupon_id") or 0) for vals in values]
        )
        codes = self._get_managed_codes(
            [vals["code"] for vals in values if vals.get("code")]
        )
        programs = self._get_managed_programs(
            [vals.get("program_id") for vals in values]
        )
        native_data, managed_programs = {}, {}
        for key, vals in coupon_data.items():
            program = programs.get(vals.get("program_id"))
            if program:
                managed_programs[key] = program
            elif not (
                {int(key), int(vals.get("coupon_id") or 0)} & set(accounts.ids)
                or vals.get("code") in codes
            ):
                native_data[key] = vals
        return native_data, managed_programs

    def _get_managed_programs(self, program_ids):
        """Return those of some programs that a scheme manages, by id.

        :rtype: dict
        """
        # sudo: as for _filter_managed_accounts
        program_sudo = self.env["loyalty.program"].sudo()
        return program_sudo.search(
            [("id", "in", program_ids), ("ledger_managed", "=", True)]
        ).grouped("id")

    def _get_managed_codes(self, codes):
        if not codes:
            return set()
        # sudo: as for _filter_managed_accounts
        cards_sudo = (
            self.env["loyalty.card"]
            .sudo()
            .search([("code", "in", codes), ("ledger_managed", "=", True)])
        )
        return set(cards_sudo.mapped("code"))

    def _get_account_updates(self, managed_programs):
        """Tell the till how the accounts of this order's customer stand now.

        :param dict managed_programs: loyalty.program by the till's key
        :rtype: list[dict]
        """
        updates = []
        for key, program in managed_programs.items():
            member_sudo = self._get_loyalty_member(program.scheme_id)
            account_sudo = member_sudo.account_id
            if program == program.scheme_id.wallet_program_id:
                account_sudo = member_sudo.wallet_account_id
            if account_sudo:
                updates.append(
                    {
                        "old_id": int(key),
                        "id": account_sudo.id,
                        "points": account_sudo.points,
                        "code": account_sudo.code,
                        "program_id": program.id,
                        # A shared account counts as the customer's
                        "partner_id": member_sudo.partner_id.id,
                    }
                )
        return updates

    # === SETTLEMENT === #

    def _settle_loyalty(self):
        """Record what a paid order does to points, in the transaction that pays it.

        Safe to call again: the ledger knows the order by its uuid.

        :raise UserError: the order spends points that it may not spend
        """
        self.ensure_one()
        transactions = self._record_loyalty_returns() + self._record_loyalty_sales()
        if transactions:
            self.loyalty_receipt = self._prepare_loyalty_receipt(transactions)

    def _record_loyalty_sales(self):
        """Record what was sold, in every scheme of which the customer is a member.

        The customer has paid and has the goods, so that the waiting time begins.

        :return: list of loyalty.transaction
        """
        schemes = self.config_id._get_loyalty_schemes()
        self._check_loyalty_redemptions(schemes)
        if not self.partner_id and not self._uses_loyalty_account():
            return []
        transactions = []
        for scheme in schemes:
            member = self._get_loyalty_buyer(scheme)
            if member and self._get_loyalty_sold_lines():
                transaction = self.env["loyalty.transaction"]._record(
                    member, self._prepare_loyalty_sale(scheme)
                )
                transaction._start_pending(self.date_order.date())
                transactions.append(transaction)
        return transactions

    def _uses_loyalty_account(self):
        """Whether the order is of a member, as it spends what only members have."""
        return any(line.reward_id.program_id.ledger_managed for line in self.lines)

    def _record_loyalty_returns(self):
        """Record what came back, in every scheme in which it had been recorded.

        :return: list of loyalty.transaction
        """
        return [
            origin._record_return(
                replace(sale, notes=tuple(self._check_loyalty_shares(origin, sale)))
            )
            for origin, sale in self._get_loyalty_returns()
        ]

    def _get_loyalty_member(self, scheme):
        """Return the customer's membership in a scheme, in superuser mode.

        :rtype: loyalty.member
        """
        # sudo: who sells need not be allowed to see members
        member_sudo = self.env["loyalty.member"].sudo()
        if not self.partner_id:
            return member_sudo
        return member_sudo._find_for_partner(self.partner_id, scheme)

    def _get_loyalty_buyer(self, scheme):
        """Return the membership under which the order is recorded.

        :raise UserError: the order spends points of somebody else, or of nobody
        """
        member = self._get_loyalty_member(scheme)
        lines = self.lines.filtered(lambda line: line._is_loyalty_redemption(scheme))
        # sudo: whose account it is matters also where the cashier cannot see it
        accounts_sudo = lines.coupon_id.sudo()._get_current()
        if lines and (not member or accounts_sudo - member.account_id):
            raise UserError(
                self.env._(
                    "The %(points)s on this order are not those of its customer. "
                    "Take them off the order, choose the member, and use them again.",
                    points=scheme.point_name_plural,
                )
            )
        return member

    def _check_loyalty_redemptions(self, schemes):
        """Refuse rewards for which no scheme of the register takes points.

        :param schemes: the loyalty.scheme that the register serves
        :raise UserError: nobody would pay for a reward of this order
        """
        # sudo: also a reward that the cashier cannot see must be paid for
        for line in self.sudo().lines:
            if (
                line.reward_id.program_id.ledger_managed
                and not line.refunded_orderline_id
                and not any(line._is_loyalty_spending(scheme) for scheme in schemes)
            ):
                raise UserError(
                    self.env._(
                        "This register does not take these points any more. "
                        "Take them off the order."
                    )
                )

    # === IN THE LEDGER'S WORDS === #

    def _get_loyalty_hold_owner(self):
        return f"{CHANNEL}:{self.uuid}"

    def _get_loyalty_sold_lines(self):
        """Return the lines that are neither returned nor a kind of payment."""
        return self.lines.filtered(
            lambda line: (
                not line.refunded_orderline_id and not line._is_loyalty_payment()
            )
        )

    def _prepare_loyalty_sale(self, scheme):
        """Describe what was sold.

        :param scheme: the loyalty.scheme in which it is recorded
        :rtype: Sale
        """
        self.ensure_one()
        top_up_products = self._get_loyalty_top_up_products()
        redeemed, notes = self._get_loyalty_redemption(scheme)
        return Sale(
            **self._prepare_loyalty_document(),
            reference=self._get_loyalty_reference(scheme),
            lines=tuple(
                line._prepare_loyalty_sale_line(top_up_products)
                for line in self._get_loyalty_sold_lines()
            ),
            payments=self._get_loyalty_payments(),
            redeemed=float(redeemed),
            hold_owner=self._get_loyalty_hold_owner(),
            notes=tuple(notes),
        )

    def _get_loyalty_reference(self, scheme):
        """Return what names this order in its channel, for ever.

        The ledger knows the order by its uuid; where it is recorded in several
        schemes, the later ones add their own id. What is recorded keeps its name, so
        that sending the order again records nothing new, whatever has changed since:
        its uuid, or which schemes the register serves.

        :param scheme: the loyalty.scheme in which it is recorded
        :rtype: str
        """
        recorded = self._get_loyalty_transactions()
        own = recorded.filtered(lambda sale: sale.scheme_id == scheme)[:1]
        if own:
            return own.reference
        if self.uuid in recorded.mapped("reference"):
            return f"{self.uuid}:{scheme.id}"
        return self.uuid

    def _get_loyalty_payments(self):
        """Return by what the order is paid, as the ledger names it.

        :rtype: tuple[str]
        """
        payments = self.payment_ids.filtered(lambda payment: not payment.is_change)
        return self.env["pos.payment.method"]._name_loyalty_payments(
            payments.payment_method_id.ids
        )

    def _prepare_loyalty_document(self):
        return {
            "channel": CHANNEL,
            "date": self.date_order,
            "currency_id": self.currency_id.id,
            "company_id": self.company_id.id,
            "store_id": self.config_id.sudo().loyalty_store_id.id or None,
            "res_model": self._name,
            "res_id": self._origin.id or None,
            "name": self.pos_reference or self.name or "",
        }

    def _get_loyalty_top_up_products(self):
        """Return which of the products sold fill a gift card or a wallet."""
        top_ups = self.env["loyalty.program"]._get_top_ups()
        return self.lines.product_id.filtered(lambda product: product.id in top_ups)

    def _get_loyalty_redemption(self, scheme):
        """Return the points that this order spends in a scheme.

        :return: points, and notes on rewards for which the till asked for less than
            their price or which it gave too much for
        :rtype: tuple[Decimal, list[dict]]
        """
        points, notes = Decimal(0), []
        lines = self.lines.filtered(lambda line: line._is_loyalty_redemption(scheme))
        for reward_lines in lines.grouped(
            lambda line: (line.reward_id, line.reward_identifier_code)
        ).values():
            charged, claimed = reward_lines._get_loyalty_points_cost(scheme)
            points += charged
            if claimed is not None:
                notes.append(self._note_loyalty_price(scheme, claimed, charged))
            if excess := reward_lines._get_loyalty_excess():
                notes.append(self._note_loyalty_excess(reward_lines, excess))
        return points, notes

    def _note_loyalty_price(self, scheme, claimed, charged):
        """Say, where it is seen, that the till asked for less than a reward costs."""
        return self._note_loyalty(
            self.env._(
                "The register asked for %(claimed)s for a reward that costs "
                "%(charged)s. %(charged)s were taken.",
                claimed=scheme._format_points(claimed),
                charged=scheme._format_points(charged),
            )
        )

    def _note_loyalty_excess(self, lines, excess):
        """Say, where it is seen, that a reward took off more than it gives."""
        reward = lines.reward_id
        text = self.env._(
            "The register took %(amount)s more off the order than the reward "
            "“%(reward)s” gives.",
            amount=format_amount(self.env, excess, self.currency_id),
            reward=reward.description,
        )
        self._record_loyalty_anomaly(lines.coupon_id[:1], text, f"reward:{reward.id}")
        return self._note_loyalty(text)

    def _note_loyalty(self, text):
        """Tell those who look after tills, and the reader of the transaction.

        An order that is not saved yet is only being asked about.

        :return: a step of the explanation
        :rtype: dict
        """
        if self._origin:
            _logger.warning("Order %s: %s", self.name, text)
            self._origin.message_post(body=text)
        return {"code": "note", "text": text}

    def _record_loyalty_anomaly(self, account, text, step):
        """Leave money that was given away for the managers of the scheme to see.

        :param account: the loyalty.card of the member
        :param str text: what happened
        :param str step: tells apart what may happen in one order
        """
        if self._origin:
            self.env["loyalty.anomaly"]._record(
                [
                    {
                        "kind": "payout",
                        "account_id": account.id,
                        "key": f"pos.order:{self._origin.id}:{step}",
                        "note": f"{self.name}: {text}",
                    }
                ]
            )

    # === RETURNS === #

    def _get_loyalty_returns(self):
        """Return what comes back: sales of members, and the return of each.

        :return: list of (loyalty.transaction in superuser mode, Sale)
        """
        returns = []
        lines = self.lines.filtered("refunded_orderline_id")
        for order, order_lines in lines.grouped(
            lambda line: line.refunded_orderline_id.order_id
        ).items():
            for origin in order._get_loyalty_transactions():
                sold = set(origin.line_ids.mapped("external_id"))
                sale_lines = order_lines.filtered(
                    lambda line, sold=sold: line.refunded_orderline_id.uuid in sold
                )
                if sale_lines:
                    returns.append(
                        (origin, self._prepare_loyalty_return(origin, sale_lines))
                    )
        return returns

    def _get_loyalty_transactions(self):
        """Return the sales that were recorded for these orders.

        :return: loyalty.transaction in superuser mode
        """
        # sudo: who takes goods back need not be allowed to see transactions
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        return transaction_sudo.search(
            [
                ("res_model", "=", self._name),
                ("res_id", "in", self.ids),
                ("kind", "=", "sale"),
                ("state", "=", "posted"),
            ]
        )

    def _prepare_loyalty_return(self, origin, lines):
        """Describe what came back of one sale.

        :param origin: the loyalty.transaction of the sale
        :param lines: the lines of this order that return its goods
        :rtype: Sale
        """
        return Sale(
            **self._prepare_loyalty_document(),
            reference=f"{self.uuid}:return:{origin.id}",
            lines=tuple(line._prepare_loyalty_return_line() for line in lines),
        )

    def _get_loyalty_shares(self):
        """Return what points had paid of the goods that come back.

        Points lowered what the customer paid, so a return gives back less money:
        of each discount the part that the goods had in it, and the rest of it with
        the last of the goods.

        :return: what to keep back, not negative, tax included, by discount line
        :rtype: dict
        """
        return {
            discount: self._get_loyalty_share(
                discount, self._get_loyalty_returned_part(origin, sale, discount)
            )
            for origin, sale in self._get_loyalty_returns()
            for discount in self._get_loyalty_discounts(origin)
        }

    def _get_loyalty_returned_part(self, origin, sale, line):
        """Return which part of what a discount is about has come back in all.

        :param origin: the loyalty.transaction of the sale
        :param Sale sale: the return
        :param line: the pos.order.line of the discount
        :rtype: Decimal
        """
        return origin._get_returned_part(sale)

    def _get_loyalty_share(self, line, part):
        """Return what to keep back now of one discount.

        :param line: the pos.order.line of the discount
        :param Decimal part: of the goods that has come back in all
        :rtype: float
        """
        kept_before = line.refund_orderline_ids.filtered(
            lambda share: (
                share.order_id.state in ("paid", "done")
                and share.order_id != self._origin
            )
        )._get_loyalty_kept()
        due = -line.price_subtotal_incl * float(part) - kept_before
        return max(self.currency_id.round(due), 0)

    def _check_loyalty_shares(self, origin, sale):
        """Note where a return pays out more than was paid for the goods.

        The money has left the till, so the return stands; but somebody sees it.

        :return: notes for the explanation of the return
        """
        shares = self.lines.filtered("refunded_orderline_id").grouped(
            "refunded_orderline_id"
        )
        missing = sum(
            self._get_loyalty_share(
                discount, self._get_loyalty_returned_part(origin, sale, discount)
            )
            - shares.get(discount, self.lines.browse())._get_loyalty_kept()
            for discount in self._get_loyalty_discounts(origin)
        )
        if self.currency_id.compare_amounts(missing, 0) <= 0:
            return []
        text = self.env._(
            "%(amount)s that points had paid for was paid out with this return.",
            amount=format_amount(self.env, missing, self.currency_id),
        )
        self._record_loyalty_anomaly(origin.account_id, text, f"return:{origin.id}")
        return [self._note_loyalty(text)]

    def _get_loyalty_discounts(self, origin):
        """Return the lines by which points had paid for a sale.

        :param origin: the loyalty.transaction of the sale
        :rtype: pos.order.line
        """
        return self.browse(origin.res_id).lines.filtered(
            lambda line: line._is_loyalty_redemption(origin.scheme_id)
        )

    def _update_loyalty_shares(self):
        """Have a return keep back what points had paid for, and nothing more."""
        self.ensure_one()
        shares = self._get_loyalty_shares()
        existing = self.lines.filtered(
            lambda line: line.refunded_orderline_id.reward_id.program_id.ledger_managed
        )
        if not shares and not existing:
            return
        by_discount = existing.grouped("refunded_orderline_id")
        commands = [
            Command.delete(line.id)
            for line in existing
            if not shares.get(line.refunded_orderline_id)
        ]
        for discount, amount in shares.items():
            values = self._prepare_loyalty_share(discount, amount)
            if amount and discount in by_discount:
                commands.append(Command.update(by_discount[discount].id, values))
            elif amount:
                commands.append(Command.create(values))
        self.write({"lines": commands})
        self.lines._onchange_amount_line_all()
        self._compute_prices()

    def _prepare_loyalty_share(self, discount, amount):
        """Return the line that keeps back the money of a discount.

        :param discount: the pos.order.line by which points had paid
        :param float amount: positive, tax included
        """
        return {
            "product_id": discount.product_id.id,
            "full_product_name": discount.full_product_name,
            "qty": -1,
            "price_unit": self._get_loyalty_share_price(discount, amount),
            "price_subtotal": 0,
            "price_subtotal_incl": 0,
            "tax_ids": [Command.set(discount.tax_ids.ids)],
            "refunded_orderline_id": discount.id,
        }

    def _get_loyalty_share_price(self, discount, amount):
        """Return the unit price, negative as that of the discount."""
        return (
            discount.price_unit * discount.qty * amount / -discount.price_subtotal_incl
        )

    # === HOLDS === #

    def _hold_loyalty_points(self):
        """Set aside what this order spends, in every scheme of its customer.

        :raise UserError: it may not spend as much
        """
        self.ensure_one()
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        schemes = self.config_id._get_loyalty_schemes()
        self._check_loyalty_redemptions(schemes)
        for scheme in schemes:
            member = self._get_loyalty_buyer(scheme)
            if not member:
                continue
            sale = self._prepare_loyalty_sale(scheme)
            transaction_sudo._check_redeem(member, scheme, sale)
            if sale.redeemed or member.account_id:
                scheme._get_account(member)._hold(
                    self._get_loyalty_hold_owner(), sale.redeemed
                )

    def _release_loyalty_points(self):
        """Free what these orders had set aside."""
        # sudo: whoever cancels an order frees its points
        holds_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search(
                [
                    ("owner", "in", [o._get_loyalty_hold_owner() for o in self]),
                    ("state", "=", "active"),
                ]
            )
        )
        for hold in holds_sudo:
            hold.account_id._release_hold(hold.owner)

    # === FOR THE TILL === #

    def _get_loyalty_quote(self, scheme):
        """Say where the customer of this order stands and what the order earns.

        Writes nothing, and works on an order that is not saved.

        :rtype: dict
        """
        self.ensure_one()
        return {
            **self.config_id._quote_loyalty_sale(
                self.partner_id, scheme, self._prepare_loyalty_sale(scheme)
            ),
            **self._quote_loyalty_return(scheme),
        }

    def _quote_loyalty_return(self, scheme):
        """Say what the return in this order does to points of a scheme."""
        taken = given = 0
        for origin, sale in self._get_loyalty_returns():
            if origin.scheme_id == scheme:
                origin_taken, origin_given = origin._quote_return(sale)
                taken += origin_taken
                given += origin_given
        return {
            "taken_back": float(taken),
            "taken_back_text": scheme._format_points(taken),
            "given_back": float(given),
            "given_back_text": scheme._format_points(given),
            "shares": [
                {
                    "line_id": discount.id,
                    "price_unit": self._get_loyalty_share_price(discount, amount),
                    "amount": amount,
                }
                for discount, amount in self._get_loyalty_shares().items()
                if amount and discount.reward_id.program_id.scheme_id == scheme
            ],
        }

    def _prepare_loyalty_receipt(self, transactions):
        """Return what the receipt says: one part for each scheme.

        :param transactions: list of loyalty.transaction of this order
        :rtype: list[dict]
        """
        parts = {}
        for transaction in transactions:
            summary = transaction._get_summary()
            part = parts.setdefault(
                transaction.scheme_id.id,
                {key: summary[key] for key in RECEIPT_KEYS} | {"movements": []},
            )
            part["movements"].append(
                {
                    "kind": summary["kind"],
                    "available_on": summary["available_on"],
                }
                | {
                    f"{name}_text": summary[name] and summary[f"{name}_text"]
                    for name in ("earned", "redeemed")
                }
                | {
                    "redeemed_value": summary["redeemed_value"],
                    "wallet": summary["wallet"],
                }
            )
        return list(parts.values())
