# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Adjustments",
    "summary": "Correct balances with a reason and, above a limit, with approval",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning", "queue_job"],
    "data": [
        "security/loyalty_adjustment_security.xml",
        "security/ir.model.access.csv",
        "data/loyalty_adjustment_data.xml",
        "data/mail_activity_type_data.xml",
        "data/queue_job_data.xml",
        "wizard/loyalty_adjustment_refuse_views.xml",
        "views/loyalty_adjustment_views.xml",
        "views/loyalty_adjustment_line_views.xml",
        "views/loyalty_adjustment_reason_views.xml",
        "views/loyalty_member_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/loyalty_adjustment_menus.xml",
    ],
    "assets": {
        "web.assets_tests": ["loyalty_adjustment/static/tests/tours/**/*"],
    },
}
