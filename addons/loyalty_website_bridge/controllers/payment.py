# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError, ValidationError

from odoo.addons.website_sale_loyalty.controllers.payment import PaymentPortal


class LoyaltyPaymentPortal(PaymentPortal):
    def _validate_transaction_for_order(self, transaction, sale_order):
        """Set the points aside that the order uses, before money is asked for.

        Creating the transaction has done so already; here native has just priced the
        rewards anew, and the hold follows that.

        :raise ValidationError: when the points are gone; nothing has been paid then
        """
        super()._validate_transaction_for_order(transaction, sale_order)
        if not sale_order.exists():
            return
        try:
            sale_order._loyalty_hold()
        except UserError as error:
            raise ValidationError(str(error)) from error
