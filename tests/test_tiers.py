# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tiers as cashiers, members and shoppers meet them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from odoo import fields
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine
from odoo.addons.loyalty_ledger.models.loyalty_earn_rule import WEEKDAYS
from odoo.addons.loyalty_pos_bridge.tests.common import LoyaltyPosCommon

CARD = "0421234567891"


@tagged("post_install", "-at_install")
class TestTiers(LoyaltyPosCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gold = cls.env["loyalty.tier"].create(
            {
                "name": "Gold",
                "scheme_id": cls.scheme.id,
                "entry_points": 30,
                "color": "#D4AF37",
            }
        )
        cls.env["loyalty.member.card"].create(
            {
                "number": CARD,
                "scheme_id": cls.scheme.id,
                "member_id": cls.member.id,
                "state": "active",
            }
        )
        cls.store.tz = "America/New_York"
        category = cls.env["product.category"].create({"name": "Coffee"})
        cls.beans.categ_id = category
        cls.rule = cls.env["loyalty.earn.rule"].create(
            {
                "name": "Gold coffee day",
                "scheme_id": cls.scheme.id,
                "effect": "multiplier",
                "value": 2,
                "tier_ids": cls.gold.ids,
                "product_category_ids": category.ids,
                "store_ids": cls.store.ids,
                **{day: day == cls._get_today() for day in WEEKDAYS},
            }
        )

    @classmethod
    def _get_today(cls):
        """Return the day of the week in the store, whose clock the browser's is not."""
        return WEEKDAYS[datetime.now(ZoneInfo(cls.store.tz)).weekday()]

    def _buy(self, amount):
        """Record a purchase that was made elsewhere."""
        return self.env["loyalty.transaction"]._record(
            self.member,
            Sale(
                channel="pos",
                reference=f"elsewhere {amount}",
                date=datetime.now(),
                currency_id=self.scheme.currency_id.id,
                company_id=self.env.company.id,
                lines=(SaleLine("a", None, 1, amount, amount),),
            ),
        )

    def _open(self):
        self.main_pos_config.with_user(self.pos_user).open_ui()

    def _get_sales(self):
        orders = self.main_pos_config.current_session_id.order_ids.sorted("id")
        return [order._get_loyalty_transactions() for order in orders]

    def test_threshold_crossed_at_the_till(self):
        """Gold from the receipt on, and double on coffee in this store, today."""
        self._open()
        self.start_pos_tour("LoyaltyPosTier")
        first, second = self._get_sales()
        self.assertEqual(first.points_earned, 30)
        self.assertEqual(self.member.tier_id, self.gold)
        change = self.env["loyalty.tier.change"].search(
            [("member_id", "=", self.member.id)]
        )
        self.assertEqual(change.transaction_id, first)
        self.assertEqual(change.cause, "upgrade")
        self.assertEqual(second.points_earned, 30)
        self.assertIn("Gold coffee day: 2 times 10 beans", " ".join(second._explain()))

    def test_another_store(self):
        """The same member, the same goods, the same day: not doubled in store B."""
        self._buy(30)
        self.assertEqual(self.member.tier_id, self.gold)
        self.main_pos_config.loyalty_store_id = self.env["loyalty.store"].create(
            {"name": "Uptown", "tz": self.store.tz}
        )
        self._open()
        self.start_pos_tour("LoyaltyPosTierElsewhere")
        (sale,) = self._get_sales()
        self.assertEqual(sale.points_earned, 10)
        self.assertIn(
            "Gold coffee day: it is for other stores.", sale._explain_skipped_rules()
        )

    def test_portal_and_cart(self):
        """The member reads the same of the tier in the portal and in the cart."""
        new_test_user(
            self.env,
            "anna_portal",
            "base.group_portal",
            password="anna_portal",
            partner_id=self.anna.id,
        )
        self.gold.entry_points = 20
        self.env["loyalty.tier"].create(
            {
                "name": "Platinum",
                "scheme_id": self.scheme.id,
                "entry_points": 1000,
                "sequence": 99,
            }
        )
        self._buy(30)
        badge = self.member._get_badge()
        self.assertEqual(badge["name"], "Gold")
        self.assertIn("970 beans to Platinum by 31 December", badge["text"])
        self.assertEqual(badge["percent"], 3)
        self.authenticate("anna_portal", "anna_portal")
        page = self.url_open("/my/loyalty").text
        self.assertIn(badge["text"], page)
        self.assertIn("background-color: #D4AF37", page)
        self.assertIn("--badge-bg: #D4AF37", page)
        self.assertIn('aria-valuenow="3"', page)
        self.assertNotIn("o_loyalty_badge_warning", page)
        cart_sudo = (
            self.env["sale.order"]
            .sudo()
            .create({"partner_id": self.anna.id, "company_id": self.env.company.id})
        )
        values = cart_sudo._loyalty_get_member_values(self.member)
        self.assertEqual(values["badge"], badge)
        # Given by hand, and over tomorrow
        platinum = self.scheme.tier_ids.filtered(lambda tier: tier.name == "Platinum")
        last_day = fields.Date.today() + timedelta(days=1)
        self.member._set_tier(platinum, "Invited", last_day)
        page = self.url_open("/my/loyalty").text
        self.assertIn("o_loyalty_badge_warning", page)
        self.assertIn("970 beans to stay Platinum after", page)
