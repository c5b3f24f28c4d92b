# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Round amounts to steps, and share out a rounded total without losing any of it."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from math import floor

MODES = {"DOWN": ROUND_FLOOR, "HALF-UP": ROUND_HALF_UP, "UP": ROUND_CEILING}
# Divisions leave noise such as 29.999999999999999999999999999. An amount is cut to
# nine digits before it is rounded, so that the noise does not cost a step.
NOISE = Decimal("1e-9")


def round_to_step(value, step, rounding):
    """Round ``value`` to a multiple of ``step``.

    :param Decimal value: the amount to round
    :param Decimal step: strictly positive
    :param str rounding: a key of ``MODES``
    :return Decimal: a multiple of ``step``
    """
    if step == 1:
        return value.quantize(NOISE).to_integral_value(MODES[rounding])
    count = (value.quantize(NOISE) / step).quantize(NOISE)
    return count.to_integral_value(MODES[rounding]) * step


def allot(total, weights, step):
    """Share ``total`` out in multiples of ``step``, in proportion to ``weights``.

    :param Decimal total: a non-negative multiple of ``step``
    :param dict weights: non-negative Decimal by key
    :return dict: Decimal by key; their sum is ``total`` to the last digit
    """
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, Decimal(0))
    count = int(total / step)
    quotas = {
        key: (count * weight / whole).quantize(NOISE) for key, weight in weights.items()
    }
    return {key: share * step for key, share in round_quotas(quotas, count).items()}


def round_quotas(quotas, count):
    """Round numbers of steps to whole ones that add up to ``count``.

    Each quota is rounded down. The steps left over go to the largest remainders
    (Hamilton's method), and to the smaller key if remainders are equal, so that the
    order of the quotas has no effect.

    :param dict quotas: Decimal by key
    :param int count: the sum of the quotas, except for noise
    :return dict: int by key
    """
    shares = {key: floor(quota) for key, quota in quotas.items()}
    left = count - sum(shares.values())
    if left:
        order = sorted(quotas, key=lambda key: (shares[key] - quotas[key], str(key)))
        for key in order[:left]:
            shares[key] += 1
    return shares
