# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What one purchase gives, computed in whole numbers.

A replay of past sales does this a million times. So what the plain rules give is added
up at once (see ``plan.py``), only the others are asked one by one, and nothing is
explained (``explanation.py`` does, with the same code). Within one evaluation

* amounts are counted in units: ``unit`` of them make 1 of the scheme's currency, so
  many that every line is whole, also when it bears its part of a discount;
* what rules give is counted in units of a grain: ``unit * grain`` of them make a point.
"""

from decimal import Decimal
from functools import reduce
from itertools import compress
from math import gcd
from operator import attrgetter, or_

from .rounding import count_full, make_whole, share_out
from .rules import Effect

ZERO = Decimal(0)
POINTS, WALLET = range(2)
# Of an offer, see ``Evaluation._ask``
GIVEN, TERM, LINES = range(3)

get_key, get_amount = attrgetter("key"), attrgetter("amount")
get_quantity, get_product = attrgetter("quantity"), attrgetter("product")
is_eligible, is_reward = attrgetter("eligible"), attrgetter("is_reward")


class Purse:
    """What rules give to one account.

    :ivar int total: of all rules, exact
    :ivar int everywhere: of it, what goes to all lines in proportion to their amounts
    :ivar lines: what the rules give on each line besides, but for a rest that is far
        too small to be seen; ``None`` as long as no rule tells lines apart
    :ivar int steps: the total, rounded
    """

    __slots__ = ("everywhere", "lines", "steps", "total")

    def __init__(self):
        self.total = self.everywhere = self.steps = 0
        self.lines = None

    def open_lines(self, size):
        """Return what is given on each line, begun now if it was not yet."""
        if self.lines is None:
            self.lines = [0] * size
        return self.lines

    def weigh(self, amounts, base):
        """Return in what proportion the total is due to the lines.

        :param list amounts: of the lines
        :param int base: their sum
        """
        own, everywhere = self.lines, self.everywhere
        if own is None:
            # Shared out by the amounts, which are small numbers
            return amounts
        if not everywhere:
            return own
        return [
            part * base + everywhere * amount
            for part, amount in zip(own, amounts, strict=True)
        ]

    def split(self, amounts, base):
        """Return what is given on each line in all.

        :param list amounts: of the lines
        :param int base: their sum
        """
        own = self.lines or [0] * len(amounts)
        if not self.everywhere:
            return own
        everywhere = self.everywhere
        return [
            part + everywhere * amount // base
            for part, amount in zip(own, amounts, strict=True)
        ]


class Evaluation:
    """What a basket gives under rules.

    :ivar eligible: the lines that can earn; what follows goes by their order
    :ivar list amounts: of these lines, counted in units
    :ivar list quantities: of these lines, ``quantity_unit`` of which make 1
    :ivar list choosers: bits of the rules that choose these lines
    :ivar int chosen: all of them together, and of the rules that choose no lines
    :ivar list purses: by the numbers of :attr:`RuleSet.grids`; empty if nothing is
        eligible
    :ivar int base: the amounts together
    :ivar int base_grains: the same in grains, to be compared with what rules ask
    """

    #: whether every rule is asked on its own
    apart = False

    __slots__ = (
        "amounts",
        "base",
        "base_grains",
        "basket",
        "choosers",
        "chosen",
        "eligible",
        "purses",
        "quantities",
        "quantity_unit",
        "rules",
        "unit",
    )

    def __init__(self, basket, rules):
        self.basket = basket
        self.rules = rules
        self.eligible, self.amounts, self.purses = [], [], []
        self.quantities = None
        self.base, self.base_grains, self.unit = 0, 0, 1

    def run(self):
        if self.basket.refusal or not self._measure():
            return
        self.purses = [Purse() for _grid in self.rules.grids]
        self._choose_lines()
        sums, multipliers = self._ask_rules()
        for plain in sums:
            self._give_plainly(plain)
        if multipliers:
            self._multiply(multipliers)
        self._round()

    # === THE LINES === #

    def _measure(self):
        """Work out on what points are given; return whether there is anything."""
        lines = self.basket.lines
        before_discounts = self.rules.policy.before_discounts
        get = get_full_amount if before_discounts else get_amount
        amounts, self.unit = make_whole(list(map(get, lines)))
        discount = 0
        if (
            min(amounts, default=0) > 0
            and all(map(is_eligible, lines))
            and not any(map(is_reward, lines))
        ):
            self.eligible, self.amounts = lines, amounts
        else:
            goods, discount = self._sort_lines(amounts)
        if discount and self.eligible and not before_discounts:
            self._bear(goods, discount)
        self.base = sum(self.amounts)
        self.base_grains = self.base * self.rules.grain
        return bool(self.eligible)

    def _sort_lines(self, amounts):
        """Keep what can earn; return the sum of all goods, and of the discounts."""
        goods = discount = 0
        for line, amount in zip(self.basket.lines, amounts, strict=True):
            if amount < 0 or line.is_reward:
                discount += amount
                continue
            goods += amount
            if amount and line.eligible:
                self.eligible.append(line)
                self.amounts.append(amount)
        return goods, discount

    def _bear(self, goods, discount):
        """Let the lines bear their part of a discount."""
        kept = max(goods + discount, 0)
        common = gcd(kept, goods)
        kept, goods = kept // common, goods // common
        self.amounts = [amount * kept for amount in self.amounts]
        self.unit *= goods

    def _choose_lines(self):
        """Find the rules that choose each of the lines, and those that choose any."""
        rules = self.rules
        self.chosen = rules.unchoosing
        self.choosers = []
        if rules.chooses_lines:
            products = map(get_product, self.eligible)
            self.choosers = list(map(rules.choosers.__getitem__, products))
            self.chosen = reduce(or_, self.choosers, self.chosen)

    def _get_quantity(self, lines):
        """Return the quantity of some lines, ``None`` for all."""
        if self.quantities is None:
            self.quantities, self.quantity_unit = make_whole(
                list(map(get_quantity, self.eligible))
            )
        if lines is None:
            return sum(self.quantities)
        return sum([self.quantities[index] for index in lines])

    # === THE RULES === #

    def _get_allowed(self):
        """Return the bits of the rules whose conditions the facts meet."""
        return self.rules.get_allowed(self.basket.facts)

    def _skip(self, term, why):
        """Take note that a rule does not give, if somebody wants to know why."""

    def _ask_rules(self):
        """Let the rules give that are asked one by one.

        :return: the sums of plain rules, and the slots of multipliers, that give too
        """
        sums, multipliers = [], []
        chosen = self.chosen
        is_over = False
        for stretch in self.rules.get_plan(self._get_allowed(), self.apart):
            if is_over:
                self._skip_stretch(stretch)
                continue
            sums += stretch.sums
            for slot, bits in stretch.slots:
                if bits and not bits & chosen:
                    continue
                best = None
                for term in slot:
                    if offer := self._ask(term):
                        best = self._pick(best, offer) if best else offer
                if best:
                    self._give(best)
                    is_over = best[TERM].is_exclusive
            multipliers += stretch.multipliers
        return sums, multipliers

    def _skip_stretch(self, stretch):
        slots = [slot for slot, _bits in stretch.slots]
        for slot in (*slots, *stretch.multipliers):
            for term in slot:
                self._skip(term, "exclusive")

    def _ask(self, term):
        """Return what a rule would give if it were alone.

        :return: an offer, ``None`` for nothing; a plain tuple, because most are
            forgotten at once: what is given, the term, the indexes of the lines that
            it chooses or ``None`` for all, their amount or, for a multiplier, what
            was given on them, and their quantity if it counts
        """
        if not term.bit & self.chosen:
            return self._skip(term, "product")
        lines, base, quantity, grains = None, self.base, 0, self.base_grains
        if term.chooses_lines:
            lines, base = self._find_lines(term.bit)
            grains = base * self.rules.grain
        if term.counts_units:
            quantity = self._get_quantity(lines)
            least = term.minimum_quantity * self.quantity_unit
            if quantity * self.rules.grain < least:
                return self._skip(term, "minimum_quantity")
        if term.minimum_amount and grains < term.minimum_amount * self.unit:
            return self._skip(term, "minimum_amount")
        if term.is_linear:
            given = base * term.factor
        elif term.is_once:
            given = term.factor * self.unit
        elif term.is_multiplier:
            base = self._get_given(self.purses[term.purse], lines)
            given = base * term.factor // self.rules.grain
        else:
            given = self._count(term, base, quantity) * term.factor * self.unit
        if given <= 0:
            return self._skip(term, "too_little")
        if term.limits:
            given = self._cut(term, given)
            if not given:
                return self._skip(term, "cap")
        return given, term, lines, base, quantity

    def _find_lines(self, bit):
        """Return the indexes of the lines that a rule chooses, and their amount."""
        lines, base, amounts = [], 0, self.amounts
        for index, bits in enumerate(self.choosers):
            if bits & bit:
                lines.append(index)
                base += amounts[index]
        return lines, base

    def _get_given(self, purse, lines):
        """Return what was given on some lines, ``None`` for all."""
        if lines is None:
            return purse.total
        given = purse.split(self.amounts, self.base)
        return sum([given[index] for index in lines])

    def _count(self, term, base, quantity):
        """Return how often a rule gives its value for an amount or a quantity."""
        if term.effect is Effect.UNIT:
            measure, unit = quantity, self.quantity_unit
        else:
            measure, unit = base, self.unit
        return count_full(measure * self.rules.grain, term.per * unit)

    def _cut(self, term, given):
        """Return what the caps of a rule leave of what it gives, in whole steps."""
        used, grid = self.basket.facts.used, self.rules.grids[term.purse]
        for limit in term.limits:
            left = grid.get_size(limit.count_left(used), self.unit)
            if given > left:
                self._note_cap(term, limit.cap, given)
                given = left
        return given

    def _note_cap(self, term, cap, given):
        """Take note that a cap cuts what a rule would give."""

    def _pick(self, first, second):
        """Return the larger of two offers of a slot, the first of equal ones."""
        if second[GIVEN] > first[GIVEN]:
            first, second = second, first
        self._skip(second[TERM], "group")
        return first

    # === WHAT THEY GIVE === #

    def _give(self, offer):
        """Add what a rule gives to the total, and to the lines that it gives on."""
        given, term, lines, base, quantity = offer
        purse = self.purses[term.purse]
        if term.effect is Effect.UNIT:
            measures, whole = self.quantities, quantity
        elif lines is None or not base:
            self._give_everywhere(purse, given, lines)
            return
        else:
            measures, whole = self.amounts, base
        purse.total += given
        own = purse.open_lines(len(measures))
        for index in range(len(measures)) if lines is None else lines:
            own[index] += given * measures[index] // whole

    def _give_everywhere(self, purse, given, lines=None):
        """Add what goes to all lines, or to some that a reward has paid for."""
        purse.total += given
        if self.base:
            purse.everywhere += given
            return
        # A reward has paid for everything: what is given goes by line
        own = purse.open_lines(len(self.amounts))
        if lines is None:
            lines = range(len(own))
        for index in lines:
            own[index] += given // len(lines)

    def _give_plainly(self, plain):
        """Add what plain rules and ladders give.

        :param Sum plain: these rules
        """
        purse, bits, once = self.purses[plain.purse], plain.bits, plain.once
        for ladder in plain.ladders:
            once += ladder.get_factor(self.base_grains // self.unit)
        if given := self.base * plain.factor + self.unit * once:
            self._give_everywhere(purse, given)
        if bits & self.chosen:
            own = purse.open_lines(len(self.amounts))
            for index, choosers in enumerate(self.choosers):
                if choosers := choosers & bits:
                    given = self.amounts[index] * plain[choosers]
                    own[index] += given
                    purse.total += given

    def _multiply(self, multipliers):
        """Add what multipliers give on what the other rules gave.

        :param multipliers: slots of terms
        """
        winners = []
        is_over = False
        for slot in multipliers:
            best = None
            for term in slot:
                if is_over:
                    self._skip(term, "exclusive")
                elif offer := self._ask(term):
                    best = self._pick(best, offer) if best else offer
            if best:
                winners.append(best)
                is_over = best[TERM].rule.exclusive
        # Only now: none of them multiplies what another gives
        self._give_multiplied(winners)

    def _give_multiplied(self, offers):
        """Add what multipliers give, each on what the purses hold until now."""
        # What is multiplied everywhere leaves the proportions of the lines
        for offer in offers:
            if offer[LINES] is not None:
                self._multiply_lines(offers)
                break
        for offer in offers:
            self.purses[offer[TERM].purse].total += offer[GIVEN]

    def _multiply_lines(self, offers):
        before = [purse.split(self.amounts, self.base) for purse in self.purses]
        for purse, parts in zip(self.purses, before, strict=True):
            purse.lines, purse.everywhere = list(parts), 0
        for given, term, lines, base, _quantity in offers:
            parts, own = before[term.purse], self.purses[term.purse].lines
            for index in range(len(parts)) if lines is None else lines:
                own[index] += given * parts[index] // base

    # === THE TOTAL === #

    def _round(self):
        """Round what the rules give together, and cut it to the scheme's caps."""
        rules = self.rules
        for purse, grid in zip(self.purses, rules.grids, strict=True):
            if purse.total:
                purse.steps = grid.count(purse.total, self.unit)
        for limit in rules.limits:
            self._cut_total(limit)

    def _cut_total(self, limit):
        """Cut the points of all rules to a cap of the scheme.

        :return: the steps that it takes off
        """
        points = self.purses[POINTS]
        left = limit.count_left(self.basket.facts.used)
        taken = max(points.steps - left, 0)
        points.steps -= taken
        return taken

    def get_total(self, number):
        """Return what is given to an account, Decimal."""
        if number >= len(self.purses):
            return ZERO
        return self.rules.grids[number].get_value(self.purses[number].steps)

    def get_lines(self, number):
        """Return what is given to an account, Decimal by line key."""
        if number >= len(self.purses) or not self.purses[number].total:
            return {}
        purse = self.purses[number]
        weights = purse.weigh(self.amounts, self.base)
        keys = list(map(get_key, self.eligible))
        shares = share_out(purse.steps, weights, keys)
        points = zip(keys, map(self.rules.grids[number].get_value, shares), strict=True)
        return dict(points if all(weights) else compress(points, weights))

    def to_money(self, amount):
        return Decimal(amount) / self.unit

    def to_points(self, given):
        return Decimal(given) / (self.unit * self.rules.grain)


def get_full_amount(line):
    """Return what a line is worth before discounts, Decimal."""
    return line.amount if line.is_discount else line.amount + line.discount
