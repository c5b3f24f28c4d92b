# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can be done with a rule before it goes live."""

from odoo import models


class LoyaltyEarnRule(models.Model):
    _inherit = "loyalty.earn.rule"

    def action_try(self):
        """Open a purchase to be typed in, to see what it gives by this rule."""
        self.ensure_one()
        return self.env["loyalty.earn.trial"]._open(self.scheme_id, self)
