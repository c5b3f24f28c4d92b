# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import no_retry, tagged

from odoo.addons.loyalty_ledger.tests.common_browser import LoyaltyBrowserCommon


@tagged("post_install", "-at_install")
class TestPosJs(LoyaltyBrowserCommon):
    @no_retry
    def test_unit_tests_of_the_till(self):
        self._run_unit_tests("loyalty_pos_bridge")
