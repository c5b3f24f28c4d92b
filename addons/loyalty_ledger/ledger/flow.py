# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ways in which a sale moves value, and what each of them is called."""

from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)

# What an account counts
POINTS = "points"
WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Flow:
    """One way in which a sale moves value on one account of its member.

    :param kind: the kind of entry by which a sale moves it
    :param back: the kind of entry by which a return or a cancellation moves it back
    :param total: field of ``loyalty.transaction`` that has the total
    :param account: field of ``loyalty.transaction`` that has the account
    :param spends: whether the sale takes it from the account
    :param others: further kinds of entries by which a sale moves it
    """

    kind: str
    back: str
    total: str
    account: str
    spends: bool
    others: tuple[str, ...] = ()

    @property
    def kinds(self):
        return (self.kind, *self.others, self.back)


EARN = Flow("earn", "return_earn", "points_earned", "account_id", False)
REDEEM = Flow("redeem", "return_redeem", "points_redeemed", "account_id", True)
PAY = Flow("wallet_pay", "return_wallet_pay", "wallet_spent", "wallet_account_id", True)
TOP_UP = Flow(
    "top_up",
    "return_top_up",
    "wallet_credited",
    "wallet_account_id",
    False,
    others=("refund",),
)
CASHBACK = Flow(
    "cashback", "return_cashback", "wallet_cashback", "wallet_account_id", False
)

WALLET_FLOWS = (PAY, TOP_UP, CASHBACK)
FLOWS = (EARN, REDEEM, *WALLET_FLOWS)


@dataclass(frozen=True, slots=True)
class WalletShare:
    """What a sale does to the wallet, or a return undoes of it.

    All amounts are in the scheme's currency and not negative.

    :param spent: what the wallet pays
    :param top_ups: what lines put into it, by line key
    :param cashback: what the purchase gives
    :param cashback_lines: the same, by line key
    """

    spent: Decimal = ZERO
    top_ups: dict = field(default_factory=dict)
    cashback: Decimal = ZERO
    cashback_lines: dict = field(default_factory=dict)

    @property
    def credited(self):
        return sum(self.top_ups.values(), ZERO)

    def total(self, flow):
        """Return the total of one of ``WALLET_FLOWS``."""
        return {PAY: self.spent, TOP_UP: self.credited, CASHBACK: self.cashback}[flow]

    def __bool__(self):
        return any(self.total(flow) for flow in WALLET_FLOWS)
