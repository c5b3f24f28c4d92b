# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Earning",
    "summary": "Transactions of all channels, earning rules, events and one engine",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_ledger"],
}
