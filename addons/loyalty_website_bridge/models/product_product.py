# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class ProductProduct(models.Model):
    _inherit = "product.product"

    def write(self, vals):
        """Leave what shoppers have paid with in carts that are about to be confirmed.

        A scheme that closes archives the products of its rewards, and the e-shop takes
        archived products out of all carts.
        """
        if vals.get("active", True):
            return super().write(vals)
        products = self.with_context(loyalty_website_bridge_keep_paid=True)
        return super(ProductProduct, products).write(vals)
