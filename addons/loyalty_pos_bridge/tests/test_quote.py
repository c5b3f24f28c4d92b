# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from random import Random
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestQuote(LoyaltyPosCommon):
    """An order of goods is quoted without being built, and says the same."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.write({"points_rounding": 0.01, "earn_points": 1.37})
        cls.tax_incl, cls.tax_excl = cls.env["account.tax"].create(
            [
                {
                    "name": "Included",
                    "amount": 21,
                    "price_include_override": "tax_included",
                },
                {"name": "On Top", "amount": 6.5},
            ]
        )
        cls.env["loyalty.earn.rule"].create(
            [
                {
                    "scheme_id": cls.scheme.id,
                    "name": "Cakes",
                    "product_ids": [Command.set(cls.cake.ids)],
                    "effect": "multiplier",
                    "value": 2,
                },
                {
                    "scheme_id": cls.scheme.id,
                    "name": "Units",
                    "effect": "unit",
                    "value": 3,
                    "cap_day": 100000,
                },
            ]
        )

    def setUp(self):
        super().setUp()
        self._open_session()
        self.till = self.main_pos_config.with_user(self.pos_user)

    def _payload(self, lines, uuid="order", partner=None):
        return {
            "uuid": uuid,
            "partner_id": (self.anna if partner is None else partner).id,
            "lines": [{**line, "tax_ids": line["tax_ids"][0][2]} for line in lines],
        }

    def _quote(self, payload):
        self.env.flush_all()
        self.env.invalidate_all()
        [quote] = self.till.loyalty_quote(payload)
        return quote

    def _quote_built(self, payload):
        """Return the quote of the order that it will become."""
        with patch.object(
            self.env.registry["pos.config"], "_is_loyalty_goods", lambda *_args: False
        ):
            return self._quote(payload)

    def _taxed_line(self, product, qty, price, discount=0, taxes=()):
        taxes = self.env["account.tax"].union(*taxes)
        totals = taxes.compute_all(
            price * (1 - discount / 100),
            self.main_pos_config.currency_id,
            qty,
            product=product,
        )
        return self._line(
            product,
            qty=qty,
            price=price,
            discount=discount,
            price_subtotal=totals["total_excluded"],
            price_subtotal_incl=totals["total_included"],
            tax_ids=[Command.set(taxes.ids)],
        )

    def _draw_lines(self, random):
        taxes = ((), (self.tax_incl,), (self.tax_excl,), (self.tax_incl, self.tax_excl))
        return [
            self._taxed_line(
                random.choice([self.beans, self.mug, self.cake]),
                qty=random.choice([1, 2, 7, 0.25, 1.33]),
                price=round(random.uniform(-3, 40), 2),
                discount=random.choice([0, 0, 5, 12.5, 100]),
                taxes=random.choice(taxes),
            )
            for _number in range(random.randint(1, 7))
        ]

    def test_goods_are_quoted_as_the_order_that_they_become(self):
        random = Random(19)
        for number in range(25):
            lines = self._draw_lines(random)
            payload = self._payload(lines, uuid=f"order-{number}")
            with self.subTest(number=number):
                self.assertTrue(self.till._is_loyalty_goods(payload))
                self.assertEqual(self._quote(payload), self._quote_built(payload))

    def test_goods_earn_to_the_last_digit_what_was_quoted(self):
        random = Random(4)
        for number in range(8):
            lines = self._draw_lines(random)
            quote = self._quote(self._payload(lines))
            order = self._sync(lines)
            with self.subTest(number=number):
                self.assertEqual(
                    f"{quote['points']:.4f}",
                    f"{self._transactions(order).points_earned:.4f}",
                )

    def test_a_guest_and_a_stranger_are_quoted_the_same(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        for partner in (self.env["res.partner"], stranger):
            payload = self._payload([self._line(self.beans)], partner=partner)
            self.assertEqual(self._quote(payload), self._quote_built(payload))

    def test_tips_earn_nothing(self):
        self.main_pos_config.write({"iface_tipproduct": True})
        self.main_pos_config.tip_product_id = self.mug
        lines = [self._line(self.beans), self._line(self.mug)]
        payload = self._payload(lines)
        quote = self._quote(payload)
        self.assertEqual(quote, self._quote_built(payload))
        [without] = self.till.loyalty_quote(self._payload(lines[:1]))
        # Of the rules for units either counts none of the tip
        self.assertEqual(quote["points"], without["points"])

    def test_whatever_is_more_than_goods_is_built(self):
        self.scheme.has_wallet = True
        for line in (
            self._points_line(20),
            self._line(self.beans, qty=-1, refunded_orderline_id=1),
            self._line(self.scheme._get_top_up_products()),
            {**self._line(self.beans), "qty": "1"},
            {**self._line(self.beans), "price_unit": float("nan")},
            {**self._line(self.beans), "uuid": None},
        ):
            payload = {"uuid": "order", "lines": [line]}
            self.assertFalse(self.till._is_loyalty_goods(payload))

    def test_programs_and_rules_that_change_are_known_at_once(self):
        payload = self._payload([self._line(self.beans)])
        self.assertEqual(len(self.till.loyalty_quote(payload)), 1)
        self.program.pos_config_ids = self.main_pos_config.copy({"name": "Other"})
        self.assertFalse(self.till.loyalty_quote(payload))
        self.program.pos_config_ids = False
        self.assertEqual(len(self.till.loyalty_quote(payload)), 1)
        # Two days: where the till stands it may still be yesterday
        self.program.date_to = fields.Date.subtract(fields.Date.today(), days=2)
        self.assertFalse(self.till.loyalty_quote(payload))
        self.program.date_to = False
        before = self._quote(payload)["points"]
        self.scheme.earn_points *= 2
        self.assertGreater(self._quote(payload)["points"], before)
        self.scheme.point_name_plural = "grains"
        self.assertIn("grains", self._quote(payload)["points_text"])
        gift_cards = self.env["loyalty.program"].create(
            {
                "name": "Gift Cards",
                "program_type": "gift_card",
                "applies_on": "future",
                "rule_ids": [Command.create({"product_ids": self.mug.ids})],
            }
        )
        payload = self._payload([self._line(self.mug)])
        self.assertFalse(self.till._is_loyalty_goods(payload))
        gift_cards.rule_ids.product_ids = self.cake
        self.assertTrue(self.till._is_loyalty_goods(payload))

    def test_a_register_that_changes_is_known_at_once(self):
        payload = self._payload([self._line(self.beans)])
        without = self._quote(payload)["points"]
        here, elsewhere = self.env["loyalty.store"].create(
            [{"name": "Here", "code": "H1"}, {"name": "Elsewhere", "code": "E1"}]
        )
        self.env["loyalty.earn.rule"].create(
            {
                "scheme_id": self.scheme.id,
                "name": "Here",
                "effect": "receipt",
                "value": 500,
                "store_ids": [Command.set(here.ids)],
            }
        )
        for store, more in ((here, 500), (elsewhere, 0), (here, 500)):
            self.main_pos_config.loyalty_store_id = store
            self.assertAlmostEqual(self._quote(payload)["points"], without + more)
        # Another currency for the register, and at another rate
        usd, eur = self.env.ref("base.USD"), self.env.ref("base.EUR")
        mine = self.main_pos_config.currency_id
        other = (eur if mine == usd else usd).sudo()
        other.active = True
        other.rate_ids = [
            Command.clear(),
            Command.create({"name": "2020-01-01", "rate": 2}),
        ]
        before = self._quote(payload)
        self.main_pos_config.journal_id.currency_id = other
        self.assertEqual(self.main_pos_config.currency_id, other)
        after = self._quote(payload)
        self.assertLess(after["points"], before["points"])
        self.assertEqual(after, self._quote_built(payload))

    def test_only_customers_whom_the_cashier_sees_are_told(self):
        other = self.env["res.company"].create({"name": "Other"})
        hidden = self.env["res.partner"].create(
            {"name": "Hidden", "company_id": other.id}
        )
        archived = self.env["res.partner"].create({"name": "Gone", "active": False})
        guest = self._quote(
            self._payload([self._line(self.beans)], partner=self.env["res.partner"])
        )
        for id_ in (hidden.id, archived.id, True, "1", -1, 10**12):
            payload = self._payload([self._line(self.beans)])
            with self.subTest(id_=id_):
                self.assertEqual(self._quote({**payload, "partner_id": id_}), guest)

    def test_a_quote_asks_the_database_little(self):
        lines = [self._line(self.beans, qty=2), self._line(self.cake)]
        payload = self._payload(lines)
        till = self.till.with_context(lang="en_US", tz="UTC")
        till.loyalty_quote(payload)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        till.loyalty_quote(payload)
        self.assertLessEqual(self.env.cr.sql_log_count - before, 9)

    def test_orders_that_make_no_sense_are_refused(self):
        for order in ({"lines": None}, {"lines": [None]}, {"lines": ["x"]}):
            with self.subTest(order=order), self.assertRaises(ValidationError):
                self.till.loyalty_quote(order)
