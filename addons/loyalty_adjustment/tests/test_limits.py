# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.ledger.flow import WALLET
from odoo.addons.loyalty_ledger.ledger.move import Op

from .test_adjustment import AdjustmentCommon


@tagged("post_install", "-at_install")
class TestLimits(AdjustmentCommon):
    """Other ways to change a balance keep to the limits of adjustments."""

    def _create_visit_rule(self):
        self.env["loyalty.earn.rule"].create(
            {
                "name": "Visit",
                "scheme_id": self.scheme.id,
                "trigger": "event",
                "event_id": self.env["loyalty.earn.event"]._get_by_code("visit").id,
                "effect": "receipt",
                "value": 400,
            }
        )

    def test_visits_have_the_limits_of_adjustments(self):
        self._create_visit_rule()
        self.scheme.write({"adjust_user_limit": 400, "adjust_user_total": 500})
        self.member.with_user(self.service).action_visit()
        self.scheme.adjust_user_limit = 500
        account = self.account.with_user(self.service)
        account._check_may_adjust({account: 100})
        with self.assertRaisesRegex(UserError, "Without approval you may"):
            account._check_may_adjust({account: 101})
        self.scheme.adjust_user_limit = 399
        other = self.friends[0]
        with self.assertRaisesRegex(UserError, "Without approval you may"):
            other.with_user(self.service).action_visit()
        self.assertFalse(
            self.env["loyalty.member.event"].search([("member_id", "=", other.id)])
        )

    def test_events_that_other_systems_report_do_not_count(self):
        self._create_visit_rule()
        self.member.with_user(self.manager)._raise_event("visit", key="1")
        self.assertEqual(self.account.entry_ids.create_uid, self.manager)
        self.assertFalse(self.account._get_adjusted_today(self.manager))
        self.member.with_user(self.manager).raise_event("visit")
        self.assertEqual(
            self.account._get_adjusted_today(self.manager), {self.account.id: 400}
        )

    def test_entries_of_another_source_do_not_count(self):
        """What a migration brought, for instance, is no correction of the user."""
        ledger_sudo = self.ledger.with_user(self.manager).sudo()
        ledger_sudo._post(
            [
                self._move(
                    Op.CREDIT,
                    9999,
                    kind="opening",
                    res_model=self.scheme._name,
                    res_id=self.scheme.id,
                )
            ]
        )
        self.scheme.adjust_manager_limit = 100
        self.assertFalse(self.account._get_adjusted_today(self.manager))
        self.account.with_user(self.manager).write({"points": 10_050})
        self.assertBooks(10_050)
        self.assertEqual(
            self.account._get_adjusted_today(self.manager), {self.account.id: 51}
        )

    def test_adjustment_limits_are_money(self):
        """They have nothing to do with the points that a user may give."""
        self.scheme.write(
            {
                "has_wallet": True,
                "adjust_manager_limit": 1,
                "adjust_manager_wallet_limit": 10,
            }
        )
        account = self.scheme._get_account(self.member, WALLET)
        wallet = account.with_user(self.manager)
        with self.assertRaises(UserError) as error:
            wallet.points = 10.01
        self.assertIn(self.scheme._format_money(10), str(error.exception))
        wallet.points = 10
        self.assertBooks(10, account=account)
        self.assertEqual(
            [(entry.kind, entry.amount) for entry in account.entry_ids],
            [("adjust", 10)],
        )

    def test_adjustment_limits_of_users(self):
        self.scheme.write(
            {"adjust_user_wallet_limit": 3, "adjust_user_wallet_total": 7}
        )
        for user, limits in ((self.service, (3, 7)), (self.auditor, (0, 0))):
            self.assertEqual(self.scheme._get_adjustment_limits(user, WALLET), limits)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(CheckViolation),
            self.env.cr.savepoint(),
        ):
            self.scheme.adjust_user_wallet_limit = -1
            self.scheme.flush_recordset()
