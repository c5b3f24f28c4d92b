# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.payment.tests.common import PaymentCommon

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestEarnRule(PaymentCommon, LoyaltySaleCommon):
    """What a sales order tells the earning rules."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shipping = cls._create_goods("Shipping", 4.0, type="service")

    def _rule(self, **values):
        return self.env["loyalty.earn.rule"].create(
            {"name": "Offer", "scheme_id": self.scheme.id, **values}
        )

    def _earn(self, order):
        order.with_user(self.seller).action_confirm()
        return order.sudo().loyalty_transaction_id.points_earned

    def test_rules_count_in_sales(self):
        self._rule(effect="multiplier", value=2, product_ids=self.cake.ids)
        order = self._create_order((self.coffee, 1), (self.cake, 2))
        self.assertEqual(self._earn(order), 10 + 20)

    def test_payment(self):
        self._rule(
            effect="receipt",
            value=5,
            payment_method_ids=self.env.ref(
                "loyalty_ledger.loyalty_payment_method_online"
            ).ids,
        )
        self.assertEqual(self._earn(self._create_order((self.cake, 1))), 5)
        order = self._create_order((self.cake, 1))
        self._create_transaction(
            flow="direct",
            amount=order.amount_total,
            currency_id=order.currency_id.id,
            state="pending",
            sale_order_ids=[Command.set(order.ids)],
        )
        self.assertEqual(self._earn(order), 10)
        self.assertEqual(order.loyalty_transaction_id.payments, "online")

    def test_shipping(self):
        def is_delivery(line):
            return line.product_id == self.shipping

        with patch.object(
            type(self.env["sale.order.line"]), "_is_delivery", is_delivery
        ):
            lines = (self.cake, 2), (self.shipping, 1)
            self.assertEqual(self._earn(self._create_order(*lines)), 10)
            self.scheme.earn_on_shipping = True
            self.assertEqual(self._earn(self._create_order(*lines)), 14)

    def test_before_discounts(self):
        order = self._create_order((self.coffee, 2))
        order.order_line.discount = 25
        self.assertEqual(self._earn(order), 15)
        self.scheme.earn_before_discounts = True
        order = self._create_order((self.coffee, 2))
        order.order_line.discount = 25
        self.assertEqual(self._earn(order), 20)

    def test_given_away_before_discounts(self):
        order = self._create_order((self.coffee, 2), (self.cake, 2))
        order.order_line[0].discount = 100
        self.assertEqual(self._earn(order), 10)
        self.scheme.earn_before_discounts = True
        order = self._create_order((self.coffee, 2), (self.cake, 2))
        order.order_line[0].discount = 100
        self.assertEqual(self._earn(order), 30)
