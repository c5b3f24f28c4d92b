# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty on Deliveries",
    "summary": "Points that wait for goods can be spent once these are delivered",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["sale_stock", "loyalty_sale_bridge"],
    "auto_install": True,
}
