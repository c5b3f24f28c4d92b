# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEarnRule(LoyaltyLedgerCommon):
    """Rules as staff set them up, and what sales then give."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Category = cls.env["product.category"]
        cls.drinks = Category.create({"name": "Drinks"})
        cls.coffee = Category.create({"name": "Coffee", "parent_id": cls.drinks.id})
        cls.tag = cls.env["product.tag"].create({"name": "Organic"})
        cls.espresso = cls.env["product.product"].create(
            {
                "name": "Espresso",
                "categ_id": cls.coffee.id,
                "default_code": "ESP",
                "product_tag_ids": [Command.link(cls.tag.id)],
            }
        )
        cls.cake = cls.env["product.product"].create({"name": "Cake"})
        cls.downtown, cls.uptown = cls.env["loyalty.store"].create(
            [
                {"name": "Downtown", "tz": "America/New_York"},
                {"name": "Uptown", "tz": "UTC"},
            ]
        )

    @classmethod
    def _rule(cls, name="Offer", **values):
        return cls.env["loyalty.earn.rule"].create(
            {"name": name, "scheme_id": cls.scheme.id, **values}
        )

    def _points(self, *lines, **values):
        """Return what a sale would give."""
        sale = self._sale("Q", *(lines or [self._line("a", 10)]), **values)
        quote = self.env["loyalty.transaction"]._quote(self.member, self.scheme, sale)
        return quote["points"]

    def _coffee(self, amount=10, key="coffee", **values):
        return self._line(key, amount, product_id=self.espresso.id, **values)

    def _buy(self, reference, *lines, **values):
        return self._record(reference, *(lines or [self._line("a", 10)]), **values)

    # === EFFECTS === #

    def test_effects(self):
        expected = {
            "amount": ({"value": 3, "per_amount": 2}, 10 + 15),
            "step": ({"value": 4, "per_amount": 3}, 10 + 12),
            "percent": ({"value": 50}, 10 + 5),
            "receipt": ({"value": 7}, 10 + 7),
            "unit": ({"value": 5, "per_unit": 2}, 10 + 5),
            "multiplier": ({"value": 3}, 30),
        }
        for effect, (values, points) in expected.items():
            with self.subTest(effect=effect):
                rule = self._rule(effect=effect, **values)
                self.assertEqual(self._points(self._line("a", 10, 3)), points)
                rule.active = False
                self.assertEqual(self._points(self._line("a", 10, 3)), 10)

    def test_cashback(self):
        self.scheme.has_wallet = True
        self._rule(effect="percent", value=5, target="wallet")
        transaction = self._buy("S1")
        self.assertEqual(transaction.wallet_cashback, 0.5)
        self.assertEqual(self.member.wallet_account_id.points, 0.5)
        self.assertEqual(transaction.points_earned, 10)

    # === CONDITIONS === #

    def test_goods(self):
        both = (self._coffee(10), self._line("cake", 20, product_id=self.cake.id))
        for field, records in (
            ("product_category_ids", self.drinks),
            ("product_category_ids", self.coffee),
            ("product_ids", self.espresso),
            ("product_tag_ids", self.tag),
        ):
            with self.subTest(field=field, records=records.mapped("name")):
                rule = self._rule(effect="multiplier", value=2, **{field: records.ids})
                self.assertEqual(self._points(*both), 40)
                self.assertEqual(self._points(both[1]), 20)
                rule.active = False

    def test_product_filter(self):
        self._rule(
            effect="multiplier",
            value=2,
            product_domain="[('default_code', '=', 'ESP')]",
        )
        both = (self._coffee(10), self._line("cake", 20, product_id=self.cake.id))
        self.assertEqual(self._points(*both), 40)

    def test_category_of_a_line_without_product(self):
        self._rule(effect="receipt", value=9, product_category_ids=self.drinks.ids)
        line = self._line("x", 10, category_id=self.coffee.id)
        self.assertEqual(self._points(line), 19)
        self.assertEqual(self._points(), 10)

    def test_minimums(self):
        self._rule(
            effect="receipt",
            value=9,
            product_category_ids=self.coffee.ids,
            minimum_quantity=2,
            minimum_amount=8,
        )
        self.assertEqual(self._points(self._coffee(10, quantity=2)), 19)
        self.assertEqual(self._points(self._coffee(10, quantity=1)), 10)
        self.assertEqual(self._points(self._coffee(7, quantity=2)), 7)

    def test_channel_store_and_payment(self):
        self._rule(
            effect="receipt",
            value=5,
            channel_ids=self.env["loyalty.channel"]._get_by_code("pos").ids,
            store_ids=self.downtown.ids,
            payment_method_ids=self.env.ref(
                "loyalty_ledger.loyalty_payment_method_cash"
            ).ids,
        )
        at = {"store_id": self.downtown.id, "payments": ("cash", "card")}
        self.assertEqual(self._points(**at), 15)
        self.assertEqual(self._points(**{**at, "store_id": self.uptown.id}), 10)
        self.assertEqual(self._points(**{**at, "payments": ("card",)}), 10)
        self.assertEqual(self._points(**at, channel="manual"), 10)

    def test_weekday_and_hours_on_the_clock_of_the_store(self):
        # Tuesday 10 March 2026, 02:00 UTC, is Monday 22:00 in New York
        night = datetime(2026, 3, 10, 2, 0)
        self._rule(
            effect="receipt",
            value=5,
            mon=True,
            has_hours=True,
            hour_from=21,
            hour_to=23,
        )
        self.assertEqual(self._points(date=night, store_id=self.downtown.id), 15)
        self.assertEqual(self._points(date=night, store_id=self.uptown.id), 10)
        later = night + timedelta(hours=1)
        self.assertEqual(self._points(date=later, store_id=self.downtown.id), 10)

    def test_hours_when_the_clocks_change(self):
        # In New York they go forward on 8 March 2026: the same time there is an hour
        # earlier in UTC from then on
        self._rule(effect="receipt", value=5, has_hours=True, hour_from=9, hour_to=10)
        for day, hour, points in ((7, 14, 15), (8, 14, 10), (8, 13, 15), (7, 13, 10)):
            with self.subTest(day=day, hour=hour):
                moment = datetime(2026, 3, day, hour, 30)
                earned = self._points(date=moment, store_id=self.downtown.id)
                self.assertEqual(earned, points)

    def test_period(self):
        self._rule(
            effect="receipt",
            value=5,
            date_from=date(2026, 3, 10),
            date_to=date(2026, 3, 11),
        )
        for day, points in ((9, 10), (10, 15), (11, 15), (12, 10)):
            with self.subTest(day=day):
                moment = NOW.replace(day=day)
                self.assertEqual(self._points(date=moment), points)

    def test_birthday(self):
        self._rule(
            effect="receipt",
            value=5,
            on_birthday=True,
            birthday_before=1,
            birthday_after=2,
        )
        self.assertEqual(self._points(), 10)
        for birthday, points in (
            (date(1990, 3, 11), 15),
            (date(1990, 3, 8), 15),
            (date(1990, 3, 12), 10),
            (date(1990, 3, 7), 10),
        ):
            with self.subTest(birthday=birthday):
                self.anna.birthdate_date = birthday
                self.assertEqual(self._points(), points)

    def test_first_purchases(self):
        self._rule(
            "Welcome", effect="receipt", value=50, purchase_from=1, purchase_to=1
        )
        self._rule("Third", effect="receipt", value=30, purchase_from=3)
        earned = [self._buy(f"S{number}").points_earned for number in range(4)]
        self.assertEqual(earned, [60, 10, 40, 40])

    def test_first_purchase_in_one_delivery(self):
        self._rule(effect="receipt", value=50, purchase_to=1)
        sales = [self._sale(f"S{n}", self._line("a", 10)) for n in range(3)]
        recorded = self.env["loyalty.transaction"]._record_many(
            [(self.member, sale) for sale in sales]
        )
        self.assertEqual(recorded.mapped("points_earned"), [60, 10, 10])
        self.assertEqual(recorded.mapped("reference"), ["S0", "S1", "S2"])

    def test_a_cancelled_purchase_was_none(self):
        self._rule(effect="receipt", value=50, purchase_to=1)
        self._buy("S1")._cancel()
        self.assertEqual(self._buy("S2").points_earned, 60)

    def test_a_revised_purchase_stays_the_first(self):
        self._rule(effect="receipt", value=50, purchase_to=1)
        self._buy("S1")
        self.assertEqual(self._buy("S1", self._line("a", 20)).points_earned, 70)

    def test_points_before_the_purchase(self):
        self._rule(effect="receipt", value=5, minimum_points=10)
        self.assertEqual(self._buy("S1").points_earned, 10)
        self.assertEqual(self._buy("S2").points_earned, 15)

    # === STACKING === #

    def test_best_of(self):
        self._rule("Small", effect="receipt", value=5, best_of="offers")
        self._rule("Large", effect="receipt", value=8, best_of="offers")
        transaction = self._buy("S1")
        self.assertEqual(transaction.points_earned, 18)
        self.assertIn(
            "Small: another rule of its group gave more.",
            transaction._explain_skipped_rules(),
        )
        self.assertFalse(any("Small" in line for line in transaction._explain()))

    def test_exclusive(self):
        self._rule("Alone", effect="receipt", value=5, exclusive=True, sequence=1)
        self._rule("Second", effect="receipt", value=8, sequence=2)
        self.assertEqual(self._points(), 5)

    # === CAPS === #

    def test_cap_of_a_receipt(self):
        self._rule(effect="percent", value=100, cap_receipt=6)
        transaction = self._buy("S1")
        self.assertEqual(transaction.points_earned, 16)
        self.assertIn(
            "Without its limit of 6 beans a receipt it would have given 10 beans",
            " ".join(transaction._explain()),
        )

    def test_caps_of_a_member(self):
        """Each cap holds over its own period, and the next period begins anew."""
        self._rule(
            effect="receipt",
            value=5,
            cap_day=8,
            cap_week=13,
            cap_month=20,
            cap_total=25,
        )
        # A Tuesday; the week ends on Sunday 15, the month on Tuesday 31
        bought = [
            (NOW, 5),
            (NOW, 3),
            (NOW, 0),
            (datetime(2026, 3, 11, 12), 5),
            (datetime(2026, 3, 12, 12), 0),
            (datetime(2026, 3, 17, 12), 5),
            (datetime(2026, 3, 18, 12), 2),
            (datetime(2026, 3, 25, 12), 0),
            (datetime(2026, 4, 1, 12), 5),
            (datetime(2026, 4, 2, 12), 0),
        ]
        given = [
            self._buy(f"S{number}", date=moment).points_earned - 10
            for number, (moment, _points) in enumerate(bought)
        ]
        self.assertEqual(given, [points for _moment, points in bought])

    def test_caps_are_for_each_member(self):
        self._rule(effect="receipt", value=5, cap_total=5)
        self._buy("S1")
        other = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Bob"}), self.scheme
        )
        recorded = self.env["loyalty.transaction"]._record(
            other, self._sale("S2", self._line("a", 10))
        )
        self.assertEqual(recorded.points_earned, 15)

    def test_a_revised_sale_counts_once(self):
        self._rule(effect="receipt", value=5, cap_day=8)
        self._buy("S1")
        self.assertEqual(self._buy("S1", self._line("a", 20)).points_earned, 25)
        self.assertEqual(self._buy("S2").points_earned, 13)

    def test_a_cancelled_sale_frees_its_part_of_a_cap(self):
        self._rule(effect="receipt", value=5, cap_day=5)
        self._buy("S1")._cancel()
        self.assertEqual(self._buy("S2").points_earned, 15)

    def test_a_return_frees_nothing(self):
        self._rule(effect="receipt", value=5, cap_day=5)
        sale = self._buy("S1")
        sale._record_return(self._sale("R1", self._line("r", 10, origin_key="a")))
        self.assertEqual(self._buy("S2").points_earned, 10)

    def test_budget(self):
        rule = self._rule(effect="receipt", value=5, budget=12)
        earned = [self._buy(f"S{number}").points_earned - 10 for number in range(4)]
        self.assertEqual(earned, [5, 5, 2, 0])
        self.assertEqual(rule.given, 12)
        self.env["loyalty.earn.budget"]._count_anew()
        self.assertEqual(self._points(), 10)

    def test_budget_is_counted_anew(self):
        """What was summed up and what came after it add up, whenever that is done."""
        rule = self._rule(effect="receipt", value=5, budget=12)
        Budget = self.env["loyalty.earn.budget"]
        self._buy("S1")
        for hours in (2, 4):
            with freeze_time(NOW + timedelta(hours=hours)):
                Budget._count_anew()
                self.assertEqual(float(Budget._get_given(rule.ids)[rule.id]), 5)
        with freeze_time(NOW + timedelta(hours=4)):
            self._buy("S2")
            self.assertEqual(float(Budget._get_given(rule.ids)[rule.id]), 10)

    def test_budget_within_one_delivery(self):
        self._rule(effect="receipt", value=5, budget=12)
        members = self.member
        for name in ("Bob", "Cleo", "Dan"):
            members |= self.env["loyalty.member"]._enrol(
                self.env["res.partner"].create({"name": name}), self.scheme
            )
        recorded = self.env["loyalty.transaction"]._record_many(
            [
                (member, self._sale(f"S{member.id}", self._line("a", 10)))
                for member in members
            ]
        )
        self.assertEqual(recorded.mapped("points_earned"), [15, 15, 12, 10])

    def test_caps_of_the_scheme(self):
        self.scheme.write({"earn_cap_receipt": 8, "earn_cap_day": 12})
        earned = [self._buy(f"S{number}").points_earned for number in range(3)]
        self.assertEqual(earned, [8, 4, 0])
        self.assertEqual(self._buy("S4", date=NOW + timedelta(days=1)).points_earned, 8)

    # === WHO AND ON WHAT === #

    def test_staff(self):
        user = new_test_user(self.env, "seller", groups="base.group_user")
        user.partner_id = self.anna
        transaction = self._buy("S1")
        self.assertEqual(transaction.points_earned, 0)
        self.assertEqual(transaction._explain(), ["Staff earn nothing in this scheme."])
        self.scheme.exclude_staff = False
        self.assertEqual(self._buy("S2").points_earned, 10)

    def test_portal_users_are_no_staff(self):
        user = new_test_user(self.env, "shopper", groups="base.group_portal")
        user.partner_id = self.anna
        self.assertEqual(self._points(), 10)

    def test_excluded_customers(self):
        reseller = self.env["res.partner.category"].create({"name": "Reseller"})
        self.anna.category_id = reseller
        self.assertEqual(self._points(), 10)
        self.scheme.excluded_tag_ids = reseller
        self.assertEqual(self._points(), 0)

    def test_before_discounts(self):
        lines = (
            self._line("a", 8, discount_incl=2, discount_excl=2),
            self._line("coupon", -3, is_reward=True),
        )
        self.assertEqual(self._points(*lines), 5)
        self.scheme.earn_before_discounts = True
        self.assertEqual(self._points(*lines), 10)

    # === EXPLANATION === #

    def test_explanation(self):
        self._rule(
            "Coffee hour", effect="multiplier", value=2, product_ids=self.espresso.ids
        )
        self._rule("Weekend", effect="receipt", value=5, sat=True, sun=True)
        transaction = self._buy(
            "S1", self._coffee(10, name="Espresso"), self._line("cake", 5)
        )
        self.assertEqual(transaction.points_earned, 25)
        money = self.scheme._format_money
        self.assertEqual(
            transaction._explain(),
            [
                f"Harmony Coffee: 1 bean for each {money(1)}. On {money(15)} that is"
                " 15 beans.",
                "Coffee hour: 2 times 10 beans, that is 10 beans more. Counted on"
                " Espresso.",
            ],
        )
        self.assertEqual(
            transaction._explain_skipped_rules(),
            ["Weekend: it is for other days of the week."],
        )
        self.assertIn("it is for other days of the week", transaction.explanation)

    def test_summary(self):
        rule = self._rule(
            effect="step",
            value=2,
            per_amount=5,
            product_category_ids=self.coffee.ids,
            store_ids=self.downtown.ids,
            tue=True,
            has_hours=True,
            hour_from=8,
            hour_to=24,
            purchase_from=1,
            purchase_to=1,
        )
        self.assertEqual(
            rule.summary,
            f"2 beans for each full {self.scheme._format_money(5)}, on Coffee,"
            " at Downtown, Tuesday, 08:00–24:00, on the first purchase",
        )

    # === EDITING === #

    def test_form(self):
        manager = new_test_user(
            self.env, "manager", groups="loyalty_member.loyalty_member_group_manager"
        )
        form = Form(self.env["loyalty.earn.rule"].with_user(manager))
        form.name = "Double"
        form.scheme_id = self.scheme
        form.effect = "multiplier"
        form.value = 2
        form.save()
        self.assertEqual(self._points(), 20)

    def test_bad_values(self):
        for values in (
            {"value": 0},
            {"value": -1},
            {"effect": "multiplier", "value": 1},
            {"per_amount": 0},
            {"date_from": "2026-03-02", "date_to": "2026-03-01"},
            {"hour_from": 9, "hour_to": 9},
            {"purchase_from": 3, "purchase_to": 2},
            {"cap_day": -1},
            {"birthday_before": 200},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(IntegrityError),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self._rule(**values)

    def test_bad_filter(self):
        for text in ("[('nothing', '=', 1)]", "no list", "[(", "{}"):
            with (
                self.subTest(text=text),
                self.assertRaisesRegex(ValidationError, "does not work"),
                self.env.cr.savepoint(),
            ):
                self._rule(product_domain=text)

    def test_cashback_needs_a_wallet(self):
        with self.assertRaisesRegex(ValidationError, "has no wallet"):
            self._rule(target="wallet", effect="percent", value=5)

    def test_a_group_compares_like_with_like(self):
        self._rule(best_of="offers", effect="receipt", value=5)
        with self.assertRaisesRegex(ValidationError, "cannot be compared"):
            self._rule(best_of="offers", effect="multiplier", value=2)

    def test_a_rule_that_gave_is_archived(self):
        rule = self._rule(effect="receipt", value=5)
        self._buy("S1")
        with self.assertRaisesRegex(UserError, "Archive it instead"):
            rule.unlink()
        self._rule("Unused").unlink()

    # === RIGHTS === #

    def test_rights(self):
        rule = self._rule()
        service = new_test_user(
            self.env, "service", groups="loyalty_member.loyalty_member_group_service"
        )
        nobody = new_test_user(self.env, "nobody", groups="base.group_user")
        rule.with_user(service).read(["name", "summary"])
        with self.assertRaises(AccessError):
            rule.with_user(service).write({"value": 100})
        with self.assertRaises(AccessError):
            rule.with_user(nobody).read(["name"])
        manager = new_test_user(
            self.env, "boss", groups="loyalty_member.loyalty_member_group_manager"
        )
        for model in ("loyalty.earn.award", "loyalty.earn.budget"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(manager).create({})

    def test_companies(self):
        rule = self._rule()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            groups="loyalty_member.loyalty_member_group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertFalse(
            self.env["loyalty.earn.rule"]
            .with_user(stranger)
            .search([("id", "=", rule.id)])
        )
