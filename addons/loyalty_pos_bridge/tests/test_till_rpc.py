# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.ledger.move import Move, Op

from .common import LoyaltyPosCommon

ACCOUNT_FIELDS = {
    "scheme_id",
    "is_member",
    "name",
    "badge",
    "account_id",
    "partner_id",
    "balance",
    "balance_text",
    "value_text",
    "spendable",
    "points",
    "earns",
    "points_text",
    "available_text",
    "depends_on_payment",
    "taken_back",
    "taken_back_text",
    "given_back",
    "given_back_text",
    "shares",
    "notice",
    "can_redeem",
    "can_enrol",
    "wallet",
    "wallet_taken_back",
    "wallet_taken_back_text",
    "wallet_given_back",
    "wallet_given_back_text",
}


@tagged("post_install", "-at_install")
class TestTillRpc(LoyaltyPosCommon):
    """What a till asks the server, with the rights of a cashier and no more."""

    def setUp(self):
        super().setUp()
        self._open_session()
        self.till = self.main_pos_config.with_user(self.pos_user)

    def _payload(self, lines=(), partner=None, uuid="order"):
        return {
            "uuid": uuid,
            "partner_id": (self.anna if partner is None else partner).id,
            "lines": [{**line, "tax_ids": []} for line in lines],
        }

    def _quote(self, *args, **kwargs):
        [quote] = self.till.loyalty_quote(self._payload(*args, **kwargs))
        return quote

    def test_only_cashiers_may_ask(self):
        clerk = new_test_user(self.env, "clerk", "base.group_user")
        till = self.main_pos_config.with_user(clerk)
        for call in (
            lambda: till.loyalty_member_lookup(self.card.number),
            lambda: till.loyalty_quote(self._payload()),
            lambda: till.loyalty_reserve(self._payload()),
            lambda: till.loyalty_enrol(self.scheme.id, self.anna.id),
        ):
            self.assertRaises(AccessError, call)

    def test_a_till_of_another_company_is_out_of_reach(self):
        other = self.env["res.company"].create({"name": "Other"})
        cashier = new_test_user(
            self.env,
            "other_cashier",
            "point_of_sale.group_pos_user",
            company_id=other.id,
            company_ids=[other.id],
        )
        till = self.main_pos_config.with_user(cashier)
        with self.assertRaises(AccessError):
            till.loyalty_member_lookup(self.card.number)

    def test_members_are_found_by_what_they_show_or_say(self):
        self.anna.email = "Anna@Example.com"
        for query in (
            self.card.number,
            self.member.number,
            "+32470123456",
            "+32 470 12 34 56",
            "anna@example.com",
        ):
            with self.subTest(query=query):
                found = self.till.loyalty_member_lookup(query)
                self.assertEqual(found["partner_ids"], self.anna.ids)
                self.assertFalse(found["message"])

    def test_a_scanner_reads_cards_only(self):
        found = self.till.loyalty_member_lookup("+32470123456", scanned=True)
        self.assertFalse(found["known"])
        self.assertIn("No member has the number", found["message"])

    def test_bad_queries_are_refused(self):
        for query in ("", "   ", "x" * 500, 5, None, [1]):
            with self.subTest(query=query), self.assertRaises(ValidationError):
                self.till.loyalty_member_lookup(query)
        for query in ("%", "_", "0", "anna", "@", "0421234%"):
            with self.subTest(query=query):
                self.assertFalse(self.till.loyalty_member_lookup(query)["partner_ids"])

    def test_cards_out_of_use_are_explained(self):
        self.card.action_lost()
        found = self.till.loyalty_member_lookup(self.card.number)
        self.assertTrue(found["known"])
        self.assertFalse(found["partner_ids"])
        self.assertIn("reported lost", found["message"])

    def test_cards_of_other_registers_are_explained(self):
        other = self.main_pos_config.copy({"name": "Other"})
        self.program.pos_config_ids = other
        found = self.till.loyalty_member_lookup(self.card.number)
        self.assertIn("this register does not serve", found["message"])

    def test_a_scheme_without_a_program_is_explained(self):
        self.scheme.points_program_id = False
        found = self.till.loyalty_member_lookup(self.card.number)
        self.assertFalse(found["partner_ids"])
        self.assertIn("no points program", found["message"])

    def test_the_quote_says_where_the_customer_stands(self):
        quote = self._quote([self._line(self.beans, qty=3)])
        self.assertEqual(set(quote), ACCOUNT_FIELDS)
        self.assertEqual(quote["balance_text"], "120 beans")
        self.assertEqual(quote["value_text"], "$\xa01.20")
        self.assertEqual(quote["points"], 30)
        self.assertTrue(quote["can_redeem"])
        self.assertFalse(quote["notice"])

    def test_the_quote_is_what_the_sale_then_earns(self):
        lines = [
            self._line(self.beans, qty=3, price=3.33),
            self._line(self.mug, price=-1.11),
            self._points_line(40),
        ]
        quote = self._quote(lines)
        order = self._sync(lines)
        self.assertEqual(quote["points"], self._transactions(order).points_earned)

    def test_a_quote_writes_nothing(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        self.env["loyalty.member"]._enrol(bob, self.scheme)
        self.env.flush_all()
        orders = self.env["pos.order"].search_count([])
        accounts = self.program.coupon_ids
        self._quote([self._line(self.beans)], partner=bob)
        self.assertEqual(self.env["pos.order"].search_count([]), orders)
        self.program.invalidate_recordset()
        self.assertEqual(self.program.coupon_ids, accounts)

    def test_guests_see_what_a_member_would_earn(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        quote = self._quote([self._line(self.beans)], partner=stranger)
        self.assertFalse(quote["is_member"])
        self.assertTrue(quote["can_enrol"])
        self.assertEqual(quote["points"], 10)

    def test_a_blocked_member_is_told_by_the_quote(self):
        self.member.action_block()
        quote = self._quote([self._line(self.beans)])
        self.assertIn("is blocked", quote["notice"])
        self.assertFalse(quote["can_redeem"])
        self.assertEqual(quote["points"], 0)

    def test_a_closed_scheme_is_told_by_the_quote(self):
        self.scheme.action_close()
        quote = self._quote([self._line(self.beans)])
        self.assertIn("closed", quote["notice"])
        self.assertFalse(quote["can_redeem"])

    def test_points_set_aside_elsewhere_are_told_by_the_quote(self):
        self.account._hold("shop:1", 120)
        quote = self._quote([self._line(self.beans)])
        self.assertFalse(quote["can_redeem"])
        self.assertIn("120 beans are set aside for another order", quote["notice"])

    def test_points_that_expire_soon_are_told_by_the_quote(self):
        self.env["loyalty.ledger"]._post(
            [
                Move(
                    account_id=self.account.id,
                    key="soon",
                    kind="earn",
                    op=Op.CREDIT,
                    points=Decimal(80),
                    expiry_date=fields.Date.today() + timedelta(days=3),
                )
            ]
        )
        self.assertIn("80 beans expire on", self._quote()["notice"])

    def test_what_an_order_uses_is_set_aside(self):
        lines = [self._line(self.beans), self._points_line(80)]
        answer = self.till.loyalty_reserve(self._payload(lines, uuid="first"))
        self.assertTrue(answer["successful"])
        self.assertEqual(self.account._get_spendable()[self.account.id], 40)
        self.assertEqual(self._quote(uuid="first")["spendable"], 120)
        self.assertEqual(self._quote(uuid="second")["spendable"], 40)
        answer = self.till.loyalty_reserve(self._payload(lines, uuid="second"))
        self.assertFalse(answer["successful"])
        self.assertIn("40 beans", answer["message"])
        self.till.loyalty_reserve(self._payload(uuid="first"))
        self.assertEqual(self.account._get_spendable()[self.account.id], 120)

    def test_settlement_takes_what_was_set_aside(self):
        data = self._order_data([self._line(self.beans), self._points_line(80)])
        self.till.loyalty_reserve(
            self._payload([c[2] for c in data["lines"]], uuid=data["uuid"])
        )
        self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        self.assertEqual(self.account.hold_ids.state, "captured")
        self.assertEqual(self.account.points, 49)

    def test_a_cancelled_order_frees_what_was_set_aside(self):
        data = self._order_data(
            [self._line(self.beans), self._points_line(80)], state="draft"
        )
        data.pop("payment_ids")
        self.till.loyalty_reserve(
            self._payload([c[2] for c in data["lines"]], uuid=data["uuid"])
        )
        orders = self.env["pos.order"].with_user(self.pos_user)
        orders.sync_from_ui([data])
        orders.search([("uuid", "=", data["uuid"])]).action_pos_order_cancel()
        self.assertEqual(self.account.hold_ids.state, "released")

    def test_more_than_allowed_is_not_set_aside(self):
        self.scheme.redeem_max_share = 5
        answer = self.till.loyalty_reserve(
            self._payload([self._line(self.beans), self._points_line(80)])
        )
        self.assertFalse(answer["successful"])
        self.assertIn("at most 50 beans", answer["message"])
        self.assertFalse(self.account.hold_ids)

    def test_a_cashier_enrols_a_customer(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        number = self.till.loyalty_enrol(self.scheme.id, bob.id)
        member = self.env["loyalty.member"].search([("partner_id", "=", bob.id)])
        self.assertEqual(member.number, number)
        self.assertEqual(member.channel_id.code, "pos")
        self.assertEqual(member.store_id, self.store)
        with self.assertRaises(UserError):
            self.till.loyalty_enrol(self.scheme.id + 1000, bob.id)

    def test_orders_that_make_no_sense_are_refused(self):
        for order in ({}, [], "x", {"lines": 5}, {"lines": [1]}):
            with self.subTest(order=order), self.assertRaises(ValidationError):
                self.till.loyalty_quote(order)
