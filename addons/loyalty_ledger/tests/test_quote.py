# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..ledger.move import Move, Op
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestQuote(LoyaltyLedgerCommon):
    """An outside system asks what a purchase would give, with the right to read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.asker = new_test_user(
            cls.env,
            "asker",
            "base.group_user,loyalty_member.loyalty_member_group_auditor",
        )
        cls.coffee, cls.mug = cls.env["product.product"].create(
            [
                {"name": "Coffee", "default_code": "COFFEE"},
                {"name": "Mug", "default_code": "MUG"},
            ]
        )
        cls.store = cls.env["loyalty.store"].create(
            {"name": "Downtown", "code": "DT", "tz": "UTC"}
        )
        cls.env["loyalty.earn.rule"].create(
            {
                "scheme_id": cls.scheme.id,
                "name": "Coffee Twice",
                "effect": "multiplier",
                "value": 2,
                "product_ids": [Command.set(cls.coffee.ids)],
                "store_ids": [Command.set(cls.store.ids)],
            }
        )
        cls.ledger._post(
            [
                Move(
                    account_id=cls.account.id,
                    key="test:start",
                    kind="earn",
                    op=Op.CREDIT,
                    points=Decimal(150),
                )
            ]
        )

    def _quote(self, *lines, explain=False, user=None, **purchase):
        scheme = self.scheme.with_user(user or self.asker)
        self.env.invalidate_all()
        return scheme.quote({"lines": list(lines), **purchase}, explain=explain)

    def test_a_purchase(self):
        quote = self._quote(
            {"product": "COFFEE", "amount": 12.9, "quantity": 2, "key": "a"},
            {"product": self.mug.id, "amount": 8},
            member=self.member.number,
            store="DT",
        )
        self.assertEqual(quote["points"], 33)
        self.assertEqual(
            quote["lines"],
            [
                {"key": "a", "points": 25, "cashback": 0},
                {"key": "2", "points": 8, "cashback": 0},
            ],
        )
        self.assertEqual(quote["member"], self.member.number)
        self.assertEqual(quote["balance"], 150)
        self.assertEqual(quote["spendable_value"], 1.5)
        self.assertEqual(quote["max_redeem"], 150)
        self.assertEqual(quote["unit"], "beans")
        self.assertFalse(quote["notice"])
        self.assertNotIn("explanation", quote)

    def test_it_is_what_recording_then_gives(self):
        lines = [
            {"product": "COFFEE", "amount": 12.9, "amount_untaxed": 10.66},
            {"product": "MUG", "amount": 8.05, "quantity": 3},
            {"amount": -1.13},
        ]
        self.scheme.points_rounding = 0.01
        quote = self._quote(*lines, member=self.member.number, store="DT")
        recorded = self._record(
            "S1",
            *(
                self._line(
                    str(number),
                    line["amount"],
                    line.get("quantity", 1),
                    amount_excl=line.get("amount_untaxed", line["amount"]),
                    product_id=product,
                    is_reward=line["amount"] < 0,
                    eligible=line["amount"] >= 0,
                )
                for number, (line, product) in enumerate(
                    zip(lines, (self.coffee.id, self.mug.id, None), strict=True), 1
                )
            ),
            channel="api",
            store_id=self.store.id,
        )
        self.assertEqual(quote["points"], recorded.points_earned)
        self.assertEqual(
            [line["points"] for line in quote["lines"]],
            recorded.line_ids.sorted("id").mapped("points"),
        )

    def test_it_says_why(self):
        quote = self._quote(
            {"product": "COFFEE", "amount": 10, "name": "Flat White"},
            member=self.member.number,
            store="DT",
            explain=True,
        )
        text = " ".join(quote["explanation"])
        self.assertIn("Coffee Twice", text)
        self.assertIn("Flat White", text)
        self.env["loyalty.earn.rule"].search(
            [("scheme_id", "=", self.scheme.id)]
        ).name = "Coffee Time"
        again = self._quote({"product": "COFFEE", "amount": 10}, explain=True)
        self.assertIn("Coffee Time", " ".join(again["explanation"]))
        elsewhere = self._quote({"product": "COFFEE", "amount": 10}, explain=True)
        self.assertIn("it is for other stores", " ".join(elsewhere["explanation"]))

    def test_a_card_names_its_member(self):
        number = self.member.main_card_id.number
        self.assertEqual(
            self._quote({"amount": 5}, member=number)["member"], self.member.number
        )
        self.member.main_card_id.action_lost()
        with self.assertRaisesRegex(UserError, "reported lost"):
            self._quote({"amount": 5}, member=number)

    def test_a_number_that_was_merged_names_who_is_left(self):
        partner = self.anna.create({"name": "Anna Again"})
        double = self.env["loyalty.member"]._enrol(partner, self.scheme)
        number = double.number
        self.member._merge(double, "Twice the same")
        quote = self._quote({"amount": 5}, member=number)
        self.assertEqual((quote["member"], quote["points"]), (self.member.number, 5))

    def test_a_guest_earns_and_spends_nothing(self):
        quote = self._quote({"amount": 5})
        self.assertEqual(
            (quote["points"], quote["member"], quote["spendable"], quote["wallet"]),
            (5, False, 0, False),
        )

    def test_a_blocked_member_is_told_of(self):
        self.member.action_block()
        quote = self._quote({"amount": 5}, member=self.member.number)
        self.assertIn("is blocked", quote["notice"])
        self.assertEqual((quote["points"], quote["max_redeem"]), (0, 0))
        self.assertEqual(quote["balance"], 150)

    def test_another_currency_and_day(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            [
                {"currency_id": euro.id, "name": "2026-01-01", "rate": 0.5},
                {"currency_id": euro.id, "name": "2026-02-01", "rate": 0.25},
            ]
        )
        points = [
            self._quote({"amount": 5}, currency="EUR", date=f"{day} 10:00:00")["points"]
            for day in ("2026-01-20", "2026-02-20")
        ]
        self.assertEqual(points, [10, 20])

    def test_nothing_is_written(self):
        count = self.env["loyalty.transaction"].search_count([])
        self._quote({"amount": 5}, member=self.member.number)
        self.assertEqual(self.env["loyalty.transaction"].search_count([]), count)
        self.assertBooks(150)

    def test_what_cannot_be_understood_is_refused_with_a_sentence(self):
        line = {"amount": 5}
        many = [line] * 1001
        for purchase, sentence in (
            (None, "no dictionary"),
            ({}, "a list of 1 to 1000"),
            ({"lines": []}, "a list of 1 to 1000"),
            ({"lines": many}, "a list of 1 to 1000"),
            ({"lines": ["x"]}, "no dictionary"),
            ({"lines": [line], "total": 5}, "“total” is not known"),
            ({"lines": [{**line, "price": 1}]}, "“price” is not known"),
            ({"lines": [{}]}, "“amount” of a line is None"),
            ({"lines": [{"amount": "5"}]}, "“amount” of a line is 5"),
            ({"lines": [{"amount": True}]}, "“amount”"),
            ({"lines": [{"amount": float("nan")}]}, "“amount” of a line is nan"),
            ({"lines": [{"amount": 10**400}]}, "“amount”"),
            ({"lines": [{"amount": float("inf")}]}, "“amount” of a line is inf"),
            ({"lines": [{**line, "quantity": 0}]}, "“quantity” of a line is 0"),
            ({"lines": [{**line, "quantity": -1}]}, "“quantity” of a line is -1"),
            ({"lines": [{**line, "product": [1]}]}, "names no product"),
            ({"lines": [{**line, "product": 2**40}]}, "names no product"),
            ({"lines": [{**line, "product": "a\0"}]}, "names no product"),
            ({"lines": [{**line, "product": "TEA"}]}, "no product TEA"),
            ({"lines": [{**line, "product": 2**31 - 1}]}, "no product 2147483647"),
            ({"lines": [{**line, "key": "a"}] * 2}, "the same key"),
            ({"lines": [{**line, "key": 5}]}, "“key” is a text"),
            ({"lines": [line], "member": 5}, "“member” is a text"),
            ({"lines": [line], "member": "x" * 200}, "“member” is a text"),
            ({"lines": [line], "member": "%"}, "has the number %"),
            ({"lines": [line], "channel": "moon"}, "no loyalty channel"),
            ({"lines": [line], "store": "XX"}, "No store has the code XX"),
            ({"lines": [line], "payments": "cash"}, "“payments” as a list"),
            ({"lines": [line], "payments": ["shells"]}, "the code shells"),
            ({"lines": [line], "currency": "XXX"}, "no currency XXX"),
            ({"lines": [line], "date": "soon"}, "soon is no date"),
            ({"lines": [line], "date": "0001-01-01 00:00:00"}, "is no date"),
        ):
            with (
                self.subTest(sentence=sentence),
                self.assertRaisesRegex(ValidationError, sentence),
            ):
                self.scheme.with_user(self.asker).quote(purchase)

    def test_a_reference_of_several_products_is_refused(self):
        self.mug.create({"name": "Other Mug", "default_code": "MUG"})
        with self.assertRaisesRegex(ValidationError, "Several products"):
            self._quote({"product": "MUG", "amount": 5})

    def test_members_of_other_schemes_are_not_told_of(self):
        other = self._create_scheme(name="Teahouse")
        member = self.env["loyalty.member"]._enrol(self.anna, other)
        for number in (member.number, member.main_card_id.number):
            with self.assertRaisesRegex(ValidationError, "has the number"):
                self._quote({"amount": 5}, member=number)

    def test_who_may_not_see_members_may_not_ask(self):
        clerk = new_test_user(self.env, "clerk", "base.group_user")
        portal = new_test_user(self.env, "visitor", "base.group_portal")
        for user in (clerk, portal, self.env.ref("base.public_user")):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._quote({"amount": 5}, user=user)

    def test_a_scheme_of_another_company_is_out_of_reach(self):
        company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "base.group_user,loyalty_member.loyalty_member_group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.assertTrue(self.scheme.company_id)
        with self.assertRaises(AccessError):
            self._quote({"amount": 5}, user=stranger)

    def test_it_asks_the_database_little(self):
        purchase = {
            "lines": [
                {"product": "COFFEE", "amount": 12.9, "quantity": 2},
                {"product": "MUG", "amount": 8},
            ],
            "member": self.member.number,
        }
        scheme = self.scheme.with_user(self.asker).with_context(lang="en_US")
        scheme.quote(purchase)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        scheme.quote(purchase)
        self.assertLessEqual(self.env.cr.sql_log_count - before, 9)
        # Why it is so asks no more, however many rules there are
        scheme.quote(purchase, explain=True)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        scheme.quote(purchase, explain=True)
        self.assertLessEqual(self.env.cr.sql_log_count - before, 9)
