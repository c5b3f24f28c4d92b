# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import NOW
from odoo.addons.queue_job.exception import RetryableJobError

from ..hooks import post_init_hook
from .common import GROUP, MigrationCase

MODEL = "odoo.addons.loyalty_migration.models.loyalty_migration"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMigration(MigrationCase):
    def test_scheme_made_from_the_program(self):
        self._create_cards((self.bob, 10.25))
        scheme = self._prepare().scheme_id
        self.assertRecordValues(
            scheme,
            [
                {
                    "name": "Native Stars",
                    "point_name_plural": "stars",
                    "company_id": self.company.id,
                    "currency_id": self.program.currency_id.id,
                    "earn_points": 2,
                    "earn_amount": 1,
                    "redeem_points": 10,
                    "redeem_value": 0.05,
                    "redeem_minimum": 50,
                    "points_rounding": 0.01,
                    "points_program_id": False,
                }
            ],
        )

    def test_dry_run_changes_nothing(self):
        cards = self._create_cards(
            (self.bob, 100), (self.carl, 30), (self.bob, 20.5), (None, 7), (None, 0)
        )
        before = self._state()
        migration = self._prepare()
        migration.scheme_id.points_rounding = 1
        migration.action_check()
        self.assertEqual(self._state(), before)
        self.assertFalse(migration.scheme_id.member_ids)
        self.assertEqual(
            self._lines(migration),
            [
                (cards[0], "open", 100),
                (cards[1], "open", 30),
                (cards[2], "merge", 20),
                (cards[3], "anonymous", 7),
                (cards[4], "out", 0),
            ],
        )
        self.assertRecordValues(
            migration,
            [
                {
                    "state": "checked",
                    "card_count": 5,
                    "account_count": 3,
                    "newcomer_count": 3,
                    "duplicate_count": 1,
                    "anonymous_count": 1,
                    "out_count": 1,
                    "rounded_count": 1,
                    "points_before": 157.5,
                    "points_after": 157,
                    "points_difference": -0.5,
                    "problems": False,
                }
            ],
        )
        self.assertIn("After the migration the scheme decides", migration.plan)
        self.program.rule_ids.unlink()
        migration.invalidate_recordset(["plan"])
        self.assertIn("The scheme decides what members earn", migration.plan)
        self.assertIn("Cake", migration.plan)

    def test_program_becomes_managed(self):
        bob, carl, spare = self._create_cards(
            (self.bob, 100), (self.carl, 30), (self.bob, 20.5)
        )
        history = self.env["loyalty.history"].create(
            {"card_id": bob.id, "description": "Order 1", "issued": 100}
        )
        migration = self._run()
        scheme = migration.scheme_id
        self.assertEqual(migration.state, "done")
        self.assertEqual(scheme.points_program_id, self.program)
        self.assertTrue(self.program.ledger_managed)
        self.assertBooks(120.5, account=bob)
        self.assertBooks(30, account=carl)
        self.assertRecordValues(
            bob.entry_ids.sorted("sequence"),
            [
                {
                    "kind": "migrate",
                    "amount": points,
                    "key": f"migration:{migration.id}:{card.id}",
                    "res_model": "loyalty.migration",
                    "res_id": migration.id,
                    "reason": f"Migrated from card {card.code}",
                }
                for card, points in ((bob, 100), (spare, 20.5))
            ],
        )
        self.assertEqual(migration.line_ids.entry_id, (bob | carl).entry_ids)
        self.assertRecordValues(
            spare,
            [
                {
                    "points": 0,
                    "active": False,
                    "ledger_managed": False,
                    "merged_into_id": bob.id,
                }
            ],
        )
        self.assertEqual(scheme.member_ids.partner_id, self.bob | self.carl)
        self.assertEqual(scheme.member_ids.account_id, bob | carl)
        self.assertEqual(bob.history_ids, history)
        self.assertEqual(scheme.outstanding_points, 150.5)

    def test_members_go_on_earning_and_spending(self):
        [card] = self._create_cards((self.bob, 100))
        scheme = self._run().scheme_id
        sale = self._sale("POS/1", self._line("a", 10), currency=scheme.currency_id)
        self.env["loyalty.transaction"]._record(scheme.member_ids, sale)
        self.assertBooks(120, account=card)
        self._post(Op.DEBIT, 50, account=card)
        self.assertBooks(70, account=card)

    def test_rewards(self):
        """Money is worth what the scheme says; rewards of staff stay."""
        gone = self.env["loyalty.reward"].create(
            {"program_id": self.program.id, "description": "Old", "discount": 7}
        )
        gone.active = False
        self._create_cards((self.bob, 1))
        self._run(self._create_scheme(name="Unused", redeem_value=2))
        money, cake = self.program.reward_ids.sorted("id")
        self.assertEqual((money.discount, money.description), (0.02, "Pay with beans"))
        self.assertEqual(cake.required_points, 300)
        self.assertFalse(gone.active)

    def test_reward_for_money_is_added_where_there_is_none(self):
        self.program.reward_ids.filtered(
            lambda reward: reward.discount_mode == "per_point"
        ).unlink()
        before = self._state()
        migration = self._run()
        self.assertIn("per_point", self.program.reward_ids.mapped("discount_mode"))
        migration.action_undo()
        self.assertEqual(self._state(), before)

    def test_scheme_gives_up_its_own_program(self):
        scheme = self._create_scheme(name="Unused")
        own = scheme.points_program_id
        member = self.env["loyalty.member"]._enrol(self.bob, scheme)
        empty = scheme._get_account(member)
        [card] = self._create_cards((self.bob, 40))
        migration = self._run(scheme)
        self.assertFalse(own.active)
        self.assertFalse(own.ledger_managed)
        self.assertEqual(member.account_id, card)
        self.assertBooks(40, account=card)
        migration.action_undo()
        self.env.invalidate_all()
        self.assertEqual(scheme.points_program_id, own)
        self.assertTrue(own.active)
        self.assertEqual(member.account_id, empty)
        self.assertEqual(member.state, "active")
        self.assertClean()

    def test_below_zero_is_a_debt(self):
        bob, carl, extra = self._create_cards(
            (self.bob, -20), (self.carl, -5), (self.carl, 30)
        )
        migration = self._run()
        self.assertEqual(migration.negative_count, 2)
        self.assertEqual(migration.points_after, 5)
        self.assertEqual(extra.merged_into_id, carl)
        self.assertBooks(25, account=carl)
        self.assertBooks(-20, account=bob)
        self._post(Op.CREDIT, 50, account=bob)
        self.assertBooks(30, account=bob)

    def test_last_days(self):
        """A last day on the card goes to its points, and no longer ends the account."""
        bob, carl, dora = self._create_cards(
            (self.bob, 10, date(2026, 5, 1)),
            (self.carl, 20),
            (self.dora, 30, date(2026, 1, 1)),
        )
        scheme = self._create_scheme(
            name="Unused", expiry_policy="term", expiry_term=1, expiry_unit="year"
        )
        migration = self._run(scheme)
        self.assertEqual(migration.expired_count, 1)
        self.assertEqual(
            [card.lot_ids.expiry_date for card in (bob, carl, dora)],
            [date(2026, 5, 1), date(2027, 3, 10), date(2026, 1, 1)],
        )
        self.assertFalse(bob.expiration_date)
        self.env.flush_all()
        with self.registry.cursor() as cr:
            self.env(cr=cr)["loyalty.ledger.due"]._expire(fields.Date.today())
        self.assertBooks(0, account=dora)
        migration.action_undo()
        self.env.invalidate_all()
        self.assertEqual((dora.points, dora.expiration_date), (30, date(2026, 1, 1)))
        self.assertClean()

    def test_rounding_is_by_the_rule_of_the_scheme(self):
        self._create_cards((self.bob, 10.6), (self.carl, 10.4), (self.dora, 0.1 + 0.2))
        for method, points in (
            ("DOWN", [10, 10, 0]),
            ("HALF-UP", [11, 10, 0]),
            ("UP", [11, 11, 1]),
        ):
            scheme = self._create_scheme(name=method, points_rounding_method=method)
            migration = self._prepare(scheme)
            migration.action_check()
            self.assertEqual(migration.line_ids.sorted("id").mapped("points"), points)
        scheme = self._create_scheme(name="Exact", points_rounding=0.1)
        migration = self._prepare(scheme)
        migration.action_check()
        self.assertEqual(
            migration.line_ids.sorted("id").mapped("points"), [10.6, 10.4, 0.3]
        )
        self.assertEqual(migration.points_difference, 0)

    def test_totals_are_equal_to_the_last_digit(self):
        points = [Decimal(n * 37 % 1000) / 100 for n in range(1, 60)]
        partners = self.env["res.partner"].create(
            [{"name": f"Customer {n % 40}"} for n in range(40)]
        )
        self._create_cards(
            *((partners[n % 40], float(part)) for n, part in enumerate(points))
        )
        migration = self._run()
        self.assertEqual(migration.points_difference, 0)
        total = sum(Decimal(str(card.points)) for card in self.program.coupon_ids)
        self.assertEqual(total, sum(points))
        self.assertClean()

    def test_phone_that_nobody_can_read_is_shown_and_stays(self):
        self.bob.phone = "call me"
        self._create_cards((self.bob, 5))
        migration = self._run()
        self.assertEqual(migration.phone_count, 1)
        self.assertEqual(self.bob.phone, "call me")
        self.assertEqual(migration.scheme_id.member_ids.partner_id, self.bob)

    def test_card_without_contact_is_an_anonymous_member(self):
        seven, empty = self._create_cards((None, 7), (None, 0))
        before = self._state()
        migration = self._run()
        self.assertBooks(7, account=seven)
        self.assertTrue(seven.partner_id.is_anonymous_member)
        self.assertFalse(empty.active)
        member = migration.scheme_id.member_ids
        self.assertEqual(member.account_id, seven)
        with self.assertRaisesRegex(UserError, "was not migrated"):
            empty.active = True
        migration.action_undo()
        self.assertEqual(self._state(), before)
        self.assertFalse(member.partner_id.active)

    def test_archived_cards_stay_as_they_are(self):
        [card] = self._create_cards((self.bob, 50))
        card.active = False
        migration = self._run()
        self.assertFalse(migration.line_ids)
        self.assertRecordValues(card, [{"points": 50, "ledger_managed": False}])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMigrationEvents(MigrationCase):
    def test_a_migration_signs_nobody_up(self):
        event = self.env["loyalty.earn.event"]._get_by_code("signup")
        scheme = self._create_scheme(name="Unused")
        self.env["loyalty.earn.rule"].create(
            {
                "name": event.name,
                "scheme_id": scheme.id,
                "trigger": "event",
                "effect": "receipt",
                "event_id": event.id,
                "value": 50,
            }
        )
        self._create_cards((self.bob, 5))
        migration = self._run(scheme)
        self.assertEqual(scheme.member_ids.partner_id, self.bob)
        self.assertFalse(
            self.env["loyalty.member.event"].search(
                [
                    ("member_id", "in", scheme.member_ids.ids),
                    ("event_id.code", "=", "signup"),
                ]
            )
        )
        self.assertEqual(migration.points_after, 5)
        self.assertEqual(scheme.member_ids.points_balance, 5)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMigrationUndo(MigrationCase):
    def test_everything_is_as_before(self):
        self._create_cards(
            (self.bob, 100.123456789),
            (self.bob, 20.5, date(2026, 5, 1)),
            (self.carl, -5),
            (self.carl, 3),
            (self.dora, 0),
        )
        before = self._state()
        migration = self._run(self._create_scheme(name="Unused"))
        self.assertNotEqual(self._state(), before)
        migration.action_undo()
        self.assertEqual(migration.state, "undone")
        self.assertEqual(self._state(), before)
        entries = self.env["loyalty.ledger.entry"].search(
            [("scheme_id", "=", migration.scheme_id.id)]
        )
        self.assertEqual(len(entries), 8)
        self.assertEqual(sum(Decimal(str(e.amount)) for e in entries), 0)
        self.assertEqual(
            {(entry.res_model, entry.res_id) for entry in entries},
            {("loyalty.migration", migration.id)},
        )
        by_key = entries.filtered(lambda entry: entry.kind == "migrate_undo").grouped(
            "key"
        )
        for entry in migration.line_ids.entry_id:
            self.assertEqual(entry.kind, "migrate")
            opposite = by_key[f"migration-undo:{migration.id}:{entry.id}"]
            self.assertEqual(opposite.amount, -entry.amount)
        self.assertEqual(set(migration.scheme_id.member_ids.mapped("state")), {"left"})
        self.assertClean()

    def test_native_cards_live_on_and_are_migrated_again(self):
        bob, spare = self._create_cards((self.bob, 100), (self.bob, 20))
        first = self._run()
        number = first.scheme_id.member_ids.number
        first.action_undo()
        bob.points += 5
        self.assertEqual(bob.points, 105)
        self.assertClean()
        second = self._run(first.scheme_id)
        self.assertBooks(125, account=bob)
        self.assertEqual(len(bob.entry_ids), 6)
        self.assertFalse(spare.active)
        self.assertRecordValues(
            first.scheme_id.member_ids,
            [{"number": number, "state": "active", "migration_id": second.id}],
        )
        second.action_undo()
        self.assertEqual((bob.points, spare.points), (105, 20))
        self.assertClean()

    def test_refused_after_a_sale(self):
        self._create_cards((self.bob, 100))
        migration = self._run()
        sale = self._sale("POS/1", self._line("a", 10))
        self.env["loyalty.transaction"]._record(migration.scheme_id.member_ids, sale)
        with self.assertRaisesRegex(UserError, "Native Stars is in use: Sale of Bob"):
            migration.action_undo()
        self.assertEqual(migration.state, "done")

    def test_refused_after_a_correction_a_redemption_or_a_hold(self):
        for text, act in (
            ("Adjusted of Bob", lambda card: card._adjust(5, "Sorry")),
            ("Redeemed of Bob", lambda c: self._post(Op.DEBIT, 5, account=c)),
            ("Points on hold of Bob", lambda card: card._hold("pos:1", 5)),
        ):
            with self.subTest(text):
                self.program = self._create_program(name=text)
                [card] = self._create_cards((self.bob, 100))
                migration = self._run()
                act(card)
                with self.assertRaisesRegex(UserError, text):
                    migration.action_undo()

    def test_an_account_taken_from_the_ledger_is_found(self):
        """Only an undone migration may leave an account outside the ledger."""
        [card] = self._create_cards((self.bob, 100))
        migration = self._run()
        self._tamper(
            "UPDATE loyalty_card SET ledger_managed = FALSE WHERE id = %s", card.id
        )
        self.assertEqual(self._findings(card), {"account_is_managed"})
        self._tamper(
            "UPDATE loyalty_card SET ledger_managed = TRUE WHERE id = %s", card.id
        )
        migration.action_undo()
        self.assertClean()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMigrationRefusals(MigrationCase):
    def test_other_kinds_of_programs(self):
        wallet = self._create_program(program_type="ewallet", applies_on="future")
        with self.assertRaisesRegex(ValidationError, "only loyalty cards"):
            self._prepare(program_id=wallet.id)

    def test_managed_program(self):
        with self.assertRaisesRegex(ValidationError, "belongs to Harmony Coffee"):
            self._prepare(program_id=self.scheme.points_program_id.id)

    def test_no_scheme(self):
        migration = self.env["loyalty.migration"].create(
            {"program_id": self.program.id}
        )
        with self.assertRaisesRegex(UserError, "Choose a scheme"):
            migration.action_check()

    def test_used_scheme(self):
        self._post(Op.CREDIT, 1)
        migration = self._prepare(self.scheme)
        migration.action_check()
        self.assertIn("has sales, points or shared accounts", migration.problems)
        with self.assertRaisesRegex(UserError, "has sales, points or shared accounts"):
            migration.action_run()
        self.assertFalse(self.program.ledger_managed)

    def test_scheme_with_shared_accounts(self):
        """People have to decide whose points go to which account."""
        migration = self._prepare(self._create_scheme(name="Unused"))
        Scheme = self.registry["loyalty.scheme"]
        with patch.object(Scheme, "_is_used", lambda _scheme: True):
            migration.action_check()
        self.assertIn("or shared accounts", migration.problems)

    def test_closed_scheme(self):
        scheme = self._create_scheme(name="Unused")
        migration = self._prepare(scheme)
        scheme.action_close()
        migration.action_check()
        self.assertIn("Unused is closed", migration.problems)

    def test_other_company_or_currency(self):
        company = self.env["res.company"].create({"name": "Rival"})
        scheme = self._create_scheme(name="Theirs", company_id=company.id)
        migration = self._prepare(scheme)
        migration.action_check()
        self.assertIn("different companies", migration.problems)

    def test_contact_of_another_company(self):
        company = self.env["res.company"].create({"name": "Rival"})
        self._create_cards((self.bob, 5))
        self.bob.company_id = company
        migration = self._prepare()
        migration.action_check()
        self.assertEqual(migration.line_ids.problem, "company")
        with self.assertRaisesRegex(UserError, "1 cards have a problem"):
            migration.action_run()

    def test_balance_that_is_no_number(self):
        cards = self._create_cards((self.bob, 5), (self.carl, 6))
        self._tamper(
            "UPDATE loyalty_card SET points = 'NaN' WHERE id = %s", cards[0].id
        )
        self._tamper("UPDATE loyalty_card SET points = 1e12 WHERE id = %s", cards[1].id)
        migration = self._prepare()
        migration.action_check()
        self.assertEqual(migration.line_ids.mapped("problem"), ["number", "number"])
        with self.assertRaisesRegex(UserError, "2 cards have a problem"):
            migration.action_run()

    def test_order_of_steps(self):
        self._create_cards((self.bob, 5))
        migration = self._prepare()
        for action in ("action_run", "action_undo", "action_stop"):
            with self.assertRaisesRegex(UserError, "is in the state Draft"):
                getattr(migration, action)()
        migration.action_check()
        migration.scheme_id = self._create_scheme(name="Another")
        self.assertEqual(migration.state, "draft")
        self.assertFalse(migration.line_ids)
        migration.action_check()
        migration.action_run()
        for action in ("action_run", "action_check", "action_make_scheme"):
            with self.assertRaisesRegex(UserError, "is in the state Migrated"):
                getattr(migration, action)()
        with self.assertRaisesRegex(UserError, "that has run cannot be changed"):
            migration.scheme_id = self.scheme
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            migration.unlink()

    def test_old_codes_find_their_member(self):
        """Also that of a card which was added to another one, as it is printed."""
        kept, merged = self._create_cards((self.bob, 5), (self.bob, 6))
        self._run()
        Member = self.env["loyalty.member"]
        bob = Member._find_by_code(kept.code).member_id
        self.assertEqual(bob.partner_id, self.bob)
        found = Member._find_by_code(f" {merged.code} ", company=self.env.company)
        self.assertEqual(found, bob.main_card_id)
        self.assertTrue(found)
        self.assertFalse(Member._find_by_code("no such card"))
        other = self._create_scheme(name="Another")
        self.assertFalse(Member._find_by_code(merged.code, scheme=other))

    def test_merged_card_is_kept(self):
        cards = self._create_cards((self.bob, 5), (self.bob, 6))
        self._run()
        with self.assertRaisesRegex(UserError, "added its points to another"):
            cards[1].unlink()

    def test_only_managers(self):
        self._create_cards((self.bob, 5))
        migration = self._prepare()
        migration.action_check()
        for role in ("service", "auditor"):
            user = new_test_user(self.env, role, GROUP + role)
            theirs = migration.with_user(user)
            for action in (
                "action_check",
                "action_run",
                "action_undo",
                "action_stop",
                "action_make_scheme",
            ):
                with (
                    self.subTest(role=role, action=action),
                    self.assertRaises(AccessError),
                ):
                    getattr(theirs, action)()
            with self.assertRaises(AccessError):
                theirs.create({"program_id": self.program.id})
        self.assertEqual(theirs.line_ids.points, 5)

    def test_nobody_writes_steps_or_lines(self):
        self._create_cards((self.bob, 5))
        migration = self._prepare(self._create_scheme(name="Unused"), state="done")
        self.assertEqual(migration.state, "draft")
        with self.assertRaises(AccessError):
            migration.state = "checked"
        migration.action_check()
        with self.assertRaises(AccessError):
            migration.line_ids.points = 7000

    def test_other_companies_see_nothing(self):
        company = self.env["res.company"].create({"name": "Rival"})
        other = new_test_user(
            self.env,
            "rival",
            GROUP + "manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self._create_cards((self.bob, 5))
        migration = self._prepare()
        migration.action_check()
        for records in (migration, migration.line_ids):
            self.assertFalse(
                records.with_user(other).search([("id", "in", records.ids)])
            )
            with self.assertRaises(AccessError):
                records.with_user(other).read(["company_id"])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMigrationScale(MigrationCase):
    def _fill(self, count):
        partners = self.env["res.partner"].create(
            [{"name": f"Customer {n}"} for n in range(count)]
        )
        self._create_cards(*((partner, 10) for partner in partners))

    def _count(self, method, *args):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        method(*args)
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _start(self, count):
        self.program = self._create_program(name=f"Stars {count}")
        self._fill(count)
        migration = self._prepare().sudo()
        checking = self._count(migration.action_check)
        migration.state = "running"
        return migration, checking

    def test_queries_do_not_grow_with_the_cards(self):
        """Ten cards and a thousand take the same statements, but for ORM inserts."""
        few, few_checking = self._start(10)
        few._enrol_all()
        many, many_checking = self._start(1000)
        enrolling = self._count(many._enrol_batch)
        self.assertEqual(many._count_waiting(), 500)
        self.assertLessEqual(enrolling, 60)
        many._enrol_all()
        self.assertLessEqual(many_checking, few_checking + 2)
        few_queries = self._count(few._migrate)
        many_queries = self._count(many._migrate)
        self.assertLessEqual(many_queries, few_queries + 2)
        self.assertEqual(many.points_after, 10_000)
        self.assertEqual(many.scheme_id.outstanding_points, 10_000)
        self.assertClean()
        self.assertLessEqual(self._count(many._undo), 80)
        self.assertEqual(sum(self.program.coupon_ids.mapped("points")), 10_000)
        self.assertClean()

    def _run_in_background(self):
        migration = self._prepare()
        migration.action_check()
        with patch(f"{MODEL}.LINES_AT_ONCE", 1):
            migration.action_run()
        return migration

    def test_large_ones_are_migrated_by_jobs(self):
        self._fill(12)
        migration = self._run_in_background()
        self.assertEqual((migration.state, migration.waiting_count), ("running", 12))
        with patch.object(type(migration)._job_enrol, "__defaults__", (5,)):
            for waiting in (7, 2, 0):
                self.assertEqual(self._perform_job(migration), "_job_enrol")
                migration.invalidate_recordset(["waiting_count"])
                self.assertEqual(migration.waiting_count, waiting)
                self.assertFalse(self.program.ledger_managed)
            methods = self._perform_jobs(migration)
        self.assertEqual(methods, ["_job_enrol", "_job_migrate"])
        self.env.invalidate_all()
        self.assertEqual(migration.state, "done")
        self.assertEqual(migration.points_after, 120)
        self.assertClean()

    def test_jobs_say_what_they_do_and_wait_once(self):
        self._fill(2)
        migration = self._run_in_background()
        migration.sudo()._delay_enrolment()
        job = self._get_jobs(migration)
        self.assertRecordValues(
            job,
            [
                {
                    "name": "Enroll the contacts of Native Stars",
                    "channel": "root.loyalty_migration",
                    "user_id": self.manager.id,
                }
            ],
        )

    def test_jobs_are_safe_to_run_twice(self):
        self._fill(3)
        migration = self._run_in_background()
        self._perform_jobs(migration)
        entries = self.program.coupon_ids.entry_ids
        self.assertEqual(len(entries), 3)
        for job in (migration.sudo()._job_enrol, migration.sudo()._job_migrate):
            self.assertEqual(job(), "The migration was stopped.")
        self.env.invalidate_all()
        self.assertEqual(self.program.coupon_ids.entry_ids, entries)
        self.assertFalse(self._get_jobs(migration))

    def test_a_job_does_nothing_after_stop(self):
        self._fill(3)
        before = self._state()
        migration = self._run_in_background()
        migration.action_stop()
        self.assertEqual(self._perform_jobs(migration), ["_job_enrol"])
        self.assertEqual(self._state(), before)
        self.assertFalse(migration.scheme_id.member_ids)
        self.assertEqual(migration.state, "checked")

    def test_a_job_tries_again_after_a_concurrent_sale(self):
        self._fill(2)
        migration = self._run_in_background().sudo()
        with (
            patch.object(
                type(migration), "_lock_native", side_effect=ConcurrencyError("busy")
            ),
            self.assertRaisesRegex(RetryableJobError, "busy"),
        ):
            migration._job_migrate()
        self.assertEqual(migration.state, "running")
        self._perform_jobs(migration)
        self.assertEqual(migration.state, "done")

    def test_a_failed_job_stops_the_migration(self):
        self._fill(2)
        migration = self._run_in_background()
        config = (
            self.env["queue.job.function"]
            .sudo()
            .job_config("<loyalty.migration>._job_migrate")
        )
        getattr(migration.sudo(), config.on_fail_method_name)(
            exc_info="Traceback", exc_name="KeyError", exc_message="no such thing"
        )
        self.assertEqual(migration.state, "checked")
        self.assertIn("no such thing", migration.problems)
        self.assertIn("no such thing", migration.message_ids[0].body)

    def test_no_id_is_used_again_after_an_uninstallation(self):
        self._fill(2)
        migration = self._run()
        self.env.flush_all()
        sequence = "loyalty_migration_id_seq"
        self.env.cr.execute("SELECT setval(%s, 1)", [sequence])
        post_init_hook(self.env)
        self.env.cr.execute("SELECT nextval(%s)", [sequence])
        self.assertGreater(self.env.cr.fetchone()[0], migration.id)

    def test_stopped_before_the_program_is_migrated(self):
        self._create_cards((self.bob, 10), (None, 7))
        before = self._state()
        migration = self._prepare()
        migration.action_check()
        with patch(f"{MODEL}.LINES_AT_ONCE", 1):
            migration.action_run()
        migration.sudo()._enrol_batch()
        self.assertNotEqual(self._state(), before)
        self.assertEqual(len(migration.scheme_id.member_ids), 2)
        migration.action_stop()
        self.assertEqual(self._state(), before)
        self.assertEqual(migration.state, "checked")
        self.assertEqual(set(migration.scheme_id.member_ids.mapped("state")), {"left"})
        migration.action_run()
        self.assertEqual(migration.points_after, 17)
        self.assertClean()

    def test_a_problem_in_the_background_is_shown(self):
        """The program stays a native one, and the form shows the problem."""
        self._create_cards((self.bob, 10), (self.carl, 5))
        migration = self._prepare()
        migration.action_check()
        with patch(f"{MODEL}.LINES_AT_ONCE", 1):
            migration.action_run()
        migration.scheme_id.action_close()
        self._perform_jobs(migration)
        self.env.invalidate_all()
        self.assertEqual(migration.state, "checked")
        self.assertIn("is closed", migration.problems)
        self.assertFalse(self.program.ledger_managed)
