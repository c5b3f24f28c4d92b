# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Totals that pivots, graphs and lists offer say something."""

from freezegun import freeze_time

from odoo.tests import new_test_user, tagged

from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestFigures(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auditor = new_test_user(
            cls.env, "reader", groups="loyalty_member.loyalty_member_group_auditor"
        )

    def _total(self, model, groupby, aggregates):
        """Return what an auditor reads in a pivot."""
        return (
            self.env[model]
            .with_user(self.auditor)
            .formatted_read_grouping_sets(
                [("scheme_id", "in", self.scheme.ids)], [groupby], aggregates
            )[0]
        )

    def _measures(self, model):
        """Return the fields of which a view offers totals."""
        described = self.env[model].fields_get(attributes=["aggregator", "type"])
        return {
            name
            for name, field in described.items()
            if field["type"] in ("float", "monetary") and field.get("aggregator")
        }

    def test_returns_count_against_sales_and_cancelled_sales_for_nothing(self):
        self._record("S1", self._line("a", 100))
        sale = self._record("S2", self._line("a", 10), self._line("b", 10), redeemed=50)
        back = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="a"))
        )
        self._record("S3", self._line("a", 7))._cancel()
        self.assertEqual((back.points_earned, back.points_redeemed), (10, 25))
        self.assertRecordValues(
            back, [{"net_amount": -10, "net_earned": -10, "net_redeemed": -25}]
        )
        net = ["net_amount:sum", "net_earned:sum", "net_redeemed:sum"]
        [row] = self._total("loyalty.transaction", [], net)
        self.assertEqual([row[name] for name in net], [110, 110, 25])
        self.assertEqual(
            self._measures("loyalty.transaction"),
            {"net_amount", "net_earned", "net_redeemed"},
        )

    def test_money_put_into_wallets_is_no_purchase(self):
        self.scheme.has_wallet = True
        top_up = self._line("w", 50, eligible=False, tops_up=True)
        sale = self._record("S1", self._line("a", 20), top_up)
        back = sale._record_return(
            self._sale("R1", self._line("x", 50, origin_key="w", tops_up=True))
        )
        self.assertEqual((sale.wallet_credited, back.wallet_credited), (50, 50))
        self.assertRecordValues(sale + back, [{"net_amount": 20}, {"net_amount": 0}])
        [row] = self._total("loyalty.transaction", [], ["net_amount:sum"])
        self.assertEqual(row["net_amount:sum"], 20)

    def test_a_list_sorts_by_net_points(self):
        sale = self._record("S1", self._line("a", 100))
        back = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="a"))
        )
        small = self._record("S2", self._line("a", 5))
        found = self.env["loyalty.transaction"].search(
            [("member_id", "=", self.member.id)], order="net_earned"
        )
        self.assertEqual(found, back + small + sale)

    def test_points_and_cashback_of_rules_are_not_added_up(self):
        self.scheme.has_wallet = True
        self.env["loyalty.earn.rule"].create(
            [
                {
                    "name": "Welcome back",
                    "scheme_id": self.scheme.id,
                    "effect": "receipt",
                    "value": 5,
                },
                {
                    "name": "Cashback",
                    "scheme_id": self.scheme.id,
                    "effect": "percent",
                    "target": "wallet",
                    "value": 2,
                },
            ]
        )
        self._record("S1", self._line("a", 150))
        parts = ["points:sum", "cashback:sum"]
        [row] = self._total("loyalty.earn.award", [], parts)
        self.assertEqual([row[name] for name in parts], [5, 3])
        self.assertEqual(self._measures("loyalty.earn.award"), {"points", "cashback"})
