# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from odoo.addons.loyalty_ledger.ledger.sale import SaleLine


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

    def _loyalty_prepare_lines(self):
        """Let the order earn nothing on what points have paid for at a till."""
        return super()._loyalty_prepare_lines() + self._loyalty_prepare_till_discounts()

    def _loyalty_prepare_till_discounts(self):
        """Describe the part of tills' discounts that is about this order.

        :return: list of SaleLine
        """
        self.ensure_one()
        lines = []
        for till_sudo in self._loyalty_get_till_lines().order_id:
            share = self._loyalty_get_till_share(till_sudo)
            lines += [
                SaleLine(
                    key=f"{line._name}:{line.id}",
                    product_id=line.product_id.id,
                    quantity=line.qty,
                    amount_incl=line.price_subtotal_incl * share,
                    amount_excl=line.price_subtotal * share,
                    name=line.full_product_name or line.product_id.display_name,
                    eligible=False,
                    is_reward=True,
                )
                for line in till_sudo.lines
                if share and line._is_loyalty_till_discount()
            ]
        return lines

    def _loyalty_get_till_share(self, till_order):
        """Return which part of the goods on a till's order are those of this one.

        :rtype: float
        """
        goods = till_order.lines.filtered(
            lambda line: (
                line.price_subtotal_incl > 0 and not line._is_loyalty_discount()
            )
        )
        total = sum(goods.mapped("price_subtotal_incl"))
        own = goods.filtered(lambda line: line.sale_order_origin_id.id == self.id)
        return sum(own.mapped("price_subtotal_incl")) / total if total else 0.0

    def _loyalty_get_till_lines(self):
        """Return by which lines of paid till orders this order was paid.

        :rtype: pos.order.line, in superuser mode
        """
        self.ensure_one()
        # sudo: who sells need not be allowed to see the orders of tills
        return self.sudo().pos_order_line_ids.filtered(
            lambda line: line.order_id.state in ("paid", "done")
        )
