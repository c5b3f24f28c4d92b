# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import TransactionCase, new_test_user, tagged

from .common import GROUP


@tagged("post_install", "-at_install")
class TestMenus(TransactionCase):
    """The tests of loyalty_ledger open what is behind each menu."""

    def test_managers_and_auditors_find_migrations(self):
        for role, sees in (("service", False), ("auditor", True), ("manager", True)):
            user = new_test_user(self.env, f"menu_{role}", groups=GROUP + role)
            menus = self.env["ir.ui.menu"].with_user(user)
            visible = menus.browse(menus._visible_menu_ids())
            with self.subTest(role=role):
                self.assertEqual("Migrations" in visible.mapped("name"), sees)
