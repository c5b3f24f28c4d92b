# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestCreditNote(LoyaltySaleCommon):
    """Native leaves all points where they are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._grant(500)

    def _sell(self, points=0):
        order = self._create_order((self.coffee, 3), (self.cake, 2))
        if points:
            order._loyalty_set_points_to_use(points)
        order.action_confirm()
        return order, self._invoice(order)

    def test_full(self):
        _order, invoice = self._sell()
        self.assertPoints(500, 40)
        self._credit(invoice)
        self.assertPoints(500, 0)

    def test_full_with_points_used(self):
        _order, invoice = self._sell(points=100)
        self.assertPoints(400, 39)
        self._credit(invoice)
        self.assertPoints(500, 0)

    def test_one_line(self):
        _order, invoice = self._sell()
        self._credit(invoice, {self.cake: 2})
        self.assertPoints(500, 30)

    def test_one_by_one(self):
        _order, invoice = self._sell(points=100)
        self._credit(invoice, {self.coffee: 1})
        self._credit(invoice, {self.cake: 2})
        self._credit(invoice, {self.coffee: 2})
        self.assertPoints(500, 0)

    def test_withdrawn_credit_note(self):
        _order, invoice = self._sell(points=100)
        note = self._credit(invoice, {self.coffee: 1})
        after = (self.account.points, self.account.ledger_pending)
        note.button_draft()
        self.assertPoints(400, 39)
        note.action_post()
        self.assertPoints(*after)
        note.button_draft()
        note.button_cancel()
        self.assertPoints(400, 39)

    def test_credit_then_lower_the_order(self):
        """The same unit must not be taken off twice."""
        order, invoice = self._sell()
        self._credit(invoice, {self.coffee: 1})
        self.assertPoints(500, 30)
        order.order_line.filtered(
            lambda line: line.product_id == self.coffee
        ).product_uom_qty = 2
        self.assertPoints(500, 30)

    def test_credited_and_invoiced_anew(self):
        order, invoice = self._sell(points=100)
        self._credit(invoice)
        self.assertPoints(500, 0)
        invoice_2 = self._invoice(order)
        self.assertPoints(400, 39)
        self._credit(invoice_2)
        self.assertPoints(500, 0)

    def test_credited_cancelled_and_sold_anew(self):
        """The first invoice and its credit note are history: it earns once."""
        order, invoice = self._sell()
        self._credit(invoice)
        order._action_cancel()
        self.assertPoints(500, 0)
        order.action_draft()
        order.action_confirm()
        self.assertPoints(500, 40)
        invoice_2 = self._invoice(order)
        self.assertPoints(500, 40)
        self._credit(invoice_2, {self.coffee: 1})
        self.assertPoints(500, 30)
        self._credit(invoice_2, {self.coffee: 2, self.cake: 2})
        self.assertPoints(500, 0)

    def test_credited_after_cancelling_and_sold_anew(self):
        order, invoice = self._sell(points=100)
        order._action_cancel()
        self.assertPoints(500, 0)
        self._credit(invoice)
        self.assertPoints(500, 0)
        order.action_draft()
        order._loyalty_set_points_to_use(100)
        order.action_confirm()
        self._invoice(order)
        self.assertPoints(400, 39)

    def test_credit_then_cancel(self):
        order, invoice = self._sell(points=100)
        self._credit(invoice, {self.coffee: 1})
        order._action_cancel()
        self.assertPoints(500, 0)

    def _invoice_in_one_line(self, orders):
        """Return a posted invoice whose one line stands for those of all orders."""
        invoice = orders._create_invoices()
        first, *others = invoice.invoice_line_ids
        first.sale_line_ids = orders.order_line
        first.quantity = sum(orders.order_line.mapped("product_uom_qty"))
        for line in others:
            line.unlink()
        invoice.action_post()
        return invoice

    def test_one_invoice_for_two_orders(self):
        orders = self._create_order((self.coffee, 3)) | self._create_order(
            (self.coffee, 1)
        )
        orders.action_confirm()
        self.assertPoints(500, 40)
        invoice = self._invoice_in_one_line(orders)
        self.assertPoints(500, 40)
        self._credit(invoice, {self.coffee: 2})
        self.assertPoints(500, 20)
        returns = orders.loyalty_transaction_id.return_ids
        self.assertEqual(sorted(returns.mapped("points_earned")), [5, 15])
        self._credit(invoice, {self.coffee: 2})
        self.assertPoints(500, 0)

    def _sell_natively(self, quantity):
        """Sell coffee to somebody with a native program, one point for 1.00.

        :return: the card and the invoice
        """
        program = self._create_native_program()
        buyer = self.env["res.partner"].create({"name": "Native"})
        order = self._create_order((self.coffee, quantity), partner=buyer)
        order._update_programs_and_rewards()
        order.action_confirm()
        return program.coupon_ids, self._invoice(order)

    def test_native_credit_note_is_wrong(self):
        """What the suite is there for: native keeps the points of returned goods."""
        card, invoice = self._sell_natively(2)
        self._credit(invoice)
        self.assertEqual(card.points, 20)

    def test_native_partial_credit_note_is_wrong(self):
        """The twin of ``test_part_of_a_line``: two of three come back, 30 stay."""
        card, invoice = self._sell_natively(3)
        self._credit(invoice, {self.coffee: 2})
        self.assertEqual(card.points, 30)

    def test_part_of_a_line(self):
        order = self._create_order((self.coffee, 3))
        order.action_confirm()
        invoice = self._invoice(order)
        self.assertPoints(500, 30)
        self._credit(invoice, {self.coffee: 2})
        self.assertPoints(500, 10)
