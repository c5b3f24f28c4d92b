# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a replay of past sales keeps count of, beside the ledger and without it."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..engine import Basket, Facts, Period, RuleSet, evaluate, reverse

ZERO = Decimal(0)
ONE = Decimal(1)
#: periods of caps that count for each member alone
PERSONAL = frozenset((Period.DAY, Period.WEEK, Period.MONTH, Period.TOTAL))
#: stores stand in several time zones, so that the last day is not always over yet
BUCKETS_KEPT = 2


class PastSale(NamedTuple):
    """A sale as it was recorded.

    :param payments: codes of the methods that paid
    :param points: what the ledger gave, less what returns have taken back
    :param wallet: the same of the cashback
    :param gross: what the ledger gave before returns: points and cashback
    :param refusal: why nothing could be earned at all, or ``None``
    :param balance: points of the account before the sale, if that is asked for
    """

    id: int
    date: dt.datetime
    member_id: int
    company_id: int
    store_id: int | None
    channel_id: int
    channel: str
    currency_id: int
    payments: frozenset
    points: Decimal
    wallet: Decimal
    gross: tuple[Decimal, Decimal]
    refusal: str | None = None
    balance: Decimal = ZERO


@dataclass(slots=True)
class Tally:
    """Sums over sales: before is what the ledger gave, after what it would give."""

    sales: int = 0
    points_before: Decimal = ZERO
    points_after: Decimal = ZERO
    wallet_before: Decimal = ZERO
    wallet_after: Decimal = ZERO

    def add(self, points_before, points_after, wallet_before, wallet_after, sales=1):
        self.sales += sales
        self.points_before += points_before
        self.points_after += points_after
        self.wallet_before += wallet_before
        self.wallet_after += wallet_after

    def dump(self):
        """Return the sums as a list fit for JSON."""
        return [
            self.sales,
            str(self.points_before),
            str(self.points_after),
            str(self.wallet_before),
            str(self.wallet_after),
        ]

    @classmethod
    def load(cls, stored):
        sales, *amounts = stored
        return cls(sales, *map(Decimal, amounts))


class Given:
    """What rules have given to one member, by the periods of their caps."""

    __slots__ = ("amounts",)

    def __init__(self, stored=()):
        self.amounts = {
            (key, period, bucket): Decimal(amount)
            for key, period, bucket, amount in stored
        }

    def get(self, key, period, day):
        return self.amounts.get((key, period, get_bucket(period, day)), ZERO)

    def add(self, key, period, day, amount):
        spot = (key, period, get_bucket(period, day))
        self.amounts[spot] = self.amounts.get(spot, ZERO) + amount

    def dump(self):
        """Return what later sales may ask for, as a list fit for JSON."""
        buckets = defaultdict(list)
        for key, period, bucket in self.amounts:
            buckets[key, period].append(bucket)
        return [
            [key, period, bucket, str(self.amounts[key, period, bucket])]
            for (key, period), found in buckets.items()
            for bucket in sorted(found)[-BUCKETS_KEPT:]
        ]


@dataclass(slots=True)
class Buyer:
    """One member in a replay.

    :param purchases: how many were made before
    :param given: what the two rule sets have given
    :param gain: points that the rules tried have given more than those of today
    :param facts: what else rules ask about the member
    """

    id: int
    tally: Tally = field(default_factory=Tally)
    purchases: int = 0
    given: tuple[Given, Given] = field(default_factory=lambda: (Given(), Given()))
    gain: Decimal = ZERO
    facts: dict = field(default_factory=dict)

    def dump(self):
        return {
            "purchases": self.purchases,
            "given": [given.dump() for given in self.given],
            "gain": str(self.gain),
        }

    def load(self, stored):
        self.purchases = stored["purchases"]
        self.given = tuple(Given(given) for given in stored["given"])
        self.gain = Decimal(stored["gain"])


class Side:
    """One of the two rule sets of a replay, with what its limits are counted from.

    :param budgets: what rules with a budget have given to all members so far
    """

    def __init__(self, rules: RuleSet, budgets=None):
        self.rules = rules
        self.counts = "used" in rules.asks
        #: the rule that gives everything, if there is only one
        self.only = rules.rules[0] if len(rules.rules) == 1 else None
        caps = {rule.key: rule.caps for rule in rules.rules}
        caps[None] = rules.policy.caps
        self.periods = {
            key: tuple(cap.period for cap in own if cap.period in PERSONAL)
            for key, own in caps.items()
            if any(cap.period in PERSONAL for cap in own)
        }
        self.budgets = {
            key: (budgets or {}).get(key, ZERO)
            for key, own in caps.items()
            if any(cap.period is Period.BUDGET for cap in own)
        }

    def play(self, lines, facts, refusal, given):
        """Evaluate a sale, and count what it gives.

        :param dict facts: arguments of :class:`~..engine.Facts`
        :param Given given: what the rules have given to the member before
        :return: the engine's result, and what each rule gave by key
        """
        if self.counts:
            day = facts["moment"].date()
            facts = {**facts, "used": self._get_used(given, day)}
        basket = Basket(lines, Facts(**facts), refusal)
        result = evaluate(basket, self.rules, by_rule=self.only is None)
        awards = {}
        if given_now := result.points or result.wallet:
            awards = {self.only.key: given_now} if self.only else result.awards
        if self.counts:
            self._count(result, awards, given, day)
        return result, awards

    def _get_used(self, given, day):
        used = {
            (key, period): given.get(key, period, day)
            for key, periods in self.periods.items()
            for period in periods
        }
        for key, amount in self.budgets.items():
            used[key, Period.BUDGET] = amount
        return used

    def _count(self, result, awards, given, day):
        for period in self.periods.get(None, ()):
            given.add(None, period, day, result.points)
        for key, amount in awards.items():
            for period in self.periods.get(key, ()):
                given.add(key, period, day, amount)
            if key in self.budgets:
                self.budgets[key] += amount


def get_bucket(period, day):
    """Return a number for the day, the week or the month in which a day is."""
    if period == Period.DAY:
        return day.toordinal()
    if period == Period.WEEK:
        return day.toordinal() - day.weekday()
    if period == Period.MONTH:
        return day.year * 12 + day.month
    return 0


def take_back(given, parts, step):
    """Return what returns take back of what lines gave.

    Whatever the sequence of partial returns, it comes to what one return of all of
    them takes.

    :param dict given: Decimal by line key
    :param dict parts: which part of each line has come back, Decimal by line key
    """
    return sum(
        (
            reverse(given.get(key, ZERO), part, ZERO, step)
            for key, part in parts.items()
        ),
        ZERO,
    )
