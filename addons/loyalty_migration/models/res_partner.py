# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.exceptions import ValidationError


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _format_member_phone(self):
        """Leave an unreadable phone as it is while a migration enrolls contacts.

        The dry run shows it; one contact must not block the migration of all others.
        """
        if not self.env.context.get("loyalty_migration_enrol"):
            return super()._format_member_phone()
        for partner in self:
            try:
                super(ResPartner, partner)._format_member_phone()
            except ValidationError:
                continue
        return None
