# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestQueries(LoyaltySaleCommon):
    """A loyal member's order is confirmed as fast as a new one's."""

    def _count_queries(self):
        """Return how many queries confirm an order that uses points."""
        order = self._create_order()
        order._loyalty_set_points_to_use(100)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        order.action_confirm()
        self.env.flush_all()
        self.assertEqual(order.loyalty_transaction_id.points_redeemed, 100)
        return self.env.cr.sql_log_count - before

    def _prepare_sale(self, number):
        line = SaleLine(
            key="a",
            product_id=self.coffee.id,
            quantity=1,
            amount_incl=10,
            amount_excl=10,
            name=self.coffee.name,
        )
        return Sale(
            channel="pos",
            reference=f"before:{number}",
            date=fields.Datetime.now(),
            currency_id=self.currency.id,
            company_id=self.env.company.id,
            lines=(line,),
        )

    def test_confirm_costs_the_same_after_many_purchases(self):
        self._grant(5000)
        self._count_queries()  # warm up the caches
        before = self._count_queries()
        for number in range(30):
            self.env["loyalty.transaction"]._record(
                self.member, self._prepare_sale(number)
            )
        self.assertLessEqual(self._count_queries(), before)
