# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import HttpCase

from odoo.addons.web.tests import test_js


class LoyaltyBrowserCommon(HttpCase):
    """Something that a browser does in the back office."""

    def _run_unit_tests(self, module):
        """Run the unit tests that a module has in JavaScript, and those alone."""
        suite = test_js.HOOTCommon._generate_hash(self, f"@{module}")
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite}",
            "",
            "",
            login="admin",
            timeout=600,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=test_js.unit_test_error_checker,
        )
