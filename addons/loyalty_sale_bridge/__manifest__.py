# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Sale Bridge",
    "summary": "Members earn and spend points on sales orders",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["sale_loyalty", "loyalty_earning"],
    "data": [
        "security/ir.model.access.csv",
        "data/loyalty_program_data.xml",
        "wizard/account_payment_register_views.xml",
        "wizard/loyalty_sale_redeem_views.xml",
        "views/account_journal_views.xml",
        "views/account_move_views.xml",
        "views/account_payment_views.xml",
        "views/sale_order_views.xml",
    ],
    "demo": ["demo/sale_order_demo.xml"],
    "auto_install": True,
}
