# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Using points on an order, and setting them aside until it is confirmed."""

from collections import defaultdict

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import float_compare, float_is_zero, float_round

from odoo.addons.sale_loyalty.models.sale_order import _generate_random_reward_code

from .sale_order import POINTS_DIGITS

HOLD_MINUTES = 30
HOLD_MINUTES_AWAITING_PAYMENT = 30 * 24 * 60


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # === USING POINTS === #

    def _loyalty_set_points_to_use(self, points):
        """Use points on the order as money; 0 takes that back.

        :param float points: how many the customer chose
        :raise UserError: when it cannot be that many, saying how many it can
        """
        self.ensure_one()
        member = self._loyalty_get_member()
        if self.state not in ("draft", "sent"):
            raise UserError(
                self.env._("Points can only be used before the order is confirmed.")
            )
        if self._loyalty_is_price_final():
            raise UserError(
                self.env._("This order is paid for: its points cannot change any more.")
            )
        if not member:
            self._loyalty_check_schemes()
            raise UserError(self.env._("Only members can use points."))
        reward = self._loyalty_get_amount_reward(member.scheme_id)
        lines = self._loyalty_get_amount_lines()
        if float_is_zero(points, precision_digits=POINTS_DIGITS):
            self.loyalty_points_to_use = 0
            self._loyalty_release_hold()
            lines.unlink()
            self._update_programs_and_rewards()
            return
        self._loyalty_check_points_to_use(member, points)
        account = member.scheme_id._get_account(member)
        self._loyalty_release_hold()
        self.loyalty_points_to_use = points
        if not lines:
            status = self._apply_program_reward(
                reward.with_env(self.env), account.with_env(self.env)
            )
            if status.get("error"):
                raise UserError(status["error"])
        self._update_programs_and_rewards()

    def _loyalty_check_points_to_use(self, member, points):
        """Refuse an amount of points, in words for the one who chose it.

        :raise UserError: when it is not allowed
        """
        member._check_can_transact()
        scheme = member.scheme_id
        limits = self._loyalty_get_redeem_limits(member)
        if limits["message"]:
            raise UserError(limits["message"])
        if not limits["maximum"]:
            raise UserError(
                self.env._(
                    "There are no %(points)s to use on this order.",
                    points=scheme.point_name_plural,
                )
            )
        below = float_compare(points, limits["minimum"], POINTS_DIGITS) < 0
        above = float_compare(points, limits["maximum"], POINTS_DIGITS) > 0
        if below or above:
            raise UserError(
                self.env._(
                    "%(points)s cannot be used here. Choose from %(minimum)s up to "
                    "%(maximum)s.",
                    points=scheme._format_points(points),
                    minimum=scheme._format_points(limits["minimum"]),
                    maximum=scheme._format_points(limits["maximum"]),
                )
            )
        self._loyalty_check_step(scheme, points)

    def _loyalty_check_step(self, scheme, points):
        """Refuse an amount of points that is not in whole steps.

        :raise UserError: saying how large a step is
        """
        step = scheme.points_rounding
        if float_compare(
            points,
            float_round(points, precision_rounding=step),
            precision_digits=POINTS_DIGITS,
        ):
            raise UserError(
                self.env._(
                    "Choose %(points)s in steps of %(step)s.",
                    points=scheme.point_name_plural,
                    step=scheme._format_points(step),
                )
            )

    def _loyalty_get_points_to_use(self):
        """Return how many points the amount reward takes now.

        The customer's choice, capped by what the order and the balance allow.

        :raise UserError: when none can be used
        :rtype: float
        """
        self.ensure_one()
        limits = self._loyalty_get_redeem_limits(self._loyalty_get_member())
        if not limits["maximum"]:
            raise UserError(
                limits["message"] or self.env._("There is nothing to discount")
            )
        if not self.loyalty_points_to_use:
            return limits["maximum"]
        return min(self.loyalty_points_to_use, limits["maximum"])

    def _loyalty_get_discountable(self, reward):
        self.ensure_one()
        compute = {
            "order": self._discountable_order,
            "specific": self._discountable_specific,
            "cheapest": self._discountable_cheapest,
        }
        return compute[reward.discount_applicability](reward)

    def _loyalty_prepare_discount_lines(self, reward, coupon, cost, share, per_tax):
        """Return the lines of a discount, one for each set of taxes.

        :param float cost: points that the discount costs
        :param float share: the part of the price that is discounted, 0 to 1
        :param dict per_tax: untaxed amounts by taxes
        :rtype: list[dict]
        """
        self.ensure_one()
        sequences = self.order_line.filtered(lambda line: not line.is_reward_line)
        common = {
            "name": self._loyalty_get_discount_name(coupon, cost),
            "product_id": reward.discount_line_product_id.id,
            "product_uom_qty": 1.0,
            "reward_id": reward.id,
            "coupon_id": coupon.id,
            "sequence": max(sequences.mapped("sequence"), default=10) + 1,
            "reward_identifier_code": _generate_random_reward_code(),
        }
        values = [
            {
                **common,
                "price_unit": -price * min(share, 1.0),
                "points_cost": 0,
                "tax_ids": [Command.set(self.fiscal_position_id.map_tax(taxes).ids)],
            }
            for taxes, price in per_tax.items()
            if price
        ]
        if values:
            # The cost goes on one line, so that it counts once
            values[0]["points_cost"] = cost
        return values

    def _loyalty_get_discount_name(self, coupon, points):
        # sudo: the name of the unit is for the customer to read
        scheme_sudo = coupon.sudo().program_id.scheme_id
        return self.env._(
            "%(points)s used",
            points=scheme_sudo.with_context(lang=self._get_lang())._format_points(
                points
            ),
        )

    def _loyalty_apply_account(self):
        """Make the member's account known to native, whoever's name it carries."""
        self.ensure_one()
        if not self._allow_nominative_programs():
            return
        member = self._loyalty_get_member()
        # sudo: native drops notes of points with the rights of the user, and
        # salespeople may only read them
        self.sudo().coupon_point_ids.filtered(
            lambda note: (
                note.coupon_id.ledger_managed
                and not self._loyalty_is_account_of(note.coupon_id, member)
            )
        ).unlink()
        strangers = self.applied_coupon_ids.filtered(
            lambda coupon: (
                coupon.ledger_managed
                and not self._loyalty_is_account_of(coupon.sudo(), member)
            )
        )
        if strangers:
            self.applied_coupon_ids -= strangers
            if not self._loyalty_is_price_final():
                self._loyalty_get_amount_lines().filtered(
                    lambda line: line.coupon_id in strangers
                ).unlink()
        scheme = member.scheme_id
        if member.state != "active" or scheme.state != "open":
            return
        if not scheme.points_program_id:
            return
        account = member.scheme_id._get_account(member).with_env(self.env)
        if not member.account_id:
            member.invalidate_recordset(["account_id"])
        if account not in self.applied_coupon_ids:
            self.applied_coupon_ids |= account

    def _loyalty_get_amount_lines(self):
        """Return the lines on which points are used as money."""
        return self.order_line.filtered(
            lambda line: self._loyalty_is_amount(line.reward_id)
        )

    def _loyalty_forget_choice(self):
        """Drop the choice of orders that no longer have a line for it."""
        for order in self:
            if order.loyalty_points_to_use and not order._loyalty_get_amount_lines():
                order.loyalty_points_to_use = 0

    # === HOLDS === #

    def _loyalty_hold(self, minutes=HOLD_MINUTES):
        """Set aside what the order uses, so that nobody else can spend it.

        :param float minutes: for how long at least; what is on hold for longer, as
            for a bank transfer, stays so
        :raise UserError: when it is no longer there
        """
        for order in self:
            owner = order._loyalty_get_hold_owner()
            points_by_account = order._loyalty_get_used_points()
            for account, points in points_by_account.items():
                order._loyalty_check_redeemable()
                # sudo: the shopper pays for an order of theirs
                account_sudo = account.sudo()
                left = order._loyalty_get_minutes_left(account_sudo)
                account_sudo._hold(owner, points, minutes=max(minutes, left))

    def _loyalty_get_minutes_left(self, account):
        """Return for how long the points of the order are on hold still.

        :param account: loyalty.card in superuser mode
        :rtype: float
        """
        hold = account.hold_ids.filtered(
            lambda hold: (
                hold.owner == self._loyalty_get_hold_owner() and hold.state == "active"
            )
        )
        if not hold:
            return 0.0
        return (hold.deadline - fields.Datetime.now()).total_seconds() / 60

    def _loyalty_release_hold(self):
        """Free what was set aside for these orders."""
        owners = [order._loyalty_get_hold_owner() for order in self if order.id]
        # sudo: holds belong to the order, and go with it
        holds_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search([("owner", "in", owners), ("state", "=", "active")])
        )
        for hold_sudo in holds_sudo:
            hold_sudo.account_id._release_hold(hold_sudo.owner)

    def _loyalty_get_used_points(self, sold=False):
        """Return the points that the order's rewards cost, by account.

        :param bool sold: count a reward again that was credited and invoiced anew
        """
        self.ensure_one()
        points = defaultdict(float)
        for line in self._loyalty_get_own_lines():
            times = line._loyalty_get_times_sold() if sold else 1
            points[line.coupon_id] += line.points_cost * times
        return points

    def _loyalty_get_redemption_lines(self):
        """Return the lines for which points have to pay."""
        return self.order_line.filtered(lambda line: line._loyalty_is_redemption())

    def _loyalty_get_own_lines(self):
        """Return the lines that are paid for with points of the order's member."""
        self.ensure_one()
        lines = self._loyalty_get_redemption_lines()
        member = self._loyalty_get_member() if lines else None
        return lines.filtered(
            # sudo: whose account pays is for this order to know
            lambda line: (
                line.coupon_id.sudo().program_id == line.reward_id.sudo().program_id
                and self._loyalty_is_account_of(line.coupon_id.sudo(), member)
            )
        )

    def _loyalty_check_redeemable(self):
        """Refuse to go on with an order that uses points that are not there.

        :raise UserError: saying what is there and what to do
        """
        self.ensure_one()
        lines = self._loyalty_get_redemption_lines()
        if not lines or self._loyalty_is_money_taken():
            return
        # sudo: whether a scheme is open holds for everybody
        lines.reward_id.sudo().program_id.scheme_id._check_open()
        problems = self._loyalty_get_account_problems()
        if problems:
            raise UserError("\n".join(problems))
        self._loyalty_get_member()._check_can_transact()
        for account, points in self._loyalty_get_used_points().items():
            available = self._loyalty_get_spendable(account)
            if float_compare(points, available, precision_digits=POINTS_DIGITS) > 0:
                raise UserError(
                    self.env._(
                        "This order uses %(points)s, but only %(available)s are left. "
                        "Choose again how many to use.",
                        points=account._format_value(points),
                        available=account._format_value(available),
                    )
                )
