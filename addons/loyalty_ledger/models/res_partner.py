# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from .loyalty_earn_event import PROFILE

PROFILE_FIELDS = frozenset(
    ("name", "phone", "email", "birthdate_date", "is_anonymous_member")
)


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        """Tell the members whose profile becomes complete."""
        if not PROFILE_FIELDS & vals.keys() or not self.env[
            "loyalty.scheme"
        ]._get_ids_giving_for(PROFILE):
            return super().write(vals)
        # sudo: who writes one field of a contact need not see the others
        partners_sudo = self.sudo()
        incomplete_sudo = partners_sudo.filtered(
            lambda partner: not partner._is_profile_complete()
        )
        result = super().write(vals)
        incomplete_sudo.loyalty_member_ids._raise_profile_completed()
        return result

    def _is_profile_complete(self):
        """Return whether a contact's name, phone or e-mail, and birthday are known."""
        self.ensure_one()
        return bool(
            self.name
            and (self.phone or self.email)
            and self.birthdate_date
            and not self.is_anonymous_member
        )
