# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Test: Loyalty over HTTP",
    "summary": "Lets the fault tests post to the ledger through real HTTP workers",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_ledger"],
}
