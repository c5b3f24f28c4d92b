# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class LoyaltyKeptMixin(models.AbstractModel):
    """Records of which something is kept ready, as every sale asks for it.

    What is kept in ``tools.ormcache`` is forgotten when one of them is made, changed or
    deleted.
    """

    _name = "loyalty.kept.mixin"
    _description = "Loyalty Records Kept Ready"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._apply_changes()
        return records

    def write(self, vals):
        result = super().write(vals)
        self._apply_changes()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    def _apply_changes(self):
        """Let sales know new and changed records as they are now."""
        self.env.registry.clear_cache()
