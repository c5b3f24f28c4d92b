# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Tiers",
    "summary": "Tiers of members: thresholds, benefits, history",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning"],
    "data": [
        "security/loyalty_tiers_security.xml",
        "security/ir.model.access.csv",
        "data/ir_cron_data.xml",
        "views/loyalty_tier_badge.xml",
        "views/loyalty_tier_change_views.xml",
        "views/loyalty_tier_run_views.xml",
        "views/loyalty_tier_warning_views.xml",
        "views/loyalty_tier_views.xml",
        "wizard/loyalty_tier_assign_views.xml",
        "views/loyalty_member_views.xml",
        "views/loyalty_earn_rule_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/loyalty_tiers_menus.xml",
    ],
    "demo": ["demo/loyalty_tiers_demo.xml"],
}
