# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine
from odoo.addons.loyalty_ledger.tests.common import NOW
from odoo.addons.loyalty_ledger.tests.test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install", "database_breaking")
class TestTwoSales(ConcurrencyCase):
    """Two tills sell to one member at once; only both sales together reach Silver."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            env["loyalty.scheme"].browse(self.scheme_id).tier_window = "lifetime"
            silver, gold = env["loyalty.tier"].create(
                [
                    {
                        "name": name,
                        "scheme_id": self.scheme_id,
                        "sequence": sequence,
                        "entry_spend": spend,
                    }
                    for sequence, (name, spend) in enumerate(
                        (("Silver", 100), ("Gold", 1000))
                    )
                ]
            )
            self.silver_id, self.gold_id = silver.id, gold.id

    def _get_clean_up_queries(self):
        members = SQL(
            "SELECT id FROM loyalty_member WHERE scheme_id = %s", self.scheme_id
        )
        tiers = SQL("SELECT id FROM loyalty_tier WHERE scheme_id = %s", self.scheme_id)
        return [
            SQL("DELETE FROM loyalty_tier_change WHERE scheme_id = %s", self.scheme_id),
            SQL("DELETE FROM loyalty_tier_figure WHERE member_id IN (%s)", members),
            SQL("DELETE FROM loyalty_tier_run WHERE scheme_id = %s", self.scheme_id),
            SQL(
                "UPDATE loyalty_member SET tier_id = NULL WHERE scheme_id = %s",
                self.scheme_id,
            ),
            SQL(
                "DELETE FROM mail_message WHERE model = 'loyalty.tier'"
                " AND res_id IN (%s)",
                tiers,
            ),
            SQL("DELETE FROM loyalty_tier WHERE scheme_id = %s", self.scheme_id),
        ]

    def _sell(self, reference, amount, date=NOW):
        """Return what records a sale."""

        def record(env):
            member = env["loyalty.member"].browse(self.member_id)
            sale = Sale(
                channel="pos",
                reference=reference,
                date=date,
                currency_id=member.scheme_id.currency_id.id,
                company_id=env.company.id,
                lines=(SaleLine("a", None, 1, amount, amount),),
            )
            return env["loyalty.transaction"]._record(member, sale).id

        return record

    def _read_tiers(self):
        """Return the tier of the member, the history, and what was counted."""

        def read(env):
            member = env["loyalty.member"].browse(self.member_id)
            figures = env["loyalty.tier.figure"].search(
                [("member_id", "=", self.member_id)]
            )
            return (
                member.tier_id.name,
                [
                    (change.from_id.name, change.tier_id.name, change.cause)
                    for change in member.tier_change_ids.sorted("id")
                ],
                member.tier_change_ids.transaction_id.ids,
                sum(figures.mapped("spend")),
                sum(figures.mapped("visits")),
            )

        return self._read(read)

    def _check_one_upgrade(self, *sales):
        first, second = self._at_once(*sales)
        tier, history, cause, spend, visits = self._read_tiers()
        self.assertEqual(tier, "Silver")
        self.assertEqual(history, [(False, "Silver", "upgrade")])
        # The one that came second is the one that reached it
        self.assertIn(cause, ([first], [second]))
        self.assertEqual((spend, visits), (120, 2))
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_together_over_the_threshold(self):
        self._check_one_upgrade(self._sell("A", 60), self._sell("B", 60))

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_without_points(self):
        """The account does not change: what is counted has to tell the two apart."""
        with self.registry.cursor() as cr:
            self._env(cr)["loyalty.scheme"].browse(self.scheme_id).earn_points = 0
        self._check_one_upgrade(self._sell("A", 60), self._sell("B", 60))

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_in_different_months(self):
        """An old receipt is typed in while the member buys: no month is common."""
        with self.registry.cursor() as cr:
            self._env(cr)["loyalty.scheme"].browse(self.scheme_id).earn_points = 0
        self._check_one_upgrade(
            self._sell("A", 60), self._sell("B", 60, NOW - timedelta(days=60))
        )

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_each_over_the_threshold(self):
        self._at_once(self._sell("A", 110), self._sell("B", 900))
        tier, history, _cause, spend, visits = self._read_tiers()
        self.assertEqual((tier, spend, visits), ("Gold", 1010, 2))
        self.assertEqual(history[-1], (history[-1][0], "Gold", "upgrade"))
        self.assertLessEqual(len(history), 2)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_a_night_meets_a_sale(self):
        def look(env):
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            run = env["loyalty.tier.run"]._open_run(scheme)
            run._evaluate_range(self.member_id, 1)

        self._at_once(look, self._sell("A", 120))
        tier, history, _cause, spend, visits = self._read_tiers()
        self.assertEqual((tier, spend, visits), ("Silver", 120, 1))
        self.assertEqual(history, [(False, "Silver", "upgrade")])
