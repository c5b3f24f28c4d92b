# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a return reverses, over any sequence of partial returns."""

from decimal import Decimal

from .rounding import round_to_step

ZERO = Decimal(0)


def reverse(total, part, before, step):
    """Return what a further return reverses of an amount of points.

    Rounded down while something is still out, so that the last return takes the
    rounding rest, whatever the sequence.

    :param Decimal total: points that the sale, or one of its lines, gave or spent
    :param Decimal part: of the goods that is back now, earlier returns included; 1 or
        more is all of it
    :param Decimal before: what earlier returns have reversed
    :param Decimal step: the smallest step of points
    :return Decimal: never negative
    """
    due = total if part >= 1 else round_to_step(total * part, step, "DOWN")
    return max(due - before, ZERO)
