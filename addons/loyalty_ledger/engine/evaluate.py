# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The one function that computes points, for every channel.

A replay of past sales calls it a million times, so it does what it can without a
function call or an object of its own, and explains itself only when asked.
"""

from collections import defaultdict
from decimal import Decimal

from .rounding import allot, apportion, round_to_step
from .rules import (
    Effect,
    Period,
    Target,
    refuse_birthday,
    refuse_history,
    refuse_moment,
    refuse_setting,
)

ZERO = Decimal(0)
ONE = Decimal(1)


class Result:
    """What a purchase gives.

    :ivar Decimal points: rounded by the policy, never negative
    :ivar dict lines: points by line key; their sum is ``points``
    :ivar Decimal wallet: money for the wallet, in the scheme's currency
    :ivar dict wallet_lines: the same, by line key
    :ivar Decimal base: the amount on which points were given, in the scheme's currency
    :ivar dict bases: the same, by line key
    """

    __slots__ = (
        "_awards",
        "_basket",
        "_rules",
        "base",
        "bases",
        "lines",
        "points",
        "wallet",
        "wallet_lines",
    )

    def __init__(self, basket, rules):
        self._basket = basket
        self._rules = rules
        self._awards = ()
        self.points = self.wallet = self.base = ZERO
        self.lines, self.wallet_lines, self.bases = {}, {}, {}

    @property
    def given(self):
        """The rules that gave: a tuple of (Rule, what it gave of the rounded total)."""
        awards = self.awards
        return tuple(
            (award.plan.rule, awards[award.plan.rule.key]) for award in self._awards
        )

    @property
    def awards(self):
        """What each rule gave of the rounded totals: Decimal by rule key."""
        policy = self._rules.policy
        shares = {}
        for target, total, step in (
            (Target.POINTS, self.points, policy.step),
            (Target.WALLET, self.wallet, policy.wallet_step),
        ):
            given = {
                award.plan.rule.key: award.given
                for award in self._awards
                if award.plan.target is target
            }
            shares.update(apportion(total, given, step))
        return shares

    @property
    def trace(self):
        """Why, as a tuple of plain dictionaries fit for JSON."""
        return self._explain(_Evaluation)

    def _explain(self, evaluation):
        steps = []
        evaluation(self._basket, self._rules, steps).run()
        return tuple(_write(step) for step in steps)


class _Award:
    """What one rule gives, before it is rounded with the others."""

    __slots__ = ("base", "cap", "given", "lines", "plan", "quantity", "uncapped")

    def __init__(self, plan, lines, base, quantity):
        self.plan = plan
        self.lines = lines
        self.base = base
        self.quantity = quantity
        self.given = ZERO
        self.cap = self.uncapped = None


def evaluate(basket, rules):
    """Compute what ``basket`` earns under ``rules``.

    Discounts and rewards lower what every line of goods was paid for, in
    proportion to its amount; lines that are not eligible take their part of the
    discount but give nothing. The rules are asked by priority; of a group the one that
    gives most counts, and an exclusive one ends the round. Multipliers come last: each
    of them multiplies what the rules that are no multipliers give. A rule gives no more
    than its caps leave. The sum is rounded once, cut to the caps of the scheme, and
    shared out to the lines in proportion to what the rules gave on them.

    :param Basket basket: the purchase
    :param RuleSet rules: the rules and how to round
    :return Result: points and money, by line and by rule, and the explanation
    """
    return _Evaluation(basket, rules).run()


class _Evaluation:
    """One call of :func:`evaluate`.

    :param list steps: takes the explanation, if one is wanted
    """

    __slots__ = (
        "awards",
        "base",
        "bases",
        "basket",
        "eligible",
        "quantity",
        "rules",
        "skipped",
        "steps",
    )
    result_class = Result

    def __init__(self, basket, rules, steps=None):
        self.basket = basket
        self.rules = rules
        self.steps = steps
        self.skipped = defaultdict(list) if steps is not None else None
        self.awards = []

    def run(self):
        result = self.result_class(self.basket, self.rules)
        if self.basket.refusal:
            self._tell({"code": self.basket.refusal})
            return result
        if not self._measure():
            self._tell({"code": "nothing_eligible"})
            return result
        multipliers = self._ask_rules()
        result.base, result.bases = self.base, self.bases
        result._awards = self.awards
        if self.awards:
            weights = self._share_out()
            if multipliers:
                self._multiply(multipliers, weights)
            self._sum_up(result, weights)
        if self.skipped:
            self._tell({"code": "skipped", "rules": dict(self.skipped)})
        return result

    def _tell(self, step):
        if self.steps is not None:
            self.steps.append(step)

    def _skip(self, plan, why):
        if self.skipped is not None:
            self.skipped[why].append(plan.rule.key)

    def _measure(self):
        """Work out on what points are given; return whether there is anything."""
        before_discounts = self.rules.policy.before_discounts
        eligible, bases = [], {}
        left_out = []
        discount = goods_amount = base = quantity = ZERO
        for line in self.basket.lines:
            amount = line.amount
            if line.is_reward or amount < 0:
                discount += amount
                continue
            if before_discounts:
                amount += line.discount
            goods_amount += amount
            if not line.eligible:
                left_out.append(line.key)
            elif amount:
                eligible.append(line)
                bases[line.key] = amount
                base += amount
                quantity += line.quantity
        if left_out:
            self._tell({"code": "not_eligible", "lines": left_out})
        if not eligible:
            return False
        if discount and not before_discounts:
            self._tell({"code": "discount", "amount": discount})
            kept = max(goods_amount + discount, ZERO)
            bases = {key: part * kept / goods_amount for key, part in bases.items()}
            base = base * kept / goods_amount
        self.eligible, self.bases, self.base = eligible, bases, base
        self.quantity = quantity
        return True

    def _ask_rules(self):
        """Fill ``awards``; return the multipliers that may give, by slots."""
        rules = self.rules
        slots = rules.get_candidates(self.basket.facts)
        if self.skipped is not None:
            self._explain_settings()
        chosen = self._choose_lines() if rules.chooses_lines else {}
        multipliers = []
        stopped = False
        for slot in slots:
            if stopped:
                for plan in slot:
                    self._skip(plan, "exclusive")
                continue
            asked = []
            for plan in slot:
                if plan.chooses_lines and plan not in chosen:
                    self._skip(plan, "product")
                elif award := self._ask(plan, chosen):
                    asked.append(award)
            if not asked:
                continue
            if asked[0].plan.is_multiplier:
                multipliers.append(asked)
                continue
            winner = self._settle(asked)
            if winner:
                self.awards.append(winner)
                stopped = winner.plan.rule.exclusive
        return multipliers

    def _explain_settings(self):
        facts = self.basket.facts
        weekday = facts.moment.weekday() if facts.moment else None
        for plan in self.rules.plans:
            if why := refuse_setting(plan.rule.conditions, facts, weekday):
                self._skip(plan, why)

    def _choose_lines(self):
        """Return the lines that each rule chooses, by plan."""
        chosen = {}
        get_choosers = self.rules.get_choosers
        for line in self.eligible:
            for plan in get_choosers(line.product):
                if plan in chosen:
                    chosen[plan].append(line)
                else:
                    chosen[plan] = [line]
        return chosen

    def _ask(self, plan, chosen):
        """Return what a rule gives, or ``None`` if a condition is not met.

        What a multiplier gives follows in ``_multiply``.
        """
        why = None
        if plan.is_timed or plan.is_personal:
            why = self._refuse(plan)
        lines, base, quantity = None, self.base, self.quantity
        if plan.chooses_lines:
            lines = chosen[plan]
            base, quantity, bases = ZERO, ZERO, self.bases
            for line in lines:
                base += bases[line.key]
                quantity += line.quantity
        if not why:
            if quantity < plan.minimum_quantity:
                why = "minimum_quantity"
            elif base < plan.minimum_amount:
                why = "minimum_amount"
        if why:
            self._skip(plan, why)
            return None
        award = _Award(plan, lines, base, quantity)
        if plan.factor is not None:
            award.given = base * plan.factor
        elif not plan.is_multiplier:
            award.given = _count(plan.rule, base, quantity) * plan.rule.value
        return award

    def _refuse(self, plan):
        """Return which condition on time or member is not met, or ``None``."""
        wanted, facts = plan.rule.conditions, self.basket.facts
        if plan.is_timed:
            if why := refuse_moment(wanted, facts.moment):
                return why
            if wanted.birthday is not None and (
                why := refuse_birthday(wanted.birthday, facts.birthday, facts.moment)
            ):
                return why
        return refuse_history(wanted, facts) if plan.is_personal else None

    def _settle(self, asked):
        """Cut the awards of a slot to their caps and return the largest, if any."""
        winner = None
        for award in asked:
            if award.plan.caps:
                self._cut(award)
            if award.given <= 0:
                self._skip(award.plan, "cap" if award.cap else "too_little")
            elif winner is None or award.given > winner.given:
                if winner:
                    self._skip(winner.plan, "group")
                winner = award
            else:
                self._skip(award.plan, "group")
        return winner

    def _cut(self, award):
        """Cut what a rule gives to what its caps leave, in whole steps."""
        key, policy = award.plan.rule.key, self.rules.policy
        step = policy.step if award.plan.target is Target.POINTS else policy.wallet_step
        for cap in award.plan.caps:
            left = self._get_left(cap, key, step)
            if award.given > left:
                if award.uncapped is None:
                    award.uncapped = award.given
                award.given = left
                award.cap = cap

    def _get_left(self, cap, key, step):
        left = cap.amount
        if cap.period is not Period.RECEIPT:
            left -= self.basket.facts.used.get((key, cap.period), ZERO)
        return round_to_step(max(left, ZERO), step, "DOWN")

    def _share_out(self):
        """Return what the awards give on each line, by target and line key."""
        weights = {}
        for target in (Target.POINTS, Target.WALLET):
            everywhere, parts = ZERO, {}
            for award in self.awards:
                if award.plan.target is not target:
                    continue
                if award.lines is None and self.base and not _goes_by_quantity(award):
                    everywhere += award.given / self.base
                else:
                    self._spread(award, parts)
            if everywhere:
                for key, base in self.bases.items():
                    parts[key] = parts.get(key, ZERO) + base * everywhere
            weights[target] = parts
        return weights

    def _spread(self, award, parts):
        """Add what a rule gives to the lines that it gives on."""
        lines = self.eligible if award.lines is None else award.lines
        if _goes_by_quantity(award):
            factor = award.given / award.quantity
            for line in lines:
                parts[line.key] = parts.get(line.key, ZERO) + line.quantity * factor
            return
        # Where a reward has paid for everything, what is given goes by line
        factor = award.given / (award.base or len(lines))
        for line in lines:
            weight = self.bases[line.key] if award.base else ONE
            parts[line.key] = parts.get(line.key, ZERO) + weight * factor

    def _multiply(self, multipliers, weights):
        """Add what multipliers give on what the other rules gave."""
        before = {target: dict(parts) for target, parts in weights.items()}
        stopped = False
        for asked in multipliers:
            for award in asked:
                parts = before[award.plan.target]
                if award.lines is None:
                    award.base = sum(parts.values(), ZERO)
                else:
                    award.base = sum(
                        (parts.get(line.key, ZERO) for line in award.lines), ZERO
                    )
                award.given = award.base * (award.plan.rule.value - 1)
            if stopped:
                for award in asked:
                    self._skip(award.plan, "exclusive")
                continue
            winner = self._settle(asked)
            if not winner:
                continue
            self.awards.append(winner)
            stopped = winner.plan.rule.exclusive
            parts, target = before[winner.plan.target], weights[winner.plan.target]
            factor = winner.given / winner.base
            for line in self.eligible if winner.lines is None else winner.lines:
                if line.key in parts:
                    target[line.key] += parts[line.key] * factor

    def _sum_up(self, result, weights):
        """Round what the rules give together and share it out to the lines."""
        policy = self.rules.policy
        if self.steps is not None:
            self.steps += [_describe(award) for award in self.awards]
        points = wallet = ZERO
        for award in self.awards:
            if award.plan.target is Target.POINTS:
                points += award.given
            else:
                wallet += award.given
        if points:
            result.points = self._round(points)
            result.lines = allot(result.points, weights[Target.POINTS], policy.step)
        if wallet:
            result.wallet = round_to_step(wallet, policy.wallet_step, "DOWN")
            result.wallet_lines = allot(
                result.wallet, weights[Target.WALLET], policy.wallet_step
            )

    def _round(self, raw):
        """Return the points of all rules, rounded and cut to the scheme's caps."""
        policy = self.rules.policy
        points = round_to_step(raw, policy.step, policy.rounding)
        if self.steps is not None and points != raw.quantize(Decimal("1e-6")):
            self._tell(
                {
                    "code": "rounding",
                    "step": policy.step,
                    "rounding": policy.rounding,
                    "points": points,
                }
            )
        for cap in policy.caps:
            left = self._get_left(cap, None, policy.step)
            if points > left:
                points = left
                self._tell(
                    {
                        "code": "scheme_cap",
                        "period": cap.period,
                        "amount": cap.amount,
                        "points": points,
                    }
                )
        return points


def _count(rule, amount, quantity):
    """Return how often a rule gives its value."""
    if rule.effect is Effect.RECEIPT:
        return ONE
    measure = quantity if rule.effect is Effect.UNIT else amount
    return round_to_step(measure / rule.per, ONE, "DOWN")


def _goes_by_quantity(award):
    return award.plan.rule.effect is Effect.UNIT


def _describe(award):
    """Return the step of the explanation for a rule that gives."""
    rule = award.plan.rule
    step = {
        "code": "rule",
        "rule": rule.key,
        "name": rule.name,
        "effect": rule.effect,
        "target": rule.target,
        "value": rule.value,
        "per": rule.per,
        "base": award.base,
        "given": award.given,
    }
    if rule.effect is Effect.UNIT:
        step["quantity"] = award.quantity
    if award.lines is not None:
        step["lines"] = [line.key for line in award.lines]
    if award.cap:
        step["cap"] = {"period": award.cap.period, "amount": award.cap.amount}
        step["uncapped"] = award.uncapped
    return step


def _write(value):
    """Make a step of the explanation fit for JSON."""
    if isinstance(value, Decimal):
        return format(value.quantize(Decimal("1e-6")).normalize(), "f")
    if isinstance(value, dict):
        return {key: _write(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_write(item) for item in value]
    return str(value) if isinstance(value, str) else value
