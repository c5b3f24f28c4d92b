# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..ledger.move import Op, Shortfall
from .common import LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
class TestAnomaly(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "loyalty_member.loyalty_member_group_"
        cls.plain = new_test_user(cls.env, "anomaly_plain", "base.group_user")
        cls.service = new_test_user(cls.env, "anomaly_service", group + "service")
        cls.auditor = new_test_user(cls.env, "anomaly_auditor", group + "auditor")
        cls.manager = new_test_user(cls.env, "anomaly_manager", group + "manager")

    def _fall_short(self, policy):
        """Return goods whose 100 beans have been spent but for 20."""
        self.scheme.shortfall_policy = policy
        sale = self._record("S1", self._line("a", 100))
        self._post(Op.DEBIT, 80)
        back = (
            sale.with_user(self.plain)
            .sudo()
            ._record_return(self._sale("R1", self._line("x", 100, origin_key="a")))
        )
        anomaly = self.env["loyalty.anomaly"].search(
            [("account_id", "=", self.account.id)]
        )
        return back, anomaly

    def _decide(self, anomaly, resolution, reason="Because", user=None):
        return (
            self.env["loyalty.anomaly.close"]
            .with_user(user or self.manager)
            .create(
                {
                    "anomaly_ids": [Command.set(anomaly.ids)],
                    "resolution": resolution,
                    "reason": reason,
                }
            )
            .action_close()
        )

    def test_debt_leaves_nothing_to_look_at(self):
        _back, anomaly = self._fall_short("debt")
        self.assertFalse(anomaly)
        self.assertBooks(-80)

    def test_cap_records_what_was_given_up(self):
        back, anomaly = self._fall_short("cap")
        self.assertBooks(0)
        entry = back.entry_ids
        self.assertEqual((entry.amount, entry.shortfall), (-20, 80))
        self.assertRecordValues(
            anomaly,
            [
                {
                    "kind": "shortfall",
                    "state": "open",
                    "needs_decision": False,
                    "points": 80,
                    "value": 0.8,
                    "member_id": self.member.id,
                    "entry_id": entry.id,
                    "transaction_id": back.id,
                    "company_id": self.account.company_id.id,
                }
            ],
        )
        self.assertIn("80 beans", anomaly.note)
        self.assertFalse(anomaly.activity_ids)
        self.assertEqual(self.member.anomaly_count, 1)

    def test_approval_waits_for_a_manager(self):
        _back, anomaly = self._fall_short("approval")
        self.assertBooks(0)
        self.assertTrue(anomaly.needs_decision)
        self.assertIn(self.manager, anomaly.activity_ids.user_id)
        self.assertNotIn(self.service, anomaly.activity_ids.user_id)

    def test_member_owes_it(self):
        _back, anomaly = self._fall_short("approval")
        self._decide(anomaly, "debt", "Third time this month")
        self.assertBooks(-80)
        self.assertRecordValues(
            anomaly,
            [
                {
                    "state": "closed",
                    "resolution": "debt",
                    "resolution_note": "Third time this month",
                    "closed_by_id": self.manager.id,
                }
            ],
        )
        self.assertEqual(anomaly.debt_entry_id.amount, -80)
        self.assertEqual(anomaly.debt_entry_id.reason, "Third time this month")
        self.assertFalse(anomaly.activity_ids)
        self._decide(anomaly, "debt")
        self._decide(anomaly, "given_up")
        self.assertBooks(-80)
        self.assertEqual(anomaly.resolution, "debt")
        self._post(Op.CREDIT, 100)
        self.assertBooks(20)

    def test_what_is_there_again_is_taken_first(self):
        _back, anomaly = self._fall_short("approval")
        self._post(Op.CREDIT, 50)
        self._decide(anomaly, "debt")
        self.assertBooks(-30)

    def test_given_up_stays_capped(self):
        _back, anomaly = self._fall_short("approval")
        self._decide(anomaly, "given_up")
        self._decide(anomaly, "debt")
        self.assertBooks(0)
        self.assertEqual(anomaly.resolution, "given_up")
        self.assertFalse(anomaly.debt_entry_id)
        self.assertEqual(self.member.anomaly_count, 0)

    def test_cancelled_return_leaves_nothing_to_decide(self):
        back, anomaly = self._fall_short("approval")
        back._cancel()
        self.assertBooks(20)
        self.assertEqual((anomaly.state, anomaly.resolution), ("closed", "cancelled"))
        self.assertFalse(anomaly.activity_ids)
        self._decide(anomaly, "debt")
        self.assertBooks(20)

    def test_cancelled_return_gives_back_what_was_decided_to_be_owed(self):
        back, anomaly = self._fall_short("approval")
        self._decide(anomaly, "debt")
        back._cancel()
        self.assertBooks(20)

    def test_only_managers_decide_and_nobody_writes(self):
        _back, anomaly = self._fall_short("approval")
        for user in (self.plain, self.service, self.auditor):
            with self.assertRaises(AccessError):
                self._decide(anomaly, "debt", user=user)
            with self.assertRaises(AccessError):
                anomaly.with_user(user)._close("debt", "Because")
        for user in (self.service, self.auditor, self.manager):
            self.assertEqual(anomaly.with_user(user).points, 80)
            with self.assertRaises(AccessError):
                anomaly.with_user(user).write({"state": "closed"})
            with self.assertRaises(AccessError):
                anomaly.with_user(user).unlink()
            with self.assertRaises(AccessError):
                anomaly.with_user(user).copy()
        with self.assertRaises(AccessError):
            anomaly.with_user(self.plain).read(["points"])
        self.assertBooks(0)

    def test_decisions_need_a_reason_and_points_to_owe(self):
        _back, anomaly = self._fall_short("approval")
        with self.assertRaisesRegex(UserError, "why"):
            self._decide(anomaly, "debt", reason="  ")
        finding = self.env["loyalty.anomaly"]._record(
            [{"kind": "audit", "account_id": self.account.id, "note": "Look"}]
        )
        with self.assertRaisesRegex(UserError, "names no points"):
            self._decide(finding | anomaly, "debt")
        self.assertEqual((finding | anomaly).mapped("state"), ["open", "open"])
        self.assertBooks(0)
        self._decide(finding, "explained", "A test")
        self.assertEqual(finding.state, "closed")

    def test_a_finding_is_recorded_once_while_it_is_open(self):
        finding = {
            "kind": "audit",
            "account_id": self.account.id,
            "note": "Look",
            "key": "audit:chain",
        }
        Anomaly = self.env["loyalty.anomaly"]
        first = Anomaly._record([finding, finding])
        self.assertEqual(len(first), 1)
        self.assertFalse(Anomaly._record([finding]))
        self._decide(first, "explained")
        self.assertEqual(len(Anomaly._record([finding])), 1)

    def test_service_users_leave_notes(self):
        _back, anomaly = self._fall_short("approval")
        anomaly.with_user(self.service).message_post(body="She came back twice")
        self.assertIn("twice", anomaly.message_ids[0].body)

    def test_users_of_another_company_see_nothing(self):
        _back, anomaly = self._fall_short("approval")
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "anomaly_stranger",
            "loyalty_member.loyalty_member_group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertFalse(
            self.env["loyalty.anomaly"].with_user(stranger).search([]) & anomaly
        )
        with self.assertRaises(AccessError):
            self._decide(anomaly, "debt", user=stranger)
        self.assertNotIn(stranger, anomaly.activity_ids.user_id)

    def test_many_shortfalls_take_a_constant_number_of_queries(self):
        def count(number):
            partners = self.env["res.partner"].create(
                [{"name": f"Member {number}.{i}"} for i in range(number)]
            )
            members = self.env["loyalty.member"]._enrol(partners, self.scheme)
            accounts = self.scheme._get_accounts(members).values()
            moves = [
                self._move(Op.TAKE_BACK, 5, account=account, shortfall=Shortfall.CAP)
                for account in accounts
            ]
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.ledger._post(moves)
            self.env.flush_all()
            return self.cr.sql_log_count - before

        self.scheme.shortfall_policy = "cap"
        count(2)
        few = count(3)
        self.assertEqual(count(40), few)
        self.assertEqual(
            self.env["loyalty.anomaly"].search_count(
                [("scheme_id", "=", self.scheme.id), ("kind", "=", "shortfall")]
            ),
            45,
        )
