# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a confirmed order posts to the ledger."""

from contextlib import contextmanager

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare, float_round, plaintext2html

from odoo.addons.loyalty_ledger.ledger.sale import Sale

from .sale_order import POINTS_DIGITS

# The orders whose lines are being changed by one call, kept with the cursor and not
# in the context, which remote callers choose.
DEFERRED_KEY = "loyalty_sale_bridge.deferred"


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # === SETTLEMENT === #

    @contextmanager
    def _loyalty_settle_once(self):
        """Settle confirmed orders once, however many of their lines change inside."""
        deferred = self.env.cr.precommit.data.setdefault(DEFERRED_KEY, set())
        mine = set(self.ids) - deferred
        deferred |= mine
        try:
            yield
        finally:
            deferred -= mine
        self.browse(mine)._loyalty_settle()

    def _loyalty_is_deferred(self):
        return self.id in self.env.cr.precommit.data.get(DEFERRED_KEY, ())

    def _loyalty_settle(self, strict=True):
        """Make the ledger agree with confirmed orders.

        Spends what their rewards cost and lets them earn; after an edit, posts the
        exact difference. Safe to call at any time.

        :param bool strict: whether to refuse an order that uses more points than
            there are, or rewards that no points pay for; one that is paid for already
            is never refused, and staff are told what could not be posted
        :raise UserError: when the order is refused
        """
        for order in self:
            if order.state != "sale" or order._loyalty_is_deferred():
                continue
            if strict and not order._loyalty_is_paid_before():
                order._loyalty_record(strict=True)
            else:
                order._loyalty_record_leniently()

    def _loyalty_is_paid_before(self):
        """Tell whether the money had come before the ledger first saw the order."""
        self.ensure_one()
        # sudo: whether the sale is known to the ledger
        is_first = self.sudo().loyalty_transaction_id.state != "posted"
        return is_first and self._loyalty_is_money_taken()

    def _loyalty_record_leniently(self):
        """Post what can be posted, and tell staff of what cannot."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._loyalty_record(strict=False)
        except UserError as error:
            self._loyalty_report(
                self.env._("Points that could not be posted"),
                self.env._(
                    "What this order earns and spends is not on the account: "
                    "%(reason)s",
                    reason=str(error),
                ),
            )
        # sudo: as for settling
        if not self.sudo().loyalty_transaction_id.points_redeemed:
            # What was not spent must not stay aside
            self._loyalty_release_hold()

    def _loyalty_record(self, strict):
        """Post what the order spends and earns now.

        :param bool strict: see :meth:`_loyalty_settle`
        """
        self.ensure_one()
        self._loyalty_check_rewards(strict)
        member = self._loyalty_get_member()
        if not member:
            return
        sale = self._loyalty_prepare_sale(settle=True, strict=strict)
        # sudo: who may confirm or edit an order need not see the ledger; what is
        # posted follows from the order alone
        transaction = self.env["loyalty.transaction"].sudo()._record(member, sale)
        if self.loyalty_transaction_id != transaction:
            self.sudo().loyalty_transaction_id = transaction
        self._loyalty_start_pending()

    def _loyalty_cancel(self):
        """Reverse what the ledger has posted for a cancelled order."""
        self.ensure_one()
        self._loyalty_release_hold()
        # sudo: as for settling
        transaction_sudo = self.sudo().loyalty_transaction_id
        if transaction_sudo.state == "posted":
            transaction_sudo._cancel(
                self.env._("Order %(order)s was cancelled", order=self.name)
            )
        self.loyalty_points_to_use = 0

    def _loyalty_get_reference(self):
        """Return what names this sale in its channel, for ever.

        An order that was cancelled and is confirmed again is another sale.
        """
        self.ensure_one()
        # sudo: transactions of this order, to number them
        Transaction = self.env["loyalty.transaction"].sudo()
        current = self.sudo().loyalty_transaction_id
        if current.state == "posted":
            return current.reference
        before = Transaction.search_count(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("kind", "=", "sale"),
            ]
        )
        return f"sale.order:{self.id}" + (f":{before + 1}" if before else "")

    def _loyalty_prepare_sale(self, settle=False, strict=True):
        """Describe the order to the ledger.

        :param bool settle: for a transaction that will be posted
        :param bool strict: see :meth:`_loyalty_settle`
        :rtype: Sale
        """
        self.ensure_one()
        owner = self._loyalty_get_hold_owner()
        # sudo: whether the sale is known to the ledger, and through what it came
        transaction_sudo = self.sudo().loyalty_transaction_id
        return Sale(
            # A sale is known by channel and reference: in another it would be new
            channel=transaction_sudo.channel_id.code
            if transaction_sudo.state == "posted"
            else self._loyalty_get_channel_code(),
            reference=self._loyalty_get_reference() if settle else owner,
            date=self.date_order or fields.Datetime.now(),
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            lines=tuple(self._loyalty_prepare_lines()),
            store_id=self._loyalty_get_store().id or None,
            redeemed=self._loyalty_get_redeemed(strict) if settle else 0,
            hold_owner=owner,
            res_model=self._name,
            res_id=self.id if settle else None,
            name=self.name or "",
            payments=self._loyalty_get_payments(),
        )

    def _loyalty_get_payments(self):
        """Return by what the order is paid, as the ledger names it.

        :rtype: tuple[str]
        """
        self.ensure_one()
        # sudo: sellers and shoppers need no right on payments
        paying_sudo = self.sudo().transaction_ids.filtered(
            lambda payment: payment.state in ("pending", "authorized", "done")
        )
        codes = {payment._loyalty_get_code() for payment in paying_sudo}
        return tuple(sorted(codes))

    def _loyalty_get_lines(self):
        """Return the lines that make up the purchase of goods.

        Unless the scheme counts shipping, it is left out rather than counted as goods
        that earn nothing: a discount would spread to it, and the same goods earn more
        than at a till. Gift cards and wallets that pay for the goods do not make them
        cheaper.
        """
        self.ensure_one()
        lines = self.order_line - self._get_no_effect_on_threshold_lines()
        if self._loyalty_get_member().scheme_id.earn_on_shipping:
            lines |= self.order_line.filtered(
                lambda line: (
                    line._is_delivery() or line.reward_id.reward_type == "shipping"
                )
            )
        else:
            lines = lines.filtered(lambda line: not line._is_delivery())
        return lines.filtered(
            lambda line: (
                not line.display_type
                and not line.is_downpayment
                and not line.reward_id.program_id.is_payment_program
            )
        )

    def _loyalty_prepare_lines(self):
        lines = self._loyalty_get_lines()
        top_ups = self._loyalty_get_top_up_products(lines.product_id)
        return [
            line._loyalty_prepare_line(line.product_id in top_ups) for line in lines
        ]

    def _loyalty_get_top_up_products(self, products):
        """Return which of the products are money to be spent later."""
        top_ups = self.env["loyalty.program"]._get_top_ups()
        return products.filtered(lambda product: product.id in top_ups)

    def _loyalty_get_redeemed(self, strict=True):
        """Return the points that the order's rewards cost.

        :param bool strict: whether to leave it to the ledger to refuse, rather than
            to spend what is there and tell staff of the rest
        :rtype: float
        """
        self.ensure_one()
        redeemed = 0.0
        for account, points in self._loyalty_get_used_points(sold=True).items():
            if self._loyalty_is_wallet(account):
                continue
            if not strict:
                points = self._loyalty_get_taken(account, points)
            redeemed += points
        return float_round(redeemed, precision_digits=POINTS_DIGITS)

    def _loyalty_get_taken(self, account, points):
        """Return how many of the points can be spent that the order uses."""
        self.ensure_one()
        available = self._loyalty_get_takeable(account)
        if points <= available:
            return max(points, 0.0)
        try:
            self._loyalty_get_member()._check_can_transact()
        except UserError as refusal:
            self._loyalty_report_refusal(account, points, refusal)
        else:
            self._loyalty_report_shortage(account, points - available)
        return available

    def _loyalty_get_takeable(self, account):
        """Return the most points that the ledger lets this order spend."""
        self.ensure_one()
        available = self._loyalty_get_spendable(account, with_promise=False)
        # sudo: the scheme's rules hold for everybody, and this sale is posted already
        # with what it has spent
        scheme_sudo = account.sudo().program_id.scheme_id
        transaction_sudo = self.sudo().loyalty_transaction_id
        spent = (
            transaction_sudo.points_redeemed
            if transaction_sudo.state == "posted"
            else 0.0
        )
        available = min(available, self._loyalty_get_receipt_limit(scheme_sudo))
        if available < scheme_sudo.redeem_minimum:
            available = 0.0
        return max(available, spent)

    def _loyalty_check_rewards(self, strict=True):
        """Refuse rewards that nobody pays for, or not in full.

        :param bool strict: whether to refuse rather than to tell staff
        :raise UserError: naming the rewards
        """
        self.ensure_one()
        problems = [
            *self._loyalty_get_account_problems(),
            *self._loyalty_get_price_problems(),
        ]
        if problems and strict:
            raise UserError("\n".join(problems))
        if problems:
            self._loyalty_report(
                self.env._("Rewards that no points pay for"),
                self.env._(
                    "This order was paid for, so its discount stands.\n%(problems)s",
                    problems="\n".join(problems),
                ),
            )

    def _loyalty_get_account_problems(self):
        """Return a sentence for each reward that the order's member does not pay."""
        self.ensure_one()
        lines = self._loyalty_get_redemption_lines() - self._loyalty_get_own_lines()
        return [
            self.env._(
                "“%(reward)s” is not paid for with points of this customer. "
                "Remove the line and claim the reward again.",
                reward=line.name,
            )
            for line in lines
        ]

    def _loyalty_get_price_problems(self):
        """Return a sentence for each reward that gives more than its points pay for.

        The cost is a field of the line, so anybody who may edit the order could
        have changed it.
        """
        self.ensure_one()
        problems = []
        rewards = self._loyalty_get_own_lines().grouped(
            lambda line: (line.reward_id, line.reward_identifier_code)
        )
        for lines in rewards.values():
            # sudo: the price list of the scheme holds for everybody
            scheme_sudo = lines.reward_id.program_id.sudo().scheme_id
            cost = sum(lines.mapped("points_cost"))
            price = self._loyalty_get_reward_price(lines, scheme_sudo)
            if float_compare(cost, price, precision_digits=POINTS_DIGITS) < 0:
                problems.append(
                    self.env._(
                        "“%(reward)s” costs %(price)s, while the order takes %(cost)s. "
                        "Remove the line and claim the reward again.",
                        reward=lines[:1].name,
                        price=lines.coupon_id[:1]._format_value(price),
                        cost=lines.coupon_id[:1]._format_value(cost),
                    )
                )
        return problems

    def _loyalty_get_reward_price(self, lines, scheme):
        """Return the points for which one claimed reward is to be had.

        :param lines: the sale.order.line records of the reward
        :rtype: float
        """
        reward = lines.reward_id[:1]
        if self._loyalty_is_amount(reward):
            # Each set of taxes is a line of its own and rounds by itself
            tolerance = self.currency_id.rounding * len(lines)
            given = -sum(lines.mapped("price_total")) - tolerance
            return self._loyalty_get_price(given, scheme) if given > 0 else 0.0
        if reward.reward_type == "product" and reward.reward_product_qty:
            quantity = max(sum(lines.mapped("product_uom_qty")), 0.0)
            return quantity / reward.reward_product_qty * reward.required_points
        return reward.required_points

    def _loyalty_report_refusal(self, account, missing, refusal):
        """Tell staff of points that a member may not spend any more."""
        self.ensure_one()
        # sudo: for colleagues to see, whoever confirms
        scheme_sudo = account.sudo().program_id.scheme_id
        note = self.env._(
            "%(points)s that this order was paid for with were not taken: "
            "%(reason)s The discount of %(value)s stands.",
            points=scheme_sudo._format_points(missing),
            reason=str(refusal),
            value=scheme_sudo._format_points_value(missing),
        )
        self._loyalty_report(self.env._("Points used that could not be taken"), note)
        self._loyalty_record_anomaly(account, missing, note)

    def _loyalty_report_shortage(self, account, missing):
        """Tell staff of points that were gone when the money had come already."""
        self.ensure_one()
        # sudo: for colleagues to see, whoever confirms
        scheme_sudo = account.sudo().program_id.scheme_id
        note = self.env._(
            "This order was paid for when %(points)s of those it uses had been "
            "spent elsewhere. The discount of %(value)s stands.",
            points=scheme_sudo._format_points(missing),
            value=scheme_sudo._format_points_value(missing),
        )
        self._loyalty_report(self.env._("Points used that were no longer there"), note)
        self._loyalty_record_anomaly(account, missing, note)

    def _loyalty_record_anomaly(self, account, missing, note):
        """Leave points that were used and not taken for managers to see."""
        self.ensure_one()
        self.env["loyalty.anomaly"]._record(
            [
                {
                    "kind": "overspend",
                    "account_id": account.id,
                    "points": missing,
                    "key": f"sale.order:{self.id}",
                    "note": f"{self.name}: {note}",
                }
            ]
        )

    def _loyalty_report(self, summary, note):
        """Leave staff an activity, unless the same one is open.

        :param str summary: what is wrong
        :param str note: what there is to know, plain text
        """
        self.ensure_one()
        # sudo: for colleagues to see, whoever confirms
        order_sudo = self.sudo()
        if summary not in order_sudo.activity_ids.mapped("summary"):
            order_sudo.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=summary,
                note=plaintext2html(note),
                user_id=(self.user_id or self.env.ref("base.user_admin")).id,
            )

    def _loyalty_is_money_taken(self):
        """Tell whether the customer has paid before the order is confirmed."""
        self.ensure_one()
        # sudo: payments of this order
        states = self.sudo().transaction_ids.mapped("state")
        return "done" in states or "authorized" in states

    def _loyalty_is_price_final(self):
        """Tell whether the customer has paid the price that the quotation has now."""
        self.ensure_one()
        return (
            self.state in ("draft", "sent")
            and self._loyalty_is_money_taken()
            # sudo: payments of this order
            and self.sudo()._is_confirmation_amount_reached()
        )

    def _loyalty_is_payment_under_way(self):
        """Tell whether the customer has paid, or has sent money that is to arrive."""
        self.ensure_one()
        # sudo: payments of this order
        states = self.sudo().transaction_ids.mapped("state")
        return not {"pending", "authorized", "done"}.isdisjoint(states)

    def _loyalty_is_paid(self):
        """Tell whether all of the order is paid, online or by its invoices."""
        self.ensure_one()
        # sudo: payments and invoices of this order
        order_sudo = self.sudo()
        paid = sum(
            transaction.amount
            for transaction in order_sudo.transaction_ids
            if transaction.state == "done"
        )
        if order_sudo.currency_id.compare_amounts(paid, order_sudo.amount_total) >= 0:
            return True
        invoices = order_sudo.invoice_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_invoice"
        )
        return (
            bool(invoices)
            and order_sudo.invoice_status == "invoiced"
            and set(invoices.mapped("payment_state"))
            <= {"paid", "in_payment", "reversed"}
        )

    def _loyalty_is_delivered(self):
        """Tell whether the customer has all goods of the order.

        One without goods is as good as delivered when it is paid.
        """
        self.ensure_one()
        # sudo: what this very order has delivered
        goods_sudo = self.sudo().order_line.filtered(
            lambda line: line.product_id.type == "consu" and line.product_uom_qty > 0
        )
        if not goods_sudo:
            return self._loyalty_is_paid()
        return all(
            float_compare(
                line.qty_delivered,
                line.product_uom_qty,
                precision_rounding=line.product_uom_id.rounding,
            )
            >= 0
            for line in goods_sudo
        )

    def _loyalty_start_pending(self):
        """Let the waiting time of earned points begin for orders that are paid or
        delivered, whichever their scheme waits for."""
        for order in self:
            # sudo: as for settling
            transaction_sudo = order.sudo().loyalty_transaction_id
            if transaction_sudo.state != "posted":
                continue
            paid, delivered = order._loyalty_is_paid(), order._loyalty_is_delivered()
            if paid or delivered:
                transaction_sudo._start_pending(
                    fields.Date.context_today(order), paid=paid, delivered=delivered
                )
