# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyEarnReplayLine(models.Model):
    _inherit = "loyalty.earn.replay.line"

    dimension = fields.Selection(
        selection_add=[("tier", "Tiers"), ("channel",)], ondelete={"tier": "cascade"}
    )
