# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import random
from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..ledger.move import Op, Shortfall
from .common import NOW, LoyaltyLedgerCommon
from .test_concurrency import ConcurrencyCase

TODAY = NOW.date()
TABLES = {
    "loyalty_ledger_entry": (
        "account_id, sequence, scheme_id, company_id, kind, amount, pending,"
        " requested, shortfall, balance_after, pending_after, date, key, reason,"
        " transaction_id, source_transaction_id, prev_hash, hash, create_uid"
    ),
    "loyalty_ledger_lot": "account_id, id, remaining, state, expiry_date",
    "loyalty_card": "id, points, ledger_pending, ledger_sequence, ledger_hash",
}


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestDue(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        partners = cls.env["res.partner"].create(
            [{"name": f"Member {i}"} for i in range(25)]
        )
        cls.accounts = cls.env["loyalty.card"].union(
            *cls.scheme._get_accounts(
                cls.env["loyalty.member"]._enrol(partners, cls.scheme)
            ).values()
        )

    def _run(self, kind, day=TODAY, **values):
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            getattr(self.env(cr=cr)["loyalty.ledger.due"], f"_{kind}")(day, **values)
        self.env.invalidate_all()

    def _live(self, account, random_):
        """Give an account a past: lots that are due or not, debts and holds."""
        points = [random_.randint(1, 90000) / 100 for _i in range(12)]
        days = [TODAY + timedelta(days=random_.randint(-20, 20)) for _i in points]
        for amount, day in zip(points[:4], days[:4], strict=True):
            self._post(Op.CREDIT, amount, account=account, expiry_date=day)
        for amount, day in zip(points[4:8], days[4:8], strict=True):
            self._post(
                Op.PEND,
                amount,
                account=account,
                release_date=random_.choice([day, None]),
                expiry_date=random_.choice([TODAY - timedelta(days=1), None]),
            )
        spendable = float(account._get_spendable()[account.id])
        if random_.random() < 0.5 and spendable > 1:
            account._hold("sale:1", round(spendable * random_.random(), 2))
        if random_.random() < 0.5:
            # Goods come back whose points have been spent, twice
            for amount in points[8:10]:
                self._post(
                    Op.TAKE_BACK,
                    max(account.points, 0) + amount,
                    account=account,
                    shortfall=Shortfall.DEBT,
                )

    def _read_tables(self):
        """Return what the posting wrote, to be compared to the digit."""
        self.env.flush_all()
        tables = {
            table: self.env.execute_query(
                SQL(
                    "SELECT %s FROM %s ORDER BY 1, 2",
                    SQL(columns),
                    SQL.identifier(table),
                )
            )
            for table, columns in TABLES.items()
        }
        tables["allocations"] = self.env.execute_query(
            SQL(
                """
                SELECT entry.account_id, entry.sequence, a.lot_id, a.is_settlement,
                       count(*), sum(a.amount)
                  FROM loyalty_ledger_allocation a
                  JOIN loyalty_ledger_entry entry ON entry.id = a.entry_id
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
                """
            )
        )
        return tables

    def _post_by_book(self, op, kind):
        self.ledger._post(
            self._move(op, None, account=account, day=TODAY, key=f"{kind}:{sequence}")
            for account, sequence in (
                (account, account.ledger_sequence + 1) for account in self.accounts
            )
        )

    def test_the_outcome_is_that_of_the_book_to_the_hash(self):
        random_ = random.Random(7)
        for account in self.accounts:
            self._live(account, random_)
        debts = self.env["loyalty.ledger.lot"].search_count([("remaining", "<", 0)])
        self.assertGreater(debts, 3)
        for kind, op in (("release", Op.RELEASE), ("expire", Op.EXPIRE)):
            with self.subTest(kind):
                before = self._read_tables()
                with self.env.cr.savepoint() as savepoint:
                    self._post_by_book(op, kind)
                    expected = self._read_tables()
                    savepoint.rollback()
                self.env.invalidate_all()
                self._run(kind)
                found = self._read_tables()
                self.assertGreater(
                    len(found["loyalty_ledger_entry"]),
                    len(before["loyalty_ledger_entry"]) + 10,
                )
                for table, rows in expected.items():
                    self.assertEqual(found[table], rows, table)
                self.assertEqual(self.ledger._audit(), [])

    def test_one_entry_an_account_and_none_the_second_time(self):
        for _lot in range(3):
            self._post(Op.CREDIT, 10, expiry_date=TODAY - timedelta(days=1))
            self._post(Op.PEND, 5, release_date=TODAY)
        for _run in range(2):
            self._run("release")
            self._run("expire")
        self.assertEqual(
            [
                (entry.kind, entry.amount, entry.pending)
                for entry in self.account.entry_ids.sorted("sequence")[6:]
            ],
            [("release", 15, -15), ("expire", -30, 0)],
        )
        self.assertBooks(15)

    def test_the_last_day_is_still_good(self):
        self._post(Op.CREDIT, 10, expiry_date=TODAY)
        self._post(Op.PEND, 5, release_date=TODAY + timedelta(days=1))
        self._run("release")
        self._run("expire")
        self.assertBooks(10, pending=5)

    def test_released_points_pay_what_is_owed(self):
        earned = self._post(Op.CREDIT, 100)
        self._post(Op.DEBIT, 100)
        for _debt in range(2):
            self._post(
                Op.TAKE_BACK, 30, undo=tuple(earned.ids), shortfall=Shortfall.DEBT
            )
        for points in (20, 25, 50):
            self._post(Op.PEND, points, release_date=TODAY)
        self.assertBooks(-60, pending=95)
        self._run("release")
        self.assertEqual(self._lots(), [(35, "available")])
        self.assertBooks(35)

    def test_what_is_on_hold_does_not_expire(self):
        self._post(Op.CREDIT, 30, expiry_date=TODAY)
        self._post(Op.CREDIT, 70, expiry_date=TODAY - timedelta(days=9))
        self.account._hold("sale:1", 20, minutes=3 * 24 * 60)
        tomorrow = TODAY + timedelta(days=1)
        with freeze_time(NOW + timedelta(days=1)):
            self._run("expire", tomorrow)
            self.assertBooks(20)
        with freeze_time(NOW + timedelta(days=4)):
            self._run("expire", TODAY + timedelta(days=4))
            self.assertBooks(0)

    def test_points_of_an_inactive_member_expire(self):
        self.scheme.expiry_policy = "activity"
        self._record("S1", self._line("a", 10))
        with freeze_time("2026-12-01 10:00:00"):
            self._record("S2", self._line("a", 5), date=NOW.replace(month=12, day=1))
        with freeze_time("2027-12-01 03:00:00"):
            self._run("expire", date(2027, 12, 1))
            self.assertBooks(15)
        with freeze_time("2027-12-02 03:00:00"):
            self._run("expire", date(2027, 12, 2))
            self.assertBooks(0)

    def test_batches_take_up_where_the_last_run_stopped(self):
        self.ledger._post(
            self._move(Op.CREDIT, 5, account=account, expiry_date=date(2026, 1, 1))
            for account in self.accounts
        )
        calls = []

        def stop_after_two(_self, *args, **_kwargs):
            calls.append(args)
            return 0 if len(calls) == 3 else 60

        with patch.object(
            self.env.registry["ir.cron"], "_commit_progress", stop_after_two
        ):
            self._run("expire", batch_size=10)
        self.assertEqual(calls, [(), (10,), (10,)])
        self.assertEqual(len(self.accounts.entry_ids), 45)
        self._run("expire")
        self.assertEqual(len(self.accounts.entry_ids), 50)
        self.assertEqual(self.ledger._audit(), [])


@tagged("post_install", "-at_install", "database_breaking")
class TestDueConcurrency(ConcurrencyCase):
    def _expire(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["loyalty.ledger.due"]._expire(date(2200, 1, 1))

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            cr.execute(
                SQL(
                    "UPDATE loyalty_ledger_lot SET expiry_date = '2199-01-01'"
                    " WHERE account_id = %s",
                    self.account_id,
                )
            )

    def test_who_is_being_sold_to_has_their_turn_next_time(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["loyalty.ledger"]._lock([self.account_id])
            self._expire()
            self.assertEqual(self._points(), 100)
        self._expire()
        self.assertEqual(self._points(), 0)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db")
    def test_a_sale_between_looking_and_locking(self):
        """The first attempt has an outdated view; the next one sees the sale."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            due = env["loyalty.ledger.due"]
            account_ids = due._find_accounts("expire", date(2200, 1, 1), 0)
            self._at_once(lambda other: self._sale(other, "till", 10, redeemed=80))
            with self.assertRaises(SerializationFailure), cr.savepoint():
                due._post("expire", date(2200, 1, 1), account_ids)
            due._post_patiently("expire", date(2200, 1, 1), account_ids)
        self.assertEqual(self._points(), 10)
        self.assertEqual(self._audit(), [])
