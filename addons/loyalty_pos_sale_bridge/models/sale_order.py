# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _loyalty_is_money_taken(self):
        return super()._loyalty_is_money_taken() or bool(self._loyalty_get_till_lines())

    def _loyalty_is_paid(self):
        """Count what tills have taken, beside what was paid online."""
        if super()._loyalty_is_paid():
            return True
        # sudo: payments of this order
        order_sudo = self.sudo()
        lines_sudo = self._loyalty_get_till_lines()
        online = order_sudo.transaction_ids.filtered(
            lambda transaction: transaction.state == "done"
        )
        paid = sum(lines_sudo.mapped("price_subtotal_incl")) + sum(
            online.mapped("amount")
        )
        missing = order_sudo.amount_total - paid
        return (
            bool(lines_sudo) and order_sudo.currency_id.compare_amounts(missing, 0) <= 0
        )

    def _loyalty_get_till_lines(self):
        """Return by which lines of paid till orders this order was paid.

        :rtype: pos.order.line, in superuser mode
        """
        self.ensure_one()
        # sudo: who sells need not be allowed to see the orders of tills
        return self.sudo().pos_order_line_ids.filtered(
            lambda line: line.order_id.state in ("paid", "done")
        )
