# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Buttons that are pressed twice, and a wallet that is shown at two tills."""

from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..ledger.flow import WALLET
from ..ledger.move import Move, Op
from ..ledger.sale import Sale, SaleLine
from .common import NOW
from .test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install", "database_breaking")
class TestWalletTwice(ConcurrencyCase):
    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            scheme.has_wallet = True
            member = env["loyalty.member"].browse(self.member_id)
            self.points_id = self.account_id
            # What is looked at before both begin
            self.account_id = scheme._get_account(member, WALLET).id
            env["loyalty.ledger"]._post(
                [Move(self.account_id, "start", "top_up", Op.CREDIT, Decimal(50))]
            )

    def _pay(self, reference):
        def call(env):
            member = env["loyalty.member"].browse(self.member_id)
            sale = Sale(
                channel="pos",
                reference=reference,
                date=NOW,
                currency_id=member.scheme_id.currency_id.id,
                company_id=env.company.id,
                lines=(SaleLine("a", None, 1, 40, 40),),
                wallet_spent=40,
            )
            return env["loyalty.transaction"]._record(member, sale).id

        return call

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_spent_at_two_tills(self):
        outcomes = self._at_once(self._pay("till 1"), self._pay("till 2"))
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertIn("of the wallet, not", str(refused[0]))
        self.assertEqual(self._points(), 10)
        self.assertEqual(self._audit(), [])
        # The sale that was refused has earned nothing either
        self.account_id = self.points_id
        self.assertEqual(self._points(), 140)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_the_same_receipt_from_two_requests_is_paid_once(self):
        outcomes = self._at_once(self._pay("same"), self._pay("same"))
        self.assertEqual(outcomes[0], outcomes[1])
        self.assertEqual(self._points(), 10)
        self.assertEqual(self._audit(), [])


@tagged("post_install", "-at_install", "database_breaking")
class TestMergeAtTheTill(ConcurrencyCase):
    """A member is merged into another while a till sells to that member."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            scheme.pending_days = 0
            partner = env["res.partner"].create({"name": "Anna Stays"})
            winner = env["loyalty.member"]._enrol(partner, scheme)
            self.winner_id = winner.id
            # Looked at by both before either begins is the account of the duplicate
            self.target_id = scheme._get_account(winner).id

    def _get_clean_up_queries(self):
        merges = SQL(
            "SELECT id FROM loyalty_member_merge WHERE scheme_id = %s", self.scheme_id
        )
        return [
            *(
                SQL(
                    "DELETE FROM %s WHERE merge_id IN (%s)",
                    SQL.identifier(f"loyalty_member_merge_{name}"),
                    merges,
                )
                for name in ("account", "sale")
            ),
            SQL(
                "DELETE FROM loyalty_member_card_loyalty_member_merge_rel"
                " WHERE loyalty_member_merge_id IN (%s)",
                merges,
            ),
            SQL("DELETE FROM loyalty_member_merge WHERE id IN (%s)", merges),
            SQL(
                "UPDATE loyalty_member SET state = 'left', merged_into_id = NULL"
                " WHERE scheme_id = %s",
                self.scheme_id,
            ),
            SQL(
                "UPDATE loyalty_card SET ledger_successor_id = NULL WHERE id IN %s",
                (self.account_id, self.target_id),
            ),
        ]

    def _merge(self, env):
        members = env["loyalty.member"]
        winner, duplicate = (
            members.browse(self.winner_id),
            members.browse(self.member_id),
        )
        winner._merge(duplicate, "The same person")
        return "merged"

    def _sell(self, env):
        member = env["loyalty.member"].browse(self.member_id)
        sale = Sale(
            channel="pos",
            reference="till",
            date=NOW,
            currency_id=member.scheme_id.currency_id.id,
            company_id=env.company.id,
            lines=(SaleLine("a", None, 1, 40, 40),),
            redeemed=60,
        )
        return env["loyalty.transaction"]._record(member, sale).id

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_merged_while_the_duplicate_redeems(self):
        outcomes = self._at_once(self._merge, self._sell)
        self.assertEqual(outcomes[0], "merged")

        def read(env):
            accounts = env["loyalty.card"].browse((self.account_id, self.target_id))
            sale = env["loyalty.transaction"].browse(outcomes[1])
            return (
                accounts.mapped("points"),
                sale.member_id.id,
                sale.account_id.id,
                env["loyalty.ledger"]._audit(accounts),
            )

        # 100 to begin with, less 60 spent, and 40 earned: whoever came first
        self.assertEqual(
            self._read(read), ([0, 80], self.winner_id, self.target_id, [])
        )

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_merged_twice_at_once(self):
        outcomes = self._at_once(self._merge, self._merge)
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertIn("has been merged into Anna Stays already", str(refused[0]))

        def read(env):
            accounts = env["loyalty.card"].browse((self.account_id, self.target_id))
            return accounts.mapped("points"), env["loyalty.ledger"]._audit(accounts)

        self.assertEqual(self._read(read), ([0, 100], []))
