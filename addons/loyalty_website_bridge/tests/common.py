# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user


class LoyaltyShopCommon(HttpCase):
    """An e-shop with a scheme of 1 bean for 1.00, where 100 beans are worth 1.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["loyalty.program"].search([]).action_archive()
        cls.env["loyalty.scheme"].search([]).action_archive()
        cls.website = cls.env["website"].get_current_website()
        cls.company = cls.website.company_id
        cls.store = cls.env["loyalty.store"].create(
            {"name": "Harmony Online", "kind": "online", "company_id": cls.company.id}
        )
        cls.website.loyalty_store_id = cls.store
        cls.scheme = cls.env["loyalty.scheme"].create(
            {
                "name": "Harmony Coffee",
                "point_name": "bean",
                "point_name_plural": "beans",
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "color_primary": "#6F4E37",
            }
        )
        cls.anna_user, cls.ben_user = (
            cls._create_shopper("anna"),
            cls._create_shopper("ben"),
        )
        cls.anna, cls.ben = cls.anna_user.partner_id, cls.ben_user.partner_id
        cls.member = cls.env["loyalty.member"]._enrol(cls.anna, cls.scheme)
        cls.account = cls.scheme._get_account(cls.member)
        cls.account._adjust(500, "Gift for the test")
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
    def _create_shopper(cls, login):
        user = new_test_user(
            cls.env,
            f"loyalty_{login}",
            password=f"loyalty_{login}",
            groups="base.group_portal",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        user.partner_id.write(
            {
                "name": login.capitalize(),
                "email": f"{login}@example.com",
                "phone": "+32470123456",
                "street": "1 Market Street",
                "city": "Brussels",
                "zip": "1000",
                "country_id": cls.env.ref("base.be").id,
            }
        )
        return user

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

    def _log_in(self, login):
        self.authenticate(f"loyalty_{login}", f"loyalty_{login}")

    def assertPoints(self, available, pending=0.0):
        self.account.invalidate_recordset()
        self.assertEqual(
            (self.account.points, self.account.ledger_pending), (available, pending)
        )
        self.assertFalse(self.env["loyalty.ledger"]._audit(self.account))
