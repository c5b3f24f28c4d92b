# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged

from ..hooks import post_init_hook
from .common import LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
class TestHooks(LoyaltyLedgerCommon):
    def test_schemes_from_before_get_a_program(self):
        self.scheme.points_program_id = False
        self.scheme.instant_channel_ids = False
        post_init_hook(self.env)
        self.assertEqual(self.scheme.points_program_id.scheme_id, self.scheme)
        self.assertEqual(self.scheme.instant_channel_ids.mapped("code"), ["pos"])
