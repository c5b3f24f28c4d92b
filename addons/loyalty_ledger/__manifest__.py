# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Ledger",
    "summary": "Append-only points ledger, transactions and one earning engine",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_member", "loyalty"],
    "data": [
        "security/loyalty_ledger_security.xml",
        "security/ir.model.access.csv",
        "data/decimal_precision_data.xml",
        "data/ir_cron_data.xml",
        "views/loyalty_ledger_entry_views.xml",
        "views/loyalty_ledger_lot_views.xml",
        "views/loyalty_ledger_audit_finding_views.xml",
        "views/loyalty_ledger_audit_views.xml",
        "views/loyalty_hold_views.xml",
        "views/loyalty_transaction_views.xml",
        "views/loyalty_card_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/loyalty_member_views.xml",
        "views/loyalty_ledger_menus.xml",
    ],
    "demo": ["demo/loyalty_ledger_demo.xml"],
    "assets": {
        "web.assets_tests": ["loyalty_ledger/static/tests/tours/**/*"],
    },
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
