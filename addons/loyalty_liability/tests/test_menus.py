# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestMenus(TransactionCase):
    """What is behind each menu is opened by the tests of loyalty_ledger."""

    def test_auditors_find_the_liability(self):
        auditor = new_test_user(
            self.env, "reader", groups="loyalty_member.loyalty_member_group_auditor"
        )
        menus = self.env["ir.ui.menu"].with_user(auditor)
        visible = menus.browse(menus._visible_menu_ids())
        self.assertLessEqual(
            {"Liability", "Liability by Month", "Breakage"}, set(visible.mapped("name"))
        )
