# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    def action_adjust_points(self):
        """Open a new adjustment of these members."""
        return self.env["loyalty.adjustment"]._get_new_action(self)
