# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The clock of companies, which sales keep ready."""

from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        """Forget the clock of companies that have moved to another time zone."""
        result = super().write(vals)
        if "tz" in vals and self._has_company():
            self.env.registry.clear_cache()
        return result

    def _has_company(self):
        """Return whether one of these contacts is a company of this Odoo."""
        # sudo: whether it is one is no secret to who may write it
        Company_sudo = self.env["res.company"].sudo()
        return bool(
            Company_sudo.search_count([("partner_id", "in", self.ids)], limit=1)
        )
