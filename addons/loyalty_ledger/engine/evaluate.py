# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The one function that computes points, for every channel."""

from functools import cached_property

from .evaluation import POINTS, WALLET, Evaluation
from .explanation import Breakdown, Explanation


class Result:
    """What a purchase gives. What takes time is worked out when it is asked for.

    :ivar Decimal points: rounded by the policy, never negative
    :ivar Decimal wallet: money for the wallet, in the scheme's currency
    """

    #: how it explains itself
    _explanation_class = Explanation

    def __init__(self, evaluation):
        self._evaluation = evaluation
        self._lines = self._wallet_lines = None
        self.points = evaluation.get_total(POINTS)
        self.wallet = evaluation.get_total(WALLET)

    # Every sale asks for these two; without the lock of ``cached_property``

    @property
    def lines(self):
        """Points by line key; their sum is ``points``."""
        if self._lines is None:
            self._lines = self._evaluation.get_lines(POINTS)
        return self._lines

    @property
    def wallet_lines(self):
        """Money for the wallet by line key; the sum is ``wallet``."""
        if self._wallet_lines is None:
            self._wallet_lines = self._evaluation.get_lines(WALLET)
        return self._wallet_lines

    @property
    def base(self):
        """The amount on which points were given, in the scheme's currency."""
        return self._evaluation.to_money(self._evaluation.base)

    @cached_property
    def bases(self):
        """The same, by line key."""
        evaluation = self._evaluation
        return {
            line.key: evaluation.to_money(amount)
            for line, amount in zip(
                evaluation.eligible, evaluation.amounts, strict=True
            )
        }

    @cached_property
    def awards(self):
        """What each rule gave of the rounded totals: Decimal by rule key."""
        if self._evaluation.apart:
            return self._evaluation.get_awards()
        return self._explanation.get_awards()

    @property
    def given(self):
        """The rules that gave: a tuple of (Rule, what it gave of the rounded total)."""
        rules = (award.term.rule for award in self._explanation.awards)
        return tuple((rule, self.awards[rule.key]) for rule in rules)

    @cached_property
    def trace(self):
        """Why, as a tuple of plain dictionaries fit for JSON."""
        return self._explanation.get_trace()

    @cached_property
    def _explanation(self):
        evaluation = self._evaluation
        explanation = self._explanation_class(evaluation.basket, evaluation.rules)
        explanation.run()
        return explanation


def evaluate(basket, rules, by_rule=False):
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
    :param bool by_rule: ask every rule on its own, for who is going to want to know
        what each of them gave; slower, unless that is asked
    :return Result: points and money, by line and by rule, and the explanation
    """
    evaluation = (Breakdown if by_rule else Evaluation)(basket, rules)
    evaluation.run()
    return Result(evaluation)
