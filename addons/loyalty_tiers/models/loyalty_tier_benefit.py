# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What members get in a tier."""

from decimal import Decimal

from odoo import fields, models

from odoo.addons.loyalty_ledger.engine import Conditions, Effect, Rule
from odoo.addons.loyalty_ledger.models.loyalty_scheme import LAST

RULE_PREFIX = "tier:"


class LoyaltyTier(models.Model):
    _inherit = "loyalty.tier"
    _check_company_auto = True

    multiplier = fields.Float(
        string="Points Times",
        digits=(6, 2),
        default=1.0,
        required=True,
        tracking=True,
        help="2 doubles what purchases earn. What earning rules multiply comes on top.",
    )
    earn_rule_ids = fields.Many2many(
        comodel_name="loyalty.earn.rule",
        relation="loyalty_earn_rule_tier_rel",
        column1="tier_id",
        column2="rule_id",
        string="Earning Rules",
        domain="[('scheme_id', '=', scheme_id)]",
        help="Rules that give to members of this tier, and to no others.",
    )
    pricelist_id = fields.Many2one(
        comodel_name="product.pricelist",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        tracking=True,
        help="Members have this price list while they are in the tier, and get back the"
        " one they had before. One that somebody sets by hand meanwhile stays.",
    )
    has_expiry = fields.Boolean(
        string="Points Last Longer",
        tracking=True,
        help="Points that members earn in this tier have a term of their own.",
    )
    expiry_term = fields.Integer(string="After", default=24, tracking=True)
    expiry_unit = fields.Selection(
        selection=[("day", "Days"), ("month", "Months"), ("year", "Years")],
        string="Unit of the Term",
        required=True,
        default="month",
        tracking=True,
    )

    _multiplier_range = models.Constraint(
        "CHECK (multiplier BETWEEN 1 AND 1000)",
        "Points of a tier are multiplied by a number from 1 to 1000.",
    )
    _expiry_term_range = models.Constraint(
        "CHECK (expiry_term BETWEEN 1 AND 3660)",
        "Points of a tier last for 1 to 3660 days, months or years.",
    )

    def _prepare_rule(self):
        """Return what the tier gives on purchases, ``None`` if nothing.

        :rtype: ~odoo.addons.loyalty_ledger.engine.Rule
        """
        self.ensure_one()
        factor = Decimal(str(round(self.multiplier, 2)))
        if factor <= 1:
            return None
        return Rule(
            key=f"{RULE_PREFIX}{self.id}",
            name=self.name,
            value=factor,
            effect=Effect.MULTIPLIER,
            # An exclusive rule stands above it, as it does above the scheme's points
            priority=LAST,
            conditions=Conditions(tiers=frozenset(self.ids)),
        )

    # === GIFTS === #

    def _has_gift(self):
        """Return whether members get something when they come into the tier.

        A hook for modules that have gifts.
        """
        self.ensure_one()
        return False

    def _grant_gifts(self, members):
        """Give members the gift of the tier, once for each time the tier is reached.

        A hook for modules that have gifts; see ``_has_gift``. A night calls it once for
        thousands of members.

        :param loyalty.member members: who have come into the tier
        """
        self.ensure_one()
