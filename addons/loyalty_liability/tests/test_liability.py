# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import BaseCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.ledger.flow import WALLET
from odoo.addons.loyalty_ledger.ledger.move import Op, Shortfall
from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon

from ..engine import estimate


def months(*rows):
    return [tuple(Decimal(figure) for figure in row) for row in rows]


@tagged("post_install", "-at_install")
class TestEstimate(BaseCase):
    def test_no_history(self):
        self.assertEqual(estimate([], 36), [])

    def test_spent_and_expired_compete(self):
        """Of 100 left, 20 are spent; of 80, 40 are spent; of 40, 10 expire.

        After that nobody knows, and all 30 count as spent: 10 of 100 are lost.
        """
        rates = estimate(months((100, 20, 0), (80, 40, 0), (40, 0, 10)), 36)
        self.assertEqual(rates, [Decimal("0.1"), Decimal("0.125"), Decimal("0.25"), 0])

    def test_after_the_limit_points_are_never_spent(self):
        rates = estimate(months((100, 20, 0), (80, 40, 0), (40, 0, 10)), 2)
        self.assertEqual(rates, [Decimal("0.4"), Decimal("0.5"), 1])

    def test_cells_that_say_nothing(self):
        """Nothing left, more given back than spent, more spent than was left."""
        self.assertEqual(estimate(months((0, 0, 0)), 36), [0, 0])
        self.assertEqual(estimate(months((100, -5, 50)), 36), [Decimal("0.5"), 0])
        self.assertEqual(estimate(months((100, 90, 50)), 36), [Decimal("0.5"), 0])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLiability(LoyaltyLedgerCommon):
    """Today is 10 March 2026; 100 beans are worth 1."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auditor = new_test_user(
            cls.env, "reader", groups="loyalty_member.loyalty_member_group_auditor"
        )

    def _at(self, op, points, when, **values):
        return self._post(op, points, date=datetime.fromisoformat(when), **values)

    def _fill_cohorts(self):
        """Three cohorts, one a month, of 100, 200 and 1000; March has no say yet.

        December: 30 spent in month 0, 35 in month 1, 10 expire in month 2.
        January: 60 spent in month 0, 40 expire in month 1.
        February: nothing in month 0.
        """
        for points, when, spent in (
            (100, "2025-12-05 10:00:00", 30),
            (200, "2026-01-05 10:00:00", 60),
        ):
            account = self._new_account()
            self._at(Op.CREDIT, points, when, account=account)
            self._at(Op.DEBIT, spent, when, account=account)
            if points == 100:
                self._at(Op.DEBIT, 35, "2026-01-20 10:00:00", account=account)
                self._expire(account, 10, "2026-02-20 10:00:00")
            else:
                self._expire(account, 40, "2026-02-20 10:00:00")
        account = self._new_account()
        self._at(Op.CREDIT, 1000, "2026-02-05 10:00:00", account=account)
        self._at(Op.DEBIT, 700, "2026-03-05 10:00:00", account=account)

    def _expire(self, account, points, when):
        """Let points expire, told by the kind of the entry."""
        self._at(Op.DEBIT, points, when, account=account, kind="expire")

    def _new_account(self):
        partner = self.env["res.partner"].create({"name": "Somebody"})
        member = self.env["loyalty.member"]._enrol(partner, self.scheme)
        return self.scheme._get_account(member)

    def _rates(self):
        self.env["loyalty.breakage.rate"]._estimate()
        rates = self.env["loyalty.breakage.rate"].with_user(self.auditor)
        return rates.search([("scheme_id", "=", self.scheme.id)])

    def _report(self, *measures):
        report = self.env["loyalty.liability.report"].with_user(self.auditor)
        return report._read_group(
            [("scheme_id", "=", self.scheme.id)],
            ["kind", "state", "age"],
            [f"{measure}:sum" for measure in measures],
        )

    def test_cohorts(self):
        """Month 0: 90 of 1300 spent; month 1: 35 spent and 40 expired of 210; month 2:
        10 expired of 35."""
        self._fill_cohorts()
        rates = self._rates()
        self.assertEqual(
            [(rate.age, rate.exposed, rate.used, rate.expired) for rate in rates],
            [(0, 1300, 90, 0), (1, 210, 35, 40), (2, 35, 0, 10), (3, 0, 0, 0)],
        )
        second = 10 / 35
        first = 40 / 210 + (1 - 75 / 210) * second
        expected = [(1 - 90 / 1300) * first, first, second, 0]
        for rate, value in zip(rates, expected, strict=True):
            self.assertAlmostEqual(rate.rate, value, 6)

    def test_what_is_taken_back_says_nothing(self):
        account = self._new_account()
        earned = self._at(Op.CREDIT, 100, "2026-01-05 10:00:00", account=account)
        self._at(
            Op.TAKE_BACK,
            60,
            "2026-01-06 10:00:00",
            account=account,
            undo=tuple(earned.ids),
        )
        self._expire(account, 10, "2026-02-20 10:00:00")
        self.assertEqual(
            [(rate.exposed, rate.used, rate.expired) for rate in self._rates()],
            [(100, 0, 0), (40, 0, 10), (0, 0, 0)],
        )

    def _figures(self):
        """Return the triangle as it is in May, but for the row that ends it."""
        with freeze_time("2026-05-10 10:00:00"):
            return [
                (rate.exposed, rate.used, rate.expired) for rate in self._rates()[:-1]
            ]

    def test_points_of_merged_members_are_as_old_as_they_were(self):
        partner = self.env["res.partner"].create({"name": "Anna Twin"})
        duplicate = self.env["loyalty.member"]._enrol(partner, self.scheme)
        theirs = self.scheme._get_account(duplicate)
        self._at(Op.CREDIT, 200, "2026-01-05 10:00:00", account=theirs)
        self._at(Op.DEBIT, 60, "2026-01-05 10:00:00", account=theirs)
        self._at(Op.CREDIT, 100, "2026-02-05 10:00:00")
        apart = [(300, 60, 0), (240, 0, 0), (240, 0, 0), (140, 0, 0)]
        self.assertEqual(self._figures(), apart)
        with freeze_time("2026-04-02 10:00:00"):
            self.member._merge(duplicate, "The same phone")
        self.assertBooks(240)
        self.assertEqual(self._figures(), apart)
        # All 100 of February, and 40 of those that came along from January
        self._at(Op.DEBIT, 140, "2026-04-15 10:00:00")
        together = [(300, 60, 0), (240, 0, 0), (240, 100, 0), (140, 40, 0)]
        self.assertEqual(self._figures(), together)
        with freeze_time("2026-04-20 10:00:00"):
            duplicate.action_unmerge()
        self.assertBooks(0)
        self.assertBooks(100, account=theirs)
        self.assertEqual(self._figures(), together)
        self._expire(theirs, 10, "2026-04-25 10:00:00")
        self.assertEqual(self._figures(), together[:-1] + [(140, 40, 10)])

    def test_a_debt_that_a_merge_pays_is_spent(self):
        partner = self.env["res.partner"].create({"name": "Anna Twin"})
        duplicate = self.env["loyalty.member"]._enrol(partner, self.scheme)
        theirs = self.scheme._get_account(duplicate)
        self._at(Op.CREDIT, 200, "2026-03-05 10:00:00", account=theirs)
        self._at(Op.TAKE_BACK, 30, "2026-03-06 10:00:00", shortfall=Shortfall.DEBT)
        with freeze_time("2026-04-02 10:00:00"):
            self.member._merge(duplicate, "The same phone")
        self.assertBooks(170)
        self.assertEqual(self._figures(), [(200, 0, 0), (200, 30, 0)])

    def test_points_of_a_merged_member_keep_their_age_in_the_report(self):
        partner = self.env["res.partner"].create({"name": "Anna Twin"})
        duplicate = self.env["loyalty.member"]._enrol(partner, self.scheme)
        theirs = self.scheme._get_account(duplicate)
        with freeze_time(NOW - timedelta(days=400)):
            self._post(Op.CREDIT, 10, account=theirs)
        self.member._merge(duplicate, "The same phone")
        self.env.flush_all()
        ages = self.env["loyalty.liability.report"]._read_group(
            [("scheme_id", "=", self.scheme.id)], ["age_months"], ["points:sum"]
        )
        self.assertEqual([(age, points) for age, points in ages if points], [(13, 10)])

    def test_no_history(self):
        self._at(Op.CREDIT, 500, "2026-03-05 10:00:00")
        self.assertFalse(self._rates())
        self.assertIn("no full month of history", self.scheme.breakage_summary)
        self.assertEqual(
            self._report("value", "breakage_value", "net_value"),
            [("points", "available", "00", 5, 0, 5)],
        )

    def test_summary_says_what_is_expected(self):
        account = self._new_account()
        self._at(Op.CREDIT, 200, "2026-02-05 10:00:00", account=account)
        self._expire(account, 50, "2026-02-20 10:00:00")
        self._rates()
        self.scheme.invalidate_recordset(["breakage_summary"])
        self.assertIn("Of 100 beans", self.scheme.breakage_summary)
        self.assertIn("25 are expected never", self.scheme.breakage_summary)

    def test_ages_states_and_wallets(self):
        self.scheme.has_wallet = True
        wallet = self.scheme._get_account(self.member, WALLET)
        for points, when in (
            (100, "2026-03-01 10:00:00"),
            (200, "2025-12-31 10:00:00"),
            (400, "2025-12-01 10:00:00"),
            (800, "2025-09-01 10:00:00"),
            (1600, "2025-03-01 10:00:00"),
            (3200, "2024-03-01 10:00:00"),
        ):
            self._at(Op.CREDIT, points, when)
        self._at(Op.PEND, 50, "2026-03-02 10:00:00")
        self._at(Op.CREDIT, 12.5, "2026-03-02 10:00:00", account=wallet, kind="top_up")
        self.assertCountEqual(
            self._report("points", "value"),
            [
                ("points", "available", "00", 100, 1),
                ("points", "available", "03", 600, 6),
                ("points", "available", "06", 800, 8),
                ("points", "available", "12", 1600, 16),
                ("points", "available", "24", 3200, 32),
                ("points", "pending", "00", 50, 0.5),
                ("wallet", "available", "00", 0, 12.5),
            ],
        )

    def test_expiry_months(self):
        self._post(Op.CREDIT, 10, expiry_date=date(2026, 5, 3))
        self._post(Op.CREDIT, 5, expiry_date=date(2026, 5, 31))
        self._post(Op.CREDIT, 7)
        groups = self.env["loyalty.liability.report"]._read_group(
            [("scheme_id", "=", self.scheme.id)],
            ["expiry_month:month"],
            ["points:sum"],
        )
        self.assertCountEqual(groups, [(date(2026, 5, 1), 15), (False, 7)])

    def test_breakage_lowers_the_value(self):
        self._fill_cohorts()
        by_age = {rate.age: rate.rate for rate in self._rates()}
        rows = self.env["loyalty.liability.report"].search_read(
            [("scheme_id", "=", self.scheme.id)],
            ["age_months", "value", "breakage_value", "net_value"],
            order="age_months",
        )
        self.assertEqual([row["age_months"] for row in rows], [1, 2, 3])
        for row, value in zip(rows, (3, 1, 0.25), strict=True):
            self.assertAlmostEqual(row["value"], value)
            lost = value * by_age[row["age_months"]]
            self.assertAlmostEqual(row["breakage_value"], lost, 6)
            self.assertAlmostEqual(row["net_value"], value - lost, 6)

    def test_snapshot_of_a_month(self):
        Snapshot = self.env["loyalty.liability.snapshot"]
        mine = [("scheme_id", "=", self.scheme.id)]
        self._at(Op.CREDIT, 300, "2026-03-05 10:00:00")
        self._at(Op.PEND, 100, "2026-03-05 10:00:00")
        Snapshot._cron_liability()
        self._at(Op.CREDIT, 200, "2026-03-09 10:00:00")
        Snapshot._cron_liability()
        [snapshot] = Snapshot.search(mine)
        self.assertEqual(
            (snapshot.month, snapshot.date), (date(2026, 3, 1), date(2026, 3, 10))
        )
        self.assertEqual(
            (snapshot.points_available, snapshot.points_pending), (500, 100)
        )
        self.assertEqual((snapshot.points_value, snapshot.net_value), (6, 6))
        with freeze_time("2026-04-01 03:00:00"):
            Snapshot._cron_liability()
        self.assertEqual(
            Snapshot.search(mine, order="month").mapped("month"),
            [date(2026, 3, 1), date(2026, 4, 1)],
        )
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            Snapshot.create(snapshot.copy_data())

    def test_rights(self):
        self._fill_cohorts()
        self.env["loyalty.liability.snapshot"]._cron_liability()
        service = new_test_user(
            self.env, "helper", groups="loyalty_member.loyalty_member_group_service"
        )
        for model in (
            "loyalty.liability.report",
            "loyalty.liability.snapshot",
            "loyalty.breakage.rate",
        ):
            records = self.env[model].with_user(self.auditor).search([])
            self.assertTrue(records, model)
            with self.assertRaises(AccessError):
                records.write({"scheme_id": self.scheme.id})
            with self.assertRaises(AccessError):
                self.env[model].with_user(service).search([])

    def test_other_companies_are_not_seen(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        scheme = self._create_scheme(name="Far", company_id=company.id)
        member = self.env["loyalty.member"]._enrol(self.anna, scheme)
        self._at(
            Op.CREDIT, 10, "2026-01-05 10:00:00", account=scheme._get_account(member)
        )
        self.env["loyalty.liability.snapshot"]._cron_liability()
        for model in (
            "loyalty.liability.report",
            "loyalty.liability.snapshot",
            "loyalty.breakage.rate",
        ):
            records = self.env[model].search([("scheme_id", "=", scheme.id)])
            self.assertTrue(records, model)
            self.assertFalse(
                self.env[model]
                .with_user(self.auditor)
                .search([("scheme_id", "=", scheme.id)]),
                model,
            )
