# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class Website(models.Model):
    _inherit = "website"

    loyalty_store_id = fields.Many2one(
        comodel_name="loyalty.store",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('company_id', 'in', [company_id, False])]",
        help="Sales on this website count for this store.",
    )

    def _get_loyalty_scheme(self):
        """Return the scheme that shoppers are asked to join.

        :return: the one open scheme that this website serves, in superuser mode;
            none where there are several, since the shop cannot choose for them
        :rtype: loyalty.scheme
        """
        self.ensure_one()
        # sudo: visitors have no rights on schemes; they see name and terms only
        schemes_sudo = (
            self.env["loyalty.scheme"]
            .sudo()
            .search(
                [
                    ("state", "=", "open"),
                    ("company_id", "in", [self.company_id.id, False]),
                    ("points_program_id.ecommerce_ok", "=", True),
                    ("points_program_id.website_id", "in", [self.id, False]),
                ],
                limit=2,
            )
        )
        return schemes_sudo if len(schemes_sudo) == 1 else schemes_sudo.browse()
