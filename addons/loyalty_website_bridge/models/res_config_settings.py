# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    website_loyalty_store_id = fields.Many2one(
        related="website_id.loyalty_store_id",
        readonly=False,
    )
