# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestEarnRule(LoyaltyPosCommon):
    """What a till tells the earning rules."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bank = cls.main_pos_config.payment_method_ids.filtered(
            lambda method: method.type == "bank"
        )[:1]

    @classmethod
    def _rule(cls, **values):
        return cls.env["loyalty.earn.rule"].create(
            {"name": "Offer", "scheme_id": cls.scheme.id, **values}
        )

    def _earn(self, lines, **values):
        order = self._sync(lines, **values)
        return order._get_loyalty_transactions().points_earned

    def test_methods_of_payment(self):
        self.assertEqual(self.cash.loyalty_payment_method_id.code, "cash")
        self.assertEqual(self.bank.loyalty_payment_method_id.code, "card")
        self._rule(
            effect="receipt",
            value=5,
            payment_method_ids=self.bank.loyalty_payment_method_id.ids,
        )
        self._open_session()
        self.assertEqual(self._earn([self._line(self.mug)]), 10)
        order = self._sync(
            [self._line(self.mug)],
            payment_ids=[
                (0, 0, {"amount": 4, "payment_method_id": self.cash.id}),
                (0, 0, {"amount": 6, "payment_method_id": self.bank.id}),
            ],
        )
        transaction = order._get_loyalty_transactions()
        self.assertEqual(transaction.points_earned, 15)
        self.assertEqual(transaction.payments, "card,cash")

    def test_a_method_that_is_renamed(self):
        """What a till's method is for loyalty can be set."""
        voucher = self.env["loyalty.payment.method"].create(
            {"name": "Voucher", "code": "voucher"}
        )
        self._rule(effect="receipt", value=5, payment_method_ids=voucher.ids)
        codes = self.env["pos.payment.method"]._get_loyalty_codes()
        self.assertEqual(codes[self.cash.id], "cash")
        self.cash.loyalty_payment_method_id = voucher
        self._open_session()
        self.assertEqual(self._earn([self._line(self.mug)]), 15)

    def test_store_and_category(self):
        """Double on a category in this store, and not in another."""
        category = self.env["product.category"].create({"name": "Coffee"})
        self.beans.categ_id = category
        rule = self._rule(
            effect="multiplier",
            value=2,
            product_category_ids=category.ids,
            store_ids=self.store.ids,
        )
        self._open_session()
        lines = [self._line(self.beans), self._line(self.mug)]
        self.assertEqual(self._earn(lines), 30)
        rule.store_ids = self.env["loyalty.store"].create({"name": "Uptown"})
        lines = [self._line(self.beans), self._line(self.mug)]
        self.assertEqual(self._earn(lines), 20)

    def test_before_discounts(self):
        self.scheme.earn_before_discounts = True
        self._open_session()
        discounted = {"discount": 25, "price_subtotal": 7.5, "price_subtotal_incl": 7.5}
        self.assertEqual(self._earn([self._line(self.mug, **discounted)]), 10)

    def test_the_quote_knows_how_it_is_paid(self):
        """Until a way to pay is chosen the till says that points depend on it."""
        self._rule(
            effect="receipt",
            value=5,
            payment_method_ids=self.bank.loyalty_payment_method_id.ids,
        )
        self._open_session()
        till = self.main_pos_config.with_user(self.pos_user)
        order = {
            "uuid": "quote",
            "partner_id": self.anna.id,
            "lines": [{**self._line(self.mug), "tax_ids": []}],
        }
        for is_goods in (True, False):
            if not is_goods:
                # Built as the order that it will become
                self.patch(type(till), "_is_loyalty_goods", lambda *_args: False)
            for methods, points, depends in (
                (None, 10, True),
                ([], 10, True),
                (self.cash.ids, 10, False),
                ([self.cash.id, self.bank.id], 15, False),
                ("card", 10, True),
                ([[self.bank.id], "x", 0], 10, True),
            ):
                with self.subTest(is_goods=is_goods, methods=methods):
                    paid = {**order, "payment_method_ids": methods}
                    quote = till.loyalty_quote(paid)[0]
                    self.assertEqual(quote["points"], points)
                    self.assertIs(quote["depends_on_payment"], depends)

    def test_without_rules_for_payments_nothing_depends_on_them(self):
        self._open_session()
        order = {
            "uuid": "quote",
            "partner_id": self.anna.id,
            "lines": [{**self._line(self.mug), "tax_ids": []}],
        }
        till = self.main_pos_config.with_user(self.pos_user)
        self.assertFalse(till.loyalty_quote(order)[0]["depends_on_payment"])

    def test_given_away_before_discounts(self):
        """What is given away counts by its price, in the quote as in the sale."""
        self.scheme.earn_before_discounts = True
        self._open_session()
        free = {"discount": 100, "price_subtotal": 0, "price_subtotal_incl": 0}
        lines = [self._line(self.mug, **free), self._line(self.beans)]
        order = {
            "uuid": "quote",
            "partner_id": self.anna.id,
            "lines": [{**line, "tax_ids": []} for line in lines],
        }
        till = self.main_pos_config.with_user(self.pos_user)
        self.assertEqual(till.loyalty_quote(order)[0]["points"], 20)
        self.assertEqual(self._earn(lines), 20)
        self.scheme.earn_before_discounts = False
        self.assertEqual(till.loyalty_quote(order)[0]["points"], 10)

    def test_the_quote_follows_the_rules(self):
        self._rule(effect="receipt", value=5)
        self._open_session()
        quote = self.main_pos_config.with_user(self.pos_user).loyalty_quote(
            {
                "uuid": "quote",
                "partner_id": self.anna.id,
                "lines": [{**self._line(self.mug), "tax_ids": []}],
            }
        )
        self.assertEqual(quote[0]["points"], 15)
