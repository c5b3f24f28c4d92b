# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestCancel(LoyaltySaleCommon):
    """Salespeople who see only their own orders, and nothing of loyalty."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._grant(100)
        cls.salesperson, cls.colleague = (
            new_test_user(
                cls.env,
                login,
                groups="sales_team.group_sale_salesman",
                company_id=cls.env.company.id,
                company_ids=[Command.set(cls.env.company.ids)],
            )
            for login in ("loyalty_salesperson", "loyalty_colleague")
        )

    def setUp(self):
        super().setUp()
        self.order = self._create_order(user_id=self.salesperson.id)
        self.order._update_programs_and_rewards()
        self.order._loyalty_set_points_to_use(100)
        self.assertTrue(self.order.coupon_point_ids)

    def test_confirmed(self):
        order = self.order.with_user(self.salesperson)
        order.action_confirm()
        self.assertPoints(0, 29)
        order.action_cancel()
        self.assertEqual(order.state, "cancel")
        self.assertPoints(100)
        self.assertFalse(self.order.coupon_point_ids)

    def test_quotation(self):
        self.order.with_user(self.salesperson).action_cancel()
        self.assertEqual(self.order.state, "cancel")
        self.assertPoints(100)

    def test_somebody_elses(self):
        self.order.action_confirm()
        with self.assertRaises(AccessError):
            self.order.with_user(self.colleague).action_cancel()
        self.assertPoints(0, 29)
