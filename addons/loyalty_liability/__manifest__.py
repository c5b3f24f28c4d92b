# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Liability",
    "summary": "What schemes owe their members, by age and expiry, with breakage",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning"],
    "data": [
        "security/loyalty_liability_security.xml",
        "security/ir.model.access.csv",
        "data/ir_cron_data.xml",
        "report/loyalty_liability_report_views.xml",
        "views/loyalty_breakage_rate_views.xml",
        "views/loyalty_liability_snapshot_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/loyalty_liability_menus.xml",
    ],
}
