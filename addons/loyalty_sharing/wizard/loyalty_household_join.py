# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class LoyaltyHouseholdJoin(models.TransientModel):
    _name = "loyalty.household.join"
    _description = "Join a Loyalty Household"

    household_id = fields.Many2one(
        comodel_name="loyalty.household", required=True, ondelete="cascade"
    )
    scheme_id = fields.Many2one(related="household_id.scheme_id")
    member_id = fields.Many2one(
        comodel_name="loyalty.member", required=True, ondelete="cascade"
    )
    summary = fields.Char(compute="_compute_summary")

    @api.depends("member_id", "household_id")
    def _compute_summary(self):
        for wizard in self:
            wizard.summary = wizard.member_id and self.env._(
                "%(member)s brings %(points)s into %(household)s. The points then"
                " belong to all members, and stay there if %(member)s leaves.",
                member=wizard.member_id.display_name,
                points=wizard.scheme_id._format_points(wizard.member_id.points_balance),
                household=wizard.household_id.name,
            )

    def action_join(self):
        """Add the member to the household."""
        self.ensure_one()
        self.household_id.check_access("write")
        self.household_id._join(self.member_id)
        return {"type": "ir.actions.act_window_close"}
