# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The evaluation of one basket, step by step.

Nothing is rounded until all rules have given. Decimals have 28 digits; the noise that
divisions leave in the last of them is cut when totals and shares are rounded, and
passed over by comparisons, see :mod:`.arithmetic`.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from .arithmetic import apportion, count_full, is_more
from .conditions import allows_product, get_refusal
from .rounding import allot, round_to_step
from .rules import Cap, Effect, Rule, Target

ZERO = Decimal(0)


@dataclass(slots=True)
class Award:
    """What one rule gives, before it is rounded together with the others.

    :param lines: indexes of the lines on which the rule gives
    :param base: the amount of these lines; for a multiplier what the other rules give
        on them
    :param quantity: of these lines, if the rule counts it
    :param given: points, or money for the wallet
    :param cap: the cap that reduced it, the last one if there are several
    :param uncapped: what the rule would have given without its caps
    """

    rule: Rule
    lines: tuple[int, ...]
    base: Decimal = ZERO
    quantity: Decimal = ZERO
    given: Decimal = ZERO
    cap: Cap | None = None
    uncapped: Decimal | None = None


class Evaluation:
    """What a basket gives under rules, and why.

    :ivar list lines: the lines that can earn; an index below is one of this list
    :ivar list amounts: of these lines, after their part of the discounts
    :ivar base: the amounts together
    :ivar list awards: of the rules that give; those of multipliers come last
    :ivar dict skipped: keys of the rules that give nothing, by reason
    :ivar dict exact: the sum of the awards, by target
    :ivar dict totals: the same, rounded and cut to the caps of the scheme
    :ivar list cuts: the caps of the scheme that reduced the points, and what they left
    """

    #: whether there are goods: an event has none
    has_goods = True

    def __init__(self, basket, rules):
        self.basket = basket
        self.rules = rules
        self.lines = []
        self.amounts = []
        self.base = ZERO
        self.awards = []
        self.skipped = defaultdict(list)
        self.exact = dict.fromkeys(Target, ZERO)
        self.totals = dict.fromkeys(Target, ZERO)
        self.cuts = []
        self._parts = {}

    def run(self):
        if self.basket.refusal or not self._measure():
            return
        allowed = self._get_allowed()
        multipliers = self._apply_rules(allowed)
        self._apply_multipliers(multipliers)
        self._round()

    # === THE LINES === #

    def _measure(self):
        """Find the lines that can earn, and their amounts.

        :return: whether there are any
        """
        before_discounts = self.rules.policy.before_discounts
        for line in self.basket.lines:
            amount = line.amount + line.discount if before_discounts else line.amount
            if amount and line.eligible and not line.is_discount:
                self.lines.append(line)
                self.amounts.append(amount)
        if not before_discounts:
            self._apply_discounts()
        self.base = sum(self.amounts, ZERO)
        return bool(self.lines)

    def _apply_discounts(self):
        """Reduce the amounts by the discounts of the basket.

        All goods share them in proportion, so lines that cannot earn take their part.
        """
        lines = self.basket.lines
        discount = sum(line.amount for line in lines if line.is_discount)
        if discount:
            goods = sum(line.amount for line in lines if not line.is_discount)
            left = max(goods + discount, ZERO)
            self.amounts = [amount * left / goods for amount in self.amounts]

    def _find_lines(self, rule):
        """Return the indexes of the lines on which a rule gives."""
        if not rule.conditions.chooses_lines:
            return tuple(range(len(self.lines)))
        return tuple(
            index
            for index, line in enumerate(self.lines)
            if allows_product(rule, line.product)
        )

    def _get_quantity(self, lines):
        return sum(self.lines[index].quantity for index in lines)

    # === THE RULES === #

    def _skip(self, rule, reason):
        self.skipped[reason].append(rule.key)

    def _get_allowed(self):
        """Return the keys of the rules whose conditions the facts meet."""
        allowed = set()
        for rule in self.rules.rules:
            if reason := get_refusal(rule.conditions, self.basket.facts):
                self._skip(rule, reason)
            else:
                allowed.add(rule.key)
        return allowed

    def _apply_rules(self, allowed):
        """Let the rules give by priority, until an exclusive one has given.

        :return: the groups of multipliers that come before that
        """
        multipliers = []
        is_over = False
        for rules in self.rules.groups:
            group = [rule for rule in rules if rule.key in allowed]
            if is_over:
                self._skip_group(group)
            elif rules[0].is_multiplier:
                multipliers.append(group)
            elif award := self._get_best(group):
                self._add(award)
                is_over = award.rule.exclusive
        return multipliers

    def _apply_multipliers(self, groups):
        """Let multipliers give, each on what the other rules have given."""
        awards = []
        is_over = False
        for group in groups:
            if is_over:
                self._skip_group(group)
            elif award := self._get_best(group):
                awards.append(award)
                is_over = award.rule.exclusive
        # Only now: a multiplier does not multiply what another one gives
        for award in awards:
            self._add(award)

    def _skip_group(self, group):
        for rule in group:
            self._skip(rule, "exclusive")

    def _get_best(self, group):
        """Return the largest award of a group, the first of equal ones, or ``None``."""
        best = None
        for rule in group:
            award = self._get_award(rule)
            if award and best:
                if is_more(award.given, best.given):
                    best, award = award, best
                self._skip(award.rule, "group")
            best = best or award
        return best

    def _add(self, award):
        self.awards.append(award)
        self.exact[award.rule.target] += award.given

    # === ONE RULE === #

    def _get_award(self, rule):
        """Return the award of a rule on its own, or ``None`` if it gives nothing."""
        award = Award(rule, self._find_lines(rule))
        if reason := self._compute(award):
            self._skip(rule, reason)
            return None
        return award

    def _compute(self, award):
        """Compute what a rule gives; return the reason if that is nothing."""
        rule, wanted = award.rule, award.rule.conditions
        if wanted.chooses_lines and not award.lines:
            return "product"
        award.base = sum([self.amounts[index] for index in award.lines], ZERO)
        if wanted.minimum_quantity or rule.effect is Effect.UNIT:
            award.quantity = self._get_quantity(award.lines)
        if is_more(wanted.minimum_quantity, award.quantity):
            return "minimum_quantity"
        if is_more(wanted.minimum_amount, award.base):
            return "minimum_amount"
        if rule.effect is Effect.MULTIPLIER:
            award.base = self._get_given_by_others(award)
        award.given = self._get_given(award)
        if award.given <= 0:
            return "too_little"
        self._apply_caps(award)
        return None if award.given else "cap"

    def _get_given(self, award):
        """Return what a rule gives before its caps."""
        rule = award.rule
        if rule.effect is Effect.AMOUNT:
            return award.base * rule.value / rule.per
        if rule.effect is Effect.PERCENT:
            return award.base * rule.value / 100
        if rule.effect is Effect.STEP:
            return count_full(award.base, rule.per) * rule.value
        if rule.effect is Effect.UNIT:
            return count_full(award.quantity, rule.per) * rule.value
        if rule.effect is Effect.MULTIPLIER:
            return award.base * (rule.value - 1)
        return rule.value

    def _get_given_by_others(self, award):
        """Return what rules that are no multipliers give on the lines of an award."""
        target = award.rule.target
        if not award.rule.conditions.chooses_lines:
            return self.exact[target]
        parts = self._get_parts(target)
        return sum([parts[index] for index in award.lines], ZERO)

    def _apply_caps(self, award):
        """Reduce an award to what the caps of its rule leave."""
        rule = award.rule
        step = self.rules.policy.get_step(rule.target)
        for cap in rule.caps:
            left = cap.get_left(rule.key, self.basket.facts.used, step)
            if is_more(award.given, left):
                award.cap = cap
                award.uncapped = award.uncapped or award.given
                award.given = left

    # === THE TOTAL === #

    def _round(self):
        """Round the totals, and cut the points to the caps of the scheme."""
        for target in Target:
            self.totals[target] = self.get_rounded(target)
        policy = self.rules.policy
        for cap in policy.caps:
            left = cap.get_left(None, self.basket.facts.used, policy.step)
            if self.totals[Target.POINTS] > left:
                self.totals[Target.POINTS] = left
                self.cuts.append((cap, left))

    def get_rounded(self, target):
        """Return what the rules give together, rounded, before caps of the scheme."""
        policy = self.rules.policy
        rounding = policy.rounding if target is Target.POINTS else "DOWN"
        return round_to_step(self.exact[target], policy.get_step(target), rounding)

    # === THE SHARES === #

    def get_awards(self):
        """Return the share of each rule in the totals, Decimal by rule key."""
        shares = {}
        for target in Target:
            given = {
                award.rule.key: award.given
                for award in self.awards
                if award.rule.target is target
            }
            if given:
                step = self.rules.policy.get_step(target)
                shares.update(apportion(self.totals[target], given, step))
        return shares

    def get_lines(self, target):
        """Return the share of each line in a total, Decimal by line key."""
        if not self.exact[target]:
            return {}
        before = self._get_parts(target)
        parts = list(before)
        for award in self.awards:
            if award.rule.is_multiplier and award.rule.target is target:
                _share_out(award, before, parts)
        weights = {
            line.key: part for line, part in zip(self.lines, parts, strict=True) if part
        }
        step = self.rules.policy.get_step(target)
        return allot(self.totals[target], weights, step)

    def _get_parts(self, target):
        """Return what the rules give on each line, except for multipliers."""
        if target not in self._parts:
            parts = self._parts[target] = [ZERO] * len(self.lines)
            quantities = [line.quantity for line in self.lines]
            for award in self.awards:
                rule = award.rule
                if rule.target is target and not rule.is_multiplier:
                    by_unit = rule.effect is Effect.UNIT
                    _share_out(award, quantities if by_unit else self.amounts, parts)
        return self._parts[target]


def _share_out(award, weights, parts):
    """Add an award to the parts of its lines, in proportion to their weights.

    If rewards have paid for everything, all weights are zero, and the parts are equal.
    """
    lines = award.lines
    whole = sum([weights[index] for index in lines])
    for index in lines:
        weight, of = (weights[index], whole) if whole else (1, len(lines))
        parts[index] += award.given * weight / of
