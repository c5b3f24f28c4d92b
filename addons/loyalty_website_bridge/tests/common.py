# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command

from odoo.addons.loyalty_portal.tests.common import LoyaltyPortalCommon


class LoyaltyShopCommon(LoyaltyPortalCommon):
    """An e-shop with a scheme of 1 bean for 1.00, where 100 beans are worth 1.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.website.loyalty_store_id = cls.store
        cls.coffee = cls.env["product.product"].create(
            {
                "name": "Harmony House Blend",
                "type": "service",
                "list_price": 12.5,
                "taxes_id": [Command.clear()],
                "is_published": True,
                "website_id": False,
            }
        )

    @classmethod
    def _get_company(cls):
        cls.website = cls.env["website"].get_current_website()
        return cls.website.company_id

    def _create_cart(self, partner=None, quantity=2):
        return self.env["sale.order"].create(
            {
                "partner_id": (partner or self.anna).id,
                "website_id": self.website.id,
                "company_id": self.company.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.coffee.id, "product_uom_qty": quantity}
                    )
                ],
            }
        )

    def _pay_online(self, order):
        """Let the shopper pay; the provider has not said so yet."""
        return self.env["payment.transaction"].create(
            {
                "provider_id": self.env["payment.provider"]
                .search([("company_id", "=", self.company.id)], limit=1)
                .id,
                "payment_method_id": self.env["payment.method"]
                .search([("primary_payment_method_id", "=", False)], limit=1)
                .id,
                "reference": order.name,
                "amount": order.amount_total,
                "currency_id": order.currency_id.id,
                "partner_id": order.partner_id.id,
                "sale_order_ids": [Command.set(order.ids)],
            }
        )
