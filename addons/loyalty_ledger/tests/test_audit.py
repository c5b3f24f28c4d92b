# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from contextlib import contextmanager
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ..ledger.move import Op, Shortfall
from ..models import loyalty_ledger, loyalty_ledger_audit
from .common import NOW, LoyaltyLedgerCommon


class AuditCase(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "loyalty_member.loyalty_member_group_"
        cls.service = new_test_user(cls.env, "service", group + "service")
        cls.auditor = new_test_user(cls.env, "auditor", group + "auditor")
        cls.manager = new_test_user(cls.env, "manager", group + "manager")
        cls.audits = cls.env["loyalty.ledger.audit"]

    def _open_account(self, name, scheme=None):
        scheme = scheme or self.scheme
        partner = self.env["res.partner"].create({"name": name})
        return scheme._get_account(self.env["loyalty.member"]._enrol(partner, scheme))

    def _break(self, account=None):
        """Give points away without an entry."""
        self._tamper(
            "UPDATE loyalty_card SET points = points + 1 WHERE id = %s",
            (account or self.account).id,
        )

    @contextmanager
    def _ranges_of_one(self):
        with patch.object(loyalty_ledger, "ACCOUNTS_AT_ONCE", 1):
            yield


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAuditFindings(AuditCase):
    """What a thief with the database changes is found, and where."""

    def _finding(self, check):
        found = [f for f in self.ledger._audit(self.account) if f.check == check]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_a_changed_amount(self):
        self._post(Op.CREDIT, 10)
        entry = self._post(Op.CREDIT, 20)
        self._post(Op.CREDIT, 30)
        self._tamper(
            "UPDATE loyalty_ledger_entry SET amount = 21 WHERE id = %s", entry.id
        )
        broken = self._finding("chain_is_whole")
        self.assertEqual(broken.entry_id, entry.id, "the first broken link is named")
        self.assertEqual(broken.found, entry.hash)
        total = self._finding("balance_is_sum_of_entries")
        self.assertEqual((total.expected, total.found), ("61", "60"))
        self.assertEqual(self._finding("entries_are_allocated").entry_id, entry.id)
        self.assertEqual(self._finding("balance_follows_entries").entry_id, entry.id)

    def test_any_changed_column_breaks_the_chain(self):
        earned = self._post(Op.CREDIT, 10, reason="Goodwill")
        self._post(Op.DEBIT, 8)
        given_up = self._post(
            Op.TAKE_BACK, 10, undo=tuple(earned.ids), shortfall=Shortfall.CAP
        )
        self.assertEqual(given_up.shortfall, 8)
        for change in (
            "reason = 'Theft'",
            "key = 'other'",
            "kind = 'opening'",
            "date = date + interval '1 second'",
            "requested = requested + 1",
            "shortfall = shortfall + 1",
            "hash = repeat('a', 64)",
            "prev_hash = repeat('a', 64)",
        ):
            with self.subTest(change), self.env.cr.savepoint() as savepoint:
                self._tamper(
                    "UPDATE loyalty_ledger_entry SET " + change + " WHERE id = %s",
                    given_up.id,
                )
                self.assertEqual(self._finding("chain_is_whole").entry_id, given_up.id)
                savepoint.rollback()
        self.assertFalse(self._findings())

    def test_a_removed_entry(self):
        self._post(Op.CREDIT, 10)
        entry = self._post(Op.CREDIT, 20)
        following = self._post(Op.CREDIT, 30)
        self._remove_entry(entry)
        broken = self._finding("chain_is_whole")
        self.assertEqual(broken.entry_id, following.id)
        self.assertEqual((broken.expected, broken.found), ("2", "3"))

    def test_a_removed_last_entry(self):
        first = self._post(Op.CREDIT, 10)
        self._remove_entry(self._post(Op.CREDIT, 20))
        end = self._finding("chain_ends_at_the_account")
        self.assertEqual(end.expected, f"1 {first.hash}")
        self.assertNotIn("chain_is_whole", self._findings())

    def test_an_entry_slipped_in(self):
        self._post(Op.CREDIT, 10)
        self._tamper(
            """
            INSERT INTO loyalty_ledger_entry (account_id, scheme_id, sequence, kind,
                amount, pending, requested, shortfall, balance_after, pending_after,
                date, key, prev_hash, hash)
            SELECT account_id, scheme_id, 2, kind, 5, 0, 5, 0, 15, 0, date, 'mine',
                   hash, repeat('b', 64)
              FROM loyalty_ledger_entry WHERE account_id = %s
            """,
            self.account.id,
        )
        self.assertEqual(self._finding("chain_is_whole").found, "b" * 64)
        self.assertIn("chain_ends_at_the_account", self._findings())
        self.assertIn("balance_is_sum_of_entries", self._findings())

    def test_a_changed_balance(self):
        self._post(Op.CREDIT, 10)
        self._break()
        self.assertEqual(
            self._findings(), {"balance_is_sum_of_entries", "balance_is_sum_of_lots"}
        )

    def test_a_changed_pending_balance(self):
        self._post(Op.PEND, 10)
        self._tamper(
            "UPDATE loyalty_card SET ledger_pending = 9 WHERE id = %s", self.account.id
        )
        self.assertEqual(
            self._findings(), {"pending_is_sum_of_entries", "pending_is_sum_of_lots"}
        )

    def test_a_changed_balance_in_an_entry(self):
        entry = self._post(Op.CREDIT, 10)
        self._post(Op.CREDIT, 10)
        self._tamper(
            "UPDATE loyalty_ledger_entry SET balance_after = 11 WHERE id = %s", entry.id
        )
        finding = self._finding("balance_follows_entries")
        self.assertEqual(finding.entry_id, entry.id)
        self.assertEqual((finding.expected, finding.found), ("10 + 0", "11 + 0"))

    def test_a_changed_lot(self):
        entry = self._post(Op.CREDIT, 10)
        self._tamper(
            "UPDATE loyalty_ledger_lot SET remaining = 9 WHERE account_id = %s",
            self.account.id,
        )
        self.assertEqual(
            self._findings(), {"balance_is_sum_of_lots", "lots_are_allocated"}
        )
        lot = self._finding("lots_are_allocated")
        self.assertEqual((lot.entry_id, lot.expected, lot.found), (entry.id, "10", "9"))

    def test_a_lot_made_available_early(self):
        self._post(Op.PEND, 10)
        self._tamper(
            "UPDATE loyalty_ledger_lot SET state = 'available' WHERE account_id = %s",
            self.account.id,
        )
        self.assertEqual(
            self._findings(), {"balance_is_sum_of_lots", "pending_is_sum_of_lots"}
        )

    def test_a_removed_allocation(self):
        entry = self._post(Op.CREDIT, 10)
        self._tamper(
            "DELETE FROM loyalty_ledger_allocation WHERE entry_id = %s", entry.id
        )
        self.assertEqual(
            self._findings(), {"entries_are_allocated", "lots_are_allocated"}
        )

    def test_a_hold_that_vanished(self):
        self._post(Op.CREDIT, 10)
        self.account._hold("pos:1", 4)
        self._tamper("DELETE FROM loyalty_hold WHERE account_id = %s", self.account.id)
        held = self._finding("held_is_sum_of_holds")
        self.assertEqual((held.expected, held.found), ("0", "4"))

    def test_an_account_hidden_from_the_ledger(self):
        self._post(Op.CREDIT, 10)
        self._tamper(
            "UPDATE loyalty_card SET ledger_managed = FALSE WHERE id = %s",
            self.account.id,
        )
        self.assertEqual(self._findings(), {"account_is_managed"})
        self.assertIn(
            self.account.id, [finding.account_id for finding in self.ledger._audit()]
        )

    def test_a_guard_that_stands_aside(self):
        self.assertEqual(self.ledger._audit(), [])
        self._toggle_guards("loyalty_ledger_entry", "DISABLE")
        self.assertEqual(
            [(f.check, f.expected) for f in self.ledger._audit()],
            [("guards_stand", "loyalty_ledger_entry")],
        )
        self.env["loyalty.ledger.entry"].init()
        self.assertEqual(self.ledger._audit(), [], "an update puts it up again")
        self.env.cr.execute(SQL("DROP INDEX loyalty_ledger_entry_key_unique"))
        self.assertEqual(
            [(f.check, f.expected) for f in self.ledger._audit()],
            [("guards_stand", "loyalty_ledger_entry_key_unique")],
        )

    def test_each_account_is_judged_by_itself(self):
        bob, carol = self._open_account("Bob"), self._open_account("Carol")
        for account in (self.account, bob, carol):
            self._post(Op.CREDIT, 10, account=account)
        self._break(bob)
        for at_once in (1, 2, 100):
            with patch.object(loyalty_ledger, "ACCOUNTS_AT_ONCE", at_once):
                found = self.ledger._audit(self.account | bob | carol)
                self.assertEqual({f.account_id for f in found}, {bob.id})

    def test_a_range_holds_no_more_entries_than_allowed(self):
        bob, carol = self._open_account("Bob"), self._open_account("Carol")
        for _time in range(3):
            self._post(Op.CREDIT, 10, account=bob)
        accounts = self.account | bob | carol
        scope = SQL("card.id = ANY(%s)", accounts.ids)
        with patch.object(loyalty_ledger, "ENTRIES_AT_ONCE", 2):
            ranges = [self.ledger._read_audit_range(scope, 0)]
            while ranges[-1]:
                ranges.append(self.ledger._read_audit_range(scope, ranges[-1][-1]))
        self.assertEqual(ranges, [[self.account.id, bob.id], [carol.id], []])

    def test_queries_do_not_grow_with_accounts(self):
        accounts = self.account
        counts = []
        for size in (2, 12):
            while len(accounts) < size:
                accounts |= self._open_account(f"Member {len(accounts)}")
                self._post(Op.CREDIT, 10, account=accounts[-1])
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.ledger._audit(accounts)
            counts.append(self.env.cr.sql_log_count - before)
        # One to find the range, one to check it, one to find that it was the last
        self.assertEqual(counts, [3, 3])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAudit(AuditCase):
    """Who asks for an audit gets an answer they can act on."""

    def _check(self, record, user):
        action = record.with_user(user).action_check_books()
        self.assertEqual(action["res_model"], "loyalty.ledger.audit")
        return self.audits.browse(action["res_id"])

    def _get_activities(self, audit):
        return self.env["mail.activity"].search(
            [("res_model", "=", audit._name), ("res_id", "in", audit.ids)]
        )

    def test_clean_books(self):
        self._post(Op.CREDIT, 10)
        self._post(Op.DEBIT, 4)
        audit = self._check(self.account, self.auditor)
        self.assertEqual(
            (audit.state, audit.account_count, audit.entry_count),
            ("clean", 1, 2),
        )
        self.assertEqual((audit.user_id, audit.date), (self.auditor, NOW))
        self.assertEqual((audit.scope, audit.asked_by), ("Anna", self.auditor.name))
        self.assertFalse(audit.finding_ids)
        self.assertFalse(self._get_activities(audit), "nothing is said otherwise")

    def test_findings_are_named_and_managers_called(self):
        self._post(Op.CREDIT, 10)
        self._break()
        audit = self._check(self.member, self.auditor)
        self.assertEqual(audit.state, "findings")
        finding = audit.with_user(self.auditor).finding_ids[0]
        self.assertEqual(
            (finding.account_id, finding.partner_id, finding.expected, finding.found),
            (self.account, self.anna, "10", "11"),
        )
        self.assertEqual(
            finding.display_name, "The balance is what the entries add up to"
        )
        self.assertEqual(finding.account_kind, "points")
        self.assertEqual(
            finding._get_note(),
            "This does not hold: The balance is what the entries add up to."
            " Expected 10, found 11.",
        )
        finding.sudo().check_type = "chain_is_whole"
        self.assertEqual(
            finding._get_note(),
            "This does not hold: No entry was changed, removed or slipped in.",
        )
        activity = self._get_activities(audit).filtered(
            lambda activity: activity.user_id == self.manager
        )
        self.assertEqual(
            activity.summary, "The loyalty ledger does not add up: 2 findings"
        )
        self.assertFalse(
            self._get_activities(audit).filtered(
                lambda activity: activity.user_id in self.auditor | self.service
            )
        )

    def test_accounts_in_trouble_are_marked_once(self):
        self._post(Op.CREDIT, 10)
        self._break()
        self._check(self.member, self.auditor)
        self._check(self.member, self.auditor)
        anomalies = self.env["loyalty.anomaly"].search(
            [("account_id", "=", self.account.id), ("kind", "=", "audit")]
        )
        self.assertEqual(len(anomalies), 2)
        self.assertIn("Expected 10, found 11", anomalies[0].note)
        self.assertEqual(self.member.anomaly_count, 2)

    def test_scope_of_a_scheme(self):
        other_scheme = self._create_scheme(name="Tea")
        other = self._open_account("Bob", other_scheme)
        self._post(Op.CREDIT, 10)
        self._post(Op.CREDIT, 10, account=other)
        self._break(other)
        self.assertEqual(self._check(self.scheme, self.auditor).state, "clean")
        audit = self._check(other_scheme, self.auditor)
        self.assertEqual(audit.state, "findings")
        self.assertEqual(audit.finding_ids.account_id, other)
        everything = self._check(self.audits, self.auditor)
        self.assertEqual(everything.finding_ids.account_id, other)
        self.assertGreaterEqual(everything.account_count, 2)

    def test_the_button_above_the_list(self):
        """The browser sends the ids of the selected audits, perhaps none."""
        for args in ([[]], [self._check(self.account, self.auditor).ids]):
            audits = self.audits.with_user(self.auditor)
            action = call_kw(audits, "action_check_books", args, {})
            self.assertEqual(self.audits.browse(action["res_id"]).scheme_id.ids, [])

    def test_only_auditors_and_managers_ask(self):
        self._check(self.audits, self.manager)
        for record in (self.audits, self.account, self.member, self.scheme):
            with self.assertRaisesRegex(AccessError, "auditors and managers"):
                record.with_user(self.service).action_check_books()

    def test_nobody_writes_an_audit_by_hand(self):
        self._break()
        audit = self._check(self.account, self.auditor)
        for user in (self.auditor, self.manager):
            for record in (audit, audit.finding_ids):
                record.with_user(user).check_access("read")
                for call in (
                    lambda record=record, user=user: record.with_user(user).write({}),
                    lambda record=record, user=user: record.with_user(user).unlink(),
                    lambda record=record, user=user: record.with_user(user).create({}),
                ):
                    with self.assertRaises(AccessError):
                        call()
            for record in (audit, audit.finding_ids):
                with self.assertRaises(AccessError):
                    record.with_user(self.service).check_access("read")

    def test_findings_of_another_company_stay_there(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "loyalty_member.loyalty_member_group_auditor",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        scheme = self._create_scheme(name="Tea", company_id=self.company.id)
        account = self._open_account("Bob", scheme)
        self._post(Op.CREDIT, 10, account=account)
        self._break(account)
        audit = self._check(self.audits, self.auditor)
        self.assertTrue(audit.with_user(self.auditor).finding_count)
        self.env.invalidate_all()
        seen = audit.with_user(stranger)
        self.assertEqual((seen.finding_count, len(seen.finding_ids)), (0, 0))
        of_account = self._check(account, self.auditor)
        self.assertEqual(of_account.with_user(self.auditor).scope, "Bob")
        self.assertEqual(
            of_account.with_user(stranger).scope, "Accounts of another company"
        )
        of_scheme = self._check(scheme, self.auditor)
        self.assertNotIn(of_scheme, self.audits.with_user(stranger).search([]))

    def test_a_large_ledger_is_left_to_the_job(self):
        self._post(Op.CREDIT, 10)
        self._break()
        cron = self.env.ref("loyalty_ledger.ir_cron_audit")
        triggers = self.env["ir.cron.trigger"].sudo()
        with patch.object(loyalty_ledger_audit, "ENTRIES_TO_WAIT_FOR", 0):
            audit = self._check(self.account, self.auditor)
        self.assertEqual((audit.state, audit.account_count), ("running", 0))
        self.assertTrue(triggers.search([("cron_id", "=", cron.id)]))
        with self.enter_registry_test_mode():
            cron.sudo().method_direct_trigger()
        self.assertEqual((audit.state, audit.account_count), ("findings", 1))

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("loyalty_ledger.ir_cron_audit").sudo().method_direct_trigger()
        return self.audits.search([("user_id", "=", False)])

    def test_nightly(self):
        self._post(Op.CREDIT, 10)
        first = self._run_cron()
        self.assertEqual((len(first), first.state), (1, "clean"))
        self.assertEqual(self._run_cron(), first, "once a day")
        self._break()
        with freeze_time("2026-03-11 02:00:00"):
            second = self._run_cron() - first
        self.assertEqual(second.state, "findings")
        self.assertIn(self.manager, self._get_activities(second).user_id)
        with freeze_time("2026-03-12 02:00:00"):
            third = self._run_cron() - first - second
        self.assertIn(self.manager, self._get_activities(third).user_id)
        self.assertFalse(self._get_activities(second), "one thing to do, not two")

    def test_nightly_goes_on_where_it_stopped(self):
        bob = self._open_account("Bob")
        for account in (self.account, bob):
            self._post(Op.CREDIT, 10, account=account)
            self._break(account)
        left = []

        def out_of_time(_cron, processed=0, *, remaining=None):
            left.append(remaining)
            return 0

        with (
            self._ranges_of_one(),
            patch.object(self.env.registry["ir.cron"], "_commit_progress", out_of_time),
        ):
            self.audits._cron_audit()
            audit = self.audits.search([("user_id", "=", False)])
            self.assertEqual((audit.state, audit.account_count), ("running", 1))
            total = left[-1] + 1
            while audit.state == "running":
                self.audits._cron_audit()
        self.assertEqual(left, [*range(total - 1, -1, -1)])
        self.assertEqual((audit.state, audit.account_count), ("findings", total))
        self.assertEqual(audit.finding_ids.account_id, self.account | bob)
