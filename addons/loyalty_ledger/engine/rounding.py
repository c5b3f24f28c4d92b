# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rounding that loses nothing: a total is rounded once, then shared out."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

MODES = {"DOWN": ROUND_FLOOR, "HALF-UP": ROUND_HALF_UP, "UP": ROUND_CEILING}
# Divisions leave noise such as 29.999999999999999999999999999; an amount is cut
# to this many digits before it is rounded, so that the noise does not cost a step.
NOISE = Decimal("1e-9")


def round_to_step(value, step, rounding):
    """Round ``value`` to a multiple of ``step``.

    :param Decimal value: what to round
    :param Decimal step: strictly positive
    :param str rounding: a key of ``MODES``
    :return Decimal: a multiple of ``step``
    """
    if step == 1:
        return value.quantize(NOISE).to_integral_value(MODES[rounding])
    units = (value.quantize(NOISE) / step).quantize(NOISE)
    return units.to_integral_value(MODES[rounding]) * step


def allot(total, weights, step):
    """Share ``total`` out in multiples of ``step``, in proportion to ``weights``.

    The largest remainders take what plain rounding down leaves over (Hamilton's
    method); equal remainders go by key, so that the order of lines is without
    effect.

    :param Decimal total: a non-negative multiple of ``step``
    :param dict weights: non-negative Decimal by key
    :return dict: Decimal by key; their sum is ``total`` to the last digit
    """
    weight = sum(weights.values())
    if not weight:
        return dict.fromkeys(weights, Decimal(0))
    units = int(total / step)
    exact = {key: units * part / weight for key, part in weights.items()}
    shares = {key: int(value.quantize(NOISE)) for key, value in exact.items()}
    left = units - sum(shares.values())
    if left:
        by_remainder = sorted(
            exact, key=lambda key: (shares[key] - exact[key], str(key))
        )
        for key in by_remainder[:left]:
            shares[key] += 1
    return {key: share * step for key, share in shares.items()}


def apportion(total, parts, step):
    """Say what of a rounded ``total`` each of the ``parts`` that made it up gave.

    Each part is rounded down, and the largest remainders take the rest, so that a part
    which is a multiple of ``step`` never takes more than it is. Where the total has
    been cut below that, it is shared out in proportion.

    :param Decimal total: a non-negative multiple of ``step``
    :param dict parts: non-negative Decimal by key
    :return dict: Decimal by key; their sum is ``total`` to the last digit
    """
    exact = {key: (part / step).quantize(NOISE) for key, part in parts.items()}
    shares = {key: int(value) for key, value in exact.items()}
    left = int(total / step) - sum(shares.values())
    if left < 0 or left > len(shares):
        return allot(total, parts, step)
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], str(key)))
    for key in by_remainder[:left]:
        shares[key] += 1
    return {key: share * step for key, share in shares.items()}
