# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What always holds in the ledger, and every way we know to break it.

One class an invariant, in the order in which the design names them. What an audit finds
after the guards have been forced aside is in ``test_audit``.
"""

from datetime import date, datetime
from decimal import Decimal

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import get_public_method
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, float_compare, mute_logger

from ..ledger.chain import GENESIS, SQL_ROW, link
from ..ledger.move import Move, Op, Shortfall
from .common import NOW, LoyaltyLedgerCommon
from .test_concurrency import ConcurrencyCase

MANAGER = "loyalty_member.loyalty_member_group_manager"


class InvariantCase(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.env.ref("base.user_admin")
        cls.plain = new_test_user(cls.env, "plain", "base.group_user")
        cls.manager = new_test_user(cls.env, "manager", MANAGER)

    def assertRefusedBySql(self, query, *args, regex=""):
        """The database itself refuses a statement."""
        with (
            self.subTest(query),
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(psycopg2.Error, regex),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(SQL(query, *args))
            self.env.cr.execute(SQL("SET CONSTRAINTS ALL IMMEDIATE"))

    def _run(self, query, *args):
        return self.env.execute_query(SQL(query, *args))


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAppendOnly(InvariantCase):
    """1. Entries are never changed or removed, by anyone, in any way."""

    def test_nobody_through_the_orm(self):
        entry = self._post(Op.CREDIT, 10)
        lot = self.account.lot_ids
        for user in (self.manager, self.admin, self.env.ref("base.user_root")):
            for record in (entry, entry.allocation_ids, lot):
                records = record.with_user(user).with_context(
                    module="loyalty_ledger", install_mode=True, tracking_disable=True
                )
                for call in (
                    lambda records=records: records.write({"amount": 99}),
                    lambda records=records: records.sudo().write({"amount": 99}),
                    lambda records=records: records.unlink(),
                    lambda records=records: records.sudo().unlink(),
                    lambda records=records: records.sudo().copy(),
                    lambda records=records: records.sudo().create({"amount": 1}),
                ):
                    with self.assertRaises(AccessError):
                        call()
        with self.assertRaises(AccessError):
            entry.sudo().amount = 99
        self.assertBooks(10)

    def test_nobody_through_sql(self):
        entry = self._post(Op.CREDIT, 10)
        for table in ("loyalty_ledger_entry", "loyalty_ledger_allocation"):
            for statement in (
                f"UPDATE {table} SET amount = 1",
                f"UPDATE {table} SET amount = amount WHERE id = (SELECT max(id)"
                f" FROM {table})",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
                f"MERGE INTO {table} USING (SELECT max(id) AS id FROM {table}) AS last"
                f" ON {table}.id = last.id WHEN MATCHED THEN DELETE",
                f"INSERT INTO {table} SELECT * FROM {table}"
                " ON CONFLICT (id) DO UPDATE SET amount = 0",
            ):
                self.assertRefusedBySql(statement, regex="append-only")
        self.assertEqual(self.account.entry_ids, entry)
        self.assertBooks(10)

    def test_nothing_that_entries_rest_on_is_deleted(self):
        self._record("S1", self._line("a", 10))
        for table, id_ in (
            ("loyalty_card", self.account.id),
            ("loyalty_scheme", self.scheme.id),
            ("loyalty_program", self.scheme.points_program_id.id),
            ("loyalty_transaction", self.account.entry_ids.transaction_id.id),
            ("loyalty_ledger_lot", self.account.lot_ids.id),
            ("loyalty_member", self.member.id),
        ):
            self.assertRefusedBySql(
                f"DELETE FROM {table} WHERE id = %s",
                id_,
                regex="violates|append-only",
            )
        for record, error in (
            (self.account, UserError),
            (self.member, psycopg2.IntegrityError),
            (self.anna, psycopg2.IntegrityError),
        ):
            with (
                self.subTest(record._name),
                mute_logger("odoo.sql_db"),
                self.assertRaises(error),
                self.env.cr.savepoint(),
            ):
                record.unlink()
                self.env.flush_all()
        self.assertBooks(10)

    def test_users_who_posted_stay_others_may_go(self):
        poster = new_test_user(self.env, "poster", MANAGER)
        idle = new_test_user(self.env, "idle", MANAGER)
        entry = self.account.with_user(poster)._adjust(10, "Goodwill")
        self.assertEqual(entry.create_uid, poster)
        self.env.flush_all()
        idle.unlink()
        self.assertFalse(idle.exists())
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError),
            self.env.cr.savepoint(),
        ):
            poster.unlink()
        self._post(Op.CREDIT, 5)
        self.assertBooks(15)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSums(InvariantCase):
    """2. Entries, lots and balances say the same."""

    def test_every_kind_of_move(self):
        earned = self._post(Op.CREDIT, "100.5")
        self.assertBooks(100.5)
        waiting = self._post(Op.PEND, 40, release_date=date(2026, 3, 10))
        self.assertBooks(100.5, pending=40)
        self._post(Op.TAKE_BACK, 10, undo=tuple(waiting.ids))
        self.assertBooks(100.5, pending=30)
        self._post(Op.RELEASE, None, day=date(2026, 3, 10))
        self.assertBooks(130.5)
        spent = self._post(Op.DEBIT, 120)
        self.assertBooks(10.5)
        self._post(Op.RESTORE, "0.0001", undo=tuple(spent.ids))
        self.assertBooks(10.5001)
        self._post(
            Op.TAKE_BACK, "100.5", undo=tuple(earned.ids), shortfall=Shortfall.DEBT
        )
        self.assertBooks(-89.9999)
        self._post(Op.CREDIT, 100, expiry_date=date(2026, 3, 9))
        self.assertBooks(10.0001)
        self._post(Op.EXPIRE, None, day=date(2026, 3, 10))
        self.assertBooks(0)

    def test_the_database_keeps_lots_in_range(self):
        self._post(Op.CREDIT, 10)
        for remaining in ("11", "-1", "'NaN'"):
            self.assertRefusedBySql(
                f"UPDATE loyalty_ledger_lot SET remaining = {remaining}"
                " WHERE account_id = %s",
                self.account.id,
                regex="remaining_in_range",
            )
        self.assertBooks(10)

    def test_a_balance_stays_where_it_is_exact(self):
        """Odoo keeps the balance as a float, which is exact up to 15 digits."""
        self._post(Op.CREDIT, "99999999999.9998")
        self._post(Op.CREDIT, "0.0001")
        self.assertBooks(99999999999.9999)
        for points in ("0.0001", "1", "99999999999"):
            with self.assertRaisesRegex(ValidationError, "too many points"):
                self._post(Op.CREDIT, points)
        for op in (Op.PEND, Op.CREDIT):
            with self.assertRaisesRegex(ValidationError, "too many points"):
                self._post(op, "100000000000")
        self.assertBooks(99999999999.9999)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestKeys(InvariantCase):
    """3. A key moves points once."""

    def test_again_and_again(self):
        first = self._post(Op.CREDIT, 10, key="sale:1")
        for _time in range(3):
            self.assertEqual(self._post(Op.CREDIT, 10, key="sale:1"), first)
        batch = [self._move(Op.CREDIT, 10, key="sale:1")] * 3
        self.assertEqual(self.ledger._post(batch), first)
        self.assertBooks(10)

    def test_a_repeated_debit_does_not_need_points_any_more(self):
        self._post(Op.CREDIT, 10)
        spent = self._post(Op.DEBIT, 10, key="order:1")
        self.assertEqual(self._post(Op.DEBIT, 10, key="order:1"), spent)
        self.assertBooks(0)

    def test_the_same_key_for_something_else(self):
        self._post(Op.CREDIT, 10, key="sale:1")
        for op, points in (
            (Op.CREDIT, 11),
            (Op.CREDIT, "10.0001"),
            (Op.DEBIT, 10),
            (Op.TAKE_BACK, 10),
        ):
            with self.assertRaisesRegex(ValidationError, "sale:1 was used for another"):
                self._post(op, points, key="sale:1")
        self.assertBooks(10)

    def test_the_same_key_of_another_account(self):
        partner = self.env["res.partner"].create({"name": "Bob"})
        member = self.env["loyalty.member"]._enrol(partner, self.scheme)
        other = self.scheme._get_account(member)
        self._post(Op.CREDIT, 10, key="sale:1")
        self._post(Op.CREDIT, 20, key="sale:1", account=other)
        self.assertBooks(10)
        self.assertBooks(20, account=other)

    def test_the_database_refuses_a_second_one(self):
        entry = self._post(Op.CREDIT, 10, key="sale:1")
        columns = (
            "scheme_id, kind, amount, pending, requested, shortfall, date, prev_hash,"
            " hash, account_id"
        )
        for sequence, key, constraint in (
            (2, "sale:1", "key_unique"),
            (1, "sale:2", "sequence_unique"),
        ):
            self.assertRefusedBySql(
                f"INSERT INTO loyalty_ledger_entry ({columns}, sequence, key)"
                f" SELECT {columns}, %s, %s FROM loyalty_ledger_entry WHERE id = %s",
                sequence,
                key,
                entry.id,
                regex=constraint,
            )

    def test_no_key(self):
        for key in ("", None, "sale\x1f1", "sale\n1", "\x00"):
            with self.assertRaisesRegex(ValidationError, "needs a key"):
                self.ledger._post(
                    [Move(self.account.id, key, "earn", Op.CREDIT, Decimal(1))]
                )
        self.assertBooks(0)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestChain(InvariantCase):
    """4. Each entry seals the one before."""

    def test_links(self):
        entries = self._post(Op.CREDIT, 10, reason="Ünïcödé – 咖啡")
        entries |= self._post(Op.PEND, "0.0001", key="π:1")
        entries |= self._post(Op.DEBIT, "3.1400")
        before = GENESIS
        for entry in entries.sorted("sequence"):
            self.assertEqual(entry.prev_hash, before)
            before = entry.hash
        self.assertEqual(self.account.ledger_hash, before)
        self.assertEqual(self.account.ledger_sequence, 3)

    def test_python_and_postgresql_write_the_same_row(self):
        record = self._record("S1", self._line("a", 10))
        entry = record.entry_ids | self._post(
            Op.DEBIT, "0.5000", reason="a\\b 'c' \"d\""
        )
        for each in entry:
            row = {
                name: each[name]
                for name in ("sequence", "kind", "date", "key", "reason")
            }
            for name in ("account_id", "transaction_id", "source_transaction_id"):
                row[name] = each[name].id
            row["res_model"], row["res_id"] = each.res_model, each.res_id
            for name in ("amount", "pending", "requested", "shortfall"):
                row[name] = Decimal(str(each[name]))
            by_python = link(each.prev_hash, row)
            ((by_sql,),) = self._run(
                "SELECT encode(sha256(convert_to("
                + SQL_ROW.replace("%", "%%")
                + ", 'UTF8')), 'hex') FROM loyalty_ledger_entry e WHERE id = %s",
                each.id,
            )
            self.assertEqual({by_python, by_sql}, {each.hash})

    def test_a_rewritten_tail_does_not_fit_the_account(self):
        """Who changes the last entry and seals it anew has not changed the account."""
        self._post(Op.CREDIT, 10)
        entry = self._post(Op.CREDIT, 20)
        self._tamper(
            "UPDATE loyalty_ledger_entry SET reason = 'mine' WHERE id = %s", entry.id
        )
        self._tamper(
            "UPDATE loyalty_ledger_entry e SET hash = encode(sha256(convert_to("
            + SQL_ROW
            + ", 'UTF8')), 'hex') WHERE id = %s",
            entry.id,
        )
        self.assertEqual(self._findings(), {"chain_ends_at_the_account"})


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAmounts(InvariantCase):
    """5. Amounts are exact, rounded once, in the currency of the day of the sale."""

    def test_columns_are_exact(self):
        rows = self._run(
            """
            SELECT table_name || '.' || column_name, data_type
              FROM information_schema.columns
             WHERE table_schema = current_schema()
               AND (table_name IN ('loyalty_ledger_entry', 'loyalty_ledger_lot',
                                   'loyalty_ledger_allocation', 'loyalty_hold')
                    OR table_name = 'loyalty_card' AND column_name ~ '^ledger_')
               AND data_type IN ('real', 'double precision', 'numeric')
            """
        )
        self.assertGreaterEqual(len(rows), 12)
        self.assertEqual({data_type for _name, data_type in rows}, {"numeric"}, rows)

    def test_a_thousand_tenths_are_a_hundred(self):
        self.ledger._post(
            self._move(Op.CREDIT, "0.1", key=f"k{number}") for number in range(1000)
        )
        self.assertBooks(100)
        self._post(Op.DEBIT, 100)
        self.assertBooks(0)

    def test_bad_amounts(self):
        for points in ("0", "-5", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity"):
            with self.subTest(points), self.assertRaises(ValidationError):
                self._post(Op.CREDIT, points)
        for points in (5, 5.0, "5", None, True):
            with self.subTest(points), self.assertRaises(ValidationError):
                self.ledger._post(
                    [Move(self.account.id, "bad", "earn", Op.CREDIT, points)]
                )
        self.assertBooks(0)

    def test_a_receipt_is_rounded_once_and_in_every_channel_alike(self):
        """Three lines of 0.60 give 1 point, not 0 and not 3."""
        for channel in self.env["loyalty.channel"].search([]):
            for step, method, points in (
                (1, "DOWN", 1),
                (1, "HALF-UP", 2),
                (1, "UP", 2),
                (0.25, "DOWN", 1.75),
            ):
                scheme = self._create_scheme(
                    name=f"{channel.code} {step} {method}",
                    points_rounding=step,
                    points_rounding_method=method,
                )
                member = self.env["loyalty.member"]._enrol(self.anna, scheme)
                record = self.env["loyalty.transaction"]._record(
                    member,
                    self._sale(
                        f"{channel.code}/{step}/{method}",
                        *(self._line(key, 0.6) for key in "abc"),
                        channel=channel.code,
                    ),
                )
                self.assertEqual(record.points_earned, points)
                self.assertFalse(
                    float_compare(
                        sum(record.line_ids.mapped("points")),
                        points,
                        precision_digits=4,
                    )
                )
                entry = record.entry_ids
                self.assertEqual(entry.amount + entry.pending, points)

    def test_money_is_converted_at_the_day_of_the_sale(self):
        yen = self.env.ref("base.JPY")
        yen.active = True
        rates = self.env["res.currency.rate"].create(
            [
                {"currency_id": yen.id, "name": "2026-01-01", "rate": 100.0},
                {"currency_id": yen.id, "name": "2026-03-01", "rate": 150.0},
            ]
        )
        unit = self.scheme.currency_id.rate
        sale = {"currency": yen, "date": datetime(2026, 2, 1)}
        old = self._record("S1", self._line("a", 15000), **sale)
        new = self._record("S2", self._line("a", 15000), currency=yen)
        self.assertEqual(old.points_earned, 150 * unit)
        self.assertEqual(new.points_earned, 100 * unit)
        rates[0].rate = 1.0
        again = self._record("S1", self._line("a", 15000), **sale)
        self.assertEqual(again, old, "a rate that changes later changes nothing")
        self.assertEqual(again.points_earned, 150 * unit)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSpendingOrder(InvariantCase):
    """6. What expires first goes first, and comes back where it was."""

    def _remaining(self):
        return [
            (lot.expiry_date, lot.remaining)
            for lot in self.account.lot_ids.sorted("id")
        ]

    def test_there_and_back(self):
        june, april = date(2026, 6, 30), date(2026, 4, 30)
        for points, expiry_date in ((5, None), (5, june), (5, april), (5, june)):
            self._post(Op.CREDIT, points, expiry_date=expiry_date)
        spent = self._post(Op.DEBIT, 12)
        self.assertEqual(
            self._remaining(), [(False, 5), (june, 0), (april, 0), (june, 3)]
        )
        self.assertEqual(sum(spent.allocation_ids.mapped("amount")), -12)
        self._post(Op.CREDIT, 100, expiry_date=date(2026, 12, 31))
        self._post(Op.RESTORE, 12, undo=tuple(spent.ids))
        self.assertEqual(
            self._remaining(),
            [(False, 5), (june, 5), (april, 5), (june, 5), (date(2026, 12, 31), 100)],
        )
        self.assertBooks(120)

    def test_nobody_writes_a_lot(self):
        self._post(Op.CREDIT, 5, expiry_date=date(2026, 4, 30))
        for values in ({"expiry_date": False}, {"remaining": 4}, {"state": "pending"}):
            for lot in (
                self.account.lot_ids.sudo(),
                self.account.lot_ids.with_user(self.admin),
            ):
                with self.assertRaises(AccessError):
                    lot.write(values)
        self.assertEqual(self._remaining(), [(date(2026, 4, 30), 5)])


@tagged("post_install", "-at_install", "database_breaking")
class TestLock(ConcurrencyCase):
    """7. Checking and spending are one transaction, under a lock on the account."""

    def _move(self, key, op, points):
        kind = "redeem" if op == Op.DEBIT else "earn"
        return Move(self.account_id, key, kind, op, Decimal(points))

    def test_the_account_is_locked_until_the_end(self):
        with self.registry.cursor() as first, self.registry.cursor() as second:
            self._env(first)["loyalty.ledger"]._post([self._move("a", Op.DEBIT, 1)])
            for strength, refused in (
                ("NO KEY UPDATE", True),
                ("UPDATE", True),
                # Selling must not wait for a sale that only refers to the account
                ("KEY SHARE", False),
            ):
                query = SQL(
                    f"SELECT 1 FROM loyalty_card WHERE id = %s FOR {strength} NOWAIT",
                    self.account_id,
                )
                with mute_logger("odoo.sql_db"):
                    if refused:
                        with self.assertRaises(psycopg2.errors.LockNotAvailable):
                            second.execute(query)
                        second.rollback()
                    else:
                        second.execute(query)
            first.rollback()

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_the_same_key_at_once(self):
        def post(env):
            return env["loyalty.ledger"]._post([self._move("same", Op.CREDIT, 7)]).id

        outcomes = self._at_once(post, post, post)
        self.assertEqual(len(set(outcomes)), 1, outcomes)
        self.assertIsInstance(outcomes[0], int)
        self.assertEqual(self._points(), 107)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_spending_at_once_never_overdraws(self):
        def spend(key):
            return lambda env: (
                env["loyalty.ledger"]._post([self._move(key, Op.DEBIT, 40)]).id
            )

        outcomes = self._at_once(*(spend(f"till {number}") for number in range(4)))
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 2, outcomes)
        self.assertEqual(self._points(), 20)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_accounts_in_any_order(self):
        """Each has what the other wants next: ordered locks leave no deadlock."""
        with self.registry.cursor() as cr:
            env = self._env(cr)
            partner = env["res.partner"].create({"name": "Bob Twice"})
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            member = env["loyalty.member"]._enrol(partner, scheme)
            other_id = scheme._get_account(member).id

        def post(key, *account_ids):
            def call(env):
                moves = [
                    Move(account_id, key, "earn", Op.CREDIT, Decimal(1))
                    for account_id in account_ids
                ]
                return len(env["loyalty.ledger"]._post(moves))

            return call

        outcomes = self._at_once(
            post("a", self.account_id, other_id), post("b", other_id, self.account_id)
        )
        self.assertEqual(outcomes, [2, 2])
        self.assertEqual(self._points(), 102)
        self.assertEqual(self._audit(), [])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestNoDebt(InvariantCase):
    """8. Below zero only where the scheme allows it, and nothing is lost unseen."""

    def test_spending_more_than_there_is(self):
        self._post(Op.CREDIT, 10)
        self._post(Op.PEND, 100)
        for points in ("10.0001", 11, 1000):
            with self.assertRaisesRegex(UserError, "can spend 10 beans"):
                self._post(Op.DEBIT, points)
        self.assertBooks(10, pending=100)

    def test_spending_it_twice_in_one_call(self):
        self._post(Op.CREDIT, 10)
        with self.assertRaises(UserError):
            self.ledger._post(
                [self._move(Op.DEBIT, 6, key="a"), self._move(Op.DEBIT, 6, key="b")]
            )
        self.assertBooks(10)
        self.assertEqual(len(self.account.entry_ids), 1, "nothing is half done")

    def test_managers_do_not_overdraw_either(self):
        self._post(Op.CREDIT, 10)
        account = self.account.with_user(self.manager)
        for points in (-0.0001, -5):
            with self.assertRaises(UserError):
                account.write({"points": points})
        with self.assertRaises(UserError):
            account._adjust(-11, "Too much")
        self.assertBooks(10)

    def test_a_return_of_spent_points(self):
        for policy, balance, shortfall in (("debt", -7, 0), ("cap", 0, 7)):
            scheme = self._create_scheme(name=policy, shortfall_policy=policy)
            member = self.env["loyalty.member"]._enrol(self.anna, scheme)
            account = scheme._get_account(member)
            Transaction = self.env["loyalty.transaction"]
            sale = Transaction._record(
                member, self._sale(f"{policy}/1", self._line("a", 10))
            )
            self._post(Op.DEBIT, 7, account=account)
            back = self._line("x", 10, origin_key="a")
            sale._record_return(self._sale(f"{policy}/2", back))
            self.assertBooks(balance, account=account)
            self.assertEqual(
                sum(account.entry_ids.mapped("shortfall")),
                shortfall,
                "what could not be recovered is kept where it can be found",
            )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestOneWayIn(InvariantCase):
    """9. Points move through the service, whoever tries another way."""

    # What a remote caller could put into its context to look trusted
    CONTEXTS = (
        {},
        {"loyalty_ledger_ignore_points": False},
        {"loyalty_no_mail": True, "tracking_disable": True},
        {"install_mode": True, "module": "loyalty_ledger"},
        {"su": True, "uid": 1, "active_test": False},
        {"import_file": True},
    )

    def _grant_cards(self):
        """Let plain users write cards, as tills and salespeople may in Odoo."""
        self.env["ir.model.access"].create(
            {
                "name": "as a till",
                "model_id": self.env.ref("loyalty.model_loyalty_card").id,
                "group_id": self.env.ref("base.group_user").id,
                "perm_read": True,
                "perm_write": True,
                "perm_create": True,
                "perm_unlink": True,
            }
        )

    def test_plain_users_move_nothing(self):
        self._post(Op.CREDIT, 10)
        self._grant_cards()
        for context in self.CONTEXTS:
            card = self.account.with_user(self.plain).with_context(**context)
            for call in (
                lambda card=card: card.write({"points": 777}),
                lambda card=card: card.write({"points": 777, "code": "mine"}),
                lambda card=card: card.write({"partner_id": self.plain.partner_id.id}),
                lambda card=card: card.copy(),
                lambda card=card: card.create(
                    {"program_id": card.program_id.id, "points": 777}
                ),
            ):
                with self.subTest(context), self.assertRaises(AccessError):
                    call()
            with self.assertRaises(UserError):
                card.unlink()
            loaded = card.load([".id", "points"], [[str(self.account.id), "777"]])
            self.assertFalse(loaded["ids"], loaded)
        self.assertBooks(10)

    def test_a_dropped_write_is_no_way_around(self):
        self._post(Op.CREDIT, 10)
        self._grant_cards()
        card = self.account.with_user(self.plain).with_context(
            loyalty_ledger_ignore_points=True
        )
        card.write({"points": 777})
        with self.assertRaises(AccessError):
            card.write({"points": 777, "partner_id": self.plain.partner_id.id})
        self.assertBooks(10)
        self.assertEqual(self.account.partner_id, self.anna)

    def test_a_managers_write_becomes_an_entry(self):
        account = self.account.with_user(self.manager)
        for context in self.CONTEXTS:
            target = account.points + 5
            account.with_context(**context).write({"points": target})
            self.assertBooks(target)
        result = account.load([".id", "points"], [[str(account.id), "3"]])
        self.assertTrue(result["ids"], result)
        self.assertBooks(3)
        self.assertEqual(set(account.entry_ids.mapped("kind")), {"adjust"})
        self.assertEqual(account.entry_ids.create_uid, self.manager)

    def test_remote_callers_do_not_reach_the_service(self):
        for model, methods in {
            "loyalty.ledger": ("_post", "_lock", "_save", "_audit", "_apply"),
            "loyalty.card": ("_adjust", "_hold", "_release_hold", "_open_accounts"),
            "loyalty.transaction": ("_record", "_record_return"),
        }.items():
            for method in methods:
                self.assertTrue(hasattr(self.env[model], method), method)
                with self.assertRaisesRegex(AccessError, "cannot be called remotely"):
                    get_public_method(self.env[model].with_user(self.admin), method)

    def test_the_service_knows_accounts_only(self):
        program = self.env["loyalty.program"].create(
            {"name": "Plain", "program_type": "loyalty", "applies_on": "both"}
        )
        card = self.env["loyalty.card"].create({"program_id": program.id, "points": 5})
        for account_id in (card.id, 0, -1, 2**31 - 1):
            with self.assertRaisesRegex(ValidationError, "no managed loyalty account"):
                self.ledger._post(
                    [Move(account_id, "k", "earn", Op.CREDIT, Decimal(1))]
                )
        self.assertEqual(card.points, 5)

    def test_queries_do_not_grow_with_moves(self):
        self._post(Op.CREDIT, 1)
        counts = []
        for size in (1, 50):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.ledger._post(
                self._move(Op.CREDIT, 1, key=f"{size}:{number}")
                for number in range(size)
            )
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBalanceIsCarried(InvariantCase):
    """10. Nobody adds up entries to know a balance."""

    def _read_balances(self):
        """Read what screens and portals show; return the statements that it takes."""
        self.env.invalidate_all()
        statements = []
        for _patched in self._patchExecute(statements):
            account, member = self.account, self.member
            shown = (
                account.points,
                account.ledger_pending,
                account.ledger_held,
                member.points_balance,
                member.points_summary,
                account._get_spendable()[account.id],
            )
            self.assertTrue(shown)
        return statements

    def test_no_entry_is_read(self):
        self._post(Op.CREDIT, 10)
        self._read_balances()
        counts = []
        for _round in range(2):
            statements = self._read_balances()
            counts.append(len(statements))
            for statement in statements:
                self.assertNotIn("loyalty_ledger_entry", statement)
                self.assertNotIn("loyalty_ledger_allocation", statement)
            self.ledger._post(
                self._move(Op.CREDIT, 1, key=f"more:{number}") for number in range(200)
            )
        self.assertEqual(counts[0], counts[1])
        self.assertBooks(210)
