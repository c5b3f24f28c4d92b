# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 10:00:00")
class TestDelivered(LoyaltySaleCommon):
    """Points that wait for delivery, where quantities are set by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.write({"pending_event": "delivered", "pending_days": 14})
        cls.service = cls._create_goods("Course", 20.0, type="service")

    def _confirm(self, *lines):
        order = self._create_order(*lines)
        order.action_confirm()
        return order

    def _set_delivered(self, line, quantity):
        """Say so by hand, as where no inventory is kept."""
        line.qty_delivered_method = "manual"
        line.with_user(self.seller).qty_delivered = quantity

    def _release_date(self, account=None):
        self.env.invalidate_all()
        return (account or self.account).lot_ids.release_date

    def test_waits_for_all_of_it(self):
        order = self._confirm((self.coffee, 3))
        self._pay(self._invoice(order))
        self._set_delivered(order.order_line, 2)
        self.assertFalse(self._release_date())
        with freeze_time("2026-03-05 10:00:00"):
            self._set_delivered(order.order_line, 3)
        self.assertEqual(self._release_date(), date(2026, 3, 19))
        # Saying it again moves nothing
        with freeze_time("2026-03-06 10:00:00"):
            self._set_delivered(order.order_line, 3)
        self.assertEqual(self._release_date(), date(2026, 3, 19))

    def test_the_rest_is_not_wanted(self):
        order = self._confirm((self.coffee, 3))
        self._set_delivered(order.order_line, 2)
        order.order_line.product_uom_qty = 2
        self.assertEqual(self._release_date(), date(2026, 3, 16))

    def test_nothing_to_deliver(self):
        order = self._confirm((self.service, 1))
        self.assertFalse(self._release_date())
        self._pay(self._invoice(order))
        self.assertEqual(self._release_date(), date(2026, 3, 16))

    def test_money_for_the_wallet_waits_for_its_payment_alone(self):
        self.scheme.has_wallet = True
        order = self._confirm((self.coffee, 1), (self.scheme._get_top_up_products(), 1))
        wallet = self.scheme._get_account(self.member, WALLET)
        goods = order.order_line.filtered(lambda line: line.product_id == self.coffee)
        self._set_delivered(goods, 1)
        self.assertEqual(self._release_date(), date(2026, 3, 16))
        self.assertPoints(0, 50, wallet)
        self._pay(self._invoice(order))
        self.assertPoints(50, 0, wallet)

    def test_words(self):
        self.assertIn("14 days after delivery", self.scheme.example)
        self.scheme.write({"pending_event": "both", "pending_days": 0})
        self.assertIn("elsewhere after payment and delivery", self.scheme.example)
