# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whatever happens in whatever order, the books add up.

Hypothesis makes up sequences of what can happen to accounts, with time passing in
between, and looks after every step. It is told to make up the same ones every time; a
sequence that breaks something is shrunk to the shortest one that still does.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from unittest import TestCase

from freezegun import freeze_time
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from odoo.exceptions import UserError, ValidationError
from odoo.tests import BaseCase, tagged

from ..ledger.book import ZERO, Account, Hold, NotEnough, NothingToRestore
from ..ledger.chain import GENESIS, link
from ..ledger.move import Move, Op, Shortfall
from ..models import loyalty_ledger
from .common import NOW, LoyaltyLedgerCommon

# A state machine is no test case
CASE = TestCase()
OWNERS = st.sampled_from(("till", "shop", "app"))
POINTS = st.one_of(
    st.integers(1, 200).map(Decimal),
    st.decimals("0.0001", "50", places=4),
)
# How much of something that can be done in parts
SHARE = st.sampled_from([Decimal(n) / 4 for n in range(1, 5)])
# Close enough to each other and to how time passes that things do fall due
DAYS_TO_COME = st.sampled_from((3, 1, 0, 8, None))
DAYS_PASSING = st.sampled_from((1, 2, 5, 30))
KINDS = {
    Op.CREDIT: "earn",
    Op.PEND: "earn",
    Op.DEBIT: "redeem",
    Op.TAKE_BACK: "return_earn",
    Op.RESTORE: "return_redeem",
    Op.RELEASE: "release",
    Op.EXPIRE: "expire",
}


def part_of(points, share):
    """Return a part of ``points`` that the ledger can hold."""
    return max((points * share).quantize(Decimal("0.0001")), Decimal("0.0001"))


def run_machine(machine, examples, steps):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            # The same sequences in every run, however slow the machine is
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


class BookMachine(RuleBasedStateMachine):
    """What can happen to the book of one account, kept in memory alone."""

    shortfall = Shortfall.CAP

    @initialize(step=st.sampled_from(("1", "0.01", "0.0001")))
    def open(self, step):
        self.now = datetime(2026, 3, 10, 12, 0, 0)
        self.account = Account(
            id=1,
            scheme_id=1,
            company_id=None,
            points=ZERO,
            pending=ZERO,
            sequence=0,
            hash=GENESIS,
            step=Decimal(step),
        )
        self.entries = []
        self.earned = {}
        self.spent = {}
        # Something to work on, so that no step is wasted
        self.earn(Decimal(50), 3)
        self.earn(Decimal(30), 1)
        self.pend(Decimal(20), 1, 5)

    @property
    def today(self):
        return self.now.date()

    def _due(self, state):
        """Return the points that are due for their release or their end."""
        return sum(
            lot.remaining
            for lot in self.account.lots
            if lot.state == state
            and lot.remaining > 0
            and (
                (lot.release_date or date.max) <= self.today
                if state == "pending"
                else (lot.expiry_date or date.max) < self.today
            )
        )

    def _later(self, days):
        return None if days is None else self.today + timedelta(days=days)

    def _apply(self, op, points=None, undo=(), **values):
        """Do what the service does around a move: load, apply, give ids."""
        move = Move(
            account_id=1,
            key=f"{len(self.entries)}",
            kind=KINDS[op],
            op=op,
            points=points,
            date=self.now,
            undo=tuple(undo),
            **values,
        )
        net = {}
        for number in undo:
            for lot, amount, settlement in self.entries[number].allocations:
                if not settlement:
                    net[lot.id] = net.get(lot.id, ZERO) + amount
        before = len(self.account.lots)
        entry = self.account.apply(move, net)
        for number, lot in enumerate(self.account.lots[before:], before + 1):
            lot.id = number
        if entry:
            self.entries.append(entry)
        return entry

    @rule(points=POINTS, days=DAYS_TO_COME)
    def earn(self, points, days):
        number = len(self.entries)
        entry = self._apply(Op.CREDIT, points, expiry_date=self._later(days))
        assert entry.amount == points
        self.earned[number] = [number], points

    @rule(points=POINTS, release=DAYS_TO_COME, expiry=DAYS_TO_COME)
    def pend(self, points, release, expiry):
        number = len(self.entries)
        entry = self._apply(
            Op.PEND,
            points,
            release_date=self._later(release),
            expiry_date=self._later(expiry),
        )
        assert (entry.amount, entry.pending) == (0, points)
        self.earned[number] = [number], points

    @precondition(lambda self: self._due("pending"))
    @rule()
    def release(self):
        due = self._due("pending")
        entry = self._apply(Op.RELEASE, day=self.today)
        assert (entry.amount, entry.pending) == (due, -due)
        assert not self._apply(Op.RELEASE, day=self.today), "released twice"

    @precondition(lambda self: self._due("available"))
    @rule()
    def expire(self):
        held = sum(hold.points for hold in self.account.held.values())
        free = max(self.account.points - held, 0)
        due = min(self._due("available"), free)
        entry = self._apply(Op.EXPIRE, day=self.today)
        assert (-entry.amount if entry else 0) == due
        assert not self._apply(Op.EXPIRE, day=self.today), "expired twice"

    @precondition(lambda self: self.account.spendable(self.today))
    @rule(share=SHARE)
    def redeem_in_reach(self, share):
        assert self._spend(part_of(self.account.spendable(self.today), share), None)

    @rule(points=POINTS)
    def redeem(self, points):
        self._spend(points, None)

    @rule(owner=OWNERS, share=SHARE)
    def hold(self, owner, share):
        spendable = self.account.spendable(self.today, owner)
        if spendable:
            points = part_of(spendable, share)
            self.account.held[owner] = Hold(0, points, self.today)

    @rule(owner=OWNERS)
    def release_hold(self, owner):
        self.account.held.pop(owner, None)

    @precondition(lambda self: self.account.held)
    @rule(data=st.data(), share=SHARE, stays=st.booleans())
    def capture(self, data, share, stays):
        owner = data.draw(st.sampled_from(sorted(self.account.held)))
        held = self.account.held[owner].points
        points = part_of(held, share)
        if self._spend(points, owner, hold_stays=stays):
            left = self.account.held.get(owner)
            assert (left.points if left else 0) == (held - points if stays else 0)

    def _spend(self, points, owner, **values):
        limit = self.account.spendable(self.today, owner)
        open_lots = sorted(
            (
                lot
                for lot in self.account.lots
                if lot.state == "available"
                and lot.remaining > 0
                and (lot.expiry_date or date.max) >= self.today
            ),
            key=lambda lot: (lot.expiry_date or date.max, lot.id),
        )
        number = len(self.entries)
        try:
            entry = self._apply(Op.DEBIT, points, hold_owner=owner, **values)
        except NotEnough as error:
            assert points > limit == error.spendable
            return False
        assert points <= limit
        assert entry.amount == -points
        self.spent[number] = [number], points
        if not owner:
            touched = [lot for lot, _amount, _settled in entry.allocations]
            assert touched == open_lots[: len(touched)], "not what expires first"
            assert not any(lot.remaining for lot in touched[:-1]), "skipped something"
        return True

    @precondition(lambda self: self.earned)
    @rule(data=st.data(), share=SHARE)
    def take_back(self, data, share):
        first = data.draw(st.sampled_from(sorted(self.earned)))
        numbers, left = self.earned.pop(first)
        points = min(part_of(left, share), left)
        number = len(self.entries)
        entry = self._apply(
            Op.TAKE_BACK, points, undo=numbers, shortfall=self.shortfall
        )
        assert entry.amount + entry.pending - entry.shortfall == -points
        if left > points:
            self.earned[first] = [*numbers, number], left - points

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), share=SHARE)
    def give_back(self, data, share):
        first = data.draw(st.sampled_from(sorted(self.spent)))
        numbers, left = self.spent.pop(first)
        points = min(part_of(left, share), left)
        number = len(self.entries)
        entry = self._apply(Op.RESTORE, points, undo=numbers)
        assert entry.amount == points
        if left > points:
            self.spent[first] = [*numbers, number], left - points
        else:
            try:
                self._apply(Op.RESTORE, Decimal(1), undo=[*numbers, number])
            except NothingToRestore:
                return
            raise AssertionError("more came back than was spent")

    @rule(days=DAYS_PASSING)
    def time_passes(self, days):
        self.now += timedelta(days=days)

    @invariant()
    def balances_are_sums(self):
        account, lots = self.account, self.account.lots
        assert account.points == sum(entry.amount for entry in self.entries)
        assert account.pending == sum(entry.pending for entry in self.entries)
        for total, state in (
            (account.points, "available"),
            (account.pending, "pending"),
        ):
            assert total == sum(lot.remaining for lot in lots if lot.state == state)

    @invariant()
    def lots_are_in_range_and_allocated(self):
        allocated = {}
        for entry in self.entries:
            for lot, amount, _settlement in entry.allocations:
                allocated[lot] = allocated.get(lot, ZERO) + amount
        for lot in self.account.lots:
            assert min(lot.amount, 0) <= lot.remaining <= max(lot.amount, 0)
            assert lot.remaining == allocated[lot]
        for entry in self.entries:
            # What a release makes available stays in its lot
            assert entry.amount + entry.pending == sum(
                a for _l, a, _s in entry.allocations
            )

    @invariant()
    def chain_is_whole(self):
        before = GENESIS
        for number, entry in enumerate(self.entries, 1):
            assert entry.row["prev_hash"] == before
            assert entry.row["sequence"] == number
            before = link(before, entry.row)
            assert entry.row["hash"] == before
        assert self.account.hash == before

    @invariant()
    def nothing_is_owed_without_leave(self):
        if self.shortfall != Shortfall.DEBT:
            assert self.account.points >= 0
            assert all(lot.amount > 0 for lot in self.account.lots)

    @invariant()
    def no_more_can_be_spent_than_there_is(self):
        for owner in (None, "till"):
            # What has ended meanwhile stays good for who had set it aside before
            hold = self.account.held.get(owner)
            day = min(self.today, hold.day) if hold else self.today
            there = sum(lot.remaining for lot in self.account._available(day))
            assert 0 <= self.account.spendable(self.today, owner) <= there


class DebtBookMachine(BookMachine):
    """The same where the scheme lets members owe what they have spent."""

    shortfall = Shortfall.DEBT


class ServiceMachine(RuleBasedStateMachine):
    """What can happen to the accounts of three members, in a real database.

    One account may owe what a return could not recover, the others may not. Members
    are merged and unmerged in between, and what was earned and spent on an account
    before goes on where its points are by then.
    """

    def __init__(self, case, clock):
        super().__init__()
        self.case, self.clock, self.env = case, clock, case.env
        self.clock.move_to(NOW)
        self.savepoint = self.env.cr.savepoint()
        self.ledger = case.ledger
        self.accounts = case.accounts
        self.members = dict(zip(case.accounts, case.members, strict=True))
        self.shortfall = dict.fromkeys(self.accounts, Shortfall.CAP)
        self.shortfall[self.accounts[0]] = Shortfall.DEBT
        # Who may owe something: a debt goes along with a merge
        self.owing = {self.accounts[0]}
        # What an account must have in all, as plain arithmetic says
        self.total = dict.fromkeys(self.accounts, ZERO)
        self.posted = []
        self.earned = {}
        self.spent = {}
        self.number = 0
        for account in self.accounts:
            # Something to work on, so that no step is wasted
            self._earn(account, Op.CREDIT, Decimal(50), expiry_date=self._later(3))
            self._earn(account, Op.CREDIT, Decimal(30), expiry_date=self._later(1))
            self._earn(
                account,
                Op.PEND,
                Decimal(20),
                release_date=self._later(1),
                expiry_date=self._later(5),
            )

    def teardown(self):
        self.env.flush_all()
        self.savepoint.close(rollback=True)
        self.env.invalidate_all()

    @property
    def today(self):
        return date.today()

    def _later(self, days):
        return None if days is None else self.today + timedelta(days=days)

    @property
    def open_accounts(self):
        return self.accounts.filtered(lambda account: not account.ledger_successor_id)

    def _account(self, data):
        return data.draw(st.sampled_from(self.open_accounts))

    def _lots(self, accounts):
        """Return what is open, with its days, in an order of its own."""
        return sorted(
            (
                (lot.remaining, lot.state, str(lot.release_date), str(lot.expiry_date))
                for lot in accounts.lot_ids
                if lot.remaining
            ),
        )

    def _move(self, account, op, points=None, undo=(), **values):
        self.number += 1
        return Move(
            account_id=account.id,
            key=f"{op}/{self.number}",
            kind=values.pop("kind", KINDS[op]),
            op=op,
            points=points,
            undo=tuple(undo),
            **values,
        )

    def _post(self, *moves):
        entries = self.ledger._post(moves)
        self.posted.append((moves, entries))
        return entries

    def _read(self, account):
        return tuple(
            Decimal(str(account[name])).quantize(Decimal("0.0001"))
            for name in ("points", "ledger_pending")
        )

    def _spendable(self, account, owner=None):
        return account._get_spendable(exclude_owner=owner)[account.id]

    def _earn(self, account, op, points, **values):
        entry = self._post(self._move(account, op, points, **values))
        self.total[account] += points
        self.earned[entry] = account, entry, points

    @rule(data=st.data(), points=POINTS, days=DAYS_TO_COME)
    def earn(self, data, points, days):
        account = self._account(data)
        self._earn(account, Op.CREDIT, points, expiry_date=self._later(days))

    @rule(data=st.data(), points=POINTS, release=DAYS_TO_COME, expiry=DAYS_TO_COME)
    def pend(self, data, points, release, expiry):
        self._earn(
            self._account(data),
            Op.PEND,
            points,
            release_date=self._later(release),
            expiry_date=self._later(expiry),
        )

    @precondition(lambda self: self._find_due("pending"))
    @rule(nightly=st.booleans())
    def release(self, nightly):
        account = self._find_due("pending")
        due = self._due(account, "pending")
        points, pending = self._read(account)
        self._fall_due(account, Op.RELEASE, nightly)
        assert self._read(account) == (points + due, pending - due)

    @precondition(lambda self: self._find_due("available"))
    @rule(nightly=st.booleans())
    def expire(self, nightly):
        account = self._find_due("available")
        due = self._due(account, "available")
        held = sum(
            hold.amount - hold.captured
            for hold in account.hold_ids
            if hold.state == "active" and hold.deadline >= datetime.now()
        )
        points, _pending = self._read(account)
        free = max(points - Decimal(str(held)).quantize(Decimal("0.0001")), ZERO)
        self._fall_due(account, Op.EXPIRE, nightly)
        self.total[account] -= min(due, free)

    def _find_due(self, state):
        return self.accounts.filtered(lambda account: self._due(account, state))[:1]

    def _due(self, account, state):
        """Return the points that are due for their release or their end."""
        field = "release_date" if state == "pending" else "expiry_date"
        # Points can still be spent on their last day
        limit = self.today if state == "pending" else self.today - timedelta(days=1)
        return sum(
            (
                Decimal(str(lot.remaining)).quantize(Decimal("0.0001"))
                for lot in account.lot_ids
                if lot.state == state
                and lot.remaining > 0
                and lot[field]
                and lot[field] <= limit
            ),
            ZERO,
        )

    def _fall_due(self, account, op, nightly):
        """Post what is due, by the service or by the nightly one: it is the same."""
        if nightly:
            self.env["loyalty.ledger.due"]._post(str(op), self.today, account.ids)
        else:
            self._post(self._move(account, op, day=self.today))

    @rule(data=st.data(), share=SHARE, more=st.sampled_from((0, 0, 0, 1)))
    def redeem(self, data, share, more):
        account = self._account(data)
        limit = self._spendable(account)
        self._spend(account, part_of(limit, share) + more, limit)

    @rule(
        data=st.data(),
        owner=OWNERS,
        share=SHARE,
        more=st.sampled_from((0, 0, 0, 1)),
        minutes=st.sampled_from((30_000, 30)),
    )
    def hold(self, data, owner, share, more, minutes):
        account = self._account(data)
        spendable = self._spendable(account, owner)
        points = part_of(spendable, share) + more
        try:
            account._hold(owner, points, minutes=minutes)
        except UserError:
            assert points > spendable
        else:
            assert points <= spendable

    @rule(data=st.data(), owner=OWNERS)
    def release_hold(self, data, owner):
        account = self._account(data)
        account._release_hold(owner)
        assert "active" not in account.hold_ids.filtered(
            lambda hold: hold.owner == owner
        ).mapped("state")

    @rule(data=st.data(), share=SHARE, stays=st.booleans())
    def capture(self, data, share, stays):
        holds = [
            hold
            for account in self.accounts
            for hold in account.hold_ids.sorted("id")
            if hold.state == "active"
        ]
        if not holds:
            return
        hold = data.draw(st.sampled_from(holds))
        left = Decimal(str(hold.amount)) - Decimal(str(hold.captured))
        points = min(part_of(left, share), left)
        limit = self._spendable(hold.account_id, hold.owner)
        if hold.deadline < datetime.now():
            limit = ZERO
        self._spend(
            hold.account_id,
            points,
            min(limit, left),
            hold_owner=hold.owner,
            hold_needed=True,
            hold_stays=stays,
        )

    def _spend(self, account, points, limit, **values):
        try:
            entry = self._post(self._move(account, Op.DEBIT, points, **values))
        except UserError:
            assert points > limit
            return
        # What is promised to a hold may be taken although something is owed
        assert points <= limit or values
        self.total[account] -= points
        self.spent[entry] = account, entry, points

    @precondition(lambda self: self.earned)
    @rule(data=st.data(), share=SHARE)
    def take_back(self, data, share):
        first = data.draw(st.sampled_from(sorted(self.earned, key=lambda e: e.id)))
        account, entries, left = self.earned.pop(first)
        account = account._get_current()
        points = min(part_of(left, share), left)
        entry = self._post(
            self._move(
                account,
                Op.TAKE_BACK,
                points,
                undo=entries.ids,
                shortfall=self.shortfall[account],
            )
        )
        self.total[account] -= points - Decimal(str(entry.shortfall))
        if left > points:
            self.earned[first] = account, entries | entry, left - points

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), share=SHARE)
    def give_back(self, data, share):
        first = data.draw(st.sampled_from(sorted(self.spent, key=lambda e: e.id)))
        account, entries, left = self.spent.pop(first)
        account = account._get_current()
        points = min(part_of(left, share), left)
        with CASE.assertRaises(ValidationError, msg="more came back than was spent"):
            self._post(self._move(account, Op.RESTORE, left + 1, undo=entries.ids))
        entry = self._post(self._move(account, Op.RESTORE, points, undo=entries.ids))
        self.total[account] += points
        if left > points:
            self.spent[first] = account, entries | entry, left - points

    def _pass_on(self, giver, taker, points):
        self.total[giver] -= points
        self.total[taker] += points

    @precondition(lambda self: len(self.open_accounts) > 1)
    @rule(data=st.data())
    def merge(self, data):
        winner = self._account(data)
        duplicate = data.draw(st.sampled_from(self.open_accounts - winner))
        held = duplicate.hold_ids.filtered(
            lambda h: h.state == "active" and h.deadline >= datetime.now()
        )
        owed = min((winner | duplicate).lot_ids.mapped("remaining")) < 0
        lots = self._lots(winner | duplicate)
        try:
            with self.env.cr.savepoint():
                self.members[winner]._merge(self.members[duplicate], "The same person")
        except UserError:
            assert held
            self.env.invalidate_all()
            return
        assert not held
        assert not any(self._read(duplicate))
        assert owed or self._lots(winner) == lots, "a lot or its days got lost"
        self._pass_on(duplicate, winner, self.total[duplicate])
        if duplicate in self.owing:
            self.owing.add(winner)

    @precondition(lambda self: self.open_accounts < self.accounts)
    @rule(data=st.data())
    def unmerge(self, data):
        duplicate = data.draw(st.sampled_from(self.accounts - self.open_accounts))
        winner = duplicate.ledger_successor_id
        held = winner.hold_ids.filtered(
            lambda h: h.state == "active" and h.deadline >= datetime.now()
        )
        inner = winner.ledger_successor_id
        lots, before = self._lots(winner | duplicate), self._read(winner)
        try:
            with self.env.cr.savepoint():
                self.members[duplicate].action_unmerge()
        except UserError:
            owed = min(winner.lot_ids.mapped("remaining"), default=0) < 0
            assert held or inner or owed
            self.env.invalidate_all()
            return
        assert not held and not inner
        assert self._lots(winner | duplicate) == lots, "a lot or its days got lost"
        back = sum(before) - sum(self._read(winner))
        self._pass_on(winner, duplicate, back)
        if winner in self.owing:
            self.owing.add(duplicate)
        # What never was on the account of the duplicate does not go there
        assert all(lot.root_id for lot in duplicate.lot_ids if lot.remaining)

    @rule(data=st.data(), points=POINTS, sign=st.sampled_from((1, -1)))
    def adjust(self, data, points, sign):
        account = self._account(data)
        limit = self._spendable(account)
        try:
            account._adjust(sign * points, "Corrected")
        except UserError:
            assert sign < 0
            assert points > limit
        else:
            assert sign > 0 or points <= limit
            self.total[account] += sign * points

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def repeat(self, data):
        """Send again what was sent before, some time later."""
        moves, entries = data.draw(st.sampled_from(self.posted))
        before = [self._read(account) for account in self.accounts]
        closed = self.accounts.browse(moves[0].account_id).ledger_successor_id
        if closed and not entries:
            with CASE.assertRaises(ValidationError, msg="posted on a merged account"):
                self.ledger._post(moves)
            return
        again = self.ledger._post(moves)
        if entries:
            assert again == entries
            assert [self._read(account) for account in self.accounts] == before
        else:
            # Nothing was due then, and nothing was posted: it may be now
            self.posted.remove((moves, entries))
            if moves[0].op == Op.EXPIRE:
                for entry in again:
                    self.total[entry.account_id] += Decimal(str(entry.amount))

    @rule(days=DAYS_PASSING)
    def days_pass(self, days):
        self.clock.tick(timedelta(days=days))

    @rule(minutes=st.integers(1, 60))
    def minutes_pass(self, minutes):
        self.clock.tick(timedelta(minutes=minutes))

    @invariant()
    def audit_finds_nothing(self):
        findings = self.ledger._audit(self.accounts)
        assert not findings, findings

    @invariant()
    def nothing_is_lost_or_made(self):
        for account in self.accounts:
            assert sum(self._read(account)) == self.total[account]

    @invariant()
    def nothing_is_owed_without_leave(self):
        for account in self.accounts:
            if account not in self.owing:
                assert account.points >= 0

    @invariant()
    def spendable_is_there(self):
        for account in self.accounts:
            assert 0 <= self._spendable(account) <= max(self._read(account)[0], ZERO)


class MergeMachine(ServiceMachine):
    """The same without what is in the way of merging, so that there is more of it."""

    hold = release_hold = capture = adjust = repeat = minutes_pass = None


@tagged("post_install", "-at_install")
class TestBookProperties(BaseCase):
    def test_a_book_adds_up_whatever_happens(self):
        run_machine(BookMachine, examples=100, steps=30)

    def test_a_book_with_debts_adds_up_whatever_happens(self):
        run_machine(DebtBookMachine, examples=100, steps=30)


class ServicePropertiesCase(LoyaltyLedgerCommon):
    def _run_machines(self, machine, merge_machine):
        partners = self.env["res.partner"].create([{"name": "Bob"}, {"name": "Carl"}])
        Member = self.env["loyalty.member"]
        self.members = self.member | Member._enrol(partners, self.scheme)
        accounts = self.scheme._get_accounts(self.members)
        self.accounts = self.account.union(*(accounts[m.id] for m in self.members))
        self.env = self.env(context={**self.env.context, "tracking_disable": True})
        # Few accounts here get so many lots that a debit would not read them all
        self.patch(loyalty_ledger, "LOTS_AT_FIRST", 2)
        # One clock for all examples: stopping time takes time
        with freeze_time(NOW) as clock:
            run_machine(lambda: machine(self, clock), examples=20, steps=25)
            run_machine(lambda: merge_machine(self, clock), examples=10, steps=40)


@tagged("post_install", "-at_install")
class TestServiceProperties(ServicePropertiesCase):
    def test_the_ledger_adds_up_whatever_happens(self):
        self._run_machines(ServiceMachine, MergeMachine)
