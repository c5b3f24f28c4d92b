# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a purchase meets the conditions of a rule."""

import datetime as dt


def get_refusal(wanted, facts):
    """Return the code of the first condition that the facts do not meet, or ``None``.

    :param Conditions wanted: the conditions of a rule
    :param Facts facts: the member and the moment
    """
    if wanted.channels and facts.channel not in wanted.channels:
        return "channel"
    if wanted.stores and facts.store not in wanted.stores:
        return "store"
    if wanted.tiers and facts.tier not in wanted.tiers:
        return "tier"
    if wanted.segments and wanted.segments.isdisjoint(facts.segments):
        return "segment"
    if wanted.payments and wanted.payments.isdisjoint(facts.payments):
        return "payment"
    return _get_moment_refusal(wanted, facts.moment) or _get_member_refusal(
        wanted, facts
    )


def _get_moment_refusal(wanted, moment):
    if moment is None:
        if wanted.weekdays:
            return "weekday"
        return "date" if wanted.needs_moment else None
    day = moment.date()
    if wanted.weekdays and day.weekday() not in wanted.weekdays:
        return "weekday"
    if wanted.date_from and day < wanted.date_from:
        return "date"
    if wanted.date_to and day > wanted.date_to:
        return "date"
    if wanted.hours and not is_within_hours(wanted.hours, moment):
        return "hour"
    return None


def _get_member_refusal(wanted, facts):
    if wanted.birthday and not (
        facts.birthday
        and facts.moment
        and is_near_birthday(wanted.birthday, facts.birthday, facts.moment.date())
    ):
        return "birthday"
    if wanted.purchases and not is_within(wanted.purchases, facts.purchases):
        return "purchases"
    if wanted.minimum_points and facts.balance < wanted.minimum_points:
        return "minimum_points"
    return None


def allows_product(rule, product):
    """Return whether a rule gives on lines of a product."""
    wanted = rule.conditions
    if wanted.products and product.id not in wanted.products:
        return False
    if wanted.categories and wanted.categories.isdisjoint(product.categories):
        return False
    if wanted.tags and wanted.tags.isdisjoint(product.tags):
        return False
    return not wanted.domain or rule.key in product.domains


def is_within_hours(hours, moment):
    """Return whether a time of day is within (from, to), over midnight if need be."""
    start, end = hours
    hour = moment.hour + moment.minute / 60 + moment.second / 3600
    if start <= end:
        return start <= hour < end
    return hour < end or hour >= start


def is_within(limits, number):
    """Return whether a number is known and within (least, most); ``None`` is open."""
    least, most = limits
    return (
        number is not None
        and (least is None or number >= least)
        and (most is None or number <= most)
    )


def is_near_birthday(window, birthday, day):
    """Return whether a day is close enough to a birthday.

    A member born on 29 February has the birthday on the 28th in other years.

    :param window: (days before, days after)
    """
    before, after = window
    # Around New Year the closest birthday may be one of another year
    return any(
        -before <= (day - _get_anniversary(birthday, year)).days <= after
        for year in (day.year - 1, day.year, day.year + 1)
    )


def _get_anniversary(birthday, year):
    try:
        return birthday.replace(year=year)
    except ValueError:
        return dt.date(year, 2, 28)
