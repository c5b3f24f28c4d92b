# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many points a return reverses, over any sequence of partial returns."""

from decimal import Decimal

from .rounding import round_to_step

ZERO = Decimal(0)


def reverse(total, part, before, step):
    """Return how much of ``total`` a further return reverses.

    A partial return rounds down, so that the last one takes the rounding rest,
    whatever the sequence.

    :param Decimal total: points that the sale, or one of its lines, gave or spent
    :param Decimal part: part of the goods returned so far, earlier returns included;
        1 or more is all of it
    :param Decimal before: points that earlier returns have reversed
    :param Decimal step: the smallest step of points
    :return Decimal: never negative
    """
    so_far = total if part >= 1 else round_to_step(total * part, step, "DOWN")
    return max(so_far - before, ZERO)
