# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rules made ready for many baskets.

Each rule is a bit. What rules ask of the channel, the store, the day and so on is
asked once for each value that occurs: a :class:`Sieve` remembers as bits which rules
let it through. The bits that all sieves leave stand for a :class:`Plan`, which is
remembered too: few baskets are the first of their kind.

The engine computes with whole numbers: exact in whatever order, and several times
faster than Decimal. The numbers of the rules are counted in grains, so small that every
number of every rule is whole.
"""

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate
from math import lcm

from .conditions import (
    allows_channel,
    allows_date,
    allows_hour,
    allows_payments,
    allows_product,
    allows_purchases,
    allows_segments,
    allows_store,
    allows_tier,
    allows_weekday,
    get_hour,
    refuse_member,
)
from .rounding import Grid
from .rules import HISTORY, Effect, Period, Policy, Target

# Enough for a large chain; then it starts anew, so that a long-lived rule set stays
# small.
REMEMBERED_VALUES = 100_000
REMEMBERED_PLANS = 5_000
# Grains are finer by this than the rules need, so that what is cut off when something
# is shared out is never seen.
FINENESS = 10**12
PLAIN = Policy()


class RuleSet:
    """The rules of a scheme and its policy.

    :ivar frozenset asks: names of the facts that the rules ask for
    :ivar int grain: how many grains make 1
    :param rules: iterable of :class:`~.rules.Rule`
    :param Policy policy: how to round, and what to earn on
    :raise ValueError: a group that mixes multipliers with other rules, or accounts
    """

    def __init__(self, rules, policy=PLAIN):
        self.policy = policy
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.priority, rule.key)))
        self.grain = self._get_grain()
        #: points, and the wallet if a rule gives to it
        self.grids = (
            Grid(policy.step, policy.rounding, self.grain),
            Grid(policy.wallet_step, "DOWN", self.grain),
        )[: 1 + any(rule.target is Target.WALLET for rule in self.rules)]
        self.terms = tuple(
            Term(rule, 1 << index, self) for index, rule in enumerate(self.rules)
        )
        #: the caps of the scheme
        self.limits = tuple(Limit(cap, None, policy.step) for cap in policy.caps)
        self.slots = self._get_slots()
        self.asks = self._get_asked()
        self.chooses_lines = "products" in self.asks
        self.counts_units = any(term.counts_units for term in self.terms)
        self._prepare_sieves()
        self._plans = {}

    @property
    def asks_history(self):
        """Whether earlier sales of a member decide on what the next one gives."""
        return bool(HISTORY & self.asks)

    def _get_grain(self):
        """Return into how many parts 1 is cut, so that every number is whole."""
        policy = self.policy
        numbers = [policy.step, policy.wallet_step]
        factors = [1]
        for rule in self.rules:
            wanted = rule.conditions
            numbers += [rule.per, wanted.minimum_quantity, wanted.minimum_amount]
            factors.append(_get_factor(rule).denominator)
        return FINENESS * lcm(
            *factors, *(number.as_integer_ratio()[1] for number in numbers)
        )

    def _get_asked(self):
        """Return the names of the facts that the rules ask for."""
        asked = frozenset().union(*(rule.conditions.asks for rule in self.rules))
        caps = [*self.policy.caps, *(cap for rule in self.rules for cap in rule.caps)]
        if any(cap.period is not Period.RECEIPT for cap in caps):
            asked |= {"used", "moment"}
        return asked

    def _get_slots(self):
        """Return terms in their order; a group stands where its first rule is."""
        slots, groups = [], {}
        for term in self.terms:
            group = term.rule.group
            if group is None:
                slots.append([term])
            elif group in groups:
                groups[group].append(term)
            else:
                groups[group] = [term]
                slots.append(groups[group])
        for members in groups.values():
            if len({(term.purse, term.is_multiplier) for term in members}) > 1:
                raise ValueError(
                    "A group compares rules of one kind:"
                    f" {', '.join(term.rule.name for term in members)}"
                )
        return tuple(map(tuple, slots))

    def _prepare_sieves(self):
        terms = self.terms
        self._by_channel = Sieve(terms, allows_channel)
        self._by_store = Sieve(terms, allows_store)
        self._by_tier = Sieve(terms, allows_tier)
        self._by_segments = Sieve(terms, allows_segments)
        self._by_payments = Sieve(terms, allows_payments)
        self._by_purchases = Sieve(terms, allows_purchases)
        self._by_day = Sieve(
            terms,
            lambda rule, day: allows_weekday(rule, day) and allows_date(rule, day),
        )
        # Between two of these hours nothing changes
        asked = {hour for term in terms for hour in term.rule.conditions.hours or ()}
        self._hours = hours = sorted({0.0, *asked})
        self._by_hour = Sieve(
            terms,
            lambda rule, number: allows_hour(rule, hours[number - 1]),
        )
        self._personal = [term for term in terms if term.rule.conditions.needs_member]
        choosers = [term for term in terms if term.chooses_lines]
        #: the bits of the rules that choose none
        self.unchoosing = sum(term.bit for term in terms if not term.chooses_lines)
        #: the bits of the rules that choose lines of a product
        self.choosers = Sieve(choosers, allows_product)

    def get_allowed(self, facts):
        """Return the bits of the rules whose conditions the facts meet."""
        moment = facts.moment
        allowed = (
            self._by_channel[facts.channel]
            & self._by_store[facts.store]
            & self._by_tier[facts.tier]
            & self._by_segments[facts.segments]
            & self._by_payments[facts.payments]
            & self._by_purchases[facts.purchases]
            & self._by_day[moment and moment.date()]
        )
        if moment:
            allowed &= self._by_hour[bisect_right(self._hours, get_hour(moment))]
        for term in self._personal:
            if allowed & term.bit and refuse_member(term.rule, facts):
                allowed ^= term.bit
        return allowed

    def get_plan(self, allowed, apart=False):
        """Return what to do with the lines of a basket.

        :param int allowed: bits of rules
        :param bool apart: ask every rule on its own, so that each can be explained
        """
        plan = self._plans.get((allowed, apart))
        if plan is None:
            if len(self._plans) >= REMEMBERED_PLANS:
                self._plans.clear()
            plan = self._plans[allowed, apart] = self._make_plan(allowed, apart)
        return plan

    def _make_plan(self, allowed, apart):
        plan, terms = [], []
        for slot in self.slots:
            left = tuple(term for term in slot if term.bit & allowed)
            if left:
                terms.append(left)
            if any(term.is_exclusive for term in left):
                plan.append(Stretch(terms, apart))
                terms = []
        plan.append(Stretch(terms, apart))
        return tuple(plan)


class Term:
    """A rule, counted in grains.

    :ivar int purse: index of the account to which the rule gives, in
        :attr:`RuleSet.grids`
    :ivar int factor: what the rule gives for 1 of the amount, for each time that it
        gives, or, for a multiplier, on top of each point
    :ivar bool is_linear: gives its factor of the amount
    :ivar bool is_once: gives its factor once
    :ivar bool is_step: gives its factor once, from a minimum amount on, or always
    :ivar bool is_plain: gives its factor whatever the amount is and other rules do
    """

    __slots__ = (
        "bit",
        "chooses_lines",
        "counts_units",
        "effect",
        "factor",
        "is_exclusive",
        "is_linear",
        "is_multiplier",
        "is_once",
        "is_plain",
        "is_step",
        "limits",
        "minimum_amount",
        "minimum_quantity",
        "per",
        "purse",
        "rule",
    )

    def __init__(self, rule, bit, rules):
        wanted, grain = rule.conditions, rules.grain
        self.rule = rule
        self.bit = bit
        self.effect = rule.effect
        self.purse = 1 if rule.target is Target.WALLET else 0
        self.is_multiplier = rule.effect is Effect.MULTIPLIER
        self.is_linear = rule.effect in (Effect.AMOUNT, Effect.PERCENT)
        self.is_once = rule.effect is Effect.RECEIPT
        # An exclusive multiplier ends the round of the multipliers alone
        self.is_exclusive = rule.exclusive and not self.is_multiplier
        self.chooses_lines = wanted.chooses_lines
        self.counts_units = rule.effect is Effect.UNIT or wanted.minimum_quantity > 0
        self.factor = int(_get_factor(rule) * grain)
        self.per = int(Fraction(rule.per) * grain)
        self.minimum_quantity = int(Fraction(wanted.minimum_quantity) * grain)
        self.minimum_amount = int(Fraction(wanted.minimum_amount) * grain)
        step = rules.grids[self.purse].step
        self.limits = tuple(Limit(cap, rule.key, step) for cap in rule.caps)
        is_free = (
            self.factor > 0
            and not rule.exclusive
            and not rule.caps
            and not self.minimum_quantity
            and not wanted.payload
        )
        self.is_step = is_free and self.is_once and not self.chooses_lines
        self.is_plain = (
            is_free
            and (self.is_linear or self.is_step)
            and not rule.group
            and not self.minimum_amount
        )


class Limit:
    """A cap, counted in steps.

    :param Cap cap: what it is made from
    :param key: of the rule, ``None`` for a cap of the scheme
    :param Decimal step: of what is capped
    """

    __slots__ = ("_key", "_step", "_steps", "cap")

    def __init__(self, cap, key, step):
        self.cap = cap
        self._key = None if cap.period is Period.RECEIPT else (key, cap.period)
        self._step = step
        self._steps = self._count(cap.amount)

    def count_left(self, used):
        """Return how many steps are left.

        :param used: see :class:`~.basket.Facts`
        """
        if self._key is None or not (before := used.get(self._key)):
            return self._steps
        return self._count(self.cap.amount - before)

    def _count(self, amount):
        return max(int(amount // self._step), 0)


class Stretch:
    """Rules that can give together, up to the next exclusive one.

    :ivar sums: the plain rules and the ladders, summed up
    :ivar slots: the others, to be asked; of those in one slot the best gives. Each
        slot comes with the bits of its rules if it can be passed over where no line
        chooses any of them
    :ivar multipliers: slots too, without bits
    """

    __slots__ = ("multipliers", "slots", "sums")

    def __init__(self, slots, apart):
        self.multipliers = tuple(slot for slot in slots if slot[0].is_multiplier)
        rest = [slot for slot in slots if not slot[0].is_multiplier]
        together = []
        # Who is to be told why a rule does not give passes over none
        if not apart:
            together = [slot for slot in rest if _can_sum_up(slot)]
            rest = [slot for slot in rest if not _can_sum_up(slot)]
        self.sums = tuple(
            Sum(purse, chosen)
            for purse in (0, 1)
            if (chosen := [slot for slot in together if slot[0].purse == purse])
        )
        self.slots = tuple(
            (slot, 0 if apart else sum(term.bit for term in slot)) for slot in rest
        )


def _can_sum_up(slot):
    """Return whether what a slot gives can be read from the amounts alone."""
    return slot[0].is_plain or all(term.is_step for term in slot)


class Ladder:
    """Rules of which the best gives once, most of them from a minimum amount on."""

    __slots__ = ("_factors", "_minimums")

    def __init__(self, slot):
        terms = sorted(slot, key=lambda term: term.minimum_amount)
        self._minimums = [term.minimum_amount for term in terms]
        best = accumulate((term.factor for term in terms), max, initial=0)
        self._factors = list(best)

    def get_factor(self, amount):
        """Return what the best rule gives, in grains, for an amount in grains."""
        return self._factors[bisect_right(self._minimums, amount)]


class Sum(dict):
    """What plain rules and ladders give together, in grains.

    As a dictionary, what those that choose lines give for 1 of the amount of a line;
    which of them choose the line is the key.

    :ivar int bits: of the rules that choose lines
    :ivar int factor: what the others give for 1 of the whole amount
    :ivar int once: what they give besides
    :ivar ladders: what gives once too, but depends on the whole amount
    """

    __slots__ = ("bits", "factor", "ladders", "once", "purse", "terms")

    def __init__(self, purse, slots):
        self.purse = purse
        plain = [slot[0] for slot in slots if slot[0].is_plain]
        self.terms = [term for term in plain if term.chooses_lines]
        self.bits = sum(term.bit for term in self.terms)
        others = [term for term in plain if not term.chooses_lines]
        self.factor = sum(term.factor for term in others if term.is_linear)
        self.once = sum(term.factor for term in others if term.is_once)
        self.ladders = [Ladder(slot) for slot in slots if not slot[0].is_plain]

    def __missing__(self, bits):
        factor = self[bits] = sum(term.factor for term in self.terms if term.bit & bits)
        return factor


class Sieve(dict):
    """Remembers which rules let a value of one fact through, as bits by value.

    :param terms: the rules that are asked
    :param lets_through: function of a rule and a value
    """

    __slots__ = ("_lets_through", "_terms")

    def __init__(self, terms, lets_through):
        self._terms = terms
        self._lets_through = lets_through

    def __missing__(self, value):
        if len(self) >= REMEMBERED_VALUES:
            self.clear()
        bits = self[value] = sum(
            term.bit for term in self._terms if self._lets_through(term.rule, value)
        )
        return bits


def _get_factor(rule):
    """Return what a rule gives for 1, see :attr:`Term.factor`."""
    value = Fraction(rule.value)
    if rule.effect is Effect.AMOUNT:
        return value / Fraction(rule.per)
    if rule.effect is Effect.PERCENT:
        return value / 100
    if rule.effect is Effect.MULTIPLIER:
        return value - 1
    return value
