# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def unlink(self):
        lines = self
        if self.env.context.get("loyalty_website_bridge_keep_paid"):
            lines -= lines.filtered(
                lambda line: (
                    line._loyalty_is_redemption()
                    and line.order_id._loyalty_is_price_final()
                )
            )
        return super(SaleOrderLine, lines).unlink()
