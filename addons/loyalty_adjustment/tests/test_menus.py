# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import TransactionCase, new_test_user, tagged

GROUP = "loyalty_member.loyalty_member_group_"


@tagged("post_install", "-at_install")
class TestMenus(TransactionCase):
    """The tests of loyalty_ledger open what is behind each menu."""

    def test_all_roles_find_the_menus(self):
        for role in ("service", "auditor", "manager"):
            user = new_test_user(self.env, f"menu_{role}", groups=GROUP + role)
            menus = self.env["ir.ui.menu"].with_user(user)
            visible = menus.browse(menus._visible_menu_ids())
            with self.subTest(role=role):
                self.assertLessEqual(
                    {"Adjustments", "Adjustment Reasons"}, set(visible.mapped("name"))
                )

    def test_auditors_change_nothing(self):
        auditor = new_test_user(self.env, "menu_auditor", groups=GROUP + "auditor")
        for name in ("loyalty.adjustment", "loyalty.adjustment.reason"):
            model = self.env[name].with_user(auditor)
            with self.subTest(model=name):
                self.assertTrue(model.has_access("read"))
                self.assertFalse(model.has_access("create"))
                self.assertFalse(model.has_access("write"))
