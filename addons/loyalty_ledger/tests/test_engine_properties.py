# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What holds for whatever rules and whatever basket.

Hypothesis makes up schemes and purchases, the same ones every time, and shrinks what
breaks a property to the smallest example that still does.
"""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..engine import (
    Basket,
    BasketLine,
    Cap,
    Conditions,
    Effect,
    Facts,
    Period,
    Policy,
    Product,
    Rule,
    RuleSet,
    Target,
    evaluate,
)

ZERO = Decimal(0)
PRODUCTS = tuple(
    Product(number, frozenset({number % 3, 10}), frozenset({number % 2}))
    for number in range(5)
)
PERIODS = tuple(Period)

CENTS = (st.integers(500, 20_000) | st.integers(1, 20_000)).map(
    lambda cents: Decimal(cents) / 100
)
RATES = st.sampled_from((Decimal(1), Decimal(1), Decimal("0.00667"), Decimal("0.9001")))
QUANTITIES = st.one_of(
    st.integers(1, 5).map(Decimal),
    st.integers(1, 3000).map(lambda n: Decimal(n) / 1000),
)
CAPS = st.lists(
    st.builds(Cap, st.sampled_from(PERIODS), st.integers(0, 60).map(Decimal)),
    max_size=2,
).map(tuple)
NONE = st.just(Conditions())
# Half of the rules give on everything, so that there is something to see
CONDITIONS = NONE | st.builds(
    Conditions,
    categories=st.sampled_from((frozenset(), frozenset(), frozenset({1}))),
    tags=st.sampled_from((frozenset(), frozenset(), frozenset({0}))),
    channels=st.sampled_from((frozenset(), frozenset(), frozenset({"pos"}))),
    tiers=st.sampled_from((frozenset(), frozenset(), frozenset({2}))),
    hours=st.sampled_from((None, None, (22.0, 9.5))),
    minimum_quantity=st.sampled_from((ZERO, ZERO, Decimal("2.5"))),
    minimum_amount=st.sampled_from((ZERO, ZERO, Decimal(60))),
)
POLICIES = st.builds(
    Policy,
    step=st.sampled_from(tuple(map(Decimal, ("1", "1", "0.1", "0.01", "5")))),
    rounding=st.sampled_from(("DOWN", "HALF-UP", "UP")),
    wallet_step=st.sampled_from((Decimal("0.01"), Decimal(1))),
    before_discounts=st.booleans(),
    caps=CAPS,
)
FACTS = st.builds(
    Facts,
    channel=st.sampled_from(("pos", "eshop")),
    tier=st.sampled_from((None, 2)),
    moment=st.sampled_from(
        (dt.datetime(2026, 3, 10, 9, 0), dt.datetime(2026, 3, 10, 15))
    ),
)


@st.composite
def schemes(
    draw, effects=tuple(Effect), caps=CAPS, policies=POLICIES, conditions=CONDITIONS
):
    """Rules and the policy that goes with them."""
    rules = []
    for number in range(draw(st.integers(2, 5))):
        effect = draw(st.sampled_from(effects))
        target = draw(st.sampled_from((Target.POINTS, Target.POINTS, Target.WALLET)))
        # Groups are of one kind
        kind = f"{target} {effect is Effect.MULTIPLIER}"
        rules.append(
            Rule(
                key=f"r{number}",
                name=f"Rule {number}",
                value=draw(st.integers(1, 40).map(lambda n: Decimal(n) / 8)),
                per=draw(st.sampled_from(tuple(map(Decimal, ("1", "3", "10", "2.5"))))),
                effect=effect,
                target=target,
                priority=draw(st.integers(1, 3)),
                group=draw(st.sampled_from((None, None, kind))),
                exclusive=draw(st.sampled_from((False, False, False, True))),
                conditions=draw(conditions),
                caps=draw(caps),
            )
        )
    return RuleSet(rules, draw(policies))


@st.composite
def baskets(draw, discounts=True):
    rate = draw(RATES)
    lines = [
        BasketLine(
            key=f"l{number}",
            amount=draw(CENTS) * rate,
            quantity=draw(QUANTITIES),
            product=draw(st.sampled_from(PRODUCTS)),
            eligible=draw(st.sampled_from((True, True, True, False))),
            discount=draw(st.integers(0, 5).map(Decimal)),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    if discounts:
        for number in range(draw(st.integers(0, 2))):
            amount = -draw(CENTS) * rate / 4
            lines.append(BasketLine(f"d{number}", amount, is_reward=number == 1))
    return Basket(tuple(lines), draw(FACTS))


@st.composite
def used(draw, rules):
    """What the rules have given before, within the periods of their caps."""
    keys = [None, *(rule.key for rule in rules.rules)]
    amounts = st.sampled_from((0, 0, 15, 70)).map(Decimal)
    return {
        (key, period): draw(amounts)
        for key in keys
        for period in PERIODS
        if period is not Period.RECEIPT
    }


def check(examples):
    """Have a property tested by the same examples in every run."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def get_left(caps, key, spent, step):
    """Return what caps leave, in whole steps, or ``None`` without caps."""
    lefts = [
        max(cap.amount - spent.get((key, cap.period), ZERO), ZERO) // step * step
        for cap in caps
    ]
    return min(lefts, default=None)


def get_given(result):
    """Return what each rule gave, before it was rounded with the others."""
    return {
        step["rule"]: Decimal(step["given"])
        for step in result.trace
        if step["code"] == "rule"
    }


@tagged("post_install", "-at_install")
class TestEngineProperties(BaseCase):
    @check(80)
    @given(rules=schemes(), basket=baskets(), data=st.data())
    def test_order_of_lines_does_not_matter(self, rules, basket, data):
        before = evaluate(basket, rules)
        lines = tuple(data.draw(st.permutations(basket.lines)))
        after = evaluate(replace(basket, lines=lines), rules)
        for name in ("points", "wallet", "lines", "wallet_lines", "awards"):
            self.assertEqual(getattr(before, name), getattr(after, name), name)

    @check(200)
    @given(
        rules=schemes(caps=st.just(()) | CAPS, conditions=NONE | CONDITIONS),
        basket=baskets(discounts=False),
        data=st.data(),
    )
    def test_splitting_a_line_does_not_change_the_total(self, rules, basket, data):
        """Every effect and every cap counts over its lines together, so the total is
        the same to the last digit; only its lines may differ, by rounding.

        Not so if a reward has paid for everything: what is given goes by line then.
        """
        index = data.draw(st.integers(0, len(basket.lines) - 1))
        share = data.draw(st.sampled_from(("0.5", "0.25", "0.001")).map(Decimal))
        line, others = basket.lines[index], list(basket.lines)
        part = replace(
            line,
            key="part",
            amount=line.amount * share,
            quantity=line.quantity * share,
            discount=line.discount * share,
        )
        others[index] = replace(
            line,
            amount=line.amount - part.amount,
            quantity=line.quantity - part.quantity,
            discount=line.discount - part.discount,
        )
        whole = evaluate(basket, rules)
        parts = evaluate(replace(basket, lines=(*others, part)), rules)
        self.assertEqual(whole.points, parts.points)
        self.assertEqual(whole.wallet, parts.wallet)
        self.assertEqual(whole.awards, parts.awards)

    @check(80)
    @given(rules=schemes(), basket=baskets())
    def test_nothing_is_negative(self, rules, basket):
        result = evaluate(basket, rules)
        parts = (result.lines, result.wallet_lines, result.awards, result.bases)
        amounts = [amount for part in parts for amount in part.values()]
        self.assertGreaterEqual(min(result.points, result.wallet, *amounts), 0)

    @check(200)
    @given(rules=schemes(conditions=NONE), basket=baskets(), data=st.data())
    def test_caps_hold(self, rules, basket, data):
        """Those of rules and those of the scheme, over a receipt, a day, a budget…"""
        spent = data.draw(used(rules))
        basket = replace(basket, facts=replace(basket.facts, used=spent))
        result = evaluate(basket, rules)
        policy = rules.policy
        for rule in rules.rules:
            points = rule.target is Target.POINTS
            step = policy.step if points else policy.wallet_step
            left = get_left(rule.caps, rule.key, spent, step)
            if left is not None:
                self.assertLessEqual(result.awards.get(rule.key, ZERO), left, rule)
        left = get_left(policy.caps, None, spent, policy.step)
        if left is not None:
            self.assertLessEqual(result.points, left)

    @check(80)
    @given(rules=schemes(), basket=baskets())
    def test_lines_and_rules_add_up_to_the_total(self, rules, basket):
        result = evaluate(basket, rules)
        self.assertEqual(sum(result.lines.values()), result.points)
        self.assertEqual(sum(result.wallet_lines.values()), result.wallet)
        for target, total in (("points", result.points), ("wallet", result.wallet)):
            awards = [amount for rule, amount in result.given if rule.target == target]
            self.assertEqual(sum(awards), total, target)

    @check(80)
    @given(rules=schemes(), basket=baskets())
    def test_the_total_is_a_multiple_of_the_step(self, rules, basket):
        result = evaluate(basket, rules)
        policy = rules.policy
        for amount in (result.points, *result.lines.values()):
            self.assertEqual(amount % policy.step, 0)
        for amount in (result.wallet, *result.wallet_lines.values()):
            self.assertEqual(amount % policy.wallet_step, 0)

    @check(80)
    @given(rules=schemes(), basket=baskets(), data=st.data())
    def test_removing_a_rule_never_raises_what_another_gave(self, rules, basket, data):
        """Unless the two stack: the removed rule was the better one of their group, or
        excluded the other. Which of several multipliers counts depends on what they
        multiply, so these are looked at only where they neither compete nor exclude.
        """
        candidates = st.sampled_from(rules.rules)
        removed = data.draw(candidates.filter(lambda rule: not rule.exclusive))
        kept = [rule for rule in rules.rules if rule is not removed]
        before = get_given(evaluate(basket, rules))
        after = get_given(evaluate(basket, RuleSet(kept, rules.policy)))
        multipliers = [rule for rule in kept if rule.effect is Effect.MULTIPLIER]
        compete = any(rule.group or rule.exclusive for rule in multipliers)
        for rule in kept:
            if rule.group and rule.group == removed.group:
                continue
            if compete and rule in multipliers:
                continue
            self.assertLessEqual(
                after.get(rule.key, ZERO), before.get(rule.key, ZERO), rule
            )

    @check(200)
    @given(
        rules=schemes(
            effects=(Effect.AMOUNT, Effect.PERCENT, Effect.RECEIPT),
            caps=st.just(()),
            policies=st.just(Policy(step=Decimal("0.01"))),
            conditions=NONE | CONDITIONS,
        ),
        basket=baskets(),
    )
    def test_what_is_summed_up_is_what_the_rules_give_one_by_one(self, rules, basket):
        """The total comes from sums of rules, the explanation from each of them."""
        result = evaluate(basket, rules)
        given_ = get_given(result)
        exact = sum(
            given_.get(rule.key, ZERO)
            for rule in rules.rules
            if rule.target is Target.POINTS
        )
        # The explanation shows six digits
        self.assertLess(abs(exact - result.points), Decimal("0.01001"))
