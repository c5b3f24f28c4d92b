# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestUpgrade(LoyaltyTiersCommon):
    """Members rise in the transaction that reaches the threshold."""

    def test_at_the_moment_of_the_sale(self):
        self._buy("S1", 99)
        self.assertFalse(self.member.tier_id)
        sale = self._buy("S2", 1)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_since, date(2026, 3, 10))
        self.assertEqual(self.member.tier_until, date(2027, 12, 31))
        change = self.member.tier_change_ids
        self.assertEqual(change.transaction_id, sale)
        self.assertEqual(change.cause, "upgrade")
        self.assertFalse(change.user_id)

    def test_over_two_steps_at_once(self):
        self._buy("S1", 300)
        self.assertEqual(self._history(), [(False, "Gold", "upgrade")])

    def test_many_sales_in_one_delivery(self):
        other = self._enrol("Bert")
        sales = [
            (member, self._sale(f"{number}{member.id}", self._line("a", 60)))
            for number in range(2)
            for member in (self.member, other)
        ]
        self.env["loyalty.transaction"]._record_many(sales)
        self.assertEqual((self.member | other).tier_id, self.silver)
        self.assertEqual(self._figures(other), [("2026-03", 120, 120, 2)])

    def test_measures(self):
        self.gold.entry_points = 0
        self.gold.write({"entry_visits": 3, "entry_spend": 50})
        self.scheme.earn_points = 0.1
        for number in (1, 2):
            self._buy(f"S{number}", 30)
        self.assertFalse(self.member.tier_id)
        self._buy("S3", 1)
        self.assertEqual(self.member.tier_id, self.gold)

    def test_spend_is_in_the_currency_of_the_scheme(self):
        self.silver.write({"entry_points": 0, "entry_spend": 100})
        self.gold.active = False
        currency = self.env["res.currency"].create({"name": "BNS", "symbol": "B"})
        self.env["res.currency.rate"].create(
            {
                "name": "2026-01-01",
                "currency_id": currency.id,
                "rate": 2.0,
                "company_id": self.company.id,
            }
        )
        self._buy("S1", 198, currency=currency)
        self.assertFalse(self.member.tier_id)
        self._buy("S2", 2, currency=currency)
        self.assertEqual(self.member.tier_id, self.silver)

    def test_any_of(self):
        self.gold.write({"match": "any", "entry_points": 1000, "entry_visits": 2})
        self._buy("S1", 1)
        self._buy("S2", 1)
        self.assertEqual(self.member.tier_id, self.gold)

    def test_last_year_does_not_count(self):
        self._buy("S1", 90, date=datetime(2025, 12, 31, 12))
        self._buy("S2", 90)
        self.assertFalse(self.member.tier_id)
        self.assertEqual(
            self._figures(), [("2025-12", 90, 90, 1), ("2026-03", 90, 90, 1)]
        )

    def test_months_begin_on_the_clock_of_the_scheme(self):
        self.assertEqual(self.scheme._get_tz(), "UTC")
        self.scheme.company_id.partner_id.tz = "America/New_York"
        self._buy("S1", 90, date=datetime(2026, 1, 1, 3))
        self.assertEqual(self._figures(), [("2025-12", 90, 90, 1)])

    def test_rolling(self):
        self.scheme.write({"tier_window": "rolling", "tier_months": 3})
        self._buy("S1", 90, date=datetime(2025, 12, 31, 12))
        self._buy("S2", 60, date=datetime(2026, 1, 1, 12))
        self.assertFalse(self.member.tier_id)
        self._buy("S3", 40)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_until, date(2027, 3, 31))

    def test_membership_year(self):
        self.member.enrol_date = datetime(2024, 4, 20)
        self.scheme.tier_window = "membership"
        self._buy("S1", 60, date=datetime(2025, 3, 30))
        self._buy("S2", 60, date=datetime(2025, 4, 2))
        self.assertFalse(self.member.tier_id)
        self._buy("S3", 40)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_until, date(2027, 3, 31))

    def test_lifetime(self):
        self.scheme.tier_window = "lifetime"
        self._buy("S1", 60, date=datetime(2020, 3, 30))
        self._buy("S2", 40)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertFalse(self.member.tier_until)

    def test_lowest_tier_is_everybodys(self):
        base = self._create_tier("Member", sequence=1)
        member = self._enrol("Bert")
        self.assertEqual(member.tier_id, base)
        self.assertFalse(member.tier_until)
        self.assertEqual(self._history(member), [(False, "Member", "join")])
        member.action_leave()
        self.assertFalse(member.tier_id)
        member.action_rejoin()
        self.assertEqual(member.tier_id, base)
        self.assertEqual(
            [cause for *_t, cause in self._history(member)][1:], ["leave", "join"]
        )

    def test_staff_have_nothing_counted(self):
        user = self.env["res.users"].create({"name": "Eva", "login": "eva"})
        member = self.env["loyalty.member"]._enrol(user.partner_id, self.scheme)
        self._buy("S1", 500, member=member)
        self.assertFalse(member.tier_id)
        self.assertEqual(self._figures(member), [("2026-03", 0, 0, 0)])

    def test_a_scheme_without_tiers_counts_nothing(self):
        (self.silver | self.gold).unlink()
        self._buy("S1", 500)
        self.assertEqual(self._figures(), [])

    def test_a_tier_with_members_stays(self):
        self._buy("S1", 100)
        with self.assertRaisesRegex(
            ValidationError, "Silver still has members, 1 in all"
        ):
            self.silver.active = False
