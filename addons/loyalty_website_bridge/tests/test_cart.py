# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.http import Request
from odoo.tests import JsonRpcException, tagged
from odoo.tools import mute_logger

from .common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestCart(LoyaltyShopCommon):
    """What the routes of the cart let whom do."""

    def _use(self, points):
        return self.make_jsonrpc_request(
            "/shop/loyalty/points", {"points": points, "render": False}
        )

    def test_use_and_remove(self):
        cart = self._create_cart()
        self._log_in("anna")
        self.assertEqual(self._use(150)["amount"], 23.5)
        self.assertEqual(cart.loyalty_points_to_use, 150)
        answer = self._use(0)
        self.assertEqual((answer["amount"], answer["used"]), (25, 0))
        self.assertEqual(
            set(answer),
            {"error", "used", "cart_quantity", "cart_ready", "amount", "minor_amount"},
        )

    def test_bad_input(self):
        self._create_cart()
        self._log_in("anna")
        for points in (501, -5, "many", None, "nan", "inf", 0.5, [1], 1e30):
            with self.subTest(points=points):
                self.assertTrue(self._use(points)["error"])
        self.assertPoints(500)

    @mute_logger("odoo.http")
    def test_visitors_cannot_use_points(self):
        self._create_cart()
        self.authenticate(None, None)
        with self.assertRaises(JsonRpcException):
            self._use(100)

    def test_strangers_cart_is_out_of_reach(self):
        """Ben has an empty cart; what he posts never finds Anna's."""
        cart = self._create_cart()
        self._log_in("ben")
        self.assertTrue(self._use(100)["error"])
        self.assertFalse(cart.loyalty_points_to_use)

    def test_stranger_cannot_spend(self):
        self._create_cart(self.ben)
        self._log_in("ben")
        self.assertIn("Only members", self._use(100)["error"])

    def test_blocked_member(self):
        self._create_cart()
        self.member.action_block("Suspicion")
        self._log_in("anna")
        self.assertIn("blocked", self._use(100)["error"])
        self.assertIn("Your card is blocked", self.url_open("/shop/cart").text)

    def test_closed_scheme(self):
        cart = self._create_cart()
        self.scheme.action_close()
        self._log_in("anna")
        self.assertEqual(
            self._use(100)["error"],
            "Harmony Coffee is closed: nobody can join, earn or spend beans at the "
            "moment.",
        )
        self.assertFalse(cart.loyalty_points_to_use)
        self.assertEqual(cart.amount_total, 25)

    def test_scheme_without_a_program(self):
        cart = self._create_cart()
        self.scheme.points_program_id = False
        self._log_in("anna")
        self.assertIn("Harmony Coffee has no points program", self._use(100)["error"])
        self.assertFalse(cart.loyalty_points_to_use)
        self.assertEqual(cart.amount_total, 25)

    def test_without_javascript(self):
        cart = self._create_cart()
        self._log_in("anna")
        self.url_open(
            "/shop/loyalty/use",
            data={"points": "200", "csrf_token": Request.csrf_token(self)},
        )
        self.assertEqual(cart.amount_total, 23)
        response = self.url_open(
            "/shop/loyalty/use",
            data={
                "points": "9000",
                "r": "https://elsewhere.example",
                "csrf_token": Request.csrf_token(self),
            },
        )
        self.assertTrue(response.url.endswith("/shop/cart"))
        self.assertIn("9,000 beans cannot be used here", response.text)

    def test_guest_sees_what_joining_gives(self):
        self._log_in("ben")
        self._create_cart(self.ben)
        page = self.url_open("/shop/cart").text
        self.assertIn("Join and earn", page)
        self.assertIn("25 beans", page)
        self.assertNotIn("o_loyalty_cart_use", page)

    def test_join(self):
        cart = self._create_cart(self.ben)
        self._log_in("ben")
        self.url_open(
            "/shop/loyalty/join", data={"csrf_token": Request.csrf_token(self)}
        )
        member = self.env["loyalty.member"]._find_for_partner(self.ben, self.scheme)
        self.assertEqual(member.channel_id.code, "website")
        self.assertEqual(member.store_id, self.store)
        self.assertIn("You will earn", self.url_open("/shop/cart").text)
        cart.action_confirm()
        self.assertEqual(cart.loyalty_transaction_id.points_earned, 25)
        self.assertEqual(cart.loyalty_transaction_id.channel_id.code, "website")
        self.assertEqual(cart.loyalty_transaction_id.store_id, self.store)

    def _join(self, **data):
        return self.url_open(
            "/shop/loyalty/join", data={"csrf_token": Request.csrf_token(self), **data}
        )

    def test_join_with_a_bad_phone(self):
        """The shopper reads what is wrong beside the button, once."""
        self._create_cart(self.ben)
        self.ben.phone = "12"
        self._log_in("ben")
        sentence = "12 is not a phone number in Belgium. Write it with the country code"
        for data, path in (
            ({}, "/shop/cart"),
            ({"r": "/shop/payment"}, "/shop/cart"),
            ({"r": "/my/loyalty"}, "/my/loyalty"),
        ):
            with self.subTest(**data):
                response = self._join(**data)
                self.assertEqual(response.status_code, 200)
                self.assertTrue(response.url.endswith(path), response.url)
                self.assertEqual(response.text.count(sentence), 1)
                self.assertIn('name="loyalty_join"', response.text)
                self.assertNotIn(sentence, self.url_open(path).text)
        members = self.env["loyalty.member"].search([("partner_id", "=", self.ben.id)])
        self.assertFalse(members)
        self.ben.phone = "+32470123457"
        self.assertIn("You will earn", self._join().text)

    def test_join_needs_one_open_scheme(self):
        self.scheme.copy({"name": "Second Brand"})
        self._log_in("ben")
        self.url_open(
            "/shop/loyalty/join", data={"csrf_token": Request.csrf_token(self)}
        )
        self.assertFalse(
            self.env["loyalty.member"].search([("partner_id", "=", self.ben.id)])
        )

    def test_native_list_has_no_second_control(self):
        cart = self._create_cart()
        self._log_in("anna")
        page = self.url_open("/shop/cart").text
        self.assertIn("o_loyalty_cart_use", page)
        self.assertNotIn('name="o_loyalty_claim"', page)
        reward = self.scheme.points_program_id.reward_ids
        self.url_open(
            "/shop/claimreward",
            data={"reward_id": reward.id, "csrf_token": Request.csrf_token(self)},
        )
        self.assertFalse(cart._loyalty_get_amount_lines())

    def test_no_scheme_no_control(self):
        self.scheme.points_program_id.ecommerce_ok = False
        self._create_cart()
        self._log_in("anna")
        self.assertNotIn("o_loyalty_cart", self.url_open("/shop/cart").text)

    @mute_logger("odoo.http")
    def test_gone_before_paying(self):
        """A till spends the points: the shopper hears it before any money moves."""
        cart = self._create_cart()
        self._log_in("anna")
        self._use(400)
        self.account._hold("pos:till", 300)
        provider = self.env["payment.provider"].search([], limit=1)
        # Not make_jsonrpc_request(): it keeps the class of an error, not its sentence
        response = self.url_open(
            f"/shop/payment/transaction/{cart.id}",
            json={
                "jsonrpc": "2.0",
                "method": "call",
                "params": {
                    "access_token": cart._portal_ensure_token(),
                    "amount": cart.amount_total,
                    "provider_id": provider.id,
                    "payment_method_id": self.env["payment.method"]
                    .search([("primary_payment_method_id", "=", False)], limit=1)
                    .id,
                    "flow": "direct",
                    "token_id": None,
                    "tokenization_requested": False,
                    "landing_route": "/shop/payment/validate",
                },
            },
        )
        self.assertEqual(
            response.json()["error"]["data"]["message"],
            "This order uses 400 beans, but only 200 beans are left. Choose again how "
            "many to use.",
        )
        cart.invalidate_recordset()
        self.assertFalse(cart.transaction_ids)
        self.assertEqual(cart.state, "draft")

    def test_all_paid_with_points_that_are_gone(self):
        cart = self._create_cart(quantity=0.2)
        self._log_in("anna")
        self._use(250)
        self.assertEqual(cart.amount_total, 0)
        self.account._hold("pos:till", 400)
        response = self.url_open("/shop/payment/validate")
        self.assertIn("only 100 beans are left", response.text)
        self.assertEqual(cart.state, "draft")

    def test_channel_of_a_posted_sale_stays(self):
        """Staff take the website off an order: the sale is still the same one."""
        cart = self._create_cart()
        cart.action_confirm()
        self.assertPoints(500, 25)
        transaction = cart.loyalty_transaction_id
        cart.website_id = False
        cart.order_line.product_uom_qty = 3
        self.assertEqual(cart.loyalty_transaction_id, transaction)
        self.assertEqual(transaction.channel_id.code, "website")
        self.assertEqual(transaction.points_earned, 37)
        self.assertPoints(500, 37)

    def _pay(self, cart):
        """Let the shopper pay, and the provider say so."""
        transaction = self._pay_online(cart)
        transaction.state = "authorized"
        return transaction

    def test_member_blocked_while_paying(self):
        """The shopper has paid the lower price: it stands, and staff are told."""
        cart = self._create_cart()
        cart._loyalty_set_points_to_use(100)
        transaction = self._pay(cart)
        self.member.action_block("Suspicion")
        transaction._post_process()
        self.assertEqual((cart.state, cart.amount_total), ("sale", 24))
        self.assertIn("is blocked", cart.activity_ids.note)
        self.assertPoints(500)
