# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import datetime

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMerge(LoyaltyTiersCommon):
    """The purchases of merged members count together."""

    def test_the_purchases_of_both_reach_the_tier(self):
        twin = self._enrol("Anna Twin")
        self._buy("S1", 60)
        self._buy("S2", 120, member=twin, date=datetime(2026, 2, 3, 9, 0))
        self._buy("S3", 130, member=twin)
        self.assertEqual(
            (self.member.tier_id, twin.tier_id.name),
            (self.env["loyalty.tier"], "Silver"),
        )
        self.member._merge(twin, "Same phone")
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual(self._history(twin)[-1], ("Silver", False, "merge"))
        self.assertEqual(
            self._figures(), [("2026-02", 120, 120, 1), ("2026-03", 190, 190, 2)]
        )
        twin.action_unmerge()
        self.assertEqual(twin.tier_id, self.silver)
        self.assertEqual(self._figures()[-1], ("2026-03", 60, 60, 1))
        self.assertEqual(
            [figure for figure in self._figures(twin) if figure[1]],
            [("2026-02", 120, 120, 1), ("2026-03", 130, 130, 1)],
        )
