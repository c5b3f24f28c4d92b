# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, timedelta
from decimal import Decimal

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..ledger.move import Move, Op, Shortfall
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLedger(LoyaltyLedgerCommon):
    def test_credit_and_debit(self):
        self._post(Op.CREDIT, 100)
        entry = self._post(Op.DEBIT, 30.5)
        self.assertEqual(entry.amount, -30.5)
        self.assertEqual(entry.balance_after, 69.5)
        self.assertBooks(69.5)

    def test_credit_without_its_debit(self):
        """Nothing is received that nobody has given."""
        friend = self.env["res.partner"].create({"name": "Ben"})
        member = self.env["loyalty.member"]._enrol(friend, self.scheme)
        move = self._move(
            Op.CREDIT,
            5,
            account=self.scheme._get_account(member),
            kind="transfer_in",
            giver_id=self.account.id,
        )
        with self.assertRaisesRegex(ValidationError, "was not taken from"):
            self.ledger._post([move])

    def test_pending_points_cannot_be_spent(self):
        self._post(Op.PEND, 50)
        self.assertBooks(0, pending=50)
        with self.assertRaisesRegex(UserError, "Anna can spend 0 beans, not 10 beans"):
            self._post(Op.DEBIT, 10)
        self.assertBooks(0, pending=50)

    def test_spending_takes_what_expires_first_then_the_oldest(self):
        self._post(Op.CREDIT, 10)
        self._post(Op.CREDIT, 10, expiry_date=date(2026, 12, 31))
        self._post(Op.CREDIT, 10, expiry_date=date(2026, 6, 30))
        self._post(Op.DEBIT, 15)
        self.assertEqual(self._lots(), [(10, "available"), (5, "available")])
        self.assertEqual(
            self.account.lot_ids.filtered("remaining").mapped("expiry_date"),
            [date(2026, 12, 31), False],
        )
        self.assertBooks(15)

    def test_expired_points_cannot_be_spent_before_the_nightly_run(self):
        self._post(Op.CREDIT, 10, expiry_date=date(2026, 3, 9))
        self._post(Op.CREDIT, 5, expiry_date=date(2026, 3, 10))
        self.assertEqual(self.account._get_spendable()[self.account.id], 5)
        with self.assertRaises(UserError):
            self._post(Op.DEBIT, 6)
        self._post(Op.DEBIT, 5)
        self.assertBooks(10)

    def test_key_posts_once(self):
        first = self._post(Op.CREDIT, 10, key="sale:1")
        again = self._post(Op.CREDIT, 10, key="sale:1")
        self.assertEqual(first, again)
        twice = self.ledger._post(
            [self._move(Op.CREDIT, 7, key="x"), self._move(Op.CREDIT, 7, key="x")]
        )
        self.assertEqual(twice[0], twice[1])
        self.assertEqual(len(self.account.entry_ids), 2)
        self.assertBooks(17)

    def test_key_with_another_amount_is_a_conflict(self):
        self._post(Op.CREDIT, 10, key="sale:1")
        with self.assertRaisesRegex(ValidationError, "sale:1 was used for another"):
            self._post(Op.CREDIT, 11, key="sale:1")
        self.assertBooks(10)

    def test_bad_amounts_are_refused(self):
        for points in ("0", "-5", "NaN", "Infinity", "1e13", "0.00001"):
            with self.assertRaises(ValidationError):
                self.ledger._post(
                    [Move(self.account.id, "bad", "earn", Op.CREDIT, Decimal(points))]
                )
        with self.assertRaises(ValidationError):
            self.ledger._post([Move(self.account.id, "bad", "earn", Op.CREDIT, 5.0)])
        self.assertBooks(0)

    def test_unknown_account_is_refused(self):
        for account_id in (
            0,
            self.env["loyalty.card"].search([], order="id desc")[0].id + 1,
        ):
            with self.assertRaisesRegex(ValidationError, "no managed loyalty account"):
                self.ledger._post(
                    [Move(account_id, "k", "earn", Op.CREDIT, Decimal(1))]
                )

    def test_nothing_is_posted_if_one_move_fails(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        other = self.scheme._get_account(
            self.env["loyalty.member"]._enrol(bob, self.scheme)
        )
        with self.assertRaises(UserError):
            self.ledger._post(
                [
                    self._move(Op.CREDIT, 10),
                    self._move(Op.DEBIT, 10, account=other),
                ]
            )
        self.assertBooks(0)
        self.assertFalse(self.account.entry_ids)

    def test_entries_cannot_be_changed_through_the_orm(self):
        entry = self._post(Op.CREDIT, 10)
        for record in (entry.sudo(), entry.allocation_ids.sudo()):
            with self.assertRaises(AccessError):
                record.write({"amount": 99})
            with self.assertRaises(AccessError):
                record.unlink()
            with self.assertRaises(AccessError):
                record.create({"amount": 1})
        self.assertBooks(10)

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_to_change_entries(self):
        self._post(Op.CREDIT, 10)
        for query in (
            "UPDATE loyalty_ledger_entry SET amount = 1",
            "DELETE FROM loyalty_ledger_entry",
            "TRUNCATE loyalty_ledger_entry CASCADE",
            "UPDATE loyalty_ledger_allocation SET amount = 1",
            "DELETE FROM loyalty_ledger_allocation",
            "TRUNCATE loyalty_ledger_allocation",
        ):
            with (
                self.subTest(query),
                self.assertRaisesRegex(psycopg2.Error, "append-only"),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(SQL(query))
        self.assertBooks(10)

    def test_take_back_of_spent_points_becomes_a_debt_that_is_paid_off(self):
        earned = self._post(Op.CREDIT, 100)
        self._post(Op.DEBIT, 80)
        self._post(Op.TAKE_BACK, 100, undo=tuple(earned.ids), shortfall=Shortfall.DEBT)
        self.assertBooks(-80)
        self._post(Op.CREDIT, 50)
        self.assertBooks(-30)
        self.assertEqual(self._lots(), [(-30, "available")])
        self._post(Op.CREDIT, 50)
        self.assertBooks(20)
        self.assertEqual(self._lots(), [(20, "available")])

    def test_take_back_of_spent_points_can_be_given_up(self):
        earned = self._post(Op.CREDIT, 100)
        self._post(Op.DEBIT, 80)
        entry = self._post(
            Op.TAKE_BACK, 100, undo=tuple(earned.ids), shortfall=Shortfall.CAP
        )
        self.assertEqual((entry.amount, entry.shortfall), (-20, 80))
        self.assertBooks(0)
        self._post(Op.TAKE_BACK, 5, undo=tuple(earned.ids), shortfall=Shortfall.CAP)
        self.assertBooks(0)

    def test_take_back_prefers_the_lot_that_was_earned(self):
        self._post(Op.CREDIT, 10, expiry_date=date(2026, 4, 1))
        earned = self._post(Op.CREDIT, 10)
        self._post(Op.TAKE_BACK, 10, undo=tuple(earned.ids))
        self.assertEqual(self._lots(), [(10, "available")])
        self.assertEqual(
            self.account.lot_ids.filtered("remaining").expiry_date, date(2026, 4, 1)
        )

    def test_take_back_of_pending_points_leaves_the_balance(self):
        self._post(Op.CREDIT, 5)
        earned = self._post(Op.PEND, 10)
        entry = self._post(Op.TAKE_BACK, 4, undo=tuple(earned.ids))
        self.assertEqual((entry.amount, entry.pending), (0, -4))
        self.assertBooks(5, pending=6)

    def test_restore_fills_the_very_lots_in_proportion(self):
        self._post(Op.CREDIT, 60, expiry_date=date(2026, 4, 1))
        self._post(Op.CREDIT, 60, expiry_date=date(2026, 5, 1))
        spent = self._post(Op.DEBIT, 90)
        self.assertEqual(self._lots(), [(30, "available")])
        first = self._post(Op.RESTORE, 30, undo=tuple(spent.ids))
        self.assertEqual(self._lots(), [(20, "available"), (40, "available")])
        undo = tuple((spent | first).ids)
        self._post(Op.RESTORE, 60, undo=undo)
        self.assertEqual(self._lots(), [(60, "available"), (60, "available")])
        with self.assertRaisesRegex(ValidationError, "than were taken"):
            self._post(Op.RESTORE, 91, undo=tuple(spent.ids))
        self.assertBooks(120)

    def test_release_makes_due_points_available_once(self):
        self._post(Op.PEND, 10, release_date=date(2026, 3, 10))
        self._post(Op.PEND, 20, release_date=date(2026, 3, 11))
        self._post(Op.PEND, 40)
        entry = self._post(Op.RELEASE, None, day=date(2026, 3, 10))
        self.assertEqual((entry.amount, entry.pending), (10, -10))
        self.assertFalse(self._post(Op.RELEASE, None, day=date(2026, 3, 10)))
        self.assertBooks(10, pending=60)

    def test_crons_release_and_expire(self):
        self._post(
            Op.PEND, 10, release_date=date(2026, 3, 12), expiry_date=date(2026, 3, 20)
        )
        Card = self.env["loyalty.card"]
        with self.enter_registry_test_mode():
            release = self.env.ref("loyalty_ledger.ir_cron_release_points").sudo()
            expire = self.env.ref("loyalty_ledger.ir_cron_expire_points").sudo()
            with freeze_time("2026-03-11"):
                release.method_direct_trigger()
                self.assertBooks(0, pending=10)
            with freeze_time("2026-03-12"):
                release.method_direct_trigger()
                release.method_direct_trigger()
                self.assertBooks(10)
            with freeze_time("2026-03-20"):
                expire.method_direct_trigger()
                self.assertBooks(10)
            with freeze_time("2026-03-21"):
                expire.method_direct_trigger()
                expire.method_direct_trigger()
                self.assertBooks(0)
        self.assertEqual(
            Card.browse(self.account.id).entry_ids.sorted("id").mapped("kind"),
            ["earn", "release", "expire"],
        )

    def test_hold_sets_points_aside(self):
        self._post(Op.CREDIT, 100)
        self.account._hold("pos:1", 80)
        self.assertEqual(self.account.ledger_held, 80)
        with self.assertRaisesRegex(UserError, "can spend 20 beans, not 50 beans"):
            self.account._hold("pos:2", 50)
        with self.assertRaises(UserError):
            self._post(Op.DEBIT, 50)
        self.account._hold("pos:1", 30)
        self.account._hold("pos:2", 50)
        self.assertEqual(self.account.ledger_held, 80)
        self._post(Op.DEBIT, 30, hold_owner="pos:1")
        self.assertEqual(self.account.ledger_held, 50)
        self.account._release_hold("pos:2")
        self.assertEqual(
            self.account.hold_ids.sorted("id").mapped("state"),
            ["captured", "released"],
        )
        self.assertBooks(70)

    def test_hold_times_out(self):
        self._post(Op.CREDIT, 100)
        self.account._hold("pos:1", 80, minutes=10)
        with freeze_time(NOW + timedelta(minutes=11)):
            self.assertEqual(self.account._get_spendable()[self.account.id], 100)
            self.account._hold("pos:2", 60)
            self.assertEqual(
                self.account.hold_ids.sorted("id").mapped("state"),
                ["expired", "active"],
            )
            self.assertBooks(100)
        with freeze_time(NOW + timedelta(hours=2)):
            self.env["loyalty.hold"]._gc_timed_out()
            self.assertEqual(self.account.ledger_held, 0)
            self.assertBooks(100)

    def test_expiry_leaves_what_is_on_hold(self):
        self._post(Op.CREDIT, 100, expiry_date=date(2026, 3, 10))
        self.account._hold("sale:1", 40)
        self._post(Op.EXPIRE, None, day=date(2026, 3, 11))
        self.assertBooks(40)

    def test_bulk_posting_takes_a_constant_number_of_queries(self):
        partners = self.env["res.partner"].create(
            [{"name": f"P{i}"} for i in range(60)]
        )
        accounts = list(
            self.scheme._get_accounts(
                self.env["loyalty.member"]._enrol(partners, self.scheme)
            ).values()
        )
        counts = []
        for part in (accounts[:2], accounts[2:4], accounts[4:60]):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.ledger._post(self._move(Op.CREDIT, 5, account=a) for a in part)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
        self.assertLessEqual(counts[1], 12)

    def test_redemption_query_count_does_not_grow_with_history(self):
        for _round in range(3):
            self._post(Op.CREDIT, 10)
        self._post(Op.DEBIT, 1)
        counts = []
        for _round in range(2):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self._post(Op.DEBIT, 1)
            counts.append(self.env.cr.sql_log_count - before)
            for _more in range(30):
                self._post(Op.CREDIT, 10)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 12)

    def test_account_with_entries_cannot_be_deleted(self):
        self._post(Op.CREDIT, 10)
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.account.unlink()
