# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import format_date

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestWaiting(LoyaltyPosCommon):
    """Points that wait: what is paid at a till waits no longer than the scheme says."""

    def setUp(self):
        super().setUp()
        self.scheme.instant_channel_ids = [Command.clear()]
        self._open_session()

    def test_the_waiting_time_starts_with_the_paid_order(self):
        self.scheme.pending_days = 14
        order = self._sync([self._line(self.beans)])
        day = fields.Date.add(order.date_order.date(), days=14)
        lot = self.account.lot_ids.filtered(lambda lot: lot.state == "pending")
        self.assertEqual(lot.remaining, 10)
        self.assertEqual(lot.release_date, day)
        self.assertEqual(self.account.points, 120)
        self.assertEqual(self.account.ledger_pending, 10)
        [movement] = order.loyalty_receipt[0]["movements"]
        self.assertEqual(movement["available_on"], format_date(self.env, day))
        self.assertClean()

    def test_without_waiting_days_points_are_there_at_once(self):
        self.scheme.pending_days = 0
        order = self._sync([self._line(self.beans)])
        self.assertEqual(self.account.points, 130)
        self.assertEqual(self.account.ledger_pending, 0)
        self.assertEqual(order.loyalty_receipt[0]["balance_text"], "130 beans")
        order._settle_loyalty()
        self.assertEqual(self.account.points, 130)
        self.assertClean()
