# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.payment.tests.common import PaymentCommon

from .common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestPaidCart(PaymentCommon, LoyaltyShopCommon):
    """A scheme closes; the e-shop takes products that are archived out of carts."""

    def setUp(self):
        super().setUp()
        self.cart = self._create_cart()
        self.cart._loyalty_set_points_to_use(100)
        self.assertEqual(self.cart.amount_total, 24)

    def _pay(self):
        transaction = self._create_transaction(
            "direct",
            reference=self.cart.name,
            sale_order_ids=[Command.set(self.cart.ids)],
            amount=self.cart.amount_total,
            currency_id=self.cart.currency_id.id,
            partner_id=self.anna.id,
        )
        transaction._set_done()
        return transaction

    def test_paid_and_not_yet_confirmed_keeps_its_price(self):
        transaction = self._pay()
        self.scheme.action_close()
        self.assertEqual((self.cart.state, self.cart.amount_total), ("draft", 24))
        transaction._post_process()
        self.assertEqual((self.cart.state, self.cart.amount_total), ("sale", 24))
        self.assertIn("closed", self.cart.activity_ids.note)
        self.assertPoints(500)

    def test_archived_scheme(self):
        self._pay()
        self.scheme.active = False
        self.assertEqual(self.cart.amount_total, 24)

    def test_not_paid_loses_it(self):
        self.scheme.action_close()
        self.assertEqual(self.cart.amount_total, 25)
