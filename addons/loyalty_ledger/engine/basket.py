# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The input of the engine: one purchase, in the scheme's currency."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

NOTHING: Mapping = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Product:
    """A product, as far as the conditions of rules look at it.

    :param id: id of the product
    :param categories: ids of its category and of all categories above it
    :param tags: ids of its tags
    :param domains: keys of the rules whose product filter it matches
    """

    id: int | None = None
    categories: frozenset = frozenset()
    tags: frozenset = frozenset()
    domains: frozenset = frozenset()


UNKNOWN = Product()


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line of a purchase.

    :param key: identifies the line within the basket
    :param amount: the price paid for the line, in the scheme's currency, after line
        discounts, with or without tax as the scheme says; negative for discounts
    :param quantity: in the product's unit of measure
    :param product: the product sold
    :param eligible: ``False`` for a line that never earns: tips, gift cards, wallet
        top-ups, and shipping unless the scheme counts it
    :param is_reward: a discount or reward line; it lowers the amount that goods earn on
    :param discount: how much line discounts have taken off ``amount``, zero or more
    """

    key: str
    amount: Decimal
    quantity: Decimal = Decimal(1)
    product: Product = UNKNOWN
    eligible: bool = True
    is_reward: bool = False
    discount: Decimal = Decimal(0)

    @property
    def is_discount(self):
        return self.is_reward or self.amount < 0


@dataclass(frozen=True, slots=True)
class Facts:
    """The member and the moment, as far as the conditions of rules look at them.

    :param channel: code of the channel
    :param store: id of the store
    :param tier: id of the member's tier
    :param segments: ids of the segments that the member is in
    :param payments: codes of the payment methods used
    :param moment: time of the purchase on the clock of the store, or ``None``
    :param birthday: the member's date of birth
    :param purchases: number of purchases that the member made before; ``None`` if
        unknown, as for a guest
    :param balance: points that the member has
    :param used: how much rules have given before within a period of their caps, by
        (rule key, period); for the scheme's own caps the key is ``None``
    """

    channel: str = ""
    store: int | None = None
    tier: int | None = None
    segments: frozenset = frozenset()
    payments: frozenset = frozenset()
    moment: dt.datetime | None = None
    birthday: dt.date | None = None
    purchases: int | None = None
    balance: Decimal = Decimal(0)
    used: Mapping = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Basket:
    """One purchase by one member.

    :param refusal: why the purchase may not earn at all (a code of the explanation,
        like ``member_blocked``), or ``None``
    """

    lines: tuple[BasketLine, ...]
    facts: Facts = Facts()
    refusal: str | None = None
