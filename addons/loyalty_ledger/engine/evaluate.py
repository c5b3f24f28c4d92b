# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The one function that computes points, for every channel."""

from dataclasses import dataclass, field
from decimal import Decimal

from .rounding import allot, round_to_step

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Result:
    """What a purchase gives.

    :param points: rounded by the policy, never negative
    :param lines: points by line key; their sum is ``points``
    :param base: the amount on which points were given, in the scheme's currency
    :param bases: the same, by line key
    :param wallet: money for the wallet, in the scheme's currency
    :param wallet_lines: the same, by line key
    :param trace: why, as a tuple of plain dictionaries fit for JSON
    """

    points: Decimal
    lines: dict
    base: Decimal
    bases: dict
    trace: tuple
    wallet: Decimal = ZERO
    wallet_lines: dict = field(default_factory=dict)


def evaluate(basket, rules, policy):
    """Compute what ``basket`` earns under ``rules``.

    Discounts and rewards lower what every line of goods was paid for, in
    proportion to its amount; lines that are not eligible take their part of the
    discount but give nothing. Each rule gives ``points / per_amount`` on the rest.
    The sum is rounded once, and shared out to the lines in proportion.

    :param Basket basket: the purchase
    :param rules: iterable of :class:`Rule`
    :param Policy policy: how to round
    :return Result: points, points by line, and the explanation
    """
    trace = []
    if basket.refusal:
        trace.append({"code": basket.refusal})
        return Result(ZERO, {}, ZERO, {}, tuple(trace))
    goods = [line for line in basket.lines if not line.is_discount]
    goods_amount = sum((line.amount for line in goods), ZERO)
    discount = sum((line.amount for line in basket.lines if line.is_discount), ZERO)
    eligible = [line for line in goods if line.eligible and line.amount]
    left_out = [line.key for line in goods if not line.eligible]
    eligible_amount = sum((line.amount for line in eligible), ZERO)
    if left_out:
        trace.append({"code": "not_eligible", "lines": left_out})
    if not eligible_amount:
        trace.append({"code": "nothing_eligible"})
        return Result(ZERO, {}, ZERO, {}, tuple(trace))
    kept = max(goods_amount + discount, ZERO)
    if discount:
        trace.append({"code": "discount", "amount": _text(discount)})
    base = eligible_amount * kept / goods_amount
    raw = ZERO
    for rule in rules:
        given = base * rule.points / rule.per_amount
        raw += given
        trace.append(
            {
                "code": "rule",
                "rule": rule.key,
                "name": rule.name,
                "base": _text(base),
                "points": _text(rule.points),
                "per_amount": _text(rule.per_amount),
                "given": _text(given),
            }
        )
    points = max(round_to_step(raw, policy.step, policy.rounding), ZERO)
    if points != raw.quantize(Decimal("1e-6")):
        trace.append(
            {
                "code": "rounding",
                "step": _text(policy.step),
                "rounding": policy.rounding,
                "points": _text(points),
            }
        )
    weights = {line.key: line.amount for line in eligible}
    bases = {key: amount * kept / goods_amount for key, amount in weights.items()}
    return Result(
        points, allot(points, weights, policy.step), base, bases, tuple(trace)
    )


def _text(value):
    """Write a Decimal without noise and without exponent."""
    return format(value.quantize(Decimal("1e-6")).normalize(), "f")
