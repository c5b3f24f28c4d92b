# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How a channel tells the ledger about a sale, whatever the channel."""

import datetime as dt
import json
from dataclasses import dataclass, field, fields
from hashlib import sha256
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a sale or of a return.

    :param key: stable identifier of the line within the sale
    :param quantity: in the product's unit; positive, on a return as well
    :param amount_incl: after line discounts, tax included, document currency;
        positive on a return as well, negative only for discounts
    :param amount_excl: the same without tax
    :param eligible: ``False`` for what never earns: shipping, tips, gift cards…
    :param is_reward: a reward line: it lowers what the goods earn on
    :param origin_key: on a return, the key of the line that comes back
    :param category_id: product category, for a line without a product
    :param tops_up: what the line costs is put into the member's wallet
    :param discount_incl: what a discount of the line has taken off ``amount_incl``
    :param discount_excl: the same without tax
    """

    key: str
    product_id: int | None
    quantity: float
    amount_incl: float
    amount_excl: float
    name: str = ""
    eligible: bool = True
    is_reward: bool = False
    origin_key: str | None = None
    category_id: int | None = None
    tops_up: bool = False
    discount_incl: float = 0
    discount_excl: float = 0


def get_discount(percent, incl, excl, get_full_price):
    """Return what a discount has taken off a line.

    :param percent: of the price
    :param incl: what is left of it with tax
    :param excl: what is left of it without tax
    :param get_full_price: function that returns the price with and without tax; asked
        only where nothing is left that would tell it
    :return: by the names of the fields of :class:`SaleLine`
    :rtype: dict
    """
    if not 0 < percent <= 100:
        return {}
    if percent == 100:
        incl, excl = get_full_price()
        return {"discount_incl": incl, "discount_excl": excl}
    factor = percent / (100 - percent)
    return {"discount_incl": incl * factor, "discount_excl": excl * factor}


# A sale has the fingerprint that it had before lines knew of wallets and discounts
NEWER = {"tops_up", "discount_incl", "discount_excl"}
LINE_CONTENT = attrgetter(
    *(field.name for field in fields(SaleLine) if field.name not in NEWER)
)


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale or a return as a channel reports it.

    :param channel: code of a ``loyalty.channel``
    :param reference: identifies the sale within the channel, for ever
    :param date: when it happened, naive UTC
    :param currency_id: currency of the amounts
    :param company_id: company that sold
    :param redeemed: points that the sale spends
    :param wallet_spent: what the member's wallet pays, in the scheme's currency
    :param top_up_kind: kind of the entries of lines that top up the wallet: "top_up",
        or "refund" where it is given instead of money for goods that came back
    :param hold_owner: owner of the holds that the redemption and the wallet capture
    :param pending: whether earnings wait; ``None``: the scheme decides by channel
    :param res_model: model of the document behind the sale, with ``res_id``
    :param payments: codes of ``loyalty.payment.method`` that pay for it
    :param notes: plain dictionaries that join the explanation
    """

    channel: str
    reference: str
    date: dt.datetime
    currency_id: int
    company_id: int
    lines: tuple[SaleLine, ...]
    store_id: int | None = None
    redeemed: float = 0
    wallet_spent: float = 0
    top_up_kind: str = "top_up"
    hold_owner: str | None = None
    pending: bool | None = None
    res_model: str | None = None
    res_id: int | None = None
    name: str = ""
    payments: tuple[str, ...] = ()
    notes: tuple[dict, ...] = field(default=())

    def digest(self):
        """Return a fingerprint of everything that matters for points and money."""
        content = [
            self.redeemed,
            self.currency_id,
            [LINE_CONTENT(line) for line in self.lines],
        ]
        top_ups = [line.key for line in self.lines if line.tops_up]
        if self.wallet_spent or top_ups:
            content += [self.wallet_spent, top_ups]
        return sha256(json.dumps(content).encode()).hexdigest()
