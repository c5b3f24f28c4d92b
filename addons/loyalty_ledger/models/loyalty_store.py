# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The clocks of stores, kept ready for sales."""

from odoo import models, tools


class LoyaltyStore(models.Model):
    _inherit = "loyalty.store"

    def write(self, vals):
        result = super().write(vals)
        if "tz" in vals:
            self.env.registry.clear_cache()
        return result

    @tools.ormcache("self.id")
    def _get_tz(self):
        """Return the name of the time zone of a store, ``False`` if it has none."""
        # sudo: the clock on the wall is no secret
        return self.sudo().tz
