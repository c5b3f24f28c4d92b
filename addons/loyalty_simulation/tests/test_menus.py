# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestMenus(TransactionCase):
    def test_auditors_create_replays_and_nothing_else(self):
        auditor = new_test_user(
            self.env,
            "replay_menu",
            groups="loyalty_member.loyalty_member_group_auditor",
        )
        root = self.env.ref("loyalty_member.loyalty_menu_root")
        menus = self.env["ir.ui.menu"].with_user(auditor)
        visible = menus.browse(menus._visible_menu_ids()).filtered(
            lambda menu: menu.action and menu.parent_path.startswith(root.parent_path)
        )
        self.assertIn("Replays", visible.mapped("name"))
        for menu in visible:
            model = self.env[menu.action.sudo().res_model].with_user(auditor)
            with self.subTest(menu=menu.name):
                self.assertEqual(
                    model.has_access("create") or model.has_access("write"),
                    model._name == "loyalty.earn.replay",
                )
