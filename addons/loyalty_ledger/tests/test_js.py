# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import HttpCase, no_retry, tagged

from odoo.addons.web.tests import test_js

from .test_tours import LIBRARY

SUITE = "@loyalty_ledger"


@tagged("post_install", "-at_install")
class TestLedgerJs(HttpCase):
    """Runs the unit tests of the back office, those of this module only."""

    def setUp(self):
        super().setUp()
        self.env["ir.asset"].create(
            {
                "name": "No blurred backgrounds",
                "bundle": "web.assets_backend",
                "directive": "remove",
                "path": LIBRARY,
            }
        )

    @no_retry
    def test_unit_tests_of_the_back_office(self):
        suite = test_js.HOOTCommon._generate_hash(self, SUITE)
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite}",
            "",
            "",
            login="admin",
            timeout=600,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=test_js.unit_test_error_checker,
        )
