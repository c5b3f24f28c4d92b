# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestPortal(LoyaltyShopCommon):
    """What the e-shop adds to the member's pages."""

    def test_own_card(self):
        order = self._create_cart()
        order._loyalty_set_points_to_use(100)
        order.action_confirm()
        self._log_in("anna")
        page = self._read("/my/loyalty")
        for text in (
            self.member.main_card_id.number,
            "400 beans",
            "$ 4.00",
            "pending until your payment is received",
            "Harmony Online",
            f"Earned with {order.name}",
            f"Used for {order.name}",
            "Why?",
            "1 bean for each",
        ):
            self.assertIn(text, page)

    def test_not_a_member_yet(self):
        self._log_in("ben")
        page = self._read("/my/loyalty")
        self.assertIn("Join now", page)
        self.assertNotIn("Ask us in the store", page)

    def test_no_scheme_to_join(self):
        self.scheme.points_program_id.ecommerce_ok = False
        self._log_in("ben")
        page = self._read("/my/loyalty")
        self.assertNotIn("Join now", page)
        self.assertIn("Ask us in the store", page)

    def test_no_purchase_yet(self):
        self.env["loyalty.member"]._enrol(self.ben, self.scheme)
        self._log_in("ben")
        self.assertIn('href="/shop"', self._read("/my/loyalty"))

    def test_native_values_of_somebody_else(self):
        """The e-shop's own code asks for values of a card that it did not get."""
        self._log_in("ben")
        values = self.make_jsonrpc_request(
            f"/my/loyalty_card/{self.account.id}/values", {}
        )
        self.assertEqual(values, {})
