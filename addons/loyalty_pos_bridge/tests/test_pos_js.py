# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import HttpCase, no_retry, tagged

from odoo.addons.web.tests import test_js

SUITE = "@loyalty_pos_bridge"
# A library of video calls, which some distributions of Odoo leave out: the bundle of
# all unit tests then begins with an error that has nothing to do with the till.
FOREIGN_LIBRARY = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


@tagged("post_install", "-at_install")
class TestPosJs(HttpCase):
    """Runs the unit tests of the till, those of this module only."""

    def setUp(self):
        super().setUp()
        self.env["ir.asset"].create(
            {
                "name": "No video calls",
                "bundle": "web.assets_backend",
                "directive": "remove",
                "path": FOREIGN_LIBRARY,
            }
        )

    @no_retry
    def test_unit_tests_of_the_till(self):
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
