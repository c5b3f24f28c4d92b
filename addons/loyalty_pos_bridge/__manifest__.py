# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty in Point of Sale",
    "summary": "Members, points and returns at the till, settled with the order",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["pos_loyalty", "loyalty_earning"],
    "data": [
        "security/ir.model.access.csv",
        "data/loyalty_program_data.xml",
        "views/pos_config_views.xml",
        "views/pos_order_views.xml",
        "views/pos_payment_method_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "assets": {
        "point_of_sale._assets_pos": ["loyalty_pos_bridge/static/src/app/**/*"],
        "point_of_sale.customer_display_assets": [
            "loyalty_pos_bridge/static/src/customer_display/**/*"
        ],
        "point_of_sale.customer_display_assets_test": [
            "loyalty_pos_bridge/static/tests/customer_display/**/*"
        ],
        "web.assets_unit_tests": ["loyalty_pos_bridge/static/tests/unit/**/*"],
        "web.assets_tests": ["loyalty_pos_bridge/static/tests/tours/**/*"],
    },
    "demo": ["demo/loyalty_pos_bridge_demo.xml"],
    "auto_install": True,
}
