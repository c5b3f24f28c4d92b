# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a move does to an account, in memory and without the ORM.

The service loads the accounts, their open lots and holds under lock, lets every move
work on them here, and writes the outcome back in a constant number of statements.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ..engine.rounding import allot
from .chain import link
from .move import Part, Shortfall

ZERO = Decimal(0)


class NotEnough(Exception):
    """A debit asks for more than the account can give."""

    def __init__(self, account, points, spendable):
        super().__init__(points, spendable)
        self.account = account
        self.points = points
        self.spendable = spendable


class NotOnHold(Exception):
    """A debit names a hold that is not active."""

    def __init__(self, owner):
        super().__init__(owner)
        self.owner = owner


class NothingToRestore(Exception):
    """A restore asks for more than its entries have taken."""


@dataclass(slots=True, eq=False)
class Lot:
    """A row of ``loyalty.ledger.lot``; ``id`` is ``None`` until it is written.

    :param root_id: the lot of another account as which it came into being
    """

    id: int | None
    amount: Decimal
    remaining: Decimal
    state: str
    expiry_date: date | None = None
    release_date: date | None = None
    transaction_id: int | None = None
    entry: "Entry | None" = None
    changed: bool = False
    root_id: int | None = None

    @property
    def root(self):
        """The id under which its points are known on whatever account."""
        return self.root_id or self.id

    @property
    def spend_order(self):
        """What expires first comes first, then what is oldest."""
        return (self.expiry_date or date.max, self.id is None, self.id or 0)


@dataclass(slots=True, eq=False)
class Hold:
    """An active row of ``loyalty.hold``.

    :param points: what is still set aside
    :param day: when it was set aside: what could be spent then stays good for its
        owner
    :param captured: what has been spent of it here
    """

    id: int
    points: Decimal
    day: date
    captured: Decimal = ZERO
    ended: bool = False

    @property
    def freed(self):
        """What is not set aside any more."""
        return self.captured + (self.points if self.ended else ZERO)


@dataclass(slots=True, eq=False)
class Entry:
    """A row of ``loyalty.ledger.entry`` in the making."""

    move: object
    amount: Decimal = ZERO
    pending: Decimal = ZERO
    requested: Decimal = ZERO
    shortfall: Decimal = ZERO
    allocations: list = field(default_factory=list)
    id: int | None = None
    row: dict | None = None

    @property
    def taken(self):
        """What was taken from lots, by their last days; see ``Move.parts``."""
        parts = {}
        for lot, amount, settlement in self.allocations:
            if amount < 0 and not settlement:
                parts[lot.expiry_date] = parts.get(lot.expiry_date, ZERO) - amount
        return tuple(parts.items())

    @property
    def carried(self):
        """What was given away as it is; see ``Op.CARRY_OUT``."""
        return tuple(
            Part(
                -amount,
                lot.state,
                lot.expiry_date,
                lot.release_date,
                lot.transaction_id,
                lot.root,
            )
            for lot, amount, _settlement in self.allocations
        )

    def allocate(self, lot, amount, settlement=False):
        lot.remaining += amount
        lot.changed = True
        self.allocations.append((lot, amount, settlement))


@dataclass(slots=True, eq=False)
class Account:
    """An account under lock.

    :param held: active holds by owner
    :param captured: the holds that moves have captured, in part or whole
    :param step: the scheme's smallest step of points
    :param strangers: lots of other accounts by id, which ``undone`` names: the members
        were merged or unmerged meanwhile
    :param successor_id: the account to which all has gone since members were merged
    :param unread: what is left of available lots that were not read, because those
        before them in spending order are enough; they expire on no day that counts
    """

    id: int
    scheme_id: int
    company_id: int | None
    points: Decimal
    pending: Decimal
    sequence: int
    hash: str
    step: Decimal
    held: dict = field(default_factory=dict)
    captured: list = field(default_factory=list)
    lots: list = field(default_factory=list)
    strangers: dict = field(default_factory=dict)
    successor_id: int | None = None
    unread: Decimal = ZERO

    def apply(self, move, undone):
        """Do one move.

        :param Move move: with ``date`` filled in
        :param dict undone: what the entries named by ``move.undo`` put into each lot
            (+) or took from it (-), by lot id
        :return Entry: or ``None`` where there is nothing to move
        :raise NotEnough: a debit that may not fall short does
        :raise NothingToRestore: more is given back than was taken
        """
        entry = Entry(move, requested=move.points or ZERO)
        getattr(self, f"_apply_{move.op}")(move, undone, entry)
        if not (entry.amount or entry.pending or entry.shortfall):
            return None
        self.points += entry.amount
        self.pending += entry.pending
        self._slide(move)
        self._seal(entry)
        return entry

    def spendable(self, day, owner=None):
        """Return what may be spent on ``day``, less what others have on hold.

        Who has a hold gets what it promised as long as the points are there, even
        where a return has made a debt meanwhile.
        """
        there = self._count_available(day)
        owed = sum((lot.remaining for lot in self._debts()), ZERO)
        return max(
            there + owed - self._held_by_others(owner), self._promised(day, owner)
        )

    def _apply_credit(self, move, _undone, entry):
        lots = []
        for expiry_date, points in move.parts or ((move.expiry_date, move.points),):
            lot = self._new_lot(move, entry, points, "available", expiry_date)
            entry.allocate(lot, points)
            entry.amount += points
            lots.append(lot)
        self._settle_debts(entry, lots)

    def _apply_pend(self, move, _undone, entry):
        lot = self._new_lot(move, entry, move.points, "pending", move.expiry_date)
        entry.allocate(lot, move.points)
        entry.pending = move.points

    def _apply_debit(self, move, _undone, entry):
        day = move.date.date()
        hold = self.held.get(move.hold_owner)
        if move.hold_needed:
            self._check_on_hold(move, hold)
        limit = self.spendable(day, move.hold_owner)
        if move.points > limit and move.shortfall == Shortfall.REFUSE:
            raise NotEnough(self, move.points, limit)
        taken = min(move.points, limit)
        left = taken
        if hold:
            promised = min(left, self._promised(day, move.hold_owner))
            left -= self._take(entry, self._available(min(day, hold.day)), promised)
        self._take(entry, self._available(day), left)
        self._fall_short(move, entry, move.points - taken)
        if hold:
            self._capture(move, hold, taken)

    def _apply_take_back(self, move, undone, entry):
        by_root = self._sum_by_root(undone)
        filled = [lot for lot in self.lots if by_root.get(lot.root, ZERO) > 0]
        waiting = [lot for lot in filled if lot.state == "pending"]
        left = move.points - self._take(entry, waiting, move.points)
        free = min(left, self._free())
        taken = self._take(entry, [lot for lot in filled if lot not in waiting], free)
        taken += self._take(entry, self._available(None), free - taken)
        self._fall_short(move, entry, left - taken)

    def _apply_restore(self, move, undone, entry):
        undone = self._offset(undone)
        emptied = {
            lot: min(-undone[lot.id], lot.amount - lot.remaining)
            if lot.amount > 0
            else -lot.remaining
            for lot in self.lots
            if undone.get(lot.id, ZERO) < 0
        }
        for lot in self.strangers.values():
            if lot.amount > 0 and undone.get(lot.id, ZERO) < 0:
                emptied[lot] = -undone[lot.id]
        if move.points > sum((-part for part in undone.values() if part < 0), ZERO):
            raise NothingToRestore
        points = min(move.points, sum(emptied.values(), ZERO))
        by_id = {lot.id: lot for lot in emptied}
        shares = allot(
            points, {lot.id: room for lot, room in emptied.items()}, self.step
        )
        credited = []
        left = points
        # Sharing out by steps may ask of a lot more than it has room for where the
        # step has become coarser since; the others take the rest.
        for lot_id in sorted(shares, key=lambda key: by_id[key].spend_order):
            lot = by_id[lot_id]
            share = min(shares[lot_id], emptied[lot])
            self._put_back(move, entry, lot, share, credited)
            emptied[lot] -= share
            left -= share
        for lot, room in emptied.items():
            share = min(left, room)
            self._put_back(move, entry, lot, share, credited)
            left -= share
        rest = move.points - points
        if rest:
            # What was owed has been paid off meanwhile: the points are new ones.
            lot = self._new_lot(move, entry, rest, "available", move.expiry_date)
            entry.allocate(lot, rest)
            entry.amount += rest
            credited.append(lot)
        self._settle_debts(entry, credited)

    def _apply_release(self, move, _undone, entry):
        due = [
            lot
            for lot in self.lots
            if lot.state == "pending"
            and lot.remaining
            and lot.release_date
            and lot.release_date <= move.day
        ]
        for lot in due:
            lot.state = "available"
            entry.amount += lot.remaining
            entry.pending -= lot.remaining
            entry.allocate(lot, ZERO)
        entry.requested = entry.amount
        self._settle_debts(entry, due)

    def _apply_expire(self, move, _undone, entry):
        due = [
            lot
            for lot in self._available(None)
            if lot.expiry_date and lot.expiry_date < move.day
        ]
        due.sort(key=lambda lot: lot.spend_order)
        total = sum((lot.remaining for lot in due), ZERO)
        self._take(entry, due, min(total, self._free()))
        entry.requested = -entry.amount

    def _apply_carry_out(self, move, _undone, entry):
        for lot in self.lots:
            if lot.id in move.lot_ids:
                self._move_in(entry, lot, -lot.remaining)
        entry.requested = entry.amount + entry.pending

    def _apply_carry_in(self, move, _undone, entry):
        lots = []
        for part in move.parts:
            lot = self._new_lot(
                move, entry, part.points, part.state, part.expiry_date, part.root_id
            )
            lot.release_date = part.release_date
            lot.transaction_id = part.transaction_id
            self._move_in(entry, lot, part.points)
            lots.append(lot)
        entry.requested = entry.amount + entry.pending
        # A debt that comes along is paid at once, but not with what is on hold
        paying = lots if self.held else self._available(None)
        self._settle_debts(entry, [lot for lot in paying if lot.state == "available"])

    def _move_in(self, entry, lot, points):
        entry.allocate(lot, points)
        if lot.state == "pending":
            entry.pending += points
        else:
            entry.amount += points

    def _sum_by_root(self, undone):
        """Return what was put into lots or taken, by what they came into being as."""
        known = {lot.id: lot for lot in self.lots} | self.strangers
        totals = {}
        for id_, amount in undone.items():
            root = known[id_].root if id_ in known else id_
            totals[root] = totals.get(root, ZERO) + amount
        return totals

    def _offset(self, undone):
        """Return ``undone`` less what has come back for a lot into another.

        What comes back to an account that never had the lot goes into a new one of the
        same root.
        """
        known = {lot.id: lot for lot in self.lots} | self.strangers
        back = {}
        for id_, amount in undone.items():
            if amount > 0 and id_ in known and known[id_].root_id:
                root = known[id_].root_id
                back[root] = back.get(root, ZERO) + amount
        if not back:
            return undone
        rest = dict(undone)
        for id_, amount in undone.items():
            root = known[id_].root if id_ in known else id_
            part = min(-amount, back.get(root, ZERO))
            if part > 0:
                rest[id_] += part
                back[root] -= part
        return rest

    def _available(self, day):
        """Return the lots that can be spent on ``day``, in spending order."""
        return sorted(
            (
                lot
                for lot in self.lots
                if lot.state == "available"
                and lot.remaining > 0
                and (not day or not lot.expiry_date or lot.expiry_date >= day)
            ),
            key=lambda lot: lot.spend_order,
        )

    def _count_available(self, day):
        """Return what there is on ``day``, read or not."""
        return self.unread + sum((lot.remaining for lot in self._available(day)), ZERO)

    def take_stock(self, needed, day):
        """Find out what the lots that were not read hold.

        :param Decimal needed: what debits ask for
        :param date day: the last day of these debits
        :return bool: whether the lots that were read are enough for them
        """
        read = sum(lot.remaining for lot in self.lots if lot.state == "available")
        self.unread = self.points - read
        there = sum((lot.remaining for lot in self._available(day)), ZERO)
        return self.unread <= 0 or there >= needed

    def _debts(self):
        return [lot for lot in self.lots if lot.remaining < 0]

    def _held_by_others(self, owner=None):
        return sum(
            (hold.points for holder, hold in self.held.items() if holder != owner),
            ZERO,
        )

    def _promised(self, day, owner):
        """Return what ``owner`` may take whatever has happened since its hold."""
        hold = self.held.get(owner)
        if not hold:
            return ZERO
        return min(hold.points, self._count_available(min(day, hold.day)))

    def _check_on_hold(self, move, hold):
        if not hold:
            raise NotOnHold(move.hold_owner)
        if move.points > hold.points:
            raise NotEnough(self, move.points, hold.points)

    def _capture(self, move, hold, points):
        """Count what a debit has taken against its hold."""
        part = min(points, hold.points)
        hold.points -= part
        hold.captured += part
        hold.ended = not (move.hold_stays and hold.points)
        if hold not in self.captured:
            self.captured.append(hold)
        if hold.ended:
            del self.held[move.hold_owner]

    def _free(self):
        """Return what can be taken without touching what is on hold."""
        return max(self.points - self._held_by_others(), ZERO)

    def _take(self, entry, lots, points):
        """Take up to ``points`` from ``lots`` in the order given; return how many."""
        left = points
        for lot in lots:
            part = min(left, lot.remaining)
            if part <= 0:
                continue
            entry.allocate(lot, -part)
            if lot.state == "pending":
                entry.pending -= part
            else:
                entry.amount -= part
            left -= part
        return points - left

    def _put_back(self, move, entry, lot, points, credited):
        if points <= 0:
            return
        if lot.id in self.strangers:
            stranger = lot
            lot = self._new_lot(
                move, entry, points, lot.state, lot.expiry_date, lot.root
            )
            lot.release_date = stranger.release_date
            lot.transaction_id = stranger.transaction_id
        over = lot.expiry_date and lot.expiry_date < move.date.date()
        if over and move.revive_until:
            lot.expiry_date = move.revive_until
        entry.allocate(lot, points)
        if lot.state == "pending":
            entry.pending += points
        else:
            entry.amount += points
            if lot.amount > 0:
                credited.append(lot)

    def _fall_short(self, move, entry, missing):
        """Account for what could not be taken."""
        if missing <= 0:
            return
        if move.shortfall == Shortfall.REFUSE:
            raise NotEnough(self, move.points, move.points - missing)
        if move.shortfall == Shortfall.CAP:
            entry.shortfall = missing
            return
        debt = self._new_lot(move, entry, -missing, "available")
        entry.allocate(debt, -missing)
        entry.amount -= missing

    def _settle_debts(self, entry, lots):
        """Let newly available points pay off what the account owes."""
        for debt in self._debts():
            for lot in lots:
                part = min(lot.remaining, -debt.remaining)
                if part > 0:
                    entry.allocate(lot, -part, settlement=True)
                    entry.allocate(debt, part, settlement=True)

    def _new_lot(self, move, entry, amount, state, expiry_date=None, root_id=None):
        lot = Lot(
            id=None,
            amount=amount,
            remaining=ZERO,
            state=state,
            expiry_date=expiry_date,
            release_date=move.release_date if state == "pending" else None,
            transaction_id=move.source_transaction_id or move.transaction_id,
            entry=entry,
            root_id=root_id,
        )
        self.lots.append(lot)
        return lot

    def _slide(self, move):
        """Move the last day of points that had not expired when the move happened."""
        if not move.slide_to:
            return
        day = move.date.date()
        for lot in self.lots:
            if (
                lot.remaining > 0
                and lot.expiry_date
                and day <= lot.expiry_date < move.slide_to
            ):
                lot.expiry_date = move.slide_to
                lot.changed = True

    def _seal(self, entry):
        """Give the entry its place in the chain."""
        move = entry.move
        self.sequence += 1
        entry.row = {
            "account_id": self.id,
            "scheme_id": self.scheme_id,
            "company_id": self.company_id,
            "sequence": self.sequence,
            "kind": move.kind,
            "amount": entry.amount,
            "pending": entry.pending,
            "requested": entry.requested,
            "shortfall": entry.shortfall,
            "balance_after": self.points,
            "pending_after": self.pending,
            "date": move.date,
            "key": move.key,
            "reason": move.reason,
            "res_model": move.res_model,
            "res_id": move.res_id,
            "transaction_id": move.transaction_id,
            "source_transaction_id": move.source_transaction_id or move.transaction_id,
            "prev_hash": self.hash,
        }
        entry.row["hash"] = self.hash = link(self.hash, entry.row)
