# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW
from odoo.addons.loyalty_tiers.tests.common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReplay(LoyaltyTiersCommon):
    """Past sales are replayed by the tier that the member had then."""

    def _run(self, rule):
        auditor = new_test_user(
            self.env,
            "tier_replay",
            groups="loyalty_member.loyalty_member_group_auditor",
        )
        replay = self.env["loyalty.earn.replay"].with_user(auditor)
        replay = replay.create(
            {
                "scheme_id": self.scheme.id,
                "date_from": NOW.date(),
                "date_to": (NOW + timedelta(days=9)).date(),
                "added_rule_ids": rule.ids,
            }
        )
        replay.action_run()
        return replay

    def test_tier_of_then(self):
        Rule = self.env["loyalty.earn.rule"]
        values = {"scheme_id": self.scheme.id, "effect": "receipt"}
        Rule.create(
            {**values, "name": "Silver", "value": 5, "tier_ids": self.silver.ids}
        )
        tried = Rule.create(
            {
                **values,
                "name": "Gold",
                "value": 7,
                "tier_ids": self.gold.ids,
                "active": False,
            }
        )
        for day, amount in enumerate((60, 60, 50, 200, 40)):
            with freeze_time(NOW + timedelta(days=day)):
                self._buy(f"S{day}", amount, date=datetime.now())
        self.assertEqual(self.member.tier_id, self.gold)
        with freeze_time(NOW + timedelta(days=9)):
            replay = self._run(tried)
        self.assertEqual(replay.state, "done")
        self.assertEqual(replay.differing_count, 0)
        lines = replay.line_ids.filtered(lambda line: line.dimension == "tier")
        self.assertEqual(
            {line.name: (line.sale_count, line.points_before) for line in lines},
            {"None": (2, 120), "Silver": (2, 260), "Gold": (1, 40)},
        )
        self.assertEqual(
            {line.name: line.points_change for line in lines},
            {"None": 0, "Silver": 0, "Gold": 7},
        )
