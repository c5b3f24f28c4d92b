# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Households as shoppers meet them."""

from odoo.tests import tagged

from odoo.addons.loyalty_website_bridge.tests.common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestHouseholdCart(LoyaltyShopCommon):
    def test_cart_of_a_member(self):
        """Ben has joined the household of Anna, who had 500 beans; he brought 40."""
        friend = self.env["loyalty.member"]._enrol(self.ben, self.scheme)
        self.scheme._get_account(friend)._adjust(40, "Welcome gift for Ben")
        household = self.env["loyalty.household"].create(
            {"name": "The Beans", "head_id": self.member.id}
        )
        household._join(friend)
        self._log_in("ben")
        cart = self._create_cart(self.ben)
        values = cart.with_user(self.ben_user).sudo()._loyalty_get_member_values(friend)
        self.assertEqual(values["balance"], "540 beans")
