# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..ledger.expiry import Expiry, ExpiryPolicy
from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon

TODAY = NOW.date()


class TestLastDay(BaseCase):
    def last_day(self, day, *args):
        return Expiry(*args).last_day(day)

    def test_never(self):
        self.assertIsNone(self.last_day(TODAY, ExpiryPolicy.NEVER, 12))

    def test_fixed_term(self):
        for policy in (ExpiryPolicy.TERM, ExpiryPolicy.ACTIVITY):
            for term, unit, expected in (
                (90, "day", date(2026, 6, 8)),
                (12, "month", date(2027, 3, 10)),
                (2, "year", date(2028, 3, 10)),
            ):
                with self.subTest(policy=policy, unit=unit):
                    self.assertEqual(self.last_day(TODAY, policy, term, unit), expected)

    def test_short_months_and_leap_days(self):
        self.assertEqual(
            self.last_day(date(2027, 1, 31), ExpiryPolicy.TERM, 1), date(2027, 2, 28)
        )
        self.assertEqual(
            self.last_day(date(2028, 2, 29), ExpiryPolicy.TERM, 1, "year"),
            date(2029, 2, 28),
        )

    def test_end_of_a_period_after_a_term(self):
        for day, term, unit, period, expected in (
            (date(2026, 3, 10), 12, "month", "month", date(2027, 3, 31)),
            (date(2026, 3, 10), 12, "month", "quarter", date(2027, 3, 31)),
            (date(2026, 3, 10), 12, "month", "year", date(2027, 12, 31)),
            (date(2026, 3, 10), 0, "month", "year", date(2026, 12, 31)),
            (date(2026, 12, 31), 0, "month", "year", date(2026, 12, 31)),
            (date(2026, 4, 1), 0, "month", "quarter", date(2026, 6, 30)),
            (date(2026, 11, 20), 60, "day", "quarter", date(2027, 3, 31)),
            (date(2026, 1, 31), 1, "month", "month", date(2026, 2, 28)),
        ):
            with self.subTest(day=day, period=period):
                self.assertEqual(
                    self.last_day(day, ExpiryPolicy.PERIOD, term, unit, period),
                    expected,
                )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestExpiry(LoyaltyLedgerCommon):
    def _expiries(self):
        """Return what is left by last day, of the lots that have something."""
        self.env.invalidate_all()
        return [
            (lot.remaining, lot.expiry_date)
            for lot in self.account.lot_ids.sorted("id")
            if lot.remaining
        ]

    def _return(self, sale, reference, amount, line="a"):
        return sale._record_return(
            self._sale(reference, self._line("x", amount, origin_key=line))
        )

    # === POLICY === #

    def test_points_of_a_sale_end_as_the_scheme_says(self):
        for values, expected in (
            ({"expiry_policy": "never"}, False),
            ({"expiry_policy": "term", "expiry_term": 6}, date(2026, 9, 10)),
            (
                {"expiry_policy": "period", "expiry_period": "quarter"},
                date(2026, 9, 30),
            ),
        ):
            self.scheme.write(values)
            sale = self._record(f"S {values}", self._line("a", 10))
            lot = self.account.lot_ids.filtered(
                lambda lot, t=sale: lot.transaction_id == t
            )
            self.assertEqual(lot.expiry_date, expected)

    def test_an_adjustment_ends_as_the_scheme_says(self):
        self.scheme.expiry_policy = "term"
        self.account._adjust(5, "Welcome")
        self.assertEqual(self._expiries(), [(5, date(2027, 3, 10))])

    def test_example_says_what_the_settings_mean(self):
        self.assertEqual(
            self.scheme.expiry_example, "What a member has earned never expires."
        )
        self.scheme.expiry_policy = "period"
        self.assertEqual(
            self.scheme.expiry_example,
            "Today's beans can be spent until 03/31/2027.",
        )
        self.scheme.expiry_policy = "activity"
        self.assertIn("keeps all beans until 03/10/2027", self.scheme.expiry_example)

    def test_bad_settings_are_refused(self):
        self.scheme.write({"expiry_policy": "period", "expiry_term": 0})
        self.env.flush_all()
        for values in (
            {"expiry_policy": "term", "expiry_term": 0},
            {"expiry_policy": "activity", "expiry_term": 0},
            {"expiry_term": -1},
            {"expiry_term": 3661},
            {"restore_days": -1},
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.scheme.write(values)
                self.env.flush_all()

    # === INACTIVITY === #

    def test_earning_and_spending_move_the_last_day_of_all_points(self):
        self.scheme.expiry_policy = "activity"
        self._record("S1", self._line("a", 10))
        self._record("W1", self._line("a", 7), channel="website")
        self.assertEqual(
            self._expiries(), [(10, date(2027, 3, 10)), (7, date(2027, 3, 10))]
        )
        with freeze_time("2026-06-01 10:00:00"):
            self._record("S2", self._line("a", 5), date=datetime(2026, 6, 1, 10))
            self.assertEqual(
                self._expiries(), [(x, date(2027, 6, 1)) for x in (10, 7, 5)]
            )
        with freeze_time("2026-07-01 10:00:00"):
            self._record(
                "S3",
                self._line("a", 1, eligible=False),
                redeemed=5,
                date=datetime(2026, 7, 1, 10),
            )
            self.assertEqual(
                self._expiries(), [(x, date(2027, 7, 1)) for x in (5, 7, 5)]
            )
        self.assertBooks(10, pending=7)

    def test_a_sale_reported_late_does_not_move_the_day_back(self):
        self.scheme.expiry_policy = "activity"
        self._record("S1", self._line("a", 10))
        self._record("S0", self._line("a", 3), date=NOW - timedelta(days=60))
        self.assertEqual(self._expiries()[0], (10, date(2027, 3, 10)))

    def test_returns_and_corrections_are_no_activity(self):
        self.scheme.expiry_policy = "activity"
        sale = self._record("S1", self._line("a", 10))
        with freeze_time("2026-06-01 10:00:00"):
            self._return(sale, "R1", 4)
            self.account._adjust(1, "Sorry")
        self.assertEqual(
            self._expiries(), [(6, date(2027, 3, 10)), (1, date(2027, 6, 1))]
        )

    def test_activity_does_not_revive_what_has_expired(self):
        self.scheme.expiry_policy = "activity"
        self._record("S1", self._line("a", 10))
        with freeze_time("2027-03-11 08:00:00"):
            self._record("S2", self._line("a", 5), date=datetime(2027, 3, 11, 8))
            self.assertEqual(
                self._expiries(), [(10, date(2027, 3, 10)), (5, date(2028, 3, 11))]
            )
            self._post(Op.EXPIRE, None, day=date(2027, 3, 11))
            self.assertBooks(5)

    def test_points_that_never_end_stay_so(self):
        self._record("S1", self._line("a", 10))
        self.scheme.expiry_policy = "activity"
        self._record("S2", self._line("a", 5))
        self.assertEqual(self._expiries(), [(10, False), (5, date(2027, 3, 10))])

    def test_sliding_takes_no_more_queries_however_many_lots_there_are(self):
        self.scheme.expiry_policy = "activity"
        counts = []
        for number in range(1, 4):
            for more in range(10 ** (number - 1)):
                self._post(Op.CREDIT, 5, expiry_date=TODAY + timedelta(days=more))
            self.env.flush_all()
            self.env.invalidate_all()
            self.scheme._get_rules(), self.account.points
            before = self.env.cr.sql_log_count
            self._record(f"S{number}", self._line("a", 10))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    # === RETURNS === #

    def _spend_what_ends_tomorrow(self):
        self._post(Op.CREDIT, 50, expiry_date=TODAY + timedelta(days=1))
        self._post(Op.CREDIT, 50, expiry_date=date(2026, 12, 31))
        return self._record(
            "S1", self._line("a", 10, eligible=False), redeemed=60, date=NOW
        )

    def test_restored_points_expire_at_once_and_the_statement_says_so(self):
        sale = self._spend_what_ends_tomorrow()
        with freeze_time("2026-04-01 10:00:00"):
            back = self._return(sale, "R1", 10)
            self.assertBooks(50)
        entries = back.entry_ids.sorted("id")
        self.assertEqual(
            [(e.kind, e.amount) for e in entries],
            [("return_redeem", 60), ("expire", -50)],
        )
        self.assertEqual(
            entries[-1].reason, "Their last day was over when they were given back"
        )
        self.assertEqual(self._expiries(), [(50, date(2026, 12, 31))])

    def test_restored_points_get_a_grace_term(self):
        self.scheme.write({"restore_policy": "grace", "restore_days": 14})
        sale = self._spend_what_ends_tomorrow()
        with freeze_time("2026-04-01 10:00:00"):
            self._return(sale, "R1", 10)
            self.assertEqual(
                self._expiries(), [(50, date(2026, 4, 15)), (50, date(2026, 12, 31))]
            )
            self.assertEqual(self.account._get_spendable()[self.account.id], 100)
        self.assertBooks(100)

    def test_grace_is_for_restored_points_alone(self):
        self.scheme.restore_policy = "grace"
        self._post(Op.CREDIT, 50, expiry_date=TODAY + timedelta(days=1))
        sale = self._record("S1", self._line("a", 10, eligible=False), redeemed=20)
        with freeze_time("2026-04-01 10:00:00"):
            # No nightly run has been: 30 of the same lot are over as well
            self._return(sale, "R1", 10)
            self.assertEqual(self._expiries(), [(20, date(2026, 5, 1))])
        self.assertBooks(20)

    def test_restored_points_whose_day_is_not_over_keep_it(self):
        self.scheme.restore_policy = "grace"
        sale = self._spend_what_ends_tomorrow()
        self._return(sale, "R1", 10)
        self.assertEqual(
            self._expiries(), [(50, date(2026, 3, 11)), (50, date(2026, 12, 31))]
        )

    def test_a_cancelled_return_takes_back_no_expired_points_twice(self):
        sale = self._spend_what_ends_tomorrow()
        with freeze_time("2026-04-01 10:00:00"):
            back = self._return(sale, "R1", 10)
            self.assertBooks(50)
            back._cancel()
            self.assertBooks(40)
            self._return(sale, "R2", 10)
            self.assertBooks(50)

    def test_any_sequence_of_partial_returns_comes_to_the_whole(self):
        for seed in range(6):
            random_ = random.Random(seed)
            partner = self.env["res.partner"].create({"name": f"Buyer {seed}"})
            self.member = self.env["loyalty.member"]._enrol(partner, self.scheme)
            self.account = self.scheme._get_account(self.member)
            for _credit in range(4):
                self._post(
                    Op.CREDIT,
                    random_.randint(40, 90),
                    expiry_date=TODAY + timedelta(days=random_.randint(100, 400)),
                )
            before = self._expiries()
            amounts = {
                f"l{i}": Decimal(random_.randint(100, 2999)) / 100 for i in range(4)
            }
            sale = self._record(
                f"S{seed}",
                *(self._line(key, float(amount)) for key, amount in amounts.items()),
                redeemed=random_.randint(20, 150),
            )
            number = 0
            while amounts:
                number += 1
                key = random_.choice(sorted(amounts))
                part = min(amounts[key], Decimal(random_.randint(1, 1500)) / 100)
                self._return(sale, f"R{seed}-{number}", float(part), line=key)
                amounts[key] -= part
                if not amounts[key]:
                    del amounts[key]
            returns = sale.return_ids
            self.assertEqual(sum(returns.mapped("points_earned")), sale.points_earned)
            self.assertEqual(
                sum(returns.mapped("points_redeemed")), sale.points_redeemed
            )
            self.assertEqual(self._expiries(), before)
            self.assertBooks(sum(points for points, _day in before))
