# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a replay knows about a past sale, its member and the two rule sets."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from odoo.addons.loyalty_ledger.engine import (
    Basket,
    Facts,
    Period,
    RuleSet,
    evaluate,
    reverse,
)

ZERO = Decimal(0)
#: periods of the caps that count per member
PERSONAL = frozenset((Period.DAY, Period.WEEK, Period.MONTH, Period.TOTAL))
#: with stores in several time zones, the day before can still get sales
OPEN_BUCKETS = 2


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
class Totals:
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
        bucket = key, period, get_bucket(period, day)
        self.amounts[bucket] = self.amounts.get(bucket, ZERO) + amount

    def dump(self):
        """Return what later sales may ask for, as a list fit for JSON."""
        buckets = defaultdict(list)
        for key, period, bucket in self.amounts:
            buckets[key, period].append(bucket)
        return [
            [key, period, bucket, str(self.amounts[key, period, bucket])]
            for (key, period), found in buckets.items()
            for bucket in sorted(found)[-OPEN_BUCKETS:]
        ]


@dataclass(slots=True)
class MemberState:
    """One member in a replay.

    :param purchases: the number of purchases so far
    :param given: what today's rules and the draft rules have given so far
    :param gain: points that the draft rules have given beyond today's rules
    :param facts: what else rules ask about the member
    """

    id: int
    totals: Totals = field(default_factory=Totals)
    purchases: int = 0
    given: tuple[Given, Given] = field(default_factory=lambda: (Given(), Given()))
    gain: Decimal = ZERO
    facts: dict = field(default_factory=dict)

    def dump(self):
        """Return what later batches need, fit for JSON."""
        return {
            "purchases": self.purchases,
            "given": [given.dump() for given in self.given],
            "gain": str(self.gain),
        }

    @classmethod
    def load(cls, id_, stored, totals):
        return cls(
            id_,
            totals=totals,
            purchases=stored["purchases"],
            given=tuple(Given(given) for given in stored["given"]),
            gain=Decimal(stored["gain"]),
        )


class Outcome:
    """What a rule set gives for a sale.

    :ivar points: before returns
    :ivar wallet: cashback before returns
    :ivar dict awards: what each rule gave, by rule key
    :ivar net_points: less what returns take back
    :ivar net_wallet: cashback, less what returns take back
    """

    __slots__ = (
        "awards",
        "has_returns",
        "net_points",
        "net_wallet",
        "points",
        "result",
        "wallet",
    )

    def __init__(self, result, awards):
        self.result = result
        self.awards = awards
        self.points = self.net_points = result.points
        self.wallet = self.net_wallet = result.wallet
        self.has_returns = False

    def take_back(self, parts, policy):
        """Take off what returns take back.

        :param dict parts: the returned part of each line, Decimal by line key
        """
        self.has_returns = True
        self.net_points -= get_returned(self.result.lines, parts, policy.step)
        self.net_wallet -= get_returned(
            self.result.wallet_lines, parts, policy.wallet_step
        )
        return self


class Side:
    """One of the two rule sets of a replay, with what its limits are counted from.

    :param dict budgets: what rules have given to all members so far, by rule key
    """

    def __init__(self, rules: RuleSet, budgets):
        self.rules = rules
        self.counts = "used" in rules.asks
        caps = {rule.key: rule.caps for rule in rules.rules}
        caps[None] = rules.policy.caps
        self.periods = {
            key: tuple(cap.period for cap in own if cap.period in PERSONAL)
            for key, own in caps.items()
            if any(cap.period in PERSONAL for cap in own)
        }
        self.budgets = {
            key: budgets.get(key, ZERO)
            for key, own in caps.items()
            if any(cap.period is Period.BUDGET for cap in own)
        }

    def evaluate(self, lines, facts, refusal, given):
        """Evaluate a sale, and count what it gives against the limits.

        :param dict facts: arguments of the engine's ``Facts``
        :param Given given: what the rules have given to the member before
        :rtype: Outcome
        """
        if self.counts:
            day = facts["moment"].date()
            facts = {**facts, "used": self._get_used(given, day)}
        basket = Basket(lines, Facts(**facts), refusal)
        result = evaluate(basket, self.rules, by_rule=True)
        awards = result.awards if result.points or result.wallet else {}
        if self.counts:
            self._count(result, awards, given, day)
        return Outcome(result, awards)

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


def get_returned(given, parts, step):
    """Return how much of what lines gave the returns take back.

    Several partial returns take what one return of all their goods takes.

    :param dict given: Decimal by line key
    :param dict parts: the returned part of each line, Decimal by line key
    :param Decimal step: to which points or money are rounded
    """
    return sum(
        (
            reverse(given.get(key, ZERO), part, ZERO, step)
            for key, part in parts.items()
        ),
        ZERO,
    )
