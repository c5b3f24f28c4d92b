# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether the facts of a purchase meet the conditions of a rule."""

import datetime as dt


def refuse(rule, facts):
    """Return which condition of a rule the facts do not meet, or ``None``."""
    moment = facts.moment
    day = moment and moment.date()
    if not allows_channel(rule, facts.channel):
        return "channel"
    if not allows_store(rule, facts.store):
        return "store"
    if not allows_tier(rule, facts.tier):
        return "tier"
    if not allows_segments(rule, facts.segments):
        return "segment"
    if not allows_payments(rule, facts.payments):
        return "payment"
    if not allows_weekday(rule, day):
        return "weekday"
    if not allows_date(rule, day):
        return "date"
    if moment and not allows_hour(rule, get_hour(moment)):
        return "hour"
    return refuse_member(rule, facts)


def allows_channel(rule, channel):
    wanted = rule.conditions
    return not wanted.channels or channel in wanted.channels


def allows_store(rule, store):
    wanted = rule.conditions
    return not wanted.stores or store in wanted.stores


def allows_tier(rule, tier):
    wanted = rule.conditions
    return not wanted.tiers or tier in wanted.tiers


def allows_segments(rule, segments):
    wanted = rule.conditions
    return not wanted.segments or not wanted.segments.isdisjoint(segments)


def allows_payments(rule, payments):
    wanted = rule.conditions
    return not wanted.payments or not wanted.payments.isdisjoint(payments)


def allows_weekday(rule, day):
    wanted = rule.conditions
    return not wanted.weekdays or (day is not None and day.weekday() in wanted.weekdays)


def allows_date(rule, day):
    wanted = rule.conditions
    if day is None:
        return not wanted.needs_moment
    return (not wanted.date_from or day >= wanted.date_from) and (
        not wanted.date_to or day <= wanted.date_to
    )


def get_hour(moment):
    return moment.hour + moment.minute / 60 + moment.second / 3600


def allows_hour(rule, hour):
    wanted = rule.conditions
    if wanted.hours is None:
        return True
    start, end = wanted.hours
    if start <= end:
        return start <= hour < end
    return hour < end or hour >= start


def allows_product(rule, product):
    """Return whether a rule gives on lines of a product."""
    wanted = rule.conditions
    return (
        (not wanted.products or product.id in wanted.products)
        and (
            not wanted.categories
            or not wanted.categories.isdisjoint(product.categories)
        )
        and (not wanted.tags or not wanted.tags.isdisjoint(product.tags))
        and (not wanted.domain or rule.key in product.domains)
    )


def refuse_member(rule, facts):
    """Return which condition on birthday, purchases or points is not met."""
    wanted = rule.conditions
    if wanted.birthday is not None and not (
        facts.birthday
        and facts.moment
        and is_birthday(wanted.birthday, facts.birthday, facts.moment.date())
    ):
        return "birthday"
    if not allows_purchases(rule, facts.purchases):
        return "purchases"
    if wanted.minimum_points and facts.balance < wanted.minimum_points:
        return "minimum_points"
    return None


def allows_purchases(rule, made):
    if rule.conditions.purchases is None:
        return True
    least, most = rule.conditions.purchases
    return (
        made is not None
        and (least is None or made >= least)
        and (most is None or made <= most)
    )


def is_birthday(window, birthday, day):
    """Return whether a day is close enough to the birthday.

    Who was born on 29 February has the birthday on the 28th in other years.

    :param window: (days before, days after)
    """
    before, after = window
    distance = _get_days_since(birthday, day, day.year)
    if -before <= distance <= after:
        return True
    # Around New Year the closest birthday may be one of another year
    year = day.year - 1 if distance < 0 else day.year + 1
    return -before <= _get_days_since(birthday, day, year) <= after


def _get_days_since(birthday, day, year):
    try:
        anniversary = birthday.replace(year=year)
    except ValueError:
        anniversary = dt.date(year, 2, 28)
    return (day - anniversary).days
