# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One movement of value, as the ledger service takes it."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

#: Kinds of entries by which a native card comes into the ledger, and leaves it again
MIGRATE = "migrate"
MIGRATE_UNDO = "migrate_undo"


class Op(StrEnum):
    """What a move does to the lots of its account."""

    #: put points into a new lot, available at once
    CREDIT = "credit"
    #: put points into a new lot that waits for its release
    PEND = "pend"
    #: take points from available lots, the first to expire first
    DEBIT = "debit"
    #: take points back, first from the lots that ``undo`` filled, pending ones too
    TAKE_BACK = "take_back"
    #: put points back into the lots that ``undo`` emptied, in proportion
    RESTORE = "restore"
    #: make pending lots due on ``day`` available
    RELEASE = "release"
    #: empty the available lots whose last day was before ``day``
    EXPIRE = "expire"
    #: let an account give away its lots as they are: pending ones and debts too
    CARRY_OUT = "carry_out"
    #: take in lots that ``giver_id`` carries out in the same call
    CARRY_IN = "carry_in"


class Shortfall(StrEnum):
    """What happens when a debit is larger than what is there."""

    REFUSE = "refuse"
    CAP = "cap"
    DEBT = "debt"


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of a lot, on its way from one account to another.

    :param points: less than zero for a debt
    :param root_id: the lot as which it came into being
    """

    points: Decimal
    state: str
    expiry_date: dt.date | None
    release_date: dt.date | None
    transaction_id: int | None
    root_id: int


@dataclass(frozen=True, slots=True)
class Move:
    """One movement on one account.

    :param account_id: id of a managed ``loyalty.card``
    :param key: idempotency key, unique per account; printable characters
    :param kind: a value of ``loyalty.ledger.entry.kind``
    :param op: what to do with the lots
    :param points: how many, more than zero; ``None`` for RELEASE, EXPIRE, CARRY_OUT
        and CARRY_IN, which find out themselves
    :param date: business time, naive UTC; now if omitted
    :param day: the day that RELEASE and EXPIRE look at
    :param expiry_date: last day on which the new lot can be spent
    :param giver_id: account from which a CREDIT comes; what the DEBIT of the same call
        with the same key took there keeps its last days; or where what a CARRY_IN
        takes in comes from
    :param lot_ids: the lots that a CARRY_OUT gives away, debts apart from others so
        that they cannot cancel each other out
    :param parts: the lots that a CREDIT makes instead of one: (last day, points), or
        those of a CARRY_IN: :class:`Part`; the service fills it in for ``giver_id``
    :param release_date: first day on which a pending lot becomes available
    :param res_model: model of the record that causes the move, with ``res_id``
    :param res_id: that record
    :param transaction_id: the sale or return that causes the move
    :param source_transaction_id: the sale whose points are moved; a return names the
        sale that earned or spent them
    :param undo: ids of the entries whose allocations TAKE_BACK and RESTORE follow
    :param shortfall: for debits; spending refuses, taking back may not
    :param hold_owner: the hold that a debit captures
    :param hold_needed: refuse the debit unless that hold is active and large enough
    :param hold_stays: what the debit leaves of the hold stays on hold
    :param slide_to: last day that the move gives to all points of the account that
        would end earlier; see the policy ACTIVITY of :mod:`.expiry`
    :param revive_until: last day of points that RESTORE puts back into lots whose own
        last day is over
    :param reason: for people
    """

    account_id: int
    key: str
    kind: str
    op: Op
    points: Decimal | None = None
    date: dt.datetime | None = None
    day: dt.date | None = None
    expiry_date: dt.date | None = None
    giver_id: int | None = None
    lot_ids: frozenset[int] = frozenset()
    parts: tuple = ()
    release_date: dt.date | None = None
    res_model: str | None = None
    res_id: int | None = None
    transaction_id: int | None = None
    source_transaction_id: int | None = None
    undo: tuple[int, ...] = ()
    shortfall: Shortfall = Shortfall.REFUSE
    hold_owner: str | None = None
    hold_needed: bool = False
    hold_stays: bool = False
    slide_to: dt.date | None = None
    revive_until: dt.date | None = None
    reason: str | None = None
