# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRecall(LoyaltyLedgerCommon):
    """What is kept ready for sales is forgotten when it changes."""

    def _quote(self, *lines, **values):
        self.env.flush_all()
        self.env.invalidate_all()
        sale = self._sale("quote", *lines, **values)
        return self.env["loyalty.transaction"]._quote(self.member, self.scheme, sale)

    def test_a_scheme(self):
        line = self._line("a", 12.34)
        self.assertEqual(self._quote(line)["points"], 12)
        self.scheme.points_rounding = 0.1
        self.assertEqual(self._quote(line)["points"], 12.3)
        self.scheme.write({"redeem_points": 10})
        self.assertEqual(self._quote(line)["point_value"], 0.1)
        self.scheme.action_close()
        self.assertEqual(self._quote(line)["points"], 0)

    def test_a_change_that_is_not_written_yet_counts(self):
        self._quote(self._line("a", 1))
        self.scheme.point_name_plural = "grains"
        self.assertEqual(self.scheme._recall().point_name_plural, "grains")
        self.assertEqual(self.scheme._format_points(2), "2 grains")

    def test_a_name_in_each_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.scheme.with_context(lang="fr_FR").point_name_plural = "grains"
        for lang, unit in (("en_US", "beans"), ("fr_FR", "grains"), ("en_US", "beans")):
            self.env.flush_all()
            self.env.invalidate_all()
            scheme = self.scheme.with_context(lang=lang)._recall()
            self.assertEqual(scheme.point_name_plural, unit)

    def test_a_currency(self):
        currency = self.scheme.currency_id
        self.assertEqual(self.scheme._get_coin(), self.scheme._get_coin())
        for symbol, rounding in (("¤", 0.1), ("¢", 0.5)):
            currency.write({"symbol": symbol, "rounding": rounding})
            self.env.flush_all()
            self.env.invalidate_all()
            self.scheme._recall()
            self.assertEqual(float(self.scheme._get_coin()), rounding)
            self.assertEqual(currency.rounding, rounding)
            self.assertIn(symbol, self.scheme._format_money(2))

    def test_the_clock_of_a_store(self):
        store = self.env["loyalty.store"].create({"name": "Downtown", "tz": "UTC"})
        self.env["loyalty.earn.rule"].create(
            {
                "scheme_id": self.scheme.id,
                "name": "Lunch",
                "effect": "receipt",
                "value": 5,
                "has_hours": True,
                "hour_from": 12,
                "hour_to": 13,
            }
        )
        line = self._line("a", 10)
        self.assertEqual(self._quote(line, store_id=store.id)["points"], 15)
        store.tz = "Asia/Tokyo"
        self.assertEqual(self._quote(line, store_id=store.id)["points"], 10)

    def test_how_products_are_sorted(self):
        above = self.env["product.category"].create({"name": "Drinks"})
        below = above.create({"name": "Coffee", "parent_id": above.id})
        other = above.create({"name": "Cups"})
        tags = self.env["product.tag"].create([{"name": "Fair"}, {"name": "New"}])
        product = self.env["product.product"].create({"name": "Arabica"})
        self.env["loyalty.earn.rule"].create(
            [
                {
                    "scheme_id": self.scheme.id,
                    "name": name,
                    "effect": "receipt",
                    "value": value,
                    **goods,
                }
                for name, value, goods in (
                    ("Drinks", 100, {"product_category_ids": [Command.set(above.ids)]}),
                    ("Fair", 1000, {"product_tag_ids": [Command.set(tags[0].ids)]}),
                    ("New", 10000, {"product_tag_ids": [Command.set(tags[1].ids)]}),
                )
            ]
        )
        line = self._line("a", 10, product_id=product.id)
        self.assertEqual(self._quote(line)["points"], 10)
        product.categ_id = below
        self.assertEqual(self._quote(line)["points"], 110)
        product.product_tmpl_id.product_tag_ids = tags[0]
        self.assertEqual(self._quote(line)["points"], 1110)
        product.additional_product_tag_ids = tags[1]
        self.assertEqual(self._quote(line)["points"], 11110)
        below.parent_id = other
        self.assertEqual(self._quote(line)["points"], 11010)

    def test_the_rules_are_compiled_once(self):
        rules = self.scheme._get_rules()
        self.assertIs(self.scheme._get_rules(), rules)
        self.scheme.earn_points = 3
        self.assertIsNot(self.scheme._get_rules(), rules)
        self.assertEqual(self._quote(self._line("a", 10))["points"], 30)
