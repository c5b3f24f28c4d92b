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
from math import gcd

from .rounding import count_full, make_whole, share_out
from .rules import Effect, Period

ZERO = Decimal(0)
POINTS, WALLET = range(2)


class Purse:
    """What rules give to one account.

    :ivar int total: of all rules, exact
    :ivar int everywhere: of it, what goes to all lines in proportion to their amounts
    :ivar list lines: what the rules give on each line, but for a rest that is far too
        small to be seen: it says how to share out the total, never how much that is
    :ivar int steps: the total, rounded
    """

    __slots__ = ("everywhere", "lines", "steps", "total")

    def __init__(self, size):
        self.total = self.everywhere = self.steps = 0
        self.lines = [0] * size


class Award:
    """What one rule gives, before it is rounded with the others.

    :ivar lines: indexes of the lines that the rule chooses, ``None`` for all
    """

    __slots__ = ("base", "cap", "given", "lines", "quantity", "term", "uncapped")

    def __init__(self, term, lines, base, quantity):
        self.term = term
        self.lines = lines
        self.base = base
        self.quantity = quantity
        self.given = 0
        self.cap = self.uncapped = None


class Evaluation:
    """What a basket gives under rules.

    :ivar list eligible: the lines that can earn; what follows goes by their order
    :ivar list amounts: of these lines, counted in units
    :ivar list quantities: of these lines, ``quantity_unit`` of which make 1
    :ivar list choosers: bits of the rules that choose these lines
    :ivar list purses: by the numbers of :attr:`RuleSet.grids`; empty if nothing is
        eligible
    """

    #: whether every rule is asked on its own
    apart = False

    __slots__ = (
        "amounts",
        "awards",
        "base",
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
        self.eligible, self.amounts, self.purses, self.awards = [], [], [], []
        self.quantities = None
        self.base, self.unit = 0, 1

    def run(self):
        if self.basket.refusal:
            return
        if not self._measure():
            return
        size = len(self.eligible)
        self.purses = [Purse(size) for _grid in self.rules.grids]
        self._choose_lines()
        sums, multipliers = self._ask_rules()
        self._spread(sums)
        if multipliers:
            self._multiply(multipliers)
        self._round()

    # === THE LINES === #

    def _measure(self):
        """Work out on what points are given; return whether there is anything."""
        lines = self.basket.lines
        before_discounts = self.rules.policy.before_discounts
        amounts, self.unit = make_whole(
            [_get_amount_before_discount(line) for line in lines]
            if before_discounts
            else [line.amount for line in lines]
        )
        eligible, kept = self.eligible, self.amounts
        goods = discount = 0
        for line, amount in zip(lines, amounts, strict=True):
            if amount < 0 or line.is_reward:
                discount += amount
                continue
            goods += amount
            if amount and line.eligible:
                eligible.append(line)
                kept.append(amount)
        if discount and eligible and not before_discounts:
            self._bear(goods, discount)
        self.base = sum(self.amounts)
        return bool(eligible)

    def _bear(self, goods, discount):
        """Let the lines bear their part of a discount."""
        kept = max(goods + discount, 0)
        common = gcd(kept, goods)
        kept, goods = kept // common, goods // common
        self.amounts = [amount * kept for amount in self.amounts]
        self.unit *= goods

    def _choose_lines(self):
        """Find the rules that choose each of the lines, and those that choose any."""
        self.chosen = 0
        self.choosers = []
        if self.rules.chooses_lines:
            choosers = self.rules.choosers
            for line in self.eligible:
                bits = choosers[line.product]
                self.choosers.append(bits)
                self.chosen |= bits

    def _get_quantity(self, lines):
        """Return the quantity of some lines, ``None`` for all."""
        if self.quantities is None:
            self.quantities, self.quantity_unit = make_whole(
                [line.quantity for line in self.eligible]
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
        is_over = False
        for stretch in self.rules.get_plan(self._get_allowed(), self.apart):
            if is_over:
                self._skip_stretch(stretch)
                continue
            sums += stretch.sums
            for slot in stretch.slots:
                winner = None
                for term in slot:
                    if award := self._ask(term):
                        winner = self._pick(winner, award) if winner else award
                if winner:
                    self._give(winner)
                    is_over = winner.term.is_exclusive
            multipliers += stretch.multipliers
        return sums, multipliers

    def _skip_stretch(self, stretch):
        for slot in (*stretch.slots, *stretch.multipliers):
            for term in slot:
                self._skip(term, "exclusive")

    def _ask(self, term):
        """Return what a rule would give if it were alone, ``None`` for nothing."""
        award = self._measure_award(term)
        if award is None:
            return None
        if term.is_linear:
            award.given = award.base * term.factor
        else:
            award.given = self._count(award) * term.factor * self.unit
        return self._cut(award)

    def _measure_award(self, term):
        """Return on what a rule gives, ``None`` if the lines do not meet it."""
        lines, base, quantity = None, self.base, 0
        if term.chooses_lines:
            bit, amounts = term.bit, self.amounts
            if not bit & self.chosen:
                return self._skip(term, "product")
            lines, base = [], 0
            for index, bits in enumerate(self.choosers):
                if bits & bit:
                    lines.append(index)
                    base += amounts[index]
        if term.counts_units:
            quantity = self._get_quantity(lines)
            least = term.minimum_quantity * self.quantity_unit
            if quantity * self.rules.grain < least:
                return self._skip(term, "minimum_quantity")
        least = term.minimum_amount
        if least and base * self.rules.grain < least * self.unit:
            return self._skip(term, "minimum_amount")
        return Award(term, lines, base, quantity)

    def _count(self, award):
        """Return how often a rule gives its value."""
        term = award.term
        if term.effect is Effect.RECEIPT:
            return 1
        if term.effect is Effect.UNIT:
            measure, unit = award.quantity, self.quantity_unit
        else:
            measure, unit = award.base, self.unit
        return count_full(measure * self.rules.grain, term.per * unit)

    def _cut(self, award):
        """Cut what a rule gives to what its caps leave, in whole steps.

        :return: the award, ``None`` if nothing is left
        """
        term = award.term
        for cap in term.caps:
            grid = self.rules.grids[term.purse]
            steps = self._get_steps_left(cap, term.rule.key, grid)
            left = grid.get_size(steps, self.unit)
            if award.given > left:
                if award.uncapped is None:
                    award.uncapped = award.given
                award.given = left
                award.cap = cap
        if award.given > 0:
            return award
        return self._skip(term, "cap" if award.cap else "too_little")

    def _pick(self, first, second):
        """Return the larger of two awards of a slot, the first of equal ones."""
        if second.given > first.given:
            first, second = second, first
        self._skip(second.term, "group")
        return first

    def _get_steps_left(self, cap, key, grid):
        left = cap.amount
        if cap.period is not Period.RECEIPT:
            left -= self.basket.facts.used.get((key, cap.period), ZERO)
        return max(int(left // grid.step), 0)

    # === WHAT THEY GIVE === #

    def _give(self, award):
        """Add what a rule gives to the total, and to the lines that it gives on."""
        self.awards.append(award)
        purse = self.purses[award.term.purse]
        purse.total += award.given
        lines = award.lines
        if award.term.effect is Effect.UNIT:
            measures, whole = self.quantities, award.quantity
        elif award.base:
            if lines is None:
                purse.everywhere += award.given
                return
            measures, whole = self.amounts, award.base
        else:
            # A reward has paid for everything: what is given goes by line
            measures = [1] * len(self.amounts)
            whole = len(measures if lines is None else lines)
        for index in range(len(measures)) if lines is None else lines:
            purse.lines[index] += award.given * measures[index] // whole

    def _spread(self, sums):
        """Add what plain rules give, and what rules give everywhere, to the lines."""
        for plain in sums:
            purse = self.purses[plain.purse]
            if plain.bits:
                bits, lines = plain.bits, purse.lines
                for index, amount in enumerate(self.amounts):
                    given = amount * plain[self.choosers[index] & bits]
                    lines[index] += given
                    purse.total += given
            else:
                given = self.base * plain.everywhere
                purse.everywhere += given
                purse.total += given
        for purse in self.purses:
            if purse.everywhere:
                lines, everywhere, base = purse.lines, purse.everywhere, self.base
                for index, amount in enumerate(self.amounts):
                    lines[index] += everywhere * amount // base

    def _multiply(self, multipliers):
        """Add what multipliers give on what the other rules gave.

        :param multipliers: slots of terms
        """
        before = [purse.total for purse in self.purses]
        winners = []
        is_over = False
        for slot in multipliers:
            winner = None
            for term in slot:
                if is_over:
                    self._skip(term, "exclusive")
                elif award := self._ask_multiplier(term, before[term.purse]):
                    winner = self._pick(winner, award) if winner else award
            if winner:
                winners.append(winner)
                is_over = winner.term.rule.exclusive
        for award in winners:
            self.purses[award.term.purse].total += award.given
        self.awards += winners
        # What is multiplied everywhere leaves the proportions of the lines
        if any(award.lines is not None for award in winners):
            self._multiply_lines(winners)

    def _ask_multiplier(self, term, total):
        """Return what a multiplier would give on ``total`` or on its lines' part."""
        award = self._measure_award(term)
        if award is None:
            return None
        award.base = total
        if award.lines is not None:
            given = self.purses[term.purse].lines
            award.base = sum([given[index] for index in award.lines])
        award.given = award.base * term.factor // self.rules.grain
        return self._cut(award)

    def _multiply_lines(self, awards):
        before = [list(purse.lines) for purse in self.purses]
        for award in awards:
            own, lines = before[award.term.purse], self.purses[award.term.purse].lines
            for index in range(len(own)) if award.lines is None else award.lines:
                lines[index] += award.given * own[index] // award.base

    # === THE TOTAL === #

    def _round(self):
        """Round what the rules give together, and cut it to the scheme's caps."""
        for purse, grid in zip(self.purses, self.rules.grids, strict=True):
            if purse.total:
                purse.steps = grid.count(purse.total, self.unit)
        for cap in self.rules.policy.caps:
            self._cut_total(cap)

    def _cut_total(self, cap):
        """Cut the points of all rules to a cap of the scheme.

        :return: the steps that it takes off
        """
        points = self.purses[POINTS]
        left = self._get_steps_left(cap, None, self.rules.grids[POINTS])
        taken = max(points.steps - left, 0)
        points.steps -= taken
        return taken

    def get_total(self, number):
        """Return what is given to an account, Decimal."""
        if number >= len(self.purses):
            return ZERO
        return self.purses[number].steps * self.rules.grids[number].step

    def get_lines(self, number):
        """Return what is given to an account, Decimal by line key."""
        if number >= len(self.purses) or not self.purses[number].total:
            return {}
        purse, step = self.purses[number], self.rules.grids[number].step
        keys = [line.key for line in self.eligible]
        shares = share_out(purse.steps, purse.lines, keys)
        return {
            key: share * step
            for key, share, given in zip(keys, shares, purse.lines, strict=True)
            if given
        }

    def to_money(self, amount):
        return Decimal(amount) / self.unit

    def to_points(self, given):
        return Decimal(given) / (self.unit * self.rules.grain)


def _get_amount_before_discount(line):
    return line.amount if line.is_discount else line.amount + line.discount
