# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The same purchase earns the same points at the till, by a seller and in the shop."""

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_pos_bridge.tests.common import LoyaltyPosCommon

SHOPPER = "same_points_shopper"


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
        cls._open_shop()

    @classmethod
    def _open_shop(cls):
        """Give the company a shop, whose prices and payments Anna can use."""
        cls.website = cls.env["website"].create(
            {
                "name": "Shop",
                "company_id": cls.env.company.id,
                "domain": cls.base_url(),
            }
        )
        new_test_user(
            cls.env,
            SHOPPER,
            "base.group_portal",
            password=SHOPPER,
            partner_id=cls.anna.id,
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )
        cls.anna.write(
            {
                "email": "anna@example.com",
                "street": "1 Market Street",
                "city": "Brussels",
                "zip": "1000",
                "country_id": cls.env.ref("base.be").id,
            }
        )
        for feature in (
            "product.group_product_pricelist",
            "sale.group_discount_per_so_line",
        ):
            cls.env.ref("base.group_user")._apply_group(cls.env.ref(feature))
        cls.pricelist = cls.env["product.pricelist"].create(
            {
                "name": "Shop",
                "website_id": cls.website.id,
                "company_id": cls.env.company.id,
                "currency_id": cls.env.company.currency_id.id,
            }
        )
        cls.anna.specific_property_product_pricelist = cls.pricelist
        # The provider to copy is another company's
        demo_sudo = cls.env.ref("payment.payment_provider_demo").sudo()
        cls.provider = demo_sudo.copy(
            {"company_id": cls.env.company.id, "state": "test", "is_published": True}
        )
        cls.provider.payment_method_ids.active = True

    def _product(self, price, taxes):
        return self.env["product.product"].create(
            {
                "name": f"Product at {price}",
                "type": "service",
                "list_price": price,
                "available_in_pos": True,
                "is_published": True,
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

    def _sell_by_order(self, basket):
        """Confirm a seller's order of the basket."""
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
                }
            )
        )
        order.action_confirm()
        return order.sudo().loyalty_transaction_id

    def _sell_in_shop(self, basket):
        """Put the basket into a cart of the shop and pay for it, as Anna's browser
        does; a shop gives its discounts by pricelist.

        :return: the sales order
        """
        self.pricelist.item_ids = [
            Command.create(
                {
                    "applied_on": "0_product_variant",
                    "product_id": product.id,
                    "compute_price": "percentage",
                    "percent_price": discount,
                }
            )
            for product, _qty, discount in basket
            if discount
        ]
        self.authenticate(SHOPPER, SHOPPER)
        for product, qty, _discount in basket:
            self.make_jsonrpc_request(
                "/shop/cart/add",
                {
                    "product_template_id": product.product_tmpl_id.id,
                    "product_id": product.id,
                    "quantity": qty,
                },
            )
        cart = self.env["sale.order"].search(
            [("website_id", "=", self.website.id), ("state", "=", "draft")]
        )
        self.assertEqual(cart.order_line.mapped("discount"), [d for *_, d in basket])
        self._pay_in_shop(cart)
        self.assertEqual(cart.state, "sale")
        return cart

    def _pay_in_shop(self, cart):
        values = self.make_jsonrpc_request(
            f"/shop/payment/transaction/{cart.id}",
            {
                "access_token": cart._portal_ensure_token(),
                "amount": cart.amount_total,
                "provider_id": self.provider.id,
                "payment_method_id": self.provider.payment_method_ids[:1].id,
                "flow": "direct",
                "token_id": None,
                "tokenization_requested": False,
                "landing_route": "/shop/payment/validate",
            },
        )
        self.make_jsonrpc_request(
            "/payment/demo/simulate_payment",
            {"reference": values["reference"], "simulated_state": "done"},
        )
        self.make_jsonrpc_request("/payment/status/poll")

    def test_same_points_in_every_channel_to_the_last_digit(self):
        """Whatever taxes, discounts and quantities make of the amount."""
        self._open_session()
        none = self.env["account.tax"]
        baskets = [
            [(self._product(10.99, none), 1, 0)],
            [(self._product(3.33, none), 3, 0)],
            [(self._product(3.33, self.tax_excl), 3, 0)],
            [(self._product(19.95, self.tax_incl), 1, 33.33)],
            [
                (self._product(7.77, self.tax_excl), 2, 10),
                (self._product(0.99, self.tax_incl), 7, 0),
                (self._product(123.45, none), 1, 12.5),
            ],
        ]
        expected = [1.09, 0.99, 1.2, 1.33]
        for index, basket in enumerate(baskets):
            with self.subTest(index):
                till = self._sell_at_till(basket)
                seller = self._sell_by_order(basket)
                shop = self._sell_in_shop(basket).loyalty_transaction_id
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

    def _sell_on_both_screens(self):
        """Sell the same for 9.99 in the shop, to Anna, and on the till's screen.

        Odoo's own tour sells three desk organizers to a test partner there.

        :return: the test partner
        """
        self.desk_organizer.write(
            {"list_price": 3.33, "taxes_id": False, "type": "service"}
        )
        self.desk_organizer.is_published = True
        partner = self.env["res.partner"].create({"name": "Test Partner"})
        self.env["loyalty.member"]._enrol(partner, self.scheme)
        cart = self._sell_in_shop([(self.desk_organizer.product_variant_id, 3, 0)])
        self.main_pos_config.with_user(self.pos_user).open_ui()
        self.start_pos_tour("test_not_create_loyalty_card_expired_program")
        order = self.main_pos_config.current_session_id.order_ids
        self.assertAlmostEqual(order.amount_total, 9.99)
        self.assertAlmostEqual(cart.amount_total, 9.99)
        return partner

    def _get_points(self, program):
        cards = program.coupon_ids.grouped("partner_id")
        return {partner: round(card.points, 6) for partner, card in cards.items()}

    def test_native_points_differ_between_till_and_shop(self):
        """What the suite is there for: 9.99 at one point for 10 are 0.99 points in the
        shop, where Odoo rounds down, and 1.00 at its till, where it rounds half up."""
        native = self.env["loyalty.program"].create(
            {
                "name": "Native",
                "program_type": "loyalty",
                "applies_on": "both",
                "trigger": "auto",
                "rule_ids": [
                    Command.create(
                        {"reward_point_mode": "money", "reward_point_amount": 0.1}
                    )
                ],
            }
        )
        partner = self._sell_on_both_screens()
        self.assertEqual(self._get_points(native), {self.anna: 0.99, partner: 1.0})
        # Beside it, in the very same two sales
        self.assertEqual(
            self._get_points(self.program), {self.anna: 120.99, partner: 0.99}
        )
        self.assertClean()
