# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestPrices(LoyaltyPosCommon):
    """What a till may ask for a reward, and what a reward may give."""

    def setUp(self):
        super().setUp()
        self._open_session()

    def _use_points(self, value, cost):
        """Return the points taken for a discount, and the notes about it."""
        order = self._sync(
            [self._line(self.beans, qty=3), self._points_line(value * 100, cost=cost)]
        )
        sale = self._transactions(order)
        return sale.points_redeemed, self._notes(sale)

    def _notes(self, sale):
        return [step["text"] for step in sale.trace if step["code"] == "note"]

    def test_no_whole_point_is_given_away(self):
        self.scheme.write({"redeem_points": 1, "redeem_value": 1})
        for value, cost, charged in (
            (1, 0, 1),
            (10, 9, 10),
            (10, -10, 10),
            (0.01, -1, 1),
        ):
            with self.subTest(value=value, cost=cost):
                points, [note] = self._use_points(value, cost)
                self.assertEqual(points, charged)
                self.assertIn("for a reward that costs", note)

    def test_a_cent_of_rounding_takes_no_point_more(self):
        self.scheme.write({"redeem_points": 1, "redeem_value": 1})
        self.assertEqual(self._use_points(10.01, 10), (10, []))
        points, [_note] = self._use_points(10.02, 10)
        self.assertEqual(points, 11)

    def _claim(self, reward, discount, goods):
        """Sell goods with a reward that takes some money off the order."""
        line = self._line(
            reward.discount_line_product_id,
            price=-discount,
            is_reward_line=True,
            reward_id=reward.id,
            coupon_id=self.account.id,
            reward_identifier_code="claimed",
            points_cost=reward.required_points,
        )
        return self._sync([*goods, line])

    def test_a_reward_that_gives_too_much_is_seen(self):
        for values, most in (
            ({"discount_mode": "per_order", "discount": 5}, 5),
            ({"discount_mode": "percent", "discount": 20}, 5.8),
            (
                {
                    "discount_mode": "percent",
                    "discount": 20,
                    "discount_max_amount": 2.5,
                },
                2.5,
            ),
            (
                {
                    "discount_mode": "percent",
                    "discount": 20,
                    "discount_applicability": "specific",
                    "discount_product_ids": self.beans.ids,
                },
                4,
            ),
            (
                {
                    "discount_mode": "percent",
                    "discount": 20,
                    "discount_applicability": "cheapest",
                    "discount_product_ids": self.mug.ids,
                },
                1.8,
            ),
            ({"reward_type": "product", "reward_product_id": self.mug.id}, 9),
        ):
            with self.subTest(**values):
                reward = self.env["loyalty.reward"].create(
                    {"program_id": self.program.id, "required_points": 5, **values}
                )
                goods = [self._line(self.beans, qty=2), self._line(self.mug, price=9)]
                sale = self._transactions(self._claim(reward, most, goods))
                self.assertEqual(sale.points_redeemed, 5)
                self.assertFalse(self._notes(sale))
                goods = [self._line(self.beans, qty=2), self._line(self.mug, price=9)]
                order = self._claim(reward, most + 3, goods)
                sale = self._transactions(order)
                [note] = self._notes(sale)
                self.assertEqual(sale.points_redeemed, 5)
                self.assertIn("3.00 more off the order", note)
                self.assertIn("3.00 more off the order", order.message_ids[0].body)

    def test_a_free_product_that_is_not_sold_is_seen(self):
        reward = self.env["loyalty.reward"].create(
            {
                "program_id": self.program.id,
                "required_points": 5,
                "reward_type": "product",
                "reward_product_id": self.mug.id,
            }
        )
        order = self._claim(reward, 10, [self._line(self.beans, qty=2)])
        [note] = self._notes(self._transactions(order))
        self.assertIn("10.00 more off the order", note)
