# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every sale asks of its scheme, kept ready."""

from odoo import models, tools

from odoo.addons.loyalty_member.orm_cache import keep, read_to_keep


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    def _recall(self):
        """Spare sales and quotes reading these schemes from the database.

        What is kept ready goes where the ORM would have put what it reads; a change
        that this transaction has made stays.

        :return: these schemes
        """
        known = self._fields["points_program_id"]._get_cache(self.env)
        for scheme in self:
            if scheme.id in known:
                continue
            keep(scheme, scheme._get_kept_values(scheme.env.lang))
            keep(scheme.points_program_id, scheme._get_kept_program_values())
            keep(scheme.currency_id, scheme._get_kept_currency_values(scheme.env.lang))
        return self

    @tools.ormcache("self.id", "lang")
    def _get_kept_values(self, lang):
        """Return the fields of a scheme as the ORM's cache has them.

        Whoever changes a scheme clears the registry's cache.

        :param str lang: of what is translated
        """
        return read_to_keep(
            self.sudo(),
            (
                name
                for name, field in self._fields.items()
                if field.prefetch is True and not field.compute and not field.groups
            ),
        )

    @tools.ormcache("self.id")
    def _get_kept_program_values(self):
        """Return what is asked of the program; see ``_get_kept_values``."""
        return read_to_keep(self.sudo().points_program_id, ["active"])

    @tools.ormcache("self.currency_id.id", "lang", cache="stable")
    def _get_kept_currency_values(self, lang):
        """Return what is asked of the currency; see ``_get_kept_values``."""
        return read_to_keep(
            self.sudo().currency_id,
            ["active", "decimal_places", "name", "position", "rounding", "symbol"],
        )
