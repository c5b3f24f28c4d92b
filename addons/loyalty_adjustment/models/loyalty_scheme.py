# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import fields, models

from odoo.addons.loyalty_ledger.ledger.flow import POINTS, WALLET


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    adjust_user_limit = fields.Float(
        string="Users, Each Account",
        digits="Loyalty Points",
        default=500.0,
        tracking=True,
        help="What a user of Loyalty may give to or take from one account in a day"
        " without asking. Above it, an administrator approves.",
    )
    adjust_user_total = fields.Float(
        string="Users, in All",
        digits="Loyalty Points",
        default=5000.0,
        tracking=True,
        help="What one adjustment of several accounts by a user may add up to.",
    )
    adjust_manager_limit = fields.Float(
        string="Administrators, Each Account",
        digits="Loyalty Points",
        default=10000.0,
        tracking=True,
        help="What an administrator of Loyalty may give to or take from one account in"
        " a day alone. Above it, another administrator approves.",
    )
    adjust_manager_total = fields.Float(
        string="Administrators, in All",
        digits="Loyalty Points",
        default=100000.0,
        tracking=True,
        help="What one adjustment of several accounts by an administrator may add up"
        " to.",
    )
    adjust_user_wallet_limit = fields.Monetary(
        string="Users, Each Wallet",
        default=50.0,
        tracking=True,
        help="What a user of Loyalty may put into or take from one wallet in a day"
        " without asking.",
    )
    adjust_user_wallet_total = fields.Monetary(
        string="Users, Wallets in All",
        default=500.0,
        tracking=True,
        help="What a user may put into or take from several wallets at once.",
    )
    adjust_manager_wallet_limit = fields.Monetary(
        string="Administrators, Each Wallet",
        default=500.0,
        tracking=True,
        help="What an administrator of Loyalty may put into or take from one wallet in"
        " a day alone.",
    )
    adjust_manager_wallet_total = fields.Monetary(
        string="Administrators, Wallets in All",
        default=5000.0,
        tracking=True,
        help="What an administrator may put into or take from several wallets at once.",
    )

    _adjust_limits_positive = models.Constraint(
        "CHECK (adjust_user_limit >= 0 AND adjust_user_total >= 0"
        " AND adjust_manager_limit >= 0 AND adjust_manager_total >= 0)",
        "The limits of adjustments cannot be negative. 0: always ask.",
    )
    # NaN is larger than any number to PostgreSQL
    _adjust_wallet_range = models.Constraint(
        "CHECK (LEAST(adjust_user_wallet_limit, adjust_user_wallet_total,"
        " adjust_manager_wallet_limit, adjust_manager_wallet_total) >= 0 AND"
        " GREATEST(adjust_user_wallet_limit, adjust_user_wallet_total,"
        " adjust_manager_wallet_limit, adjust_manager_wallet_total) < 1000000000000)",
        "The limits of what is put into wallets by hand are amounts from 0 on.",
    )

    def _get_adjustment_limits(self, user, kind=POINTS):
        """Return what a user may adjust without approval.

        :param str kind: ``POINTS`` or ``WALLET``, whose limits are money
        :return: per account and day, and for all accounts of one adjustment
        :rtype: tuple[Decimal, Decimal]
        """
        self.ensure_one()
        if user.has_group("loyalty_member.loyalty_member_group_manager"):
            role = "manager"
        elif user.has_group("loyalty_member.loyalty_member_group_service"):
            role = "user"
        else:
            return Decimal(0), Decimal(0)
        prefix = f"adjust_{role}_wallet" if kind == WALLET else f"adjust_{role}"
        return tuple(
            Decimal(str(self[f"{prefix}_{name}"])) for name in ("limit", "total")
        )
