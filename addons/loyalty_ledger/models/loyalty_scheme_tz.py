# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The clock of a scheme, kept ready for sales."""

from odoo import models, tools


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    @tools.ormcache("self.company_id.id")
    def _get_tz(self):
        """Return the name of the time zone of the scheme's company, kept ready."""
        # sudo: the clock on the wall is no secret
        return self.sudo().company_id.partner_id.tz or "UTC"
