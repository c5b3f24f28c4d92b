# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How points are given, compiled from the records that staff edit."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from .basket import Product

# Enough for every store, weekday and tier of a large chain; then it starts anew, so
# that a long-lived rule set stays small.
REMEMBERED_SETTINGS = 20_000
REMEMBERED_PRODUCTS = 200_000
#: facts that an earlier sale of the same member changes
HISTORY = frozenset(("balance", "purchases", "used"))


class Effect(StrEnum):
    """What a rule gives."""

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
    """Which account a rule gives to."""

    POINTS = "points"
    WALLET = "wallet"


class Period(StrEnum):
    """Over which time a cap counts."""

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


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a rule gives; all of them have to be met, empty ones always are.

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
    :param payload: tests of what came with an event, see :mod:`.event`
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
    minimum_quantity: Decimal = Decimal(0)
    minimum_amount: Decimal = Decimal(0)
    minimum_points: Decimal = Decimal(0)
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

    @property
    def needs_history(self):
        return self.purchases is not None or self.minimum_points > 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to earn.

    :param key: identifies the rule, in the explanation and in what it has given
    :param name: for people
    :param value: see :class:`Effect`
    :param per: see :class:`Effect`; more than zero
    :param priority: smaller comes first
    :param group: of the rules with the same group, the one that gives most does
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


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all rules.

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


class RuleSet:
    """The rules of a scheme and its policy, made ready for many baskets.

    What depends on the product or on channel, store, tier, segments, payment and
    weekday alone is worked out once and remembered.

    :ivar frozenset asks: names of the facts that the rules ask for
    :param rules: iterable of :class:`Rule`
    :param Policy policy: how to round, and what to earn on
    :raise ValueError: a group that mixes multipliers with other rules, or accounts
    """

    def __init__(self, rules, policy=Policy()):
        self.policy = policy
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.priority, rule.key)))
        self.plans = tuple(Plan(rule) for rule in self.rules)
        self.slots = self._get_slots()
        self.chooses_lines = any(plan.chooses_lines for plan in self.plans)
        self.asks = self._get_asked()
        self._settings = {}
        self._products = {}

    @property
    def asks_history(self):
        """Whether earlier sales of a member decide on what the next one gives."""
        return bool(HISTORY & self.asks)

    def _get_asked(self):
        """Return the names of the facts that the rules ask for."""
        asked = frozenset().union(*(rule.conditions.asks for rule in self.rules))
        caps = [*self.policy.caps, *(cap for rule in self.rules for cap in rule.caps)]
        if any(cap.period is not Period.RECEIPT for cap in caps):
            asked |= {"used", "moment"}
        return asked

    def _get_slots(self):
        """Return plans in their order; a group stands where its first rule is."""
        slots, groups = [], {}
        for plan in self.plans:
            group = plan.rule.group
            if group is None:
                slots.append([plan])
            elif group in groups:
                groups[group].append(plan)
            else:
                groups[group] = [plan]
                slots.append(groups[group])
        for members in groups.values():
            if len({(plan.target, plan.is_multiplier) for plan in members}) > 1:
                raise ValueError(
                    "A group compares rules of one kind:"
                    f" {', '.join(plan.rule.name for plan in members)}"
                )
        return tuple(map(tuple, slots))

    def get_candidates(self, facts):
        """Return the rules that channel, store, member and weekday allow.

        :param Facts facts: of a basket
        :return: slots of plans
        """
        weekday = facts.moment.weekday() if facts.moment else None
        setting = (
            facts.channel,
            facts.store,
            facts.tier,
            facts.segments,
            facts.payments,
            weekday,
        )
        found = self._settings.get(setting)
        if found is None:
            if len(self._settings) >= REMEMBERED_SETTINGS:
                self._settings.clear()
            found = self._settings[setting] = tuple(
                left
                for slot in self.slots
                if (
                    left := tuple(
                        plan
                        for plan in slot
                        if not refuse_setting(plan.rule.conditions, facts, weekday)
                    )
                )
            )
        return found

    def get_choosers(self, product: Product):
        """Return the plans that choose lines and choose those of ``product``."""
        found = self._products.get(product)
        if found is None:
            if len(self._products) >= REMEMBERED_PRODUCTS:
                self._products.clear()
            found = self._products[product] = tuple(
                plan
                for plan in self.plans
                if plan.chooses_lines
                and _takes_product(plan.rule.conditions, plan.rule.key, product)
            )
        return found


class Plan:
    """A rule with what can be worked out before a basket is known."""

    __slots__ = (
        "caps",
        "chooses_lines",
        "factor",
        "is_multiplier",
        "is_personal",
        "is_timed",
        "minimum_amount",
        "minimum_quantity",
        "rule",
        "target",
    )

    def __init__(self, rule):
        wanted = rule.conditions
        self.rule = rule
        self.target = rule.target
        self.is_multiplier = rule.effect is Effect.MULTIPLIER
        self.chooses_lines = wanted.chooses_lines
        self.is_timed = wanted.needs_moment
        self.is_personal = wanted.needs_history
        self.minimum_quantity = wanted.minimum_quantity
        self.minimum_amount = wanted.minimum_amount
        self.caps = rule.caps
        #: what one unit of the amount gives, where that is all there is to it
        self.factor = None
        if rule.effect is Effect.AMOUNT:
            self.factor = rule.value / rule.per
        elif rule.effect is Effect.PERCENT:
            self.factor = rule.value / 100


def refuse_setting(wanted, facts, weekday):
    """Return why a rule does not give here, for this member, on this day."""
    if wanted.channels and facts.channel not in wanted.channels:
        return "channel"
    if wanted.stores and facts.store not in wanted.stores:
        return "store"
    if wanted.tiers and facts.tier not in wanted.tiers:
        return "tier"
    if wanted.segments and not wanted.segments & facts.segments:
        return "segment"
    if wanted.payments and not wanted.payments & facts.payments:
        return "payment"
    if wanted.weekdays and weekday not in wanted.weekdays:
        return "weekday"
    return None


def _takes_product(wanted, key, product):
    return (
        (not wanted.products or product.id in wanted.products)
        and (not wanted.categories or bool(wanted.categories & product.categories))
        and (not wanted.tags or bool(wanted.tags & product.tags))
        and (not wanted.domain or key in product.domains)
    )


def refuse_moment(wanted, moment):
    """Return why a rule does not give at this time, or ``None``."""
    if moment is None:
        return "date"
    day = moment.date()
    if wanted.date_from and day < wanted.date_from:
        return "date"
    if wanted.date_to and day > wanted.date_to:
        return "date"
    if wanted.hours is not None:
        start, end = wanted.hours
        hour = moment.hour + moment.minute / 60 + moment.second / 3600
        if start <= end:
            if not start <= hour < end:
                return "hour"
        elif end <= hour < start:
            return "hour"
    return None


def refuse_birthday(window, birthday, moment):
    """Return why a rule does not give so far from the birthday, or ``None``.

    Who was born on 29 February has the birthday on the 28th in other years.
    """
    if not birthday or not moment:
        return "birthday"
    before, after = window
    day = moment.date()
    for year in (day.year - 1, day.year, day.year + 1):
        try:
            anniversary = birthday.replace(year=year)
        except ValueError:
            anniversary = dt.date(year, 2, 28)
        if -before <= (day - anniversary).days <= after:
            return None
    return "birthday"


def refuse_history(wanted, facts):
    """Return why a rule does not give after so many purchases, or ``None``."""
    if wanted.purchases is not None:
        least, most = wanted.purchases
        if facts.purchases is None:
            return "purchases"
        if least is not None and facts.purchases < least:
            return "purchases"
        if most is not None and facts.purchases > most:
            return "purchases"
    if wanted.minimum_points and facts.balance < wanted.minimum_points:
        return "minimum_points"
    return None
