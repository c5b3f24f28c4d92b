# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError

from .sale_order_redeem import HOLD_MINUTES_AWAITING_PAYMENT


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    @api.model_create_multi
    def create(self, vals_list):
        """Set the points aside before the customer is asked for money.

        :raise UserError: when they are gone; nothing has been paid then
        """
        transactions = super().create(vals_list)
        transactions.sale_order_ids.filtered(
            lambda order: order.state in ("draft", "sent")
        )._loyalty_hold()
        return transactions

    def _post_process(self):
        res = super()._post_process()
        for transaction in self:
            orders = transaction.sale_order_ids
            if transaction.state == "done":
                orders._loyalty_start_pending()
            elif transaction.state == "pending":
                transaction._loyalty_keep_hold()
            elif transaction.state in ("cancel", "error"):
                orders.filtered(
                    lambda order: (
                        order.state in ("draft", "sent")
                        and not order._loyalty_is_payment_under_way()
                    )
                )._loyalty_release_hold()
        return res

    def _loyalty_keep_hold(self):
        """Keep points aside while a bank transfer is under way."""
        for order in self.sale_order_ids.filtered(
            lambda order: order.state in ("draft", "sent")
        ):
            try:
                with self.env.cr.savepoint():
                    order._loyalty_hold(minutes=HOLD_MINUTES_AWAITING_PAYMENT)
            except UserError as error:
                order.message_post(body=str(error))

    def _loyalty_get_code(self):
        """Return what the ledger calls this way to pay.

        :return: code of a ``loyalty.payment.method``
        """
        self.ensure_one()
        return "transfer" if self.provider_code == "custom" else "online"
