# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Portal",
    "summary": "Members see their card, points and statement in the portal",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning", "portal"],
    "data": [
        "views/portal_templates.xml",
        "views/portal_statement_templates.xml",
    ],
    "assets": {
        "web.assets_frontend": [
            "loyalty_portal/static/src/scss/**/*",
        ],
        "web.assets_tests": [
            "loyalty_portal/static/tests/tours/**/*",
        ],
    },
}
