# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Arithmetic in which the noise of divisions has no effect."""

from math import floor

from .rounding import NOISE, allot, round_quotas


def is_more(amount, other):
    """Return whether a Decimal is larger than another one, by more than noise."""
    return amount - other > NOISE


def count_full(amount, per):
    """Return how many full ``per`` there are in ``amount``, both Decimal."""
    return floor((amount / per).quantize(NOISE))


def apportion(total, parts, step):
    """Return how much of a rounded ``total`` each of its ``parts`` gave.

    Each part is rounded down and the largest remainders take the rest, so that a part
    that is a multiple of ``step`` never takes more than it is. If the total was cut
    below that, it is shared out in proportion.

    :param Decimal total: a non-negative multiple of ``step``
    :param dict parts: non-negative Decimal by key
    :return dict: Decimal by key; their sum is ``total`` to the last digit
    """
    count = int(total / step)
    quotas = {key: (part / step).quantize(NOISE) for key, part in parts.items()}
    left = count - sum(map(floor, quotas.values()))
    if not 0 <= left <= len(quotas):
        return allot(total, parts, step)
    return {key: share * step for key, share in round_quotas(quotas, count).items()}
