# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.exceptions import ValidationError


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _format_member_phone(self):
        """Leave a phone that nobody can read as it is where a program is taken over.

        The dry run shows it; one contact must not keep all others waiting.
        """
        if not self.env.context.get("loyalty_ledger_migration"):
            return super()._format_member_phone()
        for partner in self:
            try:
                super(ResPartner, partner)._format_member_phone()
            except ValidationError:
                continue
        return None
