# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestShopTour(LoyaltyShopCommon):
    """A member's way through the e-shop, in a browser."""

    def _prepare_demo_payment(self):
        provider = self.env["payment.provider"].search(
            [("code", "=", "demo"), ("company_id", "=", self.company.id)], limit=1
        )
        self.assertTrue(provider, "The module payment_demo must be installed")
        provider.write({"state": "test", "is_published": True})
        provider.payment_method_ids.active = True

    def test_shopper(self):
        self._prepare_demo_payment()
        self.start_tour(
            "/shop?search=Harmony House Blend",
            "loyalty_website_bridge_shopper",
            login="loyalty_anna",
        )
        order = self.env["sale.order"].search([("partner_id", "=", self.anna.id)])
        self.assertEqual(order.state, "sale")
        self.assertEqual(order.amount_total, 11)
        self.assertPoints(350, 11)
        transaction = order.loyalty_transaction_id
        self.assertEqual(transaction.points_redeemed, 150)
        self.assertEqual(transaction.store_id, self.store)
        self.assertEqual(self.account.hold_ids.state, "captured")
        self.assertTrue(
            self.account.lot_ids.filtered(
                lambda lot: lot.state == "pending"
            ).release_date
        )
        order._action_cancel()
        self.assertPoints(500, 0)
