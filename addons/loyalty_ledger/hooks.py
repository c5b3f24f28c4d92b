# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tools import SQL


def post_init_hook(env):
    """Give the schemes that were there before a program and their defaults."""
    env["loyalty.scheme"].with_context(active_test=False).search(
        [("points_program_id", "=", False)]
    )._set_up_points()


def uninstall_hook(env):
    """Drop the guard function; its triggers go with their tables."""
    env.cr.execute(SQL("DROP FUNCTION IF EXISTS loyalty_ledger_append_only() CASCADE"))
