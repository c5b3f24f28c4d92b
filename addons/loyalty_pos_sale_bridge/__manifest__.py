# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty on Sales Orders Paid at a Till",
    "summary": "A sales order that is paid at a till earns once, and as paid",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["pos_sale", "loyalty_pos_bridge", "loyalty_sale_bridge"],
    "auto_install": True,
}
