# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyPortalCommon


@tagged("post_install", "-at_install")
class TestPhoneTour(LoyaltyPortalCommon):
    """A member with one hand free."""

    browser_size = "390x844"
    touch_enabled = True

    def test_member(self):
        self._buy("S1", 25, redeemed=100)
        self.start_tour("/my/loyalty", "loyalty_portal_member", login="loyalty_anna")
        self.assertPoints(400, 24)
