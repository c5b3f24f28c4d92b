# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestNative(LoyaltySaleCommon):
    """Native code neither moves points of the ledger nor is disturbed by it."""

    def test_native_program_beside_a_managed_one(self):
        program = self._create_native_program()
        order = self._create_order()
        order._update_programs_and_rewards()
        order.action_confirm()
        self.assertEqual(program.coupon_ids.points, 30)
        self.assertEqual(len(program.coupon_ids.history_ids), 1)
        self.assertPoints(0, 30)
        order._action_cancel()
        self.assertEqual(program.coupon_ids.points, 0)
        self.assertPoints(0, 0)

    def test_channel_is_shut_until_its_bridge_is_there(self):
        native = self._create_native_program()
        # As when the module that adds the field is installed
        self.env["loyalty.program"]._init_column("sale_ok")
        self.env.invalidate_all()
        self.assertTrue(native.sale_ok)
        self.assertFalse(self.program.sale_ok)
        offered = self.env["loyalty.program"].search(
            self._create_order()._get_program_domain()
        )
        self.assertIn(native, offered)
        self.assertNotIn(self.program, offered)
        self.env["loyalty.program"]._open_channel("sale_ok")
        self.assertTrue(self.program.sale_ok)

    def test_native_edit_then_cancel_is_wrong(self):
        """What the suite is there for: cancelling takes 200 points too many."""
        program = self._create_native_program()
        order = self._create_order((self.coffee, 10))
        order._update_programs_and_rewards()
        order.action_confirm()
        order.order_line.product_uom_qty = 30
        order._update_programs_and_rewards()
        order._action_cancel()
        self.assertEqual(program.coupon_ids.points, -200)

    def test_no_history_for_managed_accounts(self):
        order = self._create_order()
        order._update_programs_and_rewards()
        order.action_confirm()
        self.assertFalse(self.account.history_ids)
        self.assertEqual(
            order.loyalty_data, {"point_name": "beans", "issued": 30, "cost": 0}
        )

    def test_quote_for_native_screens(self):
        order = self._create_order()
        order._update_programs_and_rewards()
        self.assertEqual(order.coupon_point_ids.coupon_id, self.account)
        self.assertEqual(order.coupon_point_ids.points, 30)

    def test_seller_cannot_write_points(self):
        with self.assertRaises(AccessError):
            self.account.with_user(self.seller).points = 1000
        self.account.with_user(self.seller).with_context(
            loyalty_ledger_ignore_points=True
        ).points = 1000
        self.assertPoints(0)

    def _prepare_free_line(self):
        """Return a reward line as a seller could make one up over RPC."""
        reward = self.program.reward_ids
        return {
            "name": "Made up",
            "product_id": reward.discount_line_product_id.id,
            "price_unit": -20,
            "reward_id": reward.id,
            "coupon_id": self.account.id,
            "points_cost": 0,
            "reward_identifier_code": "made up",
        }

    def test_seller_cannot_make_up_a_discount(self):
        """The line is priced anew at confirmation; with no points it goes."""
        order = self._create_order()
        order.order_line = [Command.create(self._prepare_free_line())]
        order.action_confirm()
        self.assertFalse(order._loyalty_get_amount_lines())
        self.assertEqual(order.amount_total, 30)

    def test_copy_starts_without_points(self):
        self._grant(100)
        order = self._create_order()
        order._loyalty_set_points_to_use(100)
        copy = order.copy()
        self.assertFalse(copy.loyalty_points_to_use)
        self.assertFalse(copy._loyalty_get_amount_lines())
