# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon

TODAY = NOW.date()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestWarning(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.write({"expiry_policy": "term", "expiry_warning_days": 30})

    def _warn(self):
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env(cr=cr)["loyalty.ledger.warning"]._cron_warn()
        self.env.invalidate_all()
        return self._warnings()

    def _warnings(self):
        return [
            (warning.account_id, warning.expiry_date, warning.points)
            for warning in self.env["loyalty.ledger.warning"].search(
                [("scheme_id", "=", self.scheme.id)], order="id"
            )
        ]

    def _credit(self, points, days, op=Op.CREDIT, account=None):
        self._post(
            op, points, account=account, expiry_date=TODAY + timedelta(days=days)
        )

    def test_one_warning_an_account_and_day(self):
        for points, days in ((10, 30), (5, 30), (7, 12), (3, 31), (2, -1)):
            self._credit(points, days)
        self._credit(90, 5, op=Op.PEND)
        expected = [
            (self.account, date(2026, 3, 22), 7),
            (self.account, date(2026, 4, 9), 15),
        ]
        self.assertEqual(self._warn(), expected)
        self._credit(50, 30)
        self.assertEqual(self._warn(), expected)

    def test_the_day_is_counted_by_scheme(self):
        other = self._create_scheme(
            name="Tea", expiry_policy="term", expiry_warning_days=0
        )
        late = self._create_scheme(
            name="Cake", expiry_policy="term", expiry_warning_days=3
        )
        for scheme in (other, late):
            member = self.env["loyalty.member"]._enrol(self.anna, scheme)
            self._credit(5, 3, account=scheme._get_account(member))
            self._credit(5, 4, account=scheme._get_account(member))
        self._warn()
        warnings = self.env["loyalty.ledger.warning"].search(
            [("scheme_id", "in", (other | late).ids)]
        )
        self.assertEqual(
            [(w.scheme_id, w.expiry_date) for w in warnings],
            [(late, date(2026, 3, 13))],
        )

    def test_spent_points_are_not_warned_of(self):
        self._credit(10, 20)
        self._post(Op.DEBIT, 10)
        self.assertEqual(self._warn(), [])

    def test_who_cannot_spend_is_not_warned_until_it_can(self):
        self._credit(10, 20)
        self.member.action_block("lost its card")
        self.assertEqual(self._warn(), [])
        self.member.action_unblock()
        self.scheme.action_close()
        self.assertEqual(self._warn(), [])
        self.scheme.action_reopen()
        self.assertEqual(len(self._warn()), 1)

    def test_activity_brings_a_new_warning(self):
        self.scheme.write({"expiry_policy": "activity", "expiry_term": 1})
        self._record("S1", self._line("a", 10), date=NOW - timedelta(days=10))
        self._warn()
        self._record("S2", self._line("a", 5), date=NOW - timedelta(days=2))
        self.assertEqual(
            self._warn(),
            [
                (self.account, date(2026, 3, 28), 10),
                (self.account, date(2026, 4, 8), 15),
            ],
        )

    def test_all_are_found_however_they_are_cut(self):
        partners = self.env["res.partner"].create(
            [{"name": f"Member {i}"} for i in range(7)]
        )
        accounts = self.scheme._get_accounts(
            self.env["loyalty.member"]._enrol(partners, self.scheme)
        ).values()
        for account in accounts:
            for days in (1, 2, 3):
                self._credit(5, days, account=account)
        Warning_ = self.registry["loyalty.ledger.warning"]
        find = Warning_._find_expiring
        with patch.object(
            Warning_, "_find_expiring", lambda self, after: find(self, after, limit=4)
        ):
            self.assertEqual(len(set(self._warn())), 21)

    def test_it_reads_as_a_sentence(self):
        self._credit(10, 20)
        self._warn()
        warning = self.env["loyalty.ledger.warning"].search(
            [("account_id", "=", self.account.id)]
        )
        self.assertEqual(warning.display_name, "10 beans expire on 03/30/2026")
        self.assertEqual(warning.member_id, self.member)
        self.assertEqual(warning.partner_id, self.anna)

    def test_twice_is_refused_by_the_database(self):
        self._credit(10, 20)
        self._warn()
        values = self.env["loyalty.ledger.warning"].search([], limit=1).copy_data()[0]
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env["loyalty.ledger.warning"].create(values)

    def test_old_warnings_are_forgotten(self):
        self._credit(10, 20)
        self._warn()
        Warning_ = self.env["loyalty.ledger.warning"]
        self.assertEqual(Warning_._gc_past(), (0, False))
        with freeze_time("2027-03-31"):
            self.assertEqual(Warning_._gc_past(), (1, False))
        self.assertEqual(self._warnings(), [])

    def test_rights(self):
        self._credit(10, 20)
        self._warn()
        Warning_ = self.env["loyalty.ledger.warning"]
        warning = Warning_.search([("account_id", "=", self.account.id)])
        service = new_test_user(
            self.env, "helper", groups="loyalty_member.loyalty_member_group_service"
        )
        self.assertEqual(warning.with_user(service).points, 10)
        for call in (
            lambda: warning.with_user(service).write({"points": 1}),
            lambda: warning.with_user(service).unlink(),
            lambda: Warning_.with_user(service).create({}),
            lambda: Warning_.with_user(new_test_user(self.env, "plain")).search([]),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_other_companies_are_not_seen(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        scheme = self._create_scheme(
            name="Far", company_id=company.id, expiry_policy="term"
        )
        member = self.env["loyalty.member"]._enrol(self.anna, scheme)
        self._credit(10, 20, account=scheme._get_account(member))
        self._warn()
        service = new_test_user(
            self.env, "helper", groups="loyalty_member.loyalty_member_group_service"
        )
        found = self.env["loyalty.ledger.warning"].search(
            [("scheme_id", "=", scheme.id)]
        )
        self.assertEqual(len(found), 1)
        self.assertFalse(found.with_user(service).search([("id", "in", found.ids)]))
