# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the engine looks at: one purchase, in the scheme's currency."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line of a purchase.

    :param key: identifies the line within the basket
    :param amount: what was paid for the line, in the scheme's currency, after
        line discounts, with or without tax as the scheme says; negative for
        discounts
    :param quantity: in the product's unit of measure
    :param eligible: ``False`` for what never earns: shipping, tips, gift cards,
        wallet top-ups
    :param is_reward: a discount or reward line; it lowers what the goods earn on
    """

    key: str
    amount: Decimal
    quantity: Decimal = Decimal(1)
    product_id: int | None = None
    eligible: bool = True
    is_reward: bool = False

    @property
    def is_discount(self):
        return self.is_reward or self.amount < 0


@dataclass(frozen=True, slots=True)
class Basket:
    """One purchase by one member.

    :param refusal: why nothing may be earned at all (a code of the explanation,
        like ``member_blocked``), or ``None``
    """

    lines: tuple[BasketLine, ...]
    channel: str = ""
    refusal: str | None = None
