# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine


class AccountMove(models.Model):
    _inherit = "account.move"

    # === NATIVE EVENTS === #

    def _post(self, soft=True):
        posted = super()._post(soft=soft)
        posted._loyalty_settle_orders()
        posted._loyalty_record_returns()
        return posted

    def button_draft(self):
        res = super().button_draft()
        self._loyalty_cancel_returns()
        self._loyalty_settle_orders()
        return res

    def button_cancel(self):
        res = super().button_cancel()
        self._loyalty_cancel_returns()
        self._loyalty_settle_orders()
        return res

    def _invoice_paid_hook(self):
        res = super()._invoice_paid_hook()
        self._loyalty_get_orders("out_invoice")._loyalty_start_pending()
        return res

    # === BUSINESS === #

    def _loyalty_get_orders(self, move_type):
        """Return the orders behind documents of a type that loyalty has recorded."""
        moves = self.filtered(lambda move: move.move_type == move_type)
        # sudo: accountants need no right on sales orders
        orders_sudo = moves.invoice_line_ids.sudo().sale_line_ids.order_id
        return orders_sudo.filtered(
            lambda order: order.loyalty_transaction_id.state == "posted"
        )

    def _loyalty_settle_orders(self):
        """Take up in the ledger what invoices say was sold.

        An accountant is never refused because a customer has spent points.
        """
        self._loyalty_get_orders("out_invoice")._loyalty_settle(strict=False)

    def _loyalty_record_returns(self):
        """Take back what the goods on credit notes had earned."""
        for move in self:
            for order_sudo in move._loyalty_get_orders("out_refund"):
                sale = move._loyalty_prepare_return(order_sudo)
                if sale.lines:
                    order_sudo.loyalty_transaction_id._record_return(sale)

    def _loyalty_cancel_returns(self):
        """Undo the returns of credit notes that are no longer posted."""
        moves = self.filtered(
            lambda move: move.move_type == "out_refund" and move.state != "posted"
        )
        if moves:
            moves._loyalty_get_returns().filtered(
                lambda transaction: transaction.state == "posted"
            )._cancel(self.env._("The credit note was withdrawn"))

    def _loyalty_get_returns(self):
        # sudo: accountants need no right on the ledger; these are of their documents
        return (
            self.env["loyalty.transaction"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("kind", "=", "return"),
                ]
            )
        )

    def _loyalty_prepare_return(self, order):
        """Describe what a credit note takes back of an order.

        :rtype: Sale
        """
        self.ensure_one()
        transaction = order.loyalty_transaction_id
        known = set(transaction.line_ids.mapped("external_id"))
        before = len(
            self._loyalty_get_returns().filtered(
                lambda other: other.origin_id == transaction
            )
        )
        return Sale(
            channel=transaction.channel_id.code,
            # A credit note that was withdrawn and posted again is another return
            reference=f"account.move:{self.id}:{order.id}"
            + (f":{before + 1}" if before else ""),
            date=fields.Datetime.now(),
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            lines=tuple(
                self._loyalty_prepare_return_line(line, sold)
                for line in self.invoice_line_ids
                if (sold := self._loyalty_get_sold_line(line, order))
                and str(sold.id) in known
                and not sold.is_reward_line
                and line.price_total > 0
            ),
            store_id=transaction.store_id.id or None,
            res_model=self._name,
            res_id=self.id,
            name=self.name or "",
        )

    def _loyalty_get_sold_line(self, line, order):
        """Return what a line of the document stands for in one of its orders."""
        return line.sale_line_ids.filtered(lambda sold: sold.order_id == order)[:1]

    def _loyalty_prepare_return_line(self, line, sold):
        """Describe what of a credit note's line belongs to one order.

        :param line: the account.move.line
        :param sold: the sale.order.line that it takes back
        :rtype: SaleLine
        """
        quantity = line.quantity
        if line.product_uom_id and line.product_id:
            quantity = line.product_uom_id._compute_quantity(
                quantity, line.product_id.uom_id, round=False
            )
        share = sold._loyalty_get_share(line)
        return SaleLine(
            key=str(line.id),
            product_id=line.product_id.id or None,
            quantity=quantity * share,
            amount_incl=line.price_total * share,
            amount_excl=line.price_subtotal * share,
            name=line.name or "",
            origin_key=str(sold.id),
        )
