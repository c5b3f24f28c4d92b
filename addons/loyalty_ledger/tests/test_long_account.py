# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta
from random import Random
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..ledger.book import Lot
from ..ledger.move import Op, Shortfall
from ..models import loyalty_ledger
from .common import NOW, LoyaltyLedgerCommon

DAY = timedelta(days=1)


class Rollback(Exception):
    """Ends a try."""


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLongAccount(LoyaltyLedgerCommon):
    """A debit reads the lots that it takes from, however many there are."""

    def _give(self, count, day=None):
        self.ledger._post(
            self._move(
                Op.CREDIT,
                10,
                key=f"past:{self.account.ledger_sequence}:{number}",
                expiry_date=day and day(number),
            )
            for number in range(count)
        )

    def _count_read(self, *moves):
        with patch.object(loyalty_ledger, "Lot", wraps=Lot) as made:
            self.ledger._post(moves)
        return made.call_count

    def test_few_lots_are_read(self):
        for count in (100, 300):
            self._give(count, lambda number: NOW.date() + number * DAY)
            self.assertEqual(
                self._count_read(self._move(Op.DEBIT, 25)),
                loyalty_ledger.LOTS_AT_FIRST,
            )
        # What expires first, and of the same day what is oldest
        lots = self.account.lot_ids.filtered(lambda lot: lot.remaining < lot.amount)
        self.assertEqual(
            lots.sorted("id").mapped("expiry_date"),
            [NOW.date() + number * DAY for number in (0, 1, 2, 0, 1)],
        )
        self.assertFalse(any(lots.mapped("remaining")))
        self.assertBooks(4000 - 50)

    def test_all_are_read_where_the_first_are_not_enough(self):
        self._give(100)
        read = self._count_read(self._move(Op.DEBIT, 995))
        self.assertEqual(read, loyalty_ledger.LOTS_AT_FIRST + 100)
        self.assertEqual(self._lots(), [(5, "available")])
        self.assertBooks(5)

    def test_lots_that_have_expired_are_not_enough(self):
        """They stand first until the night takes them."""
        self._give(60, lambda number: NOW.date() - DAY if number < 40 else None)
        with self.assertRaisesRegex(UserError, "can spend 200 beans, not 201 beans"):
            self._post(Op.DEBIT, 201)
        self._post(Op.DEBIT, 200)
        self.assertBooks(400)

    def test_what_comes_back_is_spent_in_its_turn(self):
        """It is read besides, but stands behind what was not."""
        self._post(Op.CREDIT, 20)
        used = self._post(Op.DEBIT, 10)
        self._give(100, lambda _number: NOW.date() + DAY)
        self.ledger._post(
            [
                self._move(Op.RESTORE, 10, key="back", undo=(used.id,)),
                self._move(Op.DEBIT, 305, key="again"),
            ]
        )
        self.assertEqual(
            self._lots(),
            [(20, "available"), (5, "available"), *[(10, "available")] * 69],
        )
        self.assertBooks(20 + 1000 - 305)

    def test_the_same_happens_however_many_are_read_first(self):
        random = Random(7)
        for number in range(40):
            story = self._draw_story(random)
            with self.subTest(number=number):
                outcomes = [self._try(story, limit) for limit in (1000, 1, 3)]
                self.assertEqual(outcomes[1], outcomes[0])
                self.assertEqual(outcomes[2], outcomes[0])

    def _draw_story(self, random):
        """Return credits, holds and a batch of movements to be tried."""
        days = [None, *(NOW.date() + n * DAY for n in (-2, -1, 0, 1, 5))]
        credits_ = [
            (random.randint(1, 20), random.choice(days))
            for _lot in range(random.randint(3, 12))
        ]
        holds = [("mine", random.randint(1, 25)), ("theirs", random.randint(1, 15))]
        batch = []
        for _move in range(random.randint(1, 5)):
            op = random.choice((Op.DEBIT, Op.DEBIT, Op.CREDIT, Op.PEND))
            values = {"date": NOW + random.choice((-1, 0, 0, 3)) * DAY}
            if op == Op.DEBIT:
                values["shortfall"] = random.choice(list(Shortfall))
                values["hold_owner"] = random.choice((None, None, "mine"))
            else:
                values["expiry_date"] = random.choice(days[3:])
            batch.append((op, random.randint(1, 40), values))
        return credits_, random.sample(holds, random.randint(0, 2)), batch

    def _try(self, story, limit):
        """Return what a story leaves, and undo it."""
        credits_, holds, batch = story
        outcome = None
        self.patch(loyalty_ledger, "LOTS_AT_FIRST", limit)
        try:
            with self.env.cr.savepoint():
                with freeze_time(NOW - 2 * DAY):
                    for points, day in credits_:
                        self._post(Op.CREDIT, points, expiry_date=day)
                    for owner, points in holds:
                        if points <= self.account._get_spendable()[self.account.id]:
                            self.account._hold(owner, points, minutes=10000)
                outcome = self._get_outcome(batch)
                raise Rollback
        except Rollback:
            self.env.invalidate_all()
        return outcome

    def _get_outcome(self, batch):
        try:
            with self.env.cr.savepoint():
                entries = self.ledger._post(
                    self._move(op, points, key=f"move:{number}", **values)
                    for number, (op, points, values) in enumerate(batch)
                )
        except UserError as error:
            return str(error)
        first = min(self.account.lot_ids.ids, default=0)
        return (
            entries.mapped("amount"),
            entries.mapped("shortfall"),
            [
                (allocation.lot_id.id - first, allocation.amount)
                for allocation in entries.allocation_ids.sorted("id")
            ],
            self.env["loyalty.ledger"]._audit(self.account),
        )
