# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEvent(LoyaltyTiersCommon):
    def test_an_event_that_gives_to_one_tier(self):
        event = self.env["loyalty.earn.event"]._get_by_code("birthday")
        self.env["loyalty.earn.rule"].create(
            {
                "name": "Gold birthday",
                "scheme_id": self.scheme.id,
                "trigger": "event",
                "event_id": event.id,
                "effect": "receipt",
                "value": 50,
                "tier_ids": self.gold.ids,
            }
        )
        self._buy("S1", 200)
        silver = self.member._raise_event("birthday", "2025")
        self.assertEqual(silver.points, 0)
        self.assertEqual(
            silver._explain_skipped_rules(), ["Gold birthday: it is for other tiers."]
        )
        self._buy("S2", 100)
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual(self.member._raise_event("birthday", "2026").points, 50)
        # What is given counts for no tier
        self.assertEqual(self._figures(), [("2026-03", 300, 300, 2)])
