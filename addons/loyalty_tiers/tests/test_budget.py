# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBudget(LoyaltyTiersCommon):
    """What a sale asks of the database where a scheme has tiers."""

    def _count(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        call()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _record_new(self, number, amount=1):
        sale = self._sale(f"S{number}", self._line("a", amount), redeemed=5)
        self.env["loyalty.transaction"]._record(self.member, sale)

    def test_a_sale(self):
        self._post(Op.CREDIT, 10_000)
        self._record_new("first")
        counts = []
        for number, length in enumerate((1, 10, 40)):
            for past in range(length):
                self._buy(
                    f"past-{number}-{past}",
                    1,
                    date=datetime(2024, 1, 1) + timedelta(days=20 * past),
                )
            counts.append(self._count(lambda number=number: self._record_new(number)))
        self.assertEqual(len(set(counts)), 1, counts)
        self.assertLessEqual(counts[0], 20)

    def test_a_sale_with_all_benefits(self):
        self.scheme.write({"expiry_policy": "term", "expiry_term": 6})
        (self.silver | self.gold).write({"multiplier": 2, "has_expiry": True})
        self._post(Op.CREDIT, 10_000)
        self._record_new("first", 100)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertLessEqual(self._count(lambda: self._record_new("second")), 20)

    def test_a_sale_that_reaches_a_tier(self):
        self._post(Op.CREDIT, 10_000)
        self._record_new("first")
        count = self._count(lambda: self._record_new("second", 500))
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertLessEqual(count, 25)

    def test_a_delivery_of_many_sales(self):
        members = self.env["loyalty.member"].union(
            *(self._enrol(f"M{number}") for number in range(12))
        )
        counts = []
        for size in (2, 12):
            sales = [
                (member, self._sale(f"{size}-{member.id}", self._line("a", 1)))
                for member in members[:size]
            ]
            counts.append(
                self._count(
                    lambda sales=sales: self.env["loyalty.transaction"]._record_many(
                        sales
                    )
                )
            )
        self.assertLessEqual(counts[1] - counts[0], 1)
