# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestQueries(LoyaltyPosCommon):
    """A loyal member waits at the till no longer than a new one."""

    def _count_queries(self):
        """Return how many queries save and settle an order that uses points."""
        lines = [self._line(self.beans, qty=2), self._points_line(20)]
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        order = self._sync(lines)
        self.env.flush_all()
        count = self.env.cr.sql_log_count - before
        self.assertEqual(self._transactions(order).points_redeemed, 20)
        return count

    def _prepare_sale(self, number):
        line = SaleLine(
            key="a",
            product_id=self.beans.id,
            quantity=1,
            amount_incl=10,
            amount_excl=10,
            name=self.beans.name,
        )
        return Sale(
            channel="api",
            reference=f"before:{number}",
            date=fields.Datetime.now(),
            currency_id=self.scheme.currency_id.id,
            company_id=self.env.company.id,
            lines=(line,),
        )

    def test_settling_costs_the_same_after_many_purchases(self):
        self._give_points(1000)
        self._open_session()
        self._count_queries()  # warm up the caches
        before = self._count_queries()
        for number in range(30):
            self.env["loyalty.transaction"]._record(
                self.member, self._prepare_sale(number)
            )
        self.assertLessEqual(self._count_queries(), before)
