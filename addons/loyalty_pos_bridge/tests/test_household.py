# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestHousehold(LoyaltyPosCommon):
    """Ben pays at the till with the 120 beans of Anna's household."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ben = cls.env["res.partner"].create({"name": "Ben Stone"})
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        cls.household = cls.env["loyalty.household"].create(
            {"name": "The Beans", "head_id": cls.member.id}
        )
        cls.household._join(cls.friend)

    def setUp(self):
        super().setUp()
        self._open_session()

    def test_till_is_told_the_shared_account(self):
        [quote] = self.main_pos_config.with_user(self.pos_user).loyalty_quote(
            {
                "uuid": "household",
                "partner_id": self.ben.id,
                "lines": [self._line(self.beans, tax_ids=[])],
            }
        )
        self.assertEqual(quote["account_id"], self.account.id)
        self.assertEqual(quote["partner_id"], self.ben.id)
        self.assertEqual((quote["name"], quote["spendable"]), ("Ben Stone", 120))
        self.assertTrue(quote["can_redeem"])

    def test_member_pays_with_the_household(self):
        order = self._sync(
            [self._line(self.beans), self._points_line(100)], partner=self.ben
        )
        transaction = self._transactions(order)
        self.assertEqual(
            (transaction.member_id, transaction.account_id),
            (self.friend, self.account),
        )
        self.assertEqual(self.account.points, 120 - 100 + 9)
        self.assertClean()
        updates = order._get_account_updates({"-1": self.program})
        self.assertEqual(
            [(u["id"], u["partner_id"], u["points"]) for u in updates],
            [(self.account.id, self.ben.id, 29)],
        )

    def test_who_has_left_does_not_pay_with_it(self):
        self.friend.action_leave_household()
        with self.assertRaisesRegex(Exception, "not those of its customer"):
            self._sync(
                [self._line(self.beans), self._points_line(100)], partner=self.ben
            )
        self.assertEqual(self.account.points, 120)
