# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace

from odoo import models


class PosOrder(models.Model):
    _inherit = "pos.order"

    def _settle_loyalty(self):
        """Take up in sales orders what this order has paid of them, and how."""
        result = super()._settle_loyalty()
        # sudo: a cashier need not be allowed to see sales orders
        orders_sudo = self.sudo().lines.sale_order_origin_id
        if any(line._is_loyalty_till_discount() for line in self.lines):
            # What points paid at the till earns nothing on the sales order
            orders_sudo._loyalty_settle(strict=False)
        orders_sudo._loyalty_start_pending()
        return result

    # === RETURNS === #

    def _get_loyalty_returns(self):
        """Add the goods of sales orders that were paid at a till and come back."""
        returns = super()._get_loyalty_returns()
        lines_sudo = self.sudo().lines.filtered(
            lambda line: line.refunded_orderline_id.sale_order_line_id
        )
        for order_sudo, lines in lines_sudo.grouped(
            lambda line: line.refunded_orderline_id.sale_order_line_id.order_id
        ).items():
            origin_sudo = order_sudo.loyalty_transaction_id
            if origin_sudo.state == "posted":
                sale = self._prepare_loyalty_sale_order_return(origin_sudo, lines)
                if sale.lines:
                    returns.append((origin_sudo, sale))
        return returns

    def _prepare_loyalty_sale_order_return(self, origin, lines):
        """Describe what came back of one sales order.

        :param origin: the loyalty.transaction of the sales order
        :param lines: the lines of this order that return its goods
        :rtype: Sale
        """
        goods = {line.external_id for line in origin.line_ids if not line.is_reward}
        sold = {
            line: str(line.refunded_orderline_id.sale_order_line_id.id)
            for line in lines
        }
        return replace(
            self._prepare_loyalty_return(origin, lines.browse()),
            lines=tuple(
                replace(line._prepare_loyalty_return_line(), origin_key=key)
                for line, key in sold.items()
                if key in goods
            ),
        )

    def _get_loyalty_discounts(self, origin):
        """Return the lines by which this till took off what points had paid for.

        They come back as any line of a sales order does: a cashier chooses them.
        """
        if origin.res_model != "sale.order":
            return super()._get_loyalty_discounts(origin)
        # sudo: a cashier need not be allowed to see sales orders
        returned_sudo = self.sudo().lines.refunded_orderline_id.order_id
        return returned_sudo.lines.filtered(
            lambda line: (
                line.sale_order_line_id.order_id.id == origin.res_id
                and line.sale_order_line_id._loyalty_is_redemption()
            )
        )

    def _get_loyalty_shares(self):
        return {
            discount: amount
            for discount, amount in super()._get_loyalty_shares().items()
            if discount.reward_id
        }
