# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    migration_id = fields.Many2one(
        comodel_name="loyalty.migration",
        string="Came With",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The migration that made this contact a member.",
    )
