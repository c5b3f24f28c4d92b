import { patch } from "@web/core/utils/patch";
import { hootPosModels } from "@point_of_sale/../tests/unit/data/generate_model_definitions";
import { models } from "@web/../tests/web_test_helpers";

/** None by default, so that the tests of other modules see the till of plain Odoo. */
export class LoyaltyScheme extends models.ServerModel {
    _name = "loyalty.scheme";

    _load_pos_data_fields() {
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
            "points_rounding",
            "redeem_points",
            "redeem_value",
            "redeem_minimum",
            "redeem_max_share",
        ];
    }

    _records = [];
}

patch(hootPosModels, [...hootPosModels, LoyaltyScheme]);
