# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class LoyaltyMemberMerge(models.Model):
    _inherit = "loyalty.member.merge"

    def _apply(self):
        """Let duplicates leave their households before accounts are merged."""
        self.duplicate_id._leave_household()
        return super()._apply()
