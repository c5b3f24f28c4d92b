# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Manual Entry",
    "summary": "Enter the receipts of stores without an integrated till by hand",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning"],
    "data": [
        "security/loyalty_manual_entry_security.xml",
        "security/ir.model.access.csv",
        "wizard/loyalty_manual_entry_confirm_views.xml",
        "views/loyalty_manual_entry_views.xml",
        "views/loyalty_manual_entry_menus.xml",
    ],
    "demo": ["demo/loyalty_manual_entry_demo.xml"],
}
