# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestRedeem(LoyaltySaleCommon):
    """Using points as money, as many as the customer chooses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._grant(500)

    def test_chosen_amount(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(150)
        line = order._loyalty_get_amount_lines()
        self.assertEqual((line.price_total, line.points_cost), (-1.5, 150))
        self.assertEqual(order.amount_total, 28.5)
        self.assertPoints(500)
        order.with_user(self.seller).action_confirm()
        self.assertPoints(350, 28)
        self.assertEqual(order.loyalty_transaction_id.points_redeemed, 150)

    def test_choice_survives_recomputation(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(150)
        order._update_programs_and_rewards()
        order.order_line[0].product_uom_qty = 4
        order._update_programs_and_rewards()
        self.assertEqual(order._loyalty_get_amount_lines().points_cost, 150)
        order._loyalty_set_points_to_use(20)
        self.assertEqual(order._loyalty_get_amount_lines().points_cost, 20)
        self.assertEqual(order.amount_total, 39.8)

    def test_remove(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(150)
        order._loyalty_set_points_to_use(0)
        self.assertEqual(order.amount_total, 30)
        order._loyalty_set_points_to_use(150)
        order._loyalty_get_amount_lines().unlink()
        self.assertFalse(order.loyalty_points_to_use)

    def test_smaller_order_takes_fewer(self):
        order = self._create_order((self.cake, 1))
        order._loyalty_set_points_to_use(500)
        self.assertEqual(order.amount_total, 0)
        order.order_line[0].price_unit = 2
        order._update_programs_and_rewards()
        self.assertEqual(order._loyalty_get_amount_lines().points_cost, 200)
        order.action_confirm()
        self.assertPoints(300)

    def test_limits(self):
        self.scheme.write({"redeem_minimum": 100, "redeem_max_share": 10})
        order = self._create_order()
        for points in (99, 301, 501, 100.5):
            with self.subTest(points=points), self.assertRaises(UserError) as error:
                order._loyalty_set_points_to_use(points)
            self.assertIn("bean", str(error.exception))
        self.assertFalse(order._loyalty_get_amount_lines())
        order._loyalty_set_points_to_use(300)
        self.assertEqual(order.amount_total, 27)
        order.action_confirm()
        self.assertPoints(200, 27)

    def test_too_small_an_order(self):
        self.scheme.redeem_minimum = 1000
        order = self._create_order()
        with self.assertRaisesRegex(UserError, "1,000 beans"):
            order._loyalty_set_points_to_use(500)

    def test_native_claim_takes_all(self):
        order = self._create_order()
        order._update_programs_and_rewards()
        self.assertFalse(order._get_claimable_rewards())
        order._apply_program_reward(self.program.reward_ids, self.account)
        self.assertEqual(order._loyalty_get_amount_lines().points_cost, 500)

    def test_points_about_to_be_earned_cannot_be_spent(self):
        order = self._create_order((self.coffee, 100))
        order._update_programs_and_rewards()
        self.assertEqual(order.coupon_point_ids.points, 1000)
        self.assertEqual(order._get_real_points_for_coupon(self.account), 500)
        with self.assertRaises(UserError):
            order._loyalty_set_points_to_use(501)

    def test_taxes_share_the_discount(self):
        tax = self.env["account.tax"].create({"name": "Tax 21%", "amount": 21})
        order = self._create_order((self.coffee, 1), (self.cake, 1))
        order.order_line[0].tax_ids = tax
        order._loyalty_set_points_to_use(333)
        self.assertEqual(len(order._loyalty_get_amount_lines()), 2)
        self.assertEqual(
            self.currency.round(order.amount_total), self.currency.round(17.1 - 3.33)
        )
        order.action_confirm()
        self.assertPoints(167, 13)

    def _get_remaining(self):
        """Return what is left of each lot, with the day it expires."""
        return [
            (lot.expiry_date, lot.remaining)
            for lot in self.account.lot_ids.sorted("id")
            if lot.state == "available" and lot.remaining
        ]

    @freeze_time("2026-03-02 10:00:00")
    def test_cancel_restores_exactly(self):
        """Each lot gets back what it gave: no point lives longer than it did."""
        self.scheme.expiry_policy = "term"
        self._grant(100)
        with freeze_time("2026-05-04 10:00:00"):
            self._grant(200)
        before = self._get_remaining()
        self.assertEqual([remaining for _expiry, remaining in before], [500, 100, 200])
        self.assertEqual(len({expiry for expiry, _remaining in before}), 3)
        order = self._create_order((self.coffee, 1))
        order._loyalty_set_points_to_use(250)
        order.action_confirm()
        spent = self._get_remaining()
        self.assertEqual(spent, [(False, 500), (before[2][0], 50)])
        order._action_cancel()
        self.assertEqual(self._get_remaining(), before)
        self.assertPoints(800)

    def test_edit_after_confirmation(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(120)
        order.action_confirm()
        order._loyalty_get_amount_lines().product_uom_qty = 0
        self.assertPoints(500, 30)
        order._action_cancel()
        self.assertPoints(500)

    def test_cost_cannot_be_changed(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(120)
        order.action_confirm()
        line = order._loyalty_get_amount_lines().with_user(self.seller)
        with self.assertRaisesRegex(UserError, "120 beans"):
            line.points_cost = 1
        with self.assertRaises(UserError):
            line.price_unit = -20

    def test_discount_in_foreign_currency(self):
        yen = self.env.ref("base.JPY")
        yen.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": yen.id, "rate": 150.0, "name": "2020-01-01"}
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Yen", "currency_id": yen.id}
        )
        order = self._create_order((self.coffee, 1), pricelist_id=pricelist.id)
        order.order_line.price_unit = 15000
        order._loyalty_set_points_to_use(200)
        self.assertEqual(order.amount_total, 14700)
        order.action_confirm()
        self.assertPoints(300, 98)

    def test_free_product_beside_money(self):
        """A manager adds a free cake for 50 beans to the scheme's program."""
        self.program.reward_ids = [
            Command.create(
                {
                    "reward_type": "product",
                    "reward_product_id": self.cake.id,
                    "required_points": 300,
                }
            )
        ]
        reward = self.program.reward_ids.filtered(lambda r: r.reward_type == "product")
        order = self._create_order()
        order._update_programs_and_rewards()
        self.assertEqual(order._get_claimable_rewards()[self.account], reward)
        order._apply_program_reward(reward, self.account)
        with self.assertRaises(UserError):
            order._loyalty_set_points_to_use(201)
        order._loyalty_set_points_to_use(200)
        order.action_confirm()
        self.assertPoints(0, 28)

    def test_blocked_member_cannot_spend(self):
        self.member.action_block("Suspicion")
        order = self._create_order()
        with self.assertRaises(UserError):
            order._loyalty_set_points_to_use(100)
        self.assertPoints(500)

    def test_closed_scheme(self):
        order = self._create_order()
        self.scheme.action_close()
        with self.assertRaises(UserError) as error:
            order.with_user(self.seller)._loyalty_set_points_to_use(100)
        self.assertEqual(
            str(error.exception),
            "Harmony Coffee is closed: nobody can join, earn or spend beans at the "
            "moment.",
        )
        self.scheme.action_reopen()
        self.assertPoints(500)

    def test_scheme_closed_before_confirmation(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(100)
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "Harmony Coffee is closed"):
            order.with_user(self.seller).action_confirm()
        self.scheme.action_reopen()
        self.assertPoints(500)

    def test_scheme_without_a_program(self):
        order = self._create_order()
        self.scheme.points_program_id = False
        with self.assertRaises(UserError) as error:
            order.with_user(self.seller)._loyalty_set_points_to_use(100)
        self.assertEqual(
            str(error.exception),
            "Harmony Coffee has no points program yet, so nothing can be earned or "
            "spent. Open the scheme and press Create Program.",
        )

    def test_stranger_cannot_spend(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        order = self._create_order(partner=stranger)
        with self.assertRaisesRegex(UserError, "Only members"):
            order._loyalty_set_points_to_use(100)

    def test_changed_customer_loses_the_points(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(100)
        order.partner_id = self.env["res.partner"].create({"name": "Stranger"})
        order._update_programs_and_rewards()
        self.assertFalse(order._loyalty_get_amount_lines())
        order.action_confirm()
        self.assertPoints(500)

    def test_spent_elsewhere_before_confirmation(self):
        order = self._create_order()
        order._loyalty_set_points_to_use(400)
        self.account._adjust(-200, "Spent at a till")
        with self.assertRaisesRegex(UserError, "300 beans"):
            order.action_confirm()
        self.assertPoints(300)

    def test_asking_opens_no_account(self):
        ben = self.env["res.partner"].create({"name": "Ben"})
        member = self.env["loyalty.member"]._enrol(ben, self.scheme)
        order = self._create_order(partner=ben).with_user(self.seller)
        self.assertIn("Ben has 0 beans", order.loyalty_summary)
        self.assertFalse(order.loyalty_can_redeem)
        self.assertFalse(member.account_id)
        order.action_confirm()
        member.invalidate_recordset()
        self.assertEqual(member.points_pending, 30)

    def test_dialog(self):
        order = self._create_order().with_user(self.seller)
        self.assertIn("Anna has 500 beans", order.loyalty_summary)
        self.assertIn("earns 30 beans", order.loyalty_summary)
        action = order.action_loyalty_use_points()
        dialog = (
            self.env["loyalty.sale.redeem"]
            .with_user(self.seller)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(dialog.points, 500)
        dialog.points = 80
        dialog.action_apply()
        self.assertEqual(order.amount_total, 29.2)
        dialog.action_remove()
        self.assertEqual(order.amount_total, 30)

    def _open_dialog(self, order):
        order = order.with_user(self.seller)
        context = order.action_loyalty_use_points()["context"]
        return (
            self.env["loyalty.sale.redeem"]
            .with_user(self.seller)
            .with_context(**context)
            .create({})
        )

    def test_dialog_for_a_stranger(self):
        """The button is hidden, but the customer can change behind an open form."""
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        dialog = self._open_dialog(self._create_order(partner=stranger))
        self.assertEqual(
            dialog.explanation,
            "Stranger is not a member, so there are no points to use.",
        )
        self.assertFalse(dialog.points)
        self.assertFalse(dialog.worth)
        dialog.points = 10
        with self.assertRaisesRegex(UserError, "Only members"):
            dialog.action_apply()

    def test_dialog_without_points(self):
        self.account._adjust(-500, "Spent")
        dialog = self._open_dialog(self._create_order())
        self.assertEqual(dialog.explanation, "There are no beans to use on this order.")
