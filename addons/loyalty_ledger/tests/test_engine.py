# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import random
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..engine import (
    Basket,
    BasketLine,
    Conditions,
    Effect,
    Policy,
    Rule,
    RuleSet,
    allot,
    evaluate,
    round_to_step,
)

BASE = Rule("base", "Base", Decimal(1))
ONE = RuleSet([BASE])


def basket(*amounts, **values):
    return Basket(
        tuple(
            BasketLine(str(index), Decimal(amount))
            for index, amount in enumerate(amounts)
        ),
        **values,
    )


@tagged("post_install", "-at_install")
class TestEngine(BaseCase):
    def test_points_are_rounded_once_and_shared_out(self):
        result = evaluate(basket("3.40", "3.40", "3.40"), ONE)
        self.assertEqual(result.points, 10)
        self.assertEqual(sorted(result.lines.values()), [3, 3, 4])

    def test_by_rule(self):
        """Asked rule by rule at once or afterwards, the answer is the same."""
        rules = RuleSet(
            [
                BASE,
                Rule("more", "More", Decimal("0.35")),
                Rule("x", "X", Decimal("1.7")),
            ]
        )
        goods = basket("3.40", "7.15", "2.05")
        quick, apart = evaluate(goods, rules), evaluate(goods, rules, by_rule=True)
        self.assertEqual(apart.points, quick.points)
        self.assertEqual(apart.lines, quick.lines)
        self.assertEqual(apart.awards, quick.awards)
        self.assertEqual(apart.trace, quick.trace)

    def test_the_best_step_that_is_reached(self):
        """Of a group by size of basket the best gives, also when it asks for less."""
        steps = (("50", "10"), ("100", "25"), ("200", "20"))
        rules = RuleSet(
            Rule(
                least,
                least,
                Decimal(points),
                effect=Effect.RECEIPT,
                group="size",
                conditions=Conditions(minimum_amount=Decimal(least)),
            )
            for least, points in steps
        )
        for amount, expected in (
            ("49.99", 0),
            ("50.00", 10),
            ("99.995", 10),
            ("100.00", 25),
            ("200.00", 25),
        ):
            for by_rule in (False, True):
                with self.subTest(amount=amount, by_rule=by_rule):
                    result = evaluate(basket(amount), rules, by_rule=by_rule)
                    self.assertEqual(result.points, expected)
        # A discount of a third: what is left is 66.666… and 33.333…
        lines = (*basket("66.67", "33.33").lines, BasketLine("d", Decimal("-33.34")))
        self.assertEqual(evaluate(Basket(lines), rules).points, 10)

    def test_rounding_methods(self):
        for method, expected in (("DOWN", 10), ("HALF-UP", 11), ("UP", 11)):
            policy = Policy(rounding=method)
            self.assertEqual(
                evaluate(basket("10.50"), RuleSet([BASE], policy)).points, expected
            )

    def test_rounding_to_two_decimals(self):
        tenth = Rule("base", "Base", Decimal(1), Decimal(10))
        policy = Policy(step=Decimal("0.01"))
        self.assertEqual(
            evaluate(basket("10.99"), RuleSet([tenth], policy)).points, Decimal("1.09")
        )

    def test_division_noise_costs_nothing(self):
        """A third of a discount on each line must not turn 29 into 28."""
        lines = (
            BasketLine("a", Decimal(10)),
            BasketLine("b", Decimal(10)),
            BasketLine("c", Decimal(10)),
            BasketLine("r", Decimal(-1), is_reward=True),
        )
        result = evaluate(Basket(lines), ONE)
        self.assertEqual(result.points, 29)
        self.assertEqual(sum(result.lines.values()), 29)

    def test_not_eligible_lines_bear_their_part_of_a_discount(self):
        lines = (
            BasketLine("goods", Decimal(80)),
            BasketLine("shipping", Decimal(20), eligible=False),
            BasketLine("discount", Decimal(-10)),
        )
        result = evaluate(Basket(lines), ONE)
        self.assertEqual(result.points, 72)
        self.assertEqual(result.lines, {"goods": 72})

    def test_never_negative(self):
        lines = (BasketLine("a", Decimal(5)), BasketLine("d", Decimal(-9)))
        self.assertEqual(evaluate(Basket(lines), ONE).points, 0)

    def test_nothing_bought(self):
        result = evaluate(Basket(()), ONE)
        self.assertEqual(result.points, 0)
        self.assertEqual(result.trace, ({"code": "nothing_eligible"},))

    def test_refusal_is_explained(self):
        result = evaluate(basket("10", refusal="member_blocked"), ONE)
        self.assertEqual(result.points, 0)
        self.assertEqual(result.trace, ({"code": "member_blocked"},))

    def test_order_of_lines_does_not_matter(self):
        generator = random.Random(19)
        for _round in range(200):
            lines = [
                BasketLine(str(i), Decimal(generator.randint(1, 9999)) / 100)
                for i in range(generator.randint(1, 8))
            ]
            before = evaluate(Basket(tuple(lines)), ONE)
            generator.shuffle(lines)
            after = evaluate(Basket(tuple(lines)), ONE)
            self.assertEqual(before.points, after.points)
            self.assertEqual(before.lines, after.lines)

    def test_shares_add_up(self):
        generator = random.Random(7)
        for _round in range(200):
            weights = {i: Decimal(generator.randint(0, 500)) for i in range(7)}
            weights[0] += 1
            total = Decimal(generator.randint(0, 90))
            shares = allot(total, weights, Decimal(1))
            self.assertEqual(sum(shares.values()), total)
            self.assertTrue(all(share >= 0 for share in shares.values()))

    def test_round_to_step_of_other_than_powers_of_ten(self):
        self.assertEqual(
            round_to_step(Decimal("17.9"), Decimal(5), "DOWN"), Decimal(15)
        )
