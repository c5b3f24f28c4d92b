# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.move import Move, Op

from .common import LoyaltyPosCommon

LAST_DAY = date(2099, 12, 31)


@tagged("post_install", "-at_install")
class TestMemberMerge(LoyaltyPosCommon):
    """Orders that a till began with Ben, who is merged into Anna meanwhile.

    Anna has 120 beans; Ben has 80, which end on a day.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.pending_days = 0
        cls.ben = cls.env["res.partner"].create({"name": "Ben Stone"})
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        cls.friend_account = cls.scheme._get_account(cls.friend)
        cls.env["loyalty.ledger"]._post(
            [
                Move(
                    account_id=cls.friend_account.id,
                    key="welcome",
                    kind="adjust",
                    op=Op.CREDIT,
                    points=Decimal(80),
                    expiry_date=LAST_DAY,
                )
            ]
        )

    def setUp(self):
        super().setUp()
        self._open_session()

    def _begin(self, points):
        """Return Ben's order of 20, partly paid with his points, as the till has it."""
        return self._order_data(
            [
                self._line(self.beans),
                self._line(self.mug),
                {**self._points_line(points), "coupon_id": self.friend_account.id},
            ],
            self.ben,
        )

    def _send(self, data):
        """Let the till send an order, and return it."""
        self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        return self.env["pos.order"].search([("uuid", "=", data["uuid"])])

    def _merge(self):
        self.member._merge(self.friend, "The same person")

    def _bring_back(self, order):
        """Return all goods of an order and what points had paid of them."""
        return self._sync(
            [
                self._line(
                    line.product_id,
                    qty=-line.qty,
                    price=line.price_unit,
                    refunded_orderline_id=line.id,
                )
                for line in order.lines
            ],
            self.ben,
            is_refund=True,
        )

    def _lots(self, account):
        """Return what is left on an account, by its last day."""
        left = {}
        for lot in account.lot_ids.filtered("remaining"):
            day = lot.expiry_date or None
            left[day] = left.get(day, 0) + lot.remaining
        return left

    def assertPoints(self, kept, given):
        self.assertEqual(
            (self.account.points, self.friend_account.points), (kept, given)
        )
        accounts = self.account | self.friend_account
        self.assertEqual(self.env["loyalty.ledger"]._audit(accounts), [])

    def test_an_order_from_before_is_settled_where_the_points_are(self):
        data = self._begin(60)
        self._merge()
        self.assertPoints(200, 0)
        order = self._send(data)
        sale = self._transactions(order)
        self.assertRecordValues(
            sale,
            [
                {
                    "member_id": self.member.id,
                    "account_id": self.account.id,
                    "points_redeemed": 60,
                    "points_earned": 19,
                }
            ],
        )
        self.assertPoints(200 - 60 + 19, 0)
        # What ends was spent first: Ben's, who was asked for it
        self.assertEqual(self._lots(self.account), {None: 139, LAST_DAY: 20})
        [part] = order.loyalty_receipt
        self.assertEqual(part["balance_text"], "159 beans")
        # Sent again, because the answer got lost
        self.assertEqual(self._send(data), order)
        self.assertPoints(159, 0)
        back = self._transactions(self._bring_back(order))
        self.assertEqual(
            (back.origin_id, back.points_redeemed, back.points_earned), (sale, 60, 19)
        )
        self.assertPoints(200, 0)
        self.assertEqual(self._lots(self.account), {None: 120, LAST_DAY: 80})
        self.friend.action_unmerge()
        self.assertPoints(120, 80)

    def test_the_till_is_told_the_account_of_who_stays(self):
        data = self._begin(60)
        self._merge()
        order = self._send(data)
        [update] = order._get_account_updates({self.friend_account.id: self.program})
        self.assertEqual(
            (update["old_id"], update["id"], update["points"]),
            (self.friend_account.id, self.account.id, 159),
        )

    def test_an_order_that_is_returned_after_the_merge_and_after_its_end(self):
        order = self._send(self._begin(60))
        sale = self._transactions(order)
        self.assertPoints(120, 20 + 19)
        self._merge()
        self.assertPoints(159, 0)
        goods = order.lines.filtered(lambda line: not line.reward_id)
        discount = order.lines - goods
        share = self._line(
            discount.product_id,
            qty=-1,
            price=-0.3,
            refunded_orderline_id=discount.id,
        )
        back = self._sync(
            [self._return_line(goods[0]), share], self.ben, is_refund=True
        )
        first = self._transactions(back)
        self.assertEqual((first.origin_id, first.points_redeemed), (sale, 30))
        self.assertPoints(159 + 30 - first.points_earned, 0)
        self.friend.action_unmerge()
        self.assertPoints(120, 39 + 30 - first.points_earned)
        share = {**share, "uuid": "second share", "price_unit": -0.3}
        back = self._sync(
            [self._return_line(goods[1]), share], self.ben, is_refund=True
        )
        second = self._transactions(back)
        self.assertEqual(second.account_id, self.friend_account)
        self.assertEqual(first.points_earned + second.points_earned, 19)
        self.assertPoints(120, 80)
        self.assertEqual(self._lots(self.friend_account), {LAST_DAY: 80})

    def test_a_merge_waits_for_an_order_that_is_being_paid(self):
        data = self._begin(60)
        till = self.main_pos_config.with_user(self.pos_user)
        lines = [{**line[2], "tax_ids": []} for line in data["lines"]]
        answer = till.loyalty_reserve(
            {"uuid": data["uuid"], "partner_id": self.ben.id, "lines": lines}
        )
        self.assertTrue(answer["successful"], answer["message"])
        with (
            self.assertRaisesRegex(
                UserError, "Unsaved order of a till has 60 beans of Ben Stone set aside"
            ),
            self.env.cr.savepoint(),
        ):
            self._merge()
        self._send(data)
        self._merge()
        self.assertPoints(120 + 80 - 60 + 19, 0)

    def test_a_hold_names_and_opens_the_order_of_its_till(self):
        data = self._begin(60)
        hold = self.account._hold(f"pos:{data['uuid']}", 60).with_user(self.pos_user)
        self.assertEqual(hold.sudo().holder, "Unsaved order of a till")
        self._send(data)
        order = self.env["pos.order"].search([("uuid", "=", data["uuid"])])
        hold.invalidate_recordset()
        self.assertEqual(hold.sudo().holder, order.pos_reference)
        self.assertEqual(hold.sudo().action_open_document()["res_id"], order.id)

    def test_points_that_are_gone_meanwhile_save_no_order(self):
        data = self._begin(60)
        self._merge()
        self.account._adjust(-150, "Donated")
        with (
            self.assertRaisesRegex(UserError, "50 beans"),
            self.env.cr.savepoint(),
        ):
            self._send(data)
        self.assertFalse(self.env["pos.order"].search([("uuid", "=", data["uuid"])]))
        self.assertPoints(50, 0)
