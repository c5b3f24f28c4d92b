# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Migration",
    "summary": "Migrate native loyalty cards into the ledger, with dry run and undo",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_earning", "queue_job"],
    "data": [
        "security/loyalty_migration_security.xml",
        "security/ir.model.access.csv",
        "data/queue_job_data.xml",
        "views/loyalty_migration_line_views.xml",
        "views/loyalty_migration_views.xml",
        "views/loyalty_migration_menus.xml",
    ],
    "post_init_hook": "post_init_hook",
}
