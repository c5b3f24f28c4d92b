# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestMemberMerge(LoyaltySaleCommon):
    """Orders of a customer whose membership was merged into another."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ben = cls.env["res.partner"].create({"name": "Ben"})
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        cls.friend_account = cls.scheme._get_account(cls.friend)
        cls.friend_account._adjust(200, "Welcome")

    def _order(self):
        order = self._create_order(partner=self.ben).with_user(self.seller)
        order._update_programs_and_rewards()
        return order

    def test_orders_from_before_and_after(self):
        old, quotation = self._order(), self._order()
        old._loyalty_set_points_to_use(100)
        old.action_confirm()
        self.assertPoints(100, 29, self.friend_account)
        quotation._loyalty_set_points_to_use(100)
        self.member._merge(self.friend, "The same person")
        self.assertPoints(0, 0, self.friend_account)
        self.assertPoints(100, 29)
        # The quotation was to spend what is on another account by now
        quotation._update_programs_and_rewards()
        self.assertEqual(quotation._loyalty_get_member(), self.member)
        self.assertEqual(quotation.amount_total, 30)
        new = self._order()
        new._loyalty_set_points_to_use(100)
        new.action_confirm()
        self.assertPoints(0, 58)
        old._action_cancel()
        self.assertPoints(100, 29)
        self.friend.action_unmerge()
        # What the old order had spent is Ben's; the new one was the other's
        self.assertPoints(0, 29)
        self.assertPoints(100, 0, self.friend_account)
