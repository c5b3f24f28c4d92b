# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.payment.tests.common import PaymentCommon

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestHold(PaymentCommon, LoyaltySaleCommon):
    """While a customer pays, nobody else spends the points of the order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._grant(100)

    def _start_payment(self, order, state="draft"):
        return self._create_transaction(
            "direct",
            reference=f"{order.name}-{len(order.transaction_ids)}",
            sale_order_ids=[Command.set(order.ids)],
            amount=order.amount_total,
            currency_id=order.currency_id.id,
            partner_id=order.partner_id.id,
            state=state,
        )

    def _create_paying_order(self, points=80):
        order = self._create_order()
        order._loyalty_set_points_to_use(points)
        return order

    def test_paying_holds_and_confirming_captures(self):
        order = self._create_paying_order()
        transaction = self._start_payment(order)
        hold = self.account.hold_ids
        self.assertEqual((hold.amount, hold.state), (80, "active"))
        with self.assertRaises(UserError):
            self.account._hold("pos:other", 80)
        transaction._set_done()
        transaction._post_process()
        self.assertEqual(order.state, "sale")
        self.assertEqual(hold.state, "captured")
        self.assertEqual(self.account.points, 20)
        self.assertTrue(
            self.account.lot_ids.filtered(
                lambda lot: lot.state == "pending"
            ).release_date
        )

    def test_hold_names_and_opens_its_order(self):
        order = self._create_paying_order()
        order._loyalty_hold()
        manager = new_test_user(
            self.env,
            "hold_manager",
            groups="loyalty_member.loyalty_member_group_manager",
            company_id=self.env.company.id,
            company_ids=[Command.set(self.env.company.ids)],
        )
        hold = self.account.hold_ids.with_user(manager)
        self.assertEqual((hold.holder, hold.has_document), (order.name, False))
        with self.assertRaises(AccessError):
            hold.action_open_document()
        manager.group_ids += self.env.ref("sales_team.group_sale_salesman_all_leads")
        hold.invalidate_recordset()
        self.assertTrue(hold.has_document)
        action = hold.action_open_document()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sale.order", order.id)
        )

    def test_hold_of_an_order_that_is_gone(self):
        hold = self.account._hold("sale:99999999", 10)
        self.assertEqual((hold.holder, hold.has_document), ("sale:99999999", False))
        with self.assertRaisesRegex(UserError, "sale:99999999 cannot be opened"):
            hold.action_open_document()

    def test_refused_before_paying(self):
        order = self._create_paying_order()
        self.account._hold("pos:other", 80)
        with self.assertRaises(UserError) as error:
            self._start_payment(order)
        self.assertIn("20 beans", str(error.exception))
        self.assertFalse(order.transaction_ids)

    def test_paid_for_after_the_hold_timed_out(self):
        """The money is there: the order is confirmed, and staff are told."""
        order = self._create_paying_order()
        transaction = self._start_payment(order)
        self.account.sudo().hold_ids.deadline = fields.Datetime.now() - timedelta(
            minutes=1
        )
        self.account._adjust(-90, "Spent at a till")
        transaction._set_done()
        transaction._post_process()
        self.assertEqual(order.state, "sale")
        self.assertPoints(0, 29)
        self.assertIn("no longer there", order.activity_ids.summary)
        anomaly = self.env["loyalty.anomaly"].search(
            [("account_id", "=", self.account.id)]
        )
        self.assertEqual(
            (anomaly.kind, anomaly.points, anomaly.state), ("overspend", 70, "open")
        )
        self.assertIn(order.name, anomaly.note)

    def test_cancel_frees_the_hold(self):
        order = self._create_paying_order()
        self._start_payment(order)
        order._action_cancel()
        self.assertEqual(self.account.hold_ids.state, "released")
        self.assertPoints(100)

    def test_bank_transfer_keeps_the_hold(self):
        order = self._create_paying_order()
        transaction = self._start_payment(order)
        transaction._set_pending()
        transaction._post_process()
        self.assertGreater(
            self.account.hold_ids.deadline, fields.Datetime.now() + timedelta(days=7)
        )
        transaction._set_canceled()
        transaction._post_process()
        self.assertEqual(self.account.hold_ids.state, "released")

    def test_second_attempt_beside_a_bank_transfer(self):
        """The transfer goes on, whatever becomes of a card tried meanwhile."""
        order = self._create_paying_order()
        transfer = self._start_payment(order)
        transfer._set_pending()
        transfer._post_process()
        hold = self.account.hold_ids
        deadline = hold.deadline
        card = self._start_payment(order)
        self.assertGreaterEqual(hold.deadline, deadline)
        card._set_canceled()
        card._post_process()
        self.assertEqual((hold.state, hold.amount), ("active", 80))
        self.assertGreaterEqual(hold.deadline, deadline)
        with self.assertRaises(UserError):
            self.account._hold("pos:other", 80)
        transfer._set_canceled()
        transfer._post_process()
        self.assertEqual(hold.state, "released")

    def test_changing_the_choice_frees_the_hold(self):
        order = self._create_paying_order()
        self._start_payment(order)
        order._loyalty_set_points_to_use(0)
        self.assertEqual(self.account.hold_ids.state, "released")

    def test_authorized_payment_starts_no_waiting_time(self):
        self.provider.support_manual_capture = "full_only"
        order = self._create_paying_order()
        transaction = self._start_payment(order)
        transaction._set_authorized()
        transaction._post_process()
        self.assertEqual(order.state, "sale")
        waiting = self.account.lot_ids.filtered(lambda lot: lot.state == "pending")
        self.assertFalse(waiting.release_date)
