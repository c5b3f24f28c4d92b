# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyAdjustmentRefuse(models.TransientModel):
    _name = "loyalty.adjustment.refuse"
    _description = "Refuse a Loyalty Adjustment"

    adjustment_ids = fields.Many2many(
        comodel_name="loyalty.adjustment",
        string="Adjustments",
        default=lambda self: self._default_adjustment_ids(),
        required=True,
    )
    reason = fields.Char(required=True)

    def _default_adjustment_ids(self):
        if self.env.context.get("active_model") != "loyalty.adjustment":
            return self.env["loyalty.adjustment"]
        return self.env["loyalty.adjustment"].browse(self.env.context.get("active_ids"))

    def action_refuse(self):
        """Refuse the adjustments for the reason given."""
        self.ensure_one()
        self.adjustment_ids._refuse(self.reason)
        return {"type": "ir.actions.act_window_close"}
