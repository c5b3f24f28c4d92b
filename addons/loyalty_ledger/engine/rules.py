# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How rules give points: plain data, made from the records that staff edit."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)
#: facts that an earlier sale of the same member changes
HISTORY = frozenset(("balance", "purchases", "used"))


class Effect(StrEnum):
    """How much a rule gives."""

    #: ``value`` for each ``per`` of the amount, in proportion
    AMOUNT = "amount"
    #: ``value`` for each full ``per`` of the amount
    STEP = "step"
    #: ``value`` percent of the amount
    PERCENT = "percent"
    #: ``value`` once
    RECEIPT = "receipt"
    #: ``value`` for each full ``per`` units
    UNIT = "unit"
    #: ``value`` times what the other rules give on the same lines
    MULTIPLIER = "multiplier"


class Target(StrEnum):
    """The account that a rule gives to."""

    POINTS = "points"
    WALLET = "wallet"


class Period(StrEnum):
    """The time over which a cap counts."""

    RECEIPT = "receipt"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    #: as long as the rule runs
    TOTAL = "total"
    #: of all members together
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``amount`` in a ``period``, for one member unless it is a budget."""

    period: Period
    amount: Decimal

    def get_left(self, key, used, step):
        """Return how much the cap leaves, Decimal: a multiple of ``step``.

        :param key: of the capped rule; ``None`` for a cap of the scheme
        :param used: see :class:`~.basket.Facts`
        """
        left = self.amount
        if self.period is not Period.RECEIPT:
            left -= used.get((key, self.period), ZERO)
        return max(left, ZERO) // step * step


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a rule gives: all conditions have to be met. Empty ones always are.

    ``categories``, ``products``, ``tags`` and ``domain`` choose the lines on which the
    rule gives; the quantity and the amount are those of these lines.

    :param frozenset channels: codes
    :param frozenset stores: ids
    :param frozenset tiers: ids
    :param frozenset segments: ids, one of them is enough
    :param frozenset payments: codes, one of them is enough
    :param frozenset categories: ids, sub-categories included
    :param frozenset products: ids
    :param frozenset tags: ids, one of them is enough
    :param domain: whether :attr:`Product.domains` must name the rule
    :param minimum_quantity: of the chosen lines
    :param minimum_amount: of the chosen lines, in the scheme's currency
    :param minimum_points: that the member has before the purchase
    :param frozenset weekdays: 0 is Monday
    :param hours: (from, to) as hours of the day, up to but without ``to``; over
        midnight if ``from`` is later
    :param date_from: first day
    :param date_to: last day
    :param birthday: (days before, days after) the birthday
    :param purchases: (at least, at most) purchases made before; ``None`` is open
    :param payload: tests of the payload of an event, see :mod:`.event`
    """

    channels: frozenset = frozenset()
    stores: frozenset = frozenset()
    tiers: frozenset = frozenset()
    segments: frozenset = frozenset()
    payments: frozenset = frozenset()
    categories: frozenset = frozenset()
    products: frozenset = frozenset()
    tags: frozenset = frozenset()
    domain: bool = False
    minimum_quantity: Decimal = ZERO
    minimum_amount: Decimal = ZERO
    minimum_points: Decimal = ZERO
    weekdays: frozenset = frozenset()
    hours: tuple[float, float] | None = None
    date_from: dt.date | None = None
    date_to: dt.date | None = None
    birthday: tuple[int, int] | None = None
    purchases: tuple[int | None, int | None] | None = None
    payload: tuple = ()

    @property
    def asks(self):
        """The names of the facts that decide, and ``products`` if lines are chosen."""
        asked = {
            "birthday": self.birthday is not None,
            "balance": self.minimum_points > 0,
            "moment": bool(self.weekdays) or self.needs_moment,
            "payments": bool(self.payments),
            "products": self.chooses_lines,
            "purchases": self.purchases is not None,
            "segments": bool(self.segments),
            "tier": bool(self.tiers),
        }
        return frozenset(name for name, is_asked in asked.items() if is_asked)

    @property
    def chooses_lines(self):
        return bool(self.categories or self.products or self.tags or self.domain)

    @property
    def needs_moment(self):
        return bool(
            self.hours is not None
            or self.date_from
            or self.date_to
            or self.birthday is not None
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to earn.

    :param key: identifies the rule, in the explanation and in what it has given
    :param name: for people
    :param value: see :class:`Effect`
    :param per: see :class:`Effect`; more than zero
    :param priority: smaller comes first
    :param group: of the rules with the same group, only the one that gives most gives
    :param exclusive: if the rule gives, no rule after it does
    :param record: id of the record behind the rule, if it has one
    """

    key: str
    name: str
    value: Decimal
    per: Decimal = Decimal(1)
    effect: Effect = Effect.AMOUNT
    target: Target = Target.POINTS
    priority: int = 10
    group: str | None = None
    exclusive: bool = False
    conditions: Conditions = Conditions()
    caps: tuple[Cap, ...] = ()
    record: int | None = None

    @property
    def is_multiplier(self):
        return self.effect is Effect.MULTIPLIER


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a scheme that hold for all its rules.

    :param step: the smallest step of points, for instance 1 or 0.01
    :param rounding: ``DOWN``, ``HALF-UP`` or ``UP``
    :param wallet_step: the smallest coin of the scheme's currency
    :param before_discounts: earn on prices before discounts and rewards
    :param caps: on the points of all rules together
    """

    step: Decimal = Decimal(1)
    rounding: str = "DOWN"
    wallet_step: Decimal = Decimal("0.01")
    before_discounts: bool = False
    caps: tuple[Cap, ...] = ()

    def get_step(self, target):
        return self.wallet_step if target is Target.WALLET else self.step
