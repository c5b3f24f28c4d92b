# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The one function that computes points, for every channel."""

from functools import cached_property

from .evaluation import Evaluation
from .explanation import explain
from .rules import Target


class Result:
    """What a purchase gives. Shares and explanation are computed when asked for.

    :ivar Decimal points: rounded by the policy, never negative
    :ivar Decimal wallet: money for the wallet, in the scheme's currency
    """

    def __init__(self, evaluation):
        self._evaluation = evaluation
        self.points = evaluation.totals[Target.POINTS]
        self.wallet = evaluation.totals[Target.WALLET]

    @cached_property
    def lines(self):
        """Points by line key; their sum is ``points``."""
        return self._evaluation.get_lines(Target.POINTS)

    @cached_property
    def wallet_lines(self):
        """Money for the wallet by line key; the sum is ``wallet``."""
        return self._evaluation.get_lines(Target.WALLET)

    @property
    def base(self):
        """The amount on which points were given, in the scheme's currency."""
        return self._evaluation.base

    @cached_property
    def bases(self):
        """The same, by line key."""
        lines, amounts = self._evaluation.lines, self._evaluation.amounts
        return {line.key: amount for line, amount in zip(lines, amounts, strict=True)}

    @cached_property
    def awards(self):
        """How much of the rounded totals each rule gave: Decimal by rule key."""
        return self._evaluation.get_awards()

    @property
    def given(self):
        """The rules that gave: a tuple of (Rule, its share of the rounded total)."""
        rules = (award.rule for award in self._evaluation.awards)
        return tuple((rule, self.awards[rule.key]) for rule in rules)

    @cached_property
    def trace(self):
        """The explanation, as a tuple of plain dictionaries fit for JSON."""
        return explain(self._evaluation)


def evaluate(basket, rules, by_rule=False):
    """Compute what ``basket`` earns under ``rules``.

    Discounts and rewards lower the amount of every line of goods in proportion; lines
    that are not eligible take their part of the discount but give nothing. The rules
    give by priority; of a group only the one that gives most does, and an exclusive one
    ends the round. Multipliers come last: each of them multiplies what the rules that
    are no multipliers give. A rule gives no more than its caps leave. The sum is
    rounded once, cut to the caps of the scheme, and shared out to the lines in
    proportion to what the rules gave on them.

    :param Basket basket: the purchase
    :param RuleSet rules: the rules and how to round
    :param bool by_rule: without effect: what each rule gives is always known
    :return Result: points and money, by line and by rule, and the explanation
    """
    evaluation = Evaluation(basket, rules)
    evaluation.run()
    return Result(evaluation)
