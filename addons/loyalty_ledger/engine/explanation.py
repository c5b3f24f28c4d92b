# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The same evaluation once more, rule by rule, with what there is to say about it."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from .conditions import refuse
from .evaluation import POINTS, Evaluation
from .plan import Term
from .rounding import apportion
from .rules import Cap, Effect

SHOWN = Decimal("1e-6")


@dataclass(slots=True)
class Award:
    """What one rule gives, before it is rounded with the others.

    The first five are those of an offer, see :meth:`Evaluation._ask`.

    :param cap: that cut it, the last one if there are several
    :param uncapped: what it would have given
    """

    given: int
    term: Term
    lines: list | None
    base: int
    quantity: int
    cap: Cap | None = None
    uncapped: int | None = None


class Breakdown(Evaluation):
    """Says what each rule gives.

    :ivar list awards: of the rules that give
    :ivar dict capped: what caps have cut, as the two last arguments of :class:`Award`
        by term
    """

    apart = True

    __slots__ = ("awards", "capped")

    def __init__(self, basket, rules):
        super().__init__(basket, rules)
        self.awards = []
        self.capped = {}

    def _note_cap(self, term, cap, given):
        _cap, uncapped = self.capped.get(term, (None, given))
        self.capped[term] = cap, uncapped

    def _give(self, offer):
        self._add_award(offer)
        return super()._give(offer)

    def _give_multiplied(self, offers):
        for offer in offers:
            self._add_award(offer)
        return super()._give_multiplied(offers)

    def _add_award(self, offer):
        _given, term, *_rest = offer
        self.awards.append(Award(*offer, *self.capped.get(term, ())))

    def get_awards(self):
        """Return what each rule gave of the rounded totals: Decimal by rule key."""
        shares = {}
        for number, grid in enumerate(self.rules.grids):
            given = {
                award.term.rule.key: self.to_points(award.given)
                for award in self.awards
                if award.term.purse == number
            }
            if given:
                shares.update(apportion(self.get_total(number), given, grid.step))
        return shares


class Explanation(Breakdown):
    """Says why a basket gives what it gives.

    :ivar dict skipped: keys of the rules that gave nothing, by why
    :ivar list cuts: the caps of the scheme that took something, and what they left
    """

    __slots__ = ("cuts", "skipped")

    def __init__(self, basket, rules):
        super().__init__(basket, rules)
        self.skipped = defaultdict(list)
        self.cuts = []

    def _get_allowed(self):
        allowed = super()._get_allowed()
        for term in self.rules.terms:
            if not term.bit & allowed:
                self._skip(term, refuse(term.rule, self.basket.facts))
        return allowed

    def _skip(self, term, why):
        self.skipped[why].append(term.rule.key)

    def _cut_total(self, limit):
        taken = super()._cut_total(limit)
        if taken:
            self.cuts.append((limit.cap, self.purses[POINTS].steps))
        return taken

    def get_trace(self):
        """Return why, as a tuple of plain dictionaries fit for JSON."""
        if self.basket.refusal:
            return ({"code": self.basket.refusal},)
        steps = [
            *self._explain_lines(),
            *map(self._explain_award, self.awards),
            *self._explain_total(),
        ]
        if self.skipped:
            steps.append({"code": "skipped", "rules": dict(self.skipped)})
        return tuple(map(_write, steps))

    def _explain_lines(self):
        lines = self.basket.lines
        left_out = [
            line.key for line in lines if not line.is_discount and not line.eligible
        ]
        if left_out:
            yield {"code": "not_eligible", "lines": left_out}
        if not self.eligible:
            yield {"code": "nothing_eligible"}
        elif not self.rules.policy.before_discounts:
            discount = sum(line.amount for line in lines if line.is_discount)
            if discount:
                yield {"code": "discount", "amount": discount}

    def _explain_award(self, award):
        term, rule = award.term, award.term.rule
        convert = self.to_points if term.is_multiplier else self.to_money
        step = {
            "code": "rule",
            "rule": rule.key,
            "name": rule.name,
            "effect": rule.effect,
            "target": rule.target,
            "value": rule.value,
            "per": rule.per,
            "base": convert(award.base),
            "given": self.to_points(award.given),
        }
        if rule.effect is Effect.UNIT:
            step["quantity"] = Decimal(award.quantity) / self.quantity_unit
        if award.lines is not None:
            step["lines"] = [self.eligible[index].key for index in award.lines]
        if award.cap:
            step["cap"] = {"period": award.cap.period, "amount": award.cap.amount}
            step["uncapped"] = self.to_points(award.uncapped)
        return step

    def _explain_total(self):
        """Tell how points were rounded, and which caps of the scheme cut them."""
        if not self.purses or not self.purses[POINTS].total:
            return
        policy = self.rules.policy
        exact = self.purses[POINTS].total
        steps = self.rules.grids[POINTS].count(exact, self.unit)
        if steps * policy.step != self.to_points(exact).quantize(SHOWN):
            yield {
                "code": "rounding",
                "step": policy.step,
                "rounding": policy.rounding,
                "points": steps * policy.step,
            }
        for cap, left in self.cuts:
            yield {
                "code": "scheme_cap",
                "period": cap.period,
                "amount": cap.amount,
                "points": left * policy.step,
            }


def _write(value):
    """Make a step of the explanation fit for JSON."""
    if isinstance(value, Decimal):
        return format(value.quantize(SHOWN).normalize(), "f")
    if isinstance(value, dict):
        return {key: _write(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_write(item) for item in value]
    return str(value) if isinstance(value, str) else value
