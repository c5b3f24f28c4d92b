# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class PosOrder(models.Model):
    _inherit = "pos.order"

    def _settle_loyalty(self):
        """Start the waiting time of the sales orders that this order pays for."""
        result = super()._settle_loyalty()
        # sudo: a cashier need not be allowed to see sales orders
        self.sudo().lines.sale_order_origin_id._loyalty_start_pending()
        return result
