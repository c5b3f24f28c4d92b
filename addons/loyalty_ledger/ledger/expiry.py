# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When points end."""

from dataclasses import dataclass
from enum import StrEnum

from dateutil.relativedelta import relativedelta

# The month in which a quarter or year ends, seen from the month of a day
MONTHS_LEFT = {
    "month": lambda month: 0,
    "quarter": lambda month: -month % 3,
    "year": lambda month: 12 - month,
}


class ExpiryPolicy(StrEnum):
    """What decides when points end."""

    NEVER = "never"
    #: a fixed time after they were earned
    TERM = "term"
    #: at the end of the month, quarter or year in which that time is over
    PERIOD = "period"
    #: a fixed time after the member last earned or spent, all points together
    ACTIVITY = "activity"


@dataclass(frozen=True, slots=True)
class Expiry:
    """A rule for the last day of points.

    :param policy: what decides
    :param term: how many ...
    :param unit: ... days, months or years: "day", "month" or "year"
    :param period: "month", "quarter" or "year", for the policy PERIOD
    """

    policy: ExpiryPolicy
    term: int = 0
    unit: str = "month"
    period: str = "month"

    def last_day(self, day):
        """Return the last day on which points earned on ``day`` can be spent.

        :return: a date, or ``None`` if they do not expire
        """
        if self.policy == ExpiryPolicy.NEVER:
            return None
        last = day + relativedelta(**{f"{self.unit}s": self.term})
        if self.policy == ExpiryPolicy.PERIOD:
            last += relativedelta(months=MONTHS_LEFT[self.period](last.month), day=31)
        return last
