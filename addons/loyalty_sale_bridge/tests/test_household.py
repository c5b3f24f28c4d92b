# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestHousehold(LoyaltySaleCommon):
    """Ben buys with the points of Anna's household."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ben = cls.env["res.partner"].create({"name": "Ben"})
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        cls.friend_account = cls.scheme._get_account(cls.friend)
        cls._grant(500)
        cls.household = cls.env["loyalty.household"].create(
            {"name": "The Beans", "head_id": cls.member.id}
        )
        cls.household._join(cls.friend)

    def test_member_pays_and_earns_with_the_household(self):
        order = self._create_order(partner=self.ben).with_user(self.seller)
        order._update_programs_and_rewards()
        order._loyalty_set_points_to_use(200)
        self.assertEqual(order.amount_total, 28)
        order.action_confirm()
        self.assertPoints(300, 28)
        self.assertPoints(0, 0, self.friend_account)
        transaction = order.sudo().loyalty_transaction_id
        self.assertEqual(
            (transaction.member_id, transaction.account_id),
            (self.friend, self.account),
        )
        order._action_cancel()
        self.assertPoints(500)
        self.assertPoints(0, 0, self.friend_account)

    def test_head_and_member_do_not_spend_the_same_points(self):
        first, second = self._create_order(), self._create_order(partner=self.ben)
        for order in (first, second):
            order._update_programs_and_rewards()
            order._loyalty_set_points_to_use(300)
        first.action_confirm()
        with self.assertRaises(UserError):
            second.action_confirm()

    def test_leaving_takes_the_points_off_the_quotation(self):
        order = self._create_order(partner=self.ben)
        order._update_programs_and_rewards()
        order._loyalty_set_points_to_use(200)
        self.friend.action_leave_household()
        order._update_programs_and_rewards()
        self.assertEqual(order.amount_total, 30)
        order.action_confirm()
        self.assertPoints(500)
        self.assertPoints(0, 30, self.friend_account)
