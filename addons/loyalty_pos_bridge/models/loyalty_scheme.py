# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class LoyaltyScheme(models.Model):
    _name = "loyalty.scheme"
    _inherit = ["loyalty.scheme", "pos.load.mixin"]

    def _prepare_wallet_product_values(self):
        return {**super()._prepare_wallet_product_values(), "available_in_pos": True}

    @api.model
    def _load_pos_data_domain(self, data, config):
        return [("id", "in", config._get_loyalty_schemes().ids)]

    @api.model
    def _load_pos_data_fields(self, config):
        return [
            "name",
            "state",
            "point_name",
            "point_name_plural",
            "color_primary",
            "color_text",
            "card_prefix",
            "currency_id",
            "points_program_id",
            "wallet_program_id",
            "points_rounding",
            "redeem_points",
            "redeem_value",
            "redeem_minimum",
            "redeem_max_share",
        ]
