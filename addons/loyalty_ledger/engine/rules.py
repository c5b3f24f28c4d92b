# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How points are given, compiled from the records that staff edit."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rule:
    """``points`` for every ``per_amount`` of the amount paid."""

    key: str
    name: str
    points: Decimal
    per_amount: Decimal


@dataclass(frozen=True, slots=True)
class Policy:
    """How the result is rounded.

    :param step: the smallest step of points, for instance 1 or 0.01
    :param rounding: ``DOWN``, ``HALF-UP`` or ``UP``
    """

    step: Decimal = Decimal(1)
    rounding: str = "DOWN"
