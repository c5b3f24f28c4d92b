# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import LoyaltyLedgerCommon
from odoo.addons.loyalty_ledger.tests.common_browser import LoyaltyBrowserCommon


@tagged("post_install", "-at_install")
class TestAdjustmentTour(LoyaltyLedgerCommon, LoyaltyBrowserCommon):
    """One person asks, another agrees, in a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "loyalty_member.loyalty_member_group_"
        cls.service = new_test_user(cls.env, "tour_service", group + "service")
        cls.manager = new_test_user(cls.env, "tour_manager", group + "manager")
        cls.env["loyalty.adjustment.reason"].create({"name": "Cold coffee"})

    def test_ask_and_approve(self):
        self.start_tour(
            f"/odoo/loyalty-members/{self.member.id}",
            "loyalty_adjustment_request",
            login="tour_service",
        )
        adjustment = self.env["loyalty.adjustment"].search(
            [("member_id", "=", self.member.id)]
        )
        self.assertEqual(
            (adjustment.state, adjustment.requested_by_id), ("approval", self.service)
        )
        self.assertBooks(0)
        self.start_tour(
            f"/odoo/loyalty-adjustments/{adjustment.id}",
            "loyalty_adjustment_approve",
            login="tour_manager",
        )
        self.assertEqual(
            (adjustment.state, adjustment.decided_by_id), ("posted", self.manager)
        )
        self.assertBooks(600)
