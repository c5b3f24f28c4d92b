# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    transfer_allowed = fields.Boolean(
        string="Allow Transfers",
        tracking=True,
        help="Members can give points to other members of this scheme. They confirm"
        " each transfer with a one-time code.",
    )
    transfer_minimum = fields.Float(
        string="Minimum per Transfer",
        digits="Loyalty Points",
        default=1.0,
        tracking=True,
    )
    transfer_maximum = fields.Float(
        string="Maximum per Transfer",
        digits="Loyalty Points",
        default=1000.0,
        tracking=True,
        help="0: no limit.",
    )
    transfer_day_limit = fields.Float(
        string="Daily Limit",
        digits="Loyalty Points",
        default=1000.0,
        tracking=True,
        help="Points that one member can give in a day. 0: no limit.",
    )
    transfer_month_limit = fields.Float(
        string="Monthly Limit",
        digits="Loyalty Points",
        default=5000.0,
        tracking=True,
        help="Points that one member can give in a calendar month. 0: no limit.",
    )

    # NaN is larger than any number to PostgreSQL
    _transfer_limits_range = models.Constraint(
        "CHECK (LEAST(transfer_minimum, transfer_maximum, transfer_day_limit,"
        " transfer_month_limit) >= 0 AND GREATEST(transfer_minimum, transfer_maximum,"
        " transfer_day_limit, transfer_month_limit) < 1000000000000)",
        "The limits of transfers cannot be negative. Enter 0 for no limit.",
    )

    def _check_transfer_size(self, points):
        """Refuse a transfer that is too small, too large or not in whole steps.

        :param Decimal points: points of the transfer
        :raise UserError: with the limit
        """
        self.ensure_one()
        if points % self._get_step():
            raise UserError(
                self.env._(
                    "%(scheme)s counts in steps of %(step)s. Enter a multiple of it.",
                    scheme=self.name,
                    step=self._format_points(self._get_step()),
                )
            )
        if points < Decimal(str(self.transfer_minimum)):
            raise UserError(
                self.env._(
                    "Give at least %(minimum)s.",
                    minimum=self._format_points(self.transfer_minimum),
                )
            )
        if self.transfer_maximum and points > Decimal(str(self.transfer_maximum)):
            raise UserError(
                self.env._(
                    "Give at most %(maximum)s at a time.",
                    maximum=self._format_points(self.transfer_maximum),
                )
            )

    def _check_transfer_limits(self, points, day_before, month_before):
        """Refuse a transfer beyond the daily or monthly limit of a member.

        :param Decimal points: points of the transfer
        :param Decimal day_before: points that the member has given today
        :param Decimal month_before: points that the member has given this month
        :raise UserError: with the points that are left
        """
        self.ensure_one()
        day_left = Decimal(str(self.transfer_day_limit)) - day_before
        if self.transfer_day_limit and points > day_left:
            raise UserError(
                self.env._(
                    "A member can give %(limit)s per day; %(left)s are left for today.",
                    limit=self._format_points(self.transfer_day_limit),
                    left=self._format_points(max(day_left, Decimal(0))),
                )
            )
        month_left = Decimal(str(self.transfer_month_limit)) - month_before
        if self.transfer_month_limit and points > month_left:
            raise UserError(
                self.env._(
                    "A member can give %(limit)s per month; %(left)s are left for this"
                    " month.",
                    limit=self._format_points(self.transfer_month_limit),
                    left=self._format_points(max(month_left, Decimal(0))),
                )
            )

    def _is_used(self):
        """Count a scheme as used whose members share accounts."""
        # sudo: whether there are any is no secret to who may read the scheme
        Member_sudo = self.env["loyalty.member"].sudo().with_context(active_test=False)
        return super()._is_used() or bool(
            Member_sudo.search_count(
                [("scheme_id", "=", self.id), ("household_id", "!=", False)], limit=1
            )
        )
