# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Totals over months and schemes say what is owed."""

from datetime import date

from freezegun import freeze_time

from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSnapshotTotals(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auditor = new_test_user(
            cls.env, "reader", groups="loyalty_member.loyalty_member_group_auditor"
        )

    def test_of_several_months_the_last_counts_of_each_scheme(self):
        other = self._create_scheme(name="Tea House")
        # The newest month is not the row that was made last
        for scheme, month, net in (
            (self.scheme, 3, 30),
            (self.scheme, 2, 20),
            (self.scheme, 1, 10),
            (other, 2, 200),
            (other, 1, 100),
        ):
            self.env["loyalty.liability.snapshot"].create(
                {
                    "scheme_id": scheme.id,
                    "month": date(2026, month, 1),
                    "date": date(2026, month, 28),
                    "net_value": net,
                }
            )

        def net(*groupby):
            return [
                (row["net_value:sum"], row["__count"])
                for row in self.env["loyalty.liability.snapshot"]
                .with_user(self.auditor)
                .formatted_read_grouping_sets(
                    [("scheme_id", "in", (self.scheme + other).ids)],
                    [list(groupby)],
                    ["net_value:sum", "__count"],
                )[0]
            ]

        self.assertEqual(net(), [(230, 5)])
        self.assertEqual(net("scheme_id"), [(30, 3), (200, 2)])
        self.assertEqual(net("month:month"), [(110, 2), (220, 2), (30, 1)])
        self.assertEqual(net("month:quarter"), [(230, 5)])
        self.assertEqual(
            net("scheme_id", "month:month"),
            [(10, 1), (20, 1), (30, 1), (100, 1), (200, 1)],
        )

    def test_a_pivot_reads_months_and_their_total_at_once(self):
        for month, net in ((1, 10), (2, 20)):
            self.env["loyalty.liability.snapshot"].create(
                {
                    "scheme_id": self.scheme.id,
                    "month": date(2026, month, 1),
                    "date": date(2026, month, 28),
                    "net_value": net,
                }
            )
        total, by_month = (
            self.env["loyalty.liability.snapshot"]
            .with_user(self.auditor)
            .formatted_read_grouping_sets(
                [("scheme_id", "=", self.scheme.id)],
                [[], ["month:month"]],
                ["net_value:sum", "net_value:sum_currency"],
            )
        )
        self.assertEqual([row["net_value:sum"] for row in total], [20])
        self.assertEqual([row["net_value:sum"] for row in by_month], [10, 20])
        self.assertEqual([row["net_value:sum_currency"] for row in total], [20])
