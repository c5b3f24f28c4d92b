# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pos_loyalty_store_id = fields.Many2one(
        string="Loyalty Store of the Register",
        related="pos_config_id.loyalty_store_id",
        readonly=False,
    )
