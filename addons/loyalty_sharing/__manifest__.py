# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Sharing",
    "summary": "Members give points to each other, and households share an account",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning"],
    "data": [
        "security/loyalty_sharing_security.xml",
        "security/ir.model.access.csv",
        "data/ir_cron_data.xml",
        "data/loyalty_transfer_data.xml",
        "views/loyalty_ledger_entry_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/loyalty_member_views.xml",
        "wizard/loyalty_household_join_views.xml",
        "views/loyalty_household_views.xml",
        "wizard/loyalty_transfer_confirm_views.xml",
        "views/loyalty_transfer_views.xml",
        "views/loyalty_sharing_menus.xml",
    ],
}
