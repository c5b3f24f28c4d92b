# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Simulation",
    "summary": "Try a purchase, past sales or tier thresholds before rules go live",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_tiers", "queue_job"],
    "data": [
        "security/loyalty_simulation_security.xml",
        "security/ir.model.access.csv",
        "data/queue_job_data.xml",
        "views/loyalty_earn_replay_line_views.xml",
        "views/loyalty_earn_replay_views.xml",
        "wizard/loyalty_earn_trial_views.xml",
        "wizard/loyalty_tier_trial_views.xml",
        "views/loyalty_earn_rule_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/loyalty_simulation_menus.xml",
    ],
}
