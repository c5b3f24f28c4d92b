# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two requests at once, about one transfer or one household."""

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.tests.test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install", "database_breaking")
class TestTransferTwice(ConcurrencyCase):
    def setUp(self):
        super().setUp()
        codes = []

        def deliver(_member, code, _code_sudo, _about=""):
            codes.append(code)
            return "a•••"

        Member = self.registry["loyalty.member"]
        self.startPatcher(patch.object(Member, "_deliver_code", deliver))
        with self.registry.cursor() as cr:
            env = self._env(cr)
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            scheme.write({"transfer_allowed": True, "pending_days": 0})
            ben = env["res.partner"].create(
                {"name": "Ben Twice", "email": "ben.twice@example.com"}
            )
            friend = env["loyalty.member"]._enrol(ben, scheme)
            giver = env["loyalty.member"].browse(self.member_id)
            giver.partner_id.email = "anna.twice@example.com"
            transfer = env["loyalty.transfer"]._propose(
                giver, "ben.twice@example.com", 60
            )
            self.transfer_id, self.friend_id = transfer.id, friend.id
        self.code = codes[-1]

    def _get_clean_up_queries(self):
        return [
            SQL(
                "DELETE FROM mail_message WHERE model = 'loyalty.transfer'"
                " AND res_id = %s",
                self.transfer_id,
            ),
            SQL("DELETE FROM loyalty_transfer WHERE id = %s", self.transfer_id),
        ]

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_confirmed_twice_at_once(self):
        def confirm(env):
            env["loyalty.transfer"].browse(self.transfer_id)._confirm(self.code)
            return "done"

        self.assertEqual(self._at_once(confirm, confirm), ["done", "done"])

        def read(env):
            transfer = env["loyalty.transfer"].browse(self.transfer_id)
            account = env["loyalty.member"].browse(self.friend_id).account_id
            findings = env["loyalty.ledger"]._audit(account)
            return transfer.state, account.points, len(account.entry_ids), findings

        self.assertEqual(self._read(read), ("done", 60, 1, []))
        self.assertEqual(self._points(), 40)
        self.assertEqual(self._audit(), [])


@tagged("post_install", "-at_install", "database_breaking")
class TestHouseholdConcurrency(ConcurrencyCase):
    """Anna and Ben at two tills, with the 100 points of their household."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            member = env["loyalty.member"].browse(self.member_id)
            friend = env["loyalty.member"]._enrol(
                env["res.partner"].create({"name": "Ben Twice"}), member.scheme_id
            )
            self.friend_id = friend.id
            household = env["loyalty.household"].create(
                {"name": "Two Tills", "head_id": member.id}
            )
            household._join(friend)
            self.household_id = household.id

    def _clean_up(self):
        with self.registry.cursor() as cr:
            env = self._env(cr)
            household = env["loyalty.household"].browse(self.household_id)
            household.member_ids._set_household(env["loyalty.household"])
            household.unlink()
        return super()._clean_up()

    def _spend(self, member_id, reference):
        return lambda env: self._sale(
            env, reference, 10, redeemed=100, member_id=member_id
        )

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_members_spend_the_same_100_points(self):
        outcomes = self._at_once(
            self._spend(self.member_id, "anna"), self._spend(self.friend_id, "ben")
        )
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertIn("can spend 10 points, not 100 points", str(refused[0]))
        self.assertEqual(self._points(), 10)
        self.assertEqual(self._audit(), [])
