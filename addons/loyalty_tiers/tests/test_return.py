# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReturn(LoyaltyTiersCommon):
    """What becomes of a tier when purchases come back."""

    def test_taken_back(self):
        self._buy("S1", 120)
        gold = self._buy("S2", 200)
        self.assertEqual(self.member.tier_id, self.gold)
        returned = self._give_back(gold, 100)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_until, date(2027, 12, 31))
        self.assertEqual(
            self._history(),
            [
                (False, "Silver", "upgrade"),
                ("Silver", "Gold", "upgrade"),
                ("Gold", "Silver", "return"),
            ],
        )
        self.assertEqual(self.member.tier_change_ids[:1].transaction_id, returned)

    def test_kept(self):
        self.scheme.tier_return_policy = "keep"
        sale = self._buy("S1", 120)
        sale._cancel()
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self._figures(), [("2026-03", 0, 0, 0)])

    def test_all_upgrades_are_taken_back(self):
        first, second = self._buy("S1", 120), self._buy("S2", 200)
        (first | second)._cancel()
        self.assertFalse(self.member.tier_id)
        self.assertFalse(self.member.tier_until)
        self.assertEqual(
            [after for _before, after, _cause in self._history()],
            ["Silver", "Gold", "Silver", False],
        )

    def test_falls_to_what_is_still_deserved(self):
        self._buy("S1", 50)
        sale = self._buy("S2", 300)
        self._give_back(sale, 200)
        self.assertEqual(self.member.tier_id, self.silver)

    def test_what_is_still_enough(self):
        sale = self._buy("S1", 130)
        self._give_back(sale, 30)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self._figures(), [("2026-03", 100, 100, 1)])

    def test_visit_of_which_nothing_was_kept(self):
        sale = self._buy("S1", 130)
        self._give_back(sale, 130)
        self.assertEqual(self._figures(), [("2026-03", 0, 0, 0)])

    def test_return_counts_in_the_month_of_its_sale(self):
        sale = self._buy("S1", 80, date=datetime(2026, 1, 5))
        self._buy("S2", 40)
        self._give_back(sale, 50)
        self.assertEqual(
            self._figures(), [("2026-01", 30, 30, 1), ("2026-03", 40, 40, 1)]
        )
        self.assertFalse(self.member.tier_id)

    def test_cancelled_return_counts_again(self):
        sale = self._buy("S1", 130)
        returned = self._give_back(sale, 100)
        self.assertFalse(self.member.tier_id)
        returned._cancel()
        self.assertEqual(self.member.tier_id, self.silver)

    def test_cancelled_sale_takes_its_returns_along(self):
        sale = self._buy("S1", 130)
        self._give_back(sale, 30)
        sale._cancel()
        self.assertEqual(self._figures(), [("2026-03", 0, 0, 0)])

    def test_revised_sale(self):
        self._buy("S1", 130)
        self._buy("S1", 20)
        self.assertFalse(self.member.tier_id)
        self._buy("S1", 150)
        self.assertEqual(self.member.tier_id, self.silver)

    def test_a_tier_by_hand_stays(self):
        sale = self._buy("S1", 130)
        self.member._set_tier(self.gold, "Invited")
        sale._cancel()
        self.assertEqual(self.member.tier_id, self.gold)

    def test_when_the_period_is_long_over(self):
        sale = self._buy("S1", 130)
        with freeze_time("2027-12-31 12:00:00"):
            self._give_back(sale, 30)
            self._give_back(sale, 100, reference="rest")
        self.assertEqual(self._history()[-1], ("Silver", False, "return"))
        sale = self._buy("S2", 130)
        with freeze_time("2028-01-05 12:00:00"):
            self._give_back(sale, 130)
        self.assertEqual(self._history()[-1], ("Silver", False, "downgrade"))
