# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.payment.tests.common import PaymentCommon

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestSequences(PaymentCommon, LoyaltySaleCommon):
    """Orders whose rewards, payments or members changed in an unusual order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._grant(500)

    def _pay_online(self, order):
        """Let the customer pay the order in full, as the e-shop does."""
        transaction = self._create_transaction(
            "direct",
            reference=order.name,
            sale_order_ids=[Command.set(order.ids)],
            amount=order.amount_total,
            currency_id=order.currency_id.id,
            partner_id=order.partner_id.id,
        )
        transaction._set_done()
        return transaction

    def _prepare_other_coupons(self):
        """Return what a line could name as paying, other than Anna's account."""
        native = self.env["loyalty.program"].create({"name": "Native"})
        ben = self.env["res.partner"].create({"name": "Ben"})
        member = self.env["loyalty.member"]._enrol(ben, self.scheme)
        account = self.scheme._get_account(member)
        self._grant(900, account)
        return (
            self.env["loyalty.card"],
            self.env["loyalty.card"].create({"program_id": native.id, "points": 900}),
            account,
        )

    def _prepare_line_by_hand(self, **values):
        reward = self.program.reward_ids[:1]
        return {
            "name": "By hand",
            "product_id": reward.discount_line_product_id.id,
            "price_unit": -5,
            "reward_id": reward.id,
            "reward_identifier_code": "by hand",
            **values,
        }

    def _add_cake_reward(self):
        self.program.reward_ids = [
            Command.create(
                {
                    "reward_type": "product",
                    "reward_product_id": self.cake.id,
                    "required_points": 300,
                }
            )
        ]
        return self.program.reward_ids.filtered(lambda r: r.reward_type == "product")

    # === REWARDS THAT NOBODY PAYS FOR === #

    def test_reward_paid_by_no_account_of_the_member(self):
        for coupon in self._prepare_other_coupons():
            order = self._create_order()
            order._loyalty_set_points_to_use(100)
            order._loyalty_get_amount_lines().coupon_id = coupon
            with (
                self.subTest(coupon=coupon.display_name),
                self.assertRaisesRegex(UserError, "not paid for with points"),
            ):
                order.with_user(self.seller).action_confirm()
            self.assertEqual(order.state, "draft")
        self.assertPoints(500)

    def test_reward_added_by_hand_to_a_confirmed_order(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        for partner in self.anna, stranger:
            order = self._create_order(partner=partner)
            order.action_confirm()
            with (
                self.subTest(partner=partner.name),
                self.assertRaisesRegex(UserError, "“By hand” is not paid for"),
            ):
                order.with_user(self.seller).order_line = [
                    Command.create(self._prepare_line_by_hand())
                ]

    def test_negative_cost_cancels_no_other(self):
        """A cake given back for -300 beans does not pay for 3.00 of coffee."""
        reward = self._add_cake_reward()
        order = self._create_order()
        order._loyalty_set_points_to_use(300)
        order.action_confirm()
        self.assertPoints(200, 27)
        values = self._prepare_line_by_hand(
            product_id=self.cake.id,
            product_uom_qty=-1,
            price_unit=0,
            reward_id=reward.id,
            coupon_id=self.account.id,
            points_cost=-300,
        )
        with self.assertRaisesRegex(UserError, "costs 0 beans"):
            order.with_user(self.seller).order_line = [Command.create(values)]

    def test_paid_order_with_a_reward_that_nobody_pays_for(self):
        """The money is there: the order is confirmed, and staff are told."""
        for coupon in self._prepare_other_coupons():
            order = self._create_order()
            order._loyalty_set_points_to_use(100)
            order._loyalty_get_amount_lines().coupon_id = coupon
            before = self.account.points, self.account.ledger_pending
            with self.subTest(coupon=coupon.display_name):
                transaction = self._pay_online(order)
                self.assertFalse(coupon.hold_ids)
                transaction._post_process()
                self.assertEqual((order.state, order.amount_total), ("sale", 29))
                self.assertIn("no points pay for", order.activity_ids.summary)
                self.assertIn("100 beans used", order.activity_ids.note)
                self.assertPoints(before[0], before[1] + 29)
                if coupon.ledger_managed:
                    self.assertEqual(coupon.points, 900)

    # === WHO MAY NOT SPEND ANY MORE === #

    def _create_paid_order(self, points=100):
        order = self._create_order()
        order._loyalty_set_points_to_use(points)
        return order, self._pay_online(order)

    def assertConfirmedWithoutPoints(self, order, reason, amount=29):
        self.assertEqual((order.state, order.amount_total), ("sale", amount))
        self.assertEqual(order._loyalty_get_amount_lines().points_cost, 100)
        self.assertIn("could not be", order.activity_ids.summary)
        self.assertIn(reason, order.activity_ids.note)
        self.assertNotIn("active", self.account.hold_ids.mapped("state"))
        self.assertPoints(500)

    def test_scheme_closed_after_paying(self):
        order, transaction = self._create_paid_order()
        self.scheme.action_close()
        transaction._post_process()
        self.assertConfirmedWithoutPoints(order, "Harmony Coffee is closed")
        self.assertEqual(order.loyalty_transaction_id.points_redeemed, 0)

    def test_scheme_archived_after_paying(self):
        order, transaction = self._create_paid_order()
        self.scheme.active = False
        transaction._post_process()
        self.assertConfirmedWithoutPoints(order, "Harmony Coffee is closed")

    def test_member_blocked_after_paying(self):
        order, transaction = self._create_paid_order()
        self.member.action_block("Suspicion")
        transaction._post_process()
        self.assertConfirmedWithoutPoints(order, "is blocked")
        self.assertIn("100 beans", order.activity_ids.note)

    def test_member_left_after_paying(self):
        order, transaction = self._create_paid_order()
        self.member.action_leave()
        transaction._post_process()
        self.assertConfirmedWithoutPoints(order, "has left Harmony Coffee")

    def test_scheme_without_a_program_after_paying(self):
        order, transaction = self._create_paid_order()
        self.scheme.points_program_id = False
        transaction._post_process()
        self.assertConfirmedWithoutPoints(order, "has no points program")
        self.assertFalse(order.loyalty_transaction_id)

    def test_rules_changed_after_paying(self):
        """What the scheme still lets the order take is taken."""
        order, transaction = self._create_paid_order()
        self.scheme.redeem_max_share = 2
        transaction._post_process()
        self.assertEqual((order.state, order.amount_total), ("sale", 29))
        self.assertEqual(order.loyalty_transaction_id.points_redeemed, 60)
        self.assertPoints(440, 29)
        self.assertTrue(order.activity_ids)

    def test_paid_price_does_not_change(self):
        """Pressing Reward on a paid quotation neither adds nor takes a reward."""
        reward = self._add_cake_reward()
        order = self._create_order()
        order._update_programs_and_rewards()
        order._apply_program_reward(reward, self.account)
        order._loyalty_set_points_to_use(150)
        lines = order.order_line
        self._pay_online(order)
        self.member.action_block("Suspicion")
        order._update_programs_and_rewards()
        self.assertEqual(order.order_line, lines)
        self.assertEqual(order.amount_total, 28.5)
        self.assertEqual(sum(lines.mapped("points_cost")), 450)
        with self.assertRaisesRegex(UserError, "is paid for"):
            order._loyalty_set_points_to_use(0)

    def test_not_paid_and_closed_is_refused(self):
        for end in (
            self.scheme.action_close,
            lambda: self.member.action_block("Suspicion"),
        ):
            order = self._create_order()
            order._loyalty_set_points_to_use(100)
            end()
            with self.subTest(end=end), self.assertRaises(UserError):
                order.with_user(self.seller).action_confirm()
            self.scheme.action_reopen()
        self.assertPoints(500)
