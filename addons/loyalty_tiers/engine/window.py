# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From when to when figures are counted.

Figures are kept by month, so every window and every period is made of whole months.
"""

import calendar
import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    ROLLING = "rolling"
    CALENDAR = "calendar"
    MEMBERSHIP = "membership"
    LIFETIME = "lifetime"


def add_months(month, count):
    """Return the first day of the month that comes ``count`` months after another."""
    number = month.year * 12 + month.month - 1 + count
    return dt.date(number // 12, number % 12 + 1, 1)


def month_end(day):
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True, slots=True)
class Window:
    """In which months a member has to reach the thresholds.

    :param Kind kind: the last months, a calendar year, a year since the member joined,
        or all time
    :param months: how many of the last months count, the current one included
    :param keep_months: for how many months at least a tier is kept where the last
        months count
    """

    kind: Kind = Kind.CALENDAR
    months: int = 12
    keep_months: int = 12

    def first_month(self, day, enrolled):
        """Return the first day of the first month that counts on ``day``.

        :return: a date, ``None`` if all months count
        """
        if self.kind is Kind.LIFETIME:
            return None
        if self.kind is Kind.ROLLING:
            return add_months(day, 1 - self.months)
        if self.kind is Kind.CALENDAR:
            return dt.date(day.year, 1, 1)
        return add_months(day, -((day.month - enrolled.month) % 12))

    def last_day(self, day, enrolled):
        """Return the last day of the period in which ``day`` lies, if it has an end."""
        if self.kind in (Kind.LIFETIME, Kind.ROLLING):
            return None
        return month_end(add_months(self.first_month(day, enrolled), 11))

    def kept_until(self, day, enrolled):
        """Return the last day of a tier that is reached on ``day``.

        It is kept until the period after the one in which it was reached is over.
        """
        if self.kind is Kind.LIFETIME:
            return None
        if self.kind is Kind.ROLLING:
            return month_end(add_months(day, self.keep_months))
        return self.next_until(self.last_day(day, enrolled))

    def next_until(self, until):
        """Return the last day of the period after the one that ends on ``until``."""
        months = self.keep_months if self.kind is Kind.ROLLING else 12
        return month_end(add_months(until, months))
