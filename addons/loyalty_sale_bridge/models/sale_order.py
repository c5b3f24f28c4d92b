# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What native code asks of an order; how it is answered is in ``sale_order_quote``,
``sale_order_redeem`` and ``sale_order_settle``."""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import float_round

POINTS_DIGITS = 4


class SaleOrder(models.Model):
    _inherit = "sale.order"

    loyalty_points_to_use = fields.Float(
        string="Points to Use",
        digits="Loyalty Points",
        copy=False,
        readonly=True,
        help="How many points the customer chose to spend on this order. What is "
        "spent can be less: never more than the order or the balance allows.",
    )
    loyalty_transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    loyalty_summary = fields.Char(compute="_compute_loyalty_summary", compute_sudo=True)
    loyalty_can_redeem = fields.Boolean(
        compute="_compute_loyalty_summary", compute_sudo=True
    )
    loyalty_transaction_count = fields.Integer(
        compute="_compute_loyalty_transaction_count"
    )

    # === COMPUTE === #

    @api.depends("partner_id", "company_id", "state", "amount_total", "order_line")
    def _compute_loyalty_summary(self):
        self.loyalty_summary = False
        self.loyalty_can_redeem = False
        for order in self.filtered(
            lambda order: order.partner_id and order.state in ("draft", "sent")
        ):
            member = order._loyalty_get_member()
            if not member:
                continue
            quote = order._loyalty_get_quote(member)
            order.loyalty_summary = order._loyalty_get_summary(member, quote)
            order.loyalty_can_redeem = (
                order._loyalty_get_redeem_limits(member)["maximum"] > 0
            )

    @api.depends("loyalty_transaction_id")
    def _compute_loyalty_transaction_count(self):
        # sudo: sellers see that there are transactions, their group decides on more
        counts = dict(
            self.env["loyalty.transaction"]
            .sudo()
            ._read_group(
                [("origin_id", "in", self.loyalty_transaction_id.ids)],
                ["origin_id"],
                ["__count"],
            )
        )
        for order in self:
            transaction = order.loyalty_transaction_id
            order.loyalty_transaction_count = (
                1 + counts.get(transaction.sudo(), 0) if transaction else 0
            )

    def _compute_loyalty_data(self):
        """Show what the ledger has posted, where native reads its history."""
        res = super()._compute_loyalty_data()
        for order in self.filtered("loyalty_transaction_id"):
            # sudo: the customer reads this on the portal, for an order of theirs
            transaction_sudo = order.sudo().loyalty_transaction_id
            if transaction_sudo.state != "posted":
                continue
            order.loyalty_data = {
                "point_name": transaction_sudo.scheme_id.point_name_plural,
                "issued": transaction_sudo.points_earned,
                "cost": transaction_sudo.points_redeemed,
            }
        return res

    # === CRUD === #

    def write(self, vals):
        if "order_line" not in vals:
            return super().write(vals)
        with self._loyalty_settle_once():
            return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_release_loyalty_holds(self):
        self._loyalty_release_hold()

    # === ACTIONS === #

    def action_confirm(self):
        for order in self:
            order._loyalty_check_redeemable()
        with self._loyalty_settle_once():
            return super().action_confirm()

    def _action_cancel(self):
        self._loyalty_drop_native_points()
        with self._loyalty_settle_once():
            res = super()._action_cancel()
        for order in self:
            order._loyalty_cancel()
        return res

    def action_open_reward_wizard(self):
        """Open the dialog for points where there is no other reward to claim."""
        self.ensure_one()
        res = super().action_open_reward_wizard()
        if res is True and not self._get_claimable_rewards():
            member = self._loyalty_get_member()
            if member and self._loyalty_get_redeem_limits(member)["maximum"]:
                return self.action_loyalty_use_points()
        return res

    def action_loyalty_use_points(self):
        """Ask how many points the customer wants to use."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Use Points"),
            "res_model": "loyalty.sale.redeem",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id, "dialog_size": "medium"},
        }

    def action_view_loyalty_transactions(self):
        """Open what loyalty has recorded of this order."""
        self.ensure_one()
        transactions = (
            self.loyalty_transaction_id | self.loyalty_transaction_id.return_ids
        )
        action = {
            "type": "ir.actions.act_window",
            "name": self.env._("Loyalty Transactions"),
            "res_model": "loyalty.transaction",
            "view_mode": "list,form",
            "domain": [("id", "in", transactions.ids)],
            "context": {"create": False},
        }
        if len(transactions) == 1:
            action.update(view_mode="form", res_id=transactions.id)
        return action

    # === NATIVE POINTS: NOT FOR MANAGED PROGRAMS === #

    def _get_point_changes(self):
        """Leave the accounts of managed programs to the ledger."""
        return {
            coupon: change
            for coupon, change in super()._get_point_changes().items()
            if not coupon.ledger_managed
        }

    def _loyalty_drop_native_points(self):
        """Remove native's notes of what these orders earn from managed accounts.

        Native removes all notes of a cancelled order with the rights of the user, and
        salespeople may only read them.
        """
        self.check_access("write")
        # sudo: what the ledger has posted is reversed whoever cancels
        self.sudo().coupon_point_ids.filtered("coupon_id.ledger_managed").unlink()

    def _add_points_for_coupon(self, coupon_points):
        """Note what the order will earn without moving points of the ledger."""
        if not any(coupon.ledger_managed for coupon in coupon_points):
            return super()._add_points_for_coupon(coupon_points)
        order = self.with_context(loyalty_ledger_ignore_points=True)
        return super(SaleOrder, order)._add_points_for_coupon(
            {
                coupon.with_env(order.env): points
                for coupon, points in coupon_points.items()
            }
        )

    def _add_loyalty_history_lines(self):
        """Keep no second history of an account that has entries."""
        res = super()._add_loyalty_history_lines()
        coupons = self.coupon_point_ids.coupon_id | self.order_line.coupon_id
        managed = coupons.filtered("ledger_managed")
        if managed:
            # sudo: native lets no one delete history either, and does so itself
            self.env["loyalty.history"].sudo().search(
                [
                    ("order_model", "=", self._name),
                    ("order_id", "=", self.id),
                    ("card_id", "in", managed.ids),
                ]
            ).unlink()
        return res

    def _update_loyalty_history(self, coupon_id, points):
        if coupon_id.ledger_managed:
            return None
        return super()._update_loyalty_history(coupon_id, points)

    # === NATIVE QUESTIONS, ANSWERED BY THE LEDGER === #

    def _update_programs_and_rewards(self):
        """Bring the member's account in before native looks for one."""
        for order in self:
            order._loyalty_apply_account()
        with self._loyalty_settle_once():
            return super()._update_programs_and_rewards()

    def _program_check_compute_points(self, programs):
        """Let the engine say what managed programs give."""
        managed = programs.filtered("ledger_managed")
        if not managed:
            return super()._program_check_compute_points(programs)
        result = super()._program_check_compute_points(programs - managed)
        member = self._loyalty_get_member()
        for program in managed:
            result[program] = self._loyalty_get_program_status(program, member)
        return result

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        """Offer what is available now, never what the order is about to earn."""
        if not coupon.ledger_managed:
            return super()._get_real_points_for_coupon(coupon, post_confirm)
        self.ensure_one()
        spendable = self._loyalty_get_spendable(coupon)
        used = sum(
            self.order_line.filtered(lambda line: line.coupon_id == coupon).mapped(
                "points_cost"
            )
        )
        # Native refuses an order below zero without a word why, even one that is paid
        # for; the order is checked when it is confirmed
        return max(float_round(spendable - used, precision_digits=POINTS_DIGITS), 0.0)

    def _get_program_domain(self):
        """Keep the programs of rewards that the customer has paid with."""
        domain = super()._get_program_domain()
        if not self._loyalty_is_price_final():
            return domain
        programs = self._loyalty_get_redemption_lines().reward_id.program_id
        # A list, since the e-shop replaces one of its conditions
        return list(Domain.OR([domain, [("id", "in", programs.ids)]]))

    def _get_reward_line_values(self, reward, coupon, **kwargs):
        """Price no reward anew that the customer has paid with."""
        if reward.program_id.ledger_managed and self._loyalty_is_price_final():
            return []
        return super()._get_reward_line_values(reward, coupon, **kwargs)

    def _get_claimable_rewards(self, forced_coupons=None):
        """Leave the amount reward out: one uses points by saying how many."""
        claimable = super()._get_claimable_rewards(forced_coupons)
        for coupon, rewards in list(claimable.items()):
            others = rewards.filtered(
                lambda reward: not self._loyalty_is_amount(reward)
            )
            if others:
                claimable[coupon] = others
            else:
                del claimable[coupon]
        return claimable

    def _get_reward_values_discount(self, reward, coupon, **kwargs):
        """Discount what the customer chose to use, not all or nothing."""
        if not self._loyalty_is_amount(reward):
            return super()._get_reward_values_discount(reward, coupon, **kwargs)
        discountable, discountable_per_tax = self._loyalty_get_discountable(reward)
        if not discountable:
            # Native says what to do with nothing to discount, or all paid for
            return super()._get_reward_values_discount(reward, coupon, **kwargs)
        points = self._loyalty_get_points_to_use()
        scheme = coupon.program_id.scheme_id
        amount = min(
            self._loyalty_convert(scheme._points_to_money(points), scheme.currency_id),
            discountable,
            self.amount_total,
        )
        cost = min(points, self._loyalty_get_price(amount, scheme))
        return self._loyalty_prepare_discount_lines(
            reward, coupon, cost, amount / discountable, discountable_per_tax
        )

    def _write_vals_from_reward_vals(self, reward_vals, old_lines, delete=True):
        """Say on the line how many points it takes, also when that changes.

        Native keeps the name of the line it reuses, for those who edited it.
        """
        names = {
            vals["reward_identifier_code"]: vals["name"]
            for vals in reward_vals
            if self.env["loyalty.reward"]
            .browse(vals.get("reward_id"))
            .program_id.ledger_managed
        }
        res = super()._write_vals_from_reward_vals(reward_vals, old_lines, delete)
        for line in self.order_line.filtered(
            lambda line: line.reward_identifier_code in names
        ):
            if line.name != names[line.reward_identifier_code]:
                line.name = names[line.reward_identifier_code]
        return res
