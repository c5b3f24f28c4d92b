# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Members of a household buy in all channels with the account that they share."""

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import LoyaltyLedgerCommon
from odoo.addons.loyalty_pos_bridge.tests.common import LoyaltyPosCommon
from odoo.addons.loyalty_sale_bridge.tests.common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestHouseholdAtTheTill(LoyaltyPosCommon):
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


@tagged("post_install", "-at_install")
class TestHouseholdOrders(LoyaltySaleCommon):
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


@tagged("post_install", "-at_install")
class TestHouseholdAdjustment(LoyaltyLedgerCommon):
    """Anna and Ben share 140 beans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ben = cls.env["res.partner"].create({"name": "Ben"})
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        household = cls.env["loyalty.household"].create(
            {"name": "The Beans", "head_id": cls.member.id}
        )
        household._join(cls.friend)

    def setUp(self):
        super().setUp()
        self._post(Op.CREDIT, 140)

    def test_adjustment_of_all_members(self):
        adjustment = self.env["loyalty.adjustment"].create(
            {
                "scheme_id": self.scheme.id,
                "kind": "take",
                "points": 100,
                "reason_id": self.env["loyalty.adjustment.reason"]
                .create({"name": "Misuse"})
                .id,
                "target": "members",
                "member_ids": [Command.set((self.member | self.friend).ids)],
            }
        )
        adjustment._freeze_members()
        lines = adjustment.line_ids.sorted("id")
        self.assertEqual(lines.account_id, self.account)
        lines._post()
        self.assertEqual(lines.mapped("state"), ["posted", "refused"])
        self.assertIn("has 40 beans available", lines[1].message)
        self.assertBooks(40)
