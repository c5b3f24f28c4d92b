# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Website Bridge",
    "summary": "Members earn and spend points in the e-shop",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["website_sale_loyalty", "loyalty_portal", "loyalty_sale_bridge"],
    "data": [
        "data/loyalty_program_data.xml",
        "views/cart_templates.xml",
        "views/portal_templates.xml",
        "views/res_config_settings_views.xml",
    ],
    "demo": ["demo/website_demo.xml"],
    "auto_install": ["website_sale_loyalty", "loyalty_sale_bridge"],
    "assets": {
        "web.assets_frontend": [
            "loyalty_website_bridge/static/src/interactions/**/*",
            "loyalty_website_bridge/static/src/scss/**/*",
        ],
        "web.assets_tests": [
            "loyalty_website_bridge/static/tests/tours/**/*",
        ],
    },
}
