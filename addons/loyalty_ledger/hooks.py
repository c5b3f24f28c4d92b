# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tools import SQL


def uninstall_hook(env):
    """Drop the guard function; its triggers go with their tables."""
    env.cr.execute(SQL("DROP FUNCTION IF EXISTS loyalty_ledger_append_only() CASCADE"))
