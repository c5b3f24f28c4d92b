# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The same purchase earns the same points at the till, by a seller and in the shop."""

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_pos_bridge.tests.common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestSamePoints(LoyaltyPosCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.write(
            {
                "earn_points": 1,
                "earn_amount": 10,
                "points_rounding": 0.01,
                "instant_channel_ids": [
                    Command.set(cls.env["loyalty.channel"].search([]).ids)
                ],
            }
        )
        cls.tax_excl, cls.tax_incl = cls.env["account.tax"].create(
            [
                {"name": "21%", "amount": 21, "price_include_override": "tax_excluded"},
                {"name": "6%", "amount": 6, "price_include_override": "tax_included"},
            ]
        )
        cls.seller = new_test_user(
            cls.env,
            "seller",
            "sales_team.group_sale_salesman",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )
        cls.website = cls.env["website"].search(
            [("company_id", "=", cls.env.company.id)], limit=1
        ) or cls.env["website"].create({"name": "Shop"})

    def _product(self, price, taxes):
        return self.env["product.product"].create(
            {
                "name": f"Product at {price}",
                "type": "consu",
                "list_price": price,
                "available_in_pos": True,
                "taxes_id": [Command.set(taxes.ids)],
            }
        )

    def _sell_at_till(self, basket):
        """Pay the basket at the register, with the amounts Odoo computes there."""
        lines = []
        for product, qty, discount in basket:
            values = self._line(product, qty, discount=discount)
            values["tax_ids"] = [Command.set(product.taxes_id.ids)]
            computed = self.env["pos.order.line"].new(
                {
                    **values,
                    "order_id": self.env["pos.order"].new(
                        {
                            "session_id": self.main_pos_config.current_session_id.id,
                            "company_id": self.env.company.id,
                        }
                    ),
                }
            )
            lines.append({**values, **computed._compute_amount_line_all()})
        return self._transactions(self._sync(lines))

    def _sell_by_order(self, basket, **values):
        """Confirm a sales order of the basket, paid or not."""
        order = (
            self.env["sale.order"]
            .with_user(self.seller)
            .create(
                {
                    "partner_id": self.anna.id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_uom_qty": qty,
                                "discount": discount,
                            }
                        )
                        for product, qty, discount in basket
                    ],
                    **values,
                }
            )
        )
        order.action_confirm()
        return order.sudo().loyalty_transaction_id

    def test_same_points_in_every_channel_to_the_last_digit(self):
        """Odoo rounds down in sales and half up at the till: 10.99 at one point for
        10 is 1.09 points there and 1.10 here."""
        self._open_session()
        none = self.env["account.tax"]
        baskets = [
            [(self._product(10.99, none), 1, 0)],
            [(self._product(3.33, self.tax_excl), 3, 0)],
            [(self._product(19.95, self.tax_incl), 1, 33.33)],
            [
                (self._product(7.77, self.tax_excl), 2, 10),
                (self._product(0.99, self.tax_incl), 7, 0),
                (self._product(123.45, none), 1, 12.5),
            ],
        ]
        expected = [1.09, 1.2, 1.33]
        for index, basket in enumerate(baskets):
            with self.subTest(index):
                till = self._sell_at_till(basket)
                seller = self._sell_by_order(basket)
                shop = self._sell_by_order(basket, website_id=self.website.id)
                self.assertEqual(
                    [sale.channel_id.code for sale in till + seller + shop],
                    ["pos", "sale", "website"],
                )
                self.assertGreater(till.points_earned, 0)
                self.assertEqual(till.points_earned, seller.points_earned)
                self.assertEqual(till.points_earned, shop.points_earned)
                if index < len(expected):
                    self.assertEqual(till.points_earned, expected[index])
        self.assertClean()
