# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Points for an event: a member signed up, has a birthday, wrote a review."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from .basket import NOTHING, Facts
from .evaluate import Result
from .evaluation import Evaluation
from .rules import Effect

YES = frozenset(("true", "yes", "1"))
NO = frozenset(("false", "no", "0"))


class Operator(StrEnum):
    """How a condition compares a value of a payload with its own."""

    EQUAL = "="
    DIFFERENT = "!="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    CONTAINS = "contains"
    SET = "set"


ORDER = {
    Operator.GREATER: lambda found, wanted: found > wanted,
    Operator.GREATER_EQUAL: lambda found, wanted: found >= wanted,
    Operator.LESS: lambda found, wanted: found < wanted,
    Operator.LESS_EQUAL: lambda found, wanted: found <= wanted,
}


@dataclass(frozen=True, slots=True)
class PayloadTest:
    """A condition on one value of the payload of an event.

    A missing value meets no condition, not even that of being different. Texts are
    compared without regard to case; they are ordered as numbers if both are numbers.

    :param key: names the value
    :param value: the text to compare it with
    """

    key: str
    operator: Operator
    value: str = ""

    def is_met(self, payload):
        """Return whether a payload meets the condition.

        :param payload: text, numbers and booleans by name
        """
        found = payload.get(self.key)
        if found is None:
            return False
        if self.operator is Operator.SET:
            return found != ""
        if isinstance(found, bool):
            return self._compare_flag(found)
        if self.operator is Operator.CONTAINS:
            return self.value.casefold() in str(found).casefold()
        number, wanted = _read_number(found), _read_number(self.value)
        if self.operator in ORDER:
            compare = ORDER[self.operator]
            if number is not None and wanted is not None:
                return compare(number, wanted)
            return isinstance(found, str) and compare(
                found.casefold(), self.value.casefold()
            )
        if isinstance(found, str):
            is_equal = found.strip().casefold() == self.value.strip().casefold()
        else:
            is_equal = number == wanted
        return is_equal is (self.operator is Operator.EQUAL)

    def _compare_flag(self, found):
        wanted = self.value.strip().casefold()
        if self.operator is Operator.EQUAL:
            return wanted in (YES if found else NO)
        if self.operator is Operator.DIFFERENT:
            return wanted in (NO if found else YES)
        return False


def _read_number(value):
    """Return a finite number as Decimal, ``None`` for anything else."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a member.

    :param payload: what the sender tells about it: text, numbers, booleans by name
    :param refusal: see :class:`~.basket.Basket`
    """

    payload: Mapping = field(default_factory=lambda: NOTHING)
    facts: Facts = Facts()
    refusal: str | None = None


def evaluate_event(event, rules):
    """Compute what ``event`` gives under ``rules``.

    Priorities, groups, caps and rounding work as for a purchase; each rule gives its
    value once.

    :param Event event: what happened
    :param RuleSet rules: the rules for this kind of event and how to round
    :return EventResult: points and money, by rule, and the explanation
    :raise ValueError: a rule that gives by amount or by unit
    """
    for rule in rules.rules:
        if rule.effect is not Effect.RECEIPT:
            raise ValueError(f"An event gives once, not by {rule.effect}: {rule.name}")
    evaluation = _EventEvaluation(event, rules)
    evaluation.run()
    return EventResult(evaluation)


class _EventEvaluation(Evaluation):
    """The evaluation of an event: it has a payload and no goods."""

    has_goods = False

    def _measure(self):
        return True

    def _get_quantity(self, lines):
        return 1

    def _compute(self, award):
        tests = award.rule.conditions.payload
        if not all(test.is_met(self.basket.payload) for test in tests):
            return "payload"
        return super()._compute(award)


class EventResult(Result):
    """What an event gives; it has no lines."""
