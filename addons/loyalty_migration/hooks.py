# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tools import SQL


def post_init_hook(env):
    """Reuse no id of an earlier installation, whose entries are still there.

    Keys and sources of entries contain the id of the migration.
    """
    env.cr.execute(
        SQL(
            """
            SELECT setval(
                       pg_get_serial_sequence('loyalty_migration', 'id'), max(res_id)
                   )
              FROM loyalty_ledger_entry
             WHERE res_model = 'loyalty.migration'
            HAVING max(res_id) IS NOT NULL
            """
        )
    )
