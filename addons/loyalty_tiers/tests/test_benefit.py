# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBenefit(LoyaltyTiersCommon):
    """What members get in a tier."""

    def _earned(self, amount=10, **values):
        sale = self._sale("Q", self._line("a", amount), **values)
        quote = self.env["loyalty.transaction"]._quote(self.member, self.scheme, sale)
        return quote["points"]

    # === EARNING === #

    def test_multiplier(self):
        self.silver.multiplier = 1.5
        self.gold.multiplier = 2
        self.assertEqual(self._earned(), 10)
        self._buy("S1", 100)
        self.assertEqual(self._earned(), 15)
        self._buy("S2", 200)
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual(self._earned(), 20)

    def test_the_sale_that_reaches_the_tier_earns_as_before(self):
        self.silver.multiplier = 2
        self.assertEqual(self._buy("S1", 100).points_earned, 100)

    def test_guests_have_no_tier(self):
        self.silver.multiplier = 2
        sale = self._sale("Q", self._line("a", 10))
        nobody = self.env["loyalty.member"]
        quote = self.env["loyalty.transaction"]._quote(nobody, self.scheme, sale)
        self.assertEqual(quote["points"], 10)

    def test_explained(self):
        self.silver.multiplier = 2
        self.gold.multiplier = 3
        self._buy("S1", 100)
        sale = self._buy("S2", 10)
        self.assertIn(
            "Silver: 2 times 10 beans, that is 10 beans more.", sale._explain()
        )
        self.assertEqual(
            sale._explain_skipped_rules(), ["Gold: it is for other tiers."]
        )

    def test_extra_rule(self):
        rule = self.env["loyalty.earn.rule"].create(
            {
                "name": "Gold day",
                "scheme_id": self.scheme.id,
                "effect": "receipt",
                "value": 7,
                "tier_ids": [Command.set(self.gold.ids)],
            }
        )
        self.assertIn("for Gold", rule.summary)
        self.assertEqual(self.gold.earn_rule_ids, rule)
        self._buy("S1", 100)
        self.assertEqual(self._earned(), 10)
        self._buy("S2", 200)
        self.assertEqual(self._earned(), 17)

    def test_gold_on_tuesday_in_a_store(self):
        downtown, uptown = self.env["loyalty.store"].create(
            [{"name": "Downtown", "tz": "UTC"}, {"name": "Uptown", "tz": "UTC"}]
        )
        self.env["loyalty.earn.rule"].create(
            {
                "name": "Tuesday",
                "scheme_id": self.scheme.id,
                "effect": "multiplier",
                "value": 2,
                "tue": True,
                "store_ids": [Command.set(downtown.ids)],
                "tier_ids": [Command.set(self.gold.ids)],
            }
        )
        self.assertEqual(self._earned(store_id=downtown.id), 10)
        self.member._set_tier(self.gold, "Invited")
        self.assertEqual(self._earned(store_id=downtown.id), 20)
        self.assertEqual(self._earned(store_id=uptown.id), 10)

    def test_rule_of_a_foreign_tier(self):
        foreign = self._create_scheme(name="Rival")
        with self.assertRaisesRegex(ValidationError, "tiers of another scheme"):
            self.env["loyalty.earn.rule"].create(
                {
                    "name": "Mistake",
                    "scheme_id": foreign.id,
                    "tier_ids": [Command.set(self.gold.ids)],
                }
            )

    def test_less_than_once(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.silver.multiplier = 0.5
            self.silver.flush_recordset()

    # === EXPIRY === #

    def test_points_last_longer(self):
        self.scheme.write({"expiry_policy": "term", "expiry_term": 6})
        self.silver.write({"has_expiry": True, "expiry_term": 2, "expiry_unit": "year"})
        self._buy("S1", 100)
        self.assertEqual(self.account.lot_ids.expiry_date, date(2026, 9, 10))
        self._buy("S2", 10)
        self.assertEqual(
            self.account.lot_ids.sorted("id")[-1].expiry_date, date(2028, 3, 10)
        )
        self.assertEqual(
            self.scheme._get_expiry_date(NOW.date(), self.account), date(2028, 3, 10)
        )
        self.assertEqual(self.scheme._get_expiry_date(NOW.date()), date(2026, 9, 10))

    def test_points_that_never_expire_do_not_in_a_tier(self):
        self.silver.has_expiry = True
        self._buy("S1", 100)
        self.assertIsNone(self.scheme._get_expiry_date(NOW.date(), self.account))

    def test_wallets_keep_their_own_term(self):
        self.scheme.write(
            {
                "expiry_policy": "term",
                "has_wallet": True,
                "wallet_expiry_policy": "term",
                "wallet_expiry_term": 3,
                "wallet_expiry_unit": "month",
            }
        )
        self.silver.has_expiry = True
        self._buy("S1", 100)
        wallet = self.scheme._get_account(self.member, "wallet")
        self.assertEqual(
            self.scheme._get_expiry_date(NOW.date(), wallet), date(2026, 6, 10)
        )

    # === GIFTS === #

    def _catch_gifts(self):
        given = []
        Tier = self.env.registry["loyalty.tier"]
        self.startPatcher(
            patch.object(Tier, "_has_gift", lambda tier: tier == self.gold)
        )
        self.startPatcher(
            patch.object(
                Tier,
                "_grant_gifts",
                lambda tier, members: given.append((tier.name, members)),
            )
        )
        return given

    def test_gift_once(self):
        given = self._catch_gifts()
        self._buy("S1", 100)
        self.assertEqual(given, [])
        self._buy("S2", 200)
        self.assertEqual(given, [("Gold", self.member)])
        self._buy("S3", 200)
        change = self.member.tier_change_ids[:1]
        self.env["loyalty.tier.gift"]._grant(change)
        self.assertEqual(len(given), 1)

    def test_no_second_gift_by_returns(self):
        given = self._catch_gifts()
        for number in range(3):
            self._buy(f"S{number}", 300)._cancel()
        self.assertFalse(self.member.tier_id)
        self.assertEqual(len(given), 1)

    def test_no_second_gift_by_merges(self):
        given = self._catch_gifts()
        twin = self._enrol("Anna Twin")
        self._buy("S1", 300, member=twin)
        self.assertEqual(given, [("Gold", twin)])
        self.member._merge(twin, "Same phone")
        self.assertEqual((self.member.tier_id, len(given)), (self.gold, 1))
        twin.action_unmerge()
        self.assertEqual((twin.tier_id, len(given)), (self.gold, 1))
        self.member._merge(twin, "Same phone after all")
        with freeze_time("2027-02-01 12:00:00"):
            twin.action_unmerge()
        self.assertFalse(twin.tier_id)
        # One for each time that it is reached, by each
        with freeze_time("2027-02-02 12:00:00"):
            self._buy("S2", 300, member=twin)
        self.assertEqual(given, [("Gold", twin), ("Gold", twin)])

    def test_gift_again_after_a_year_without(self):
        given = self._catch_gifts()
        self.member._set_tier(self.gold, "Invited", date(2026, 6, 30))
        with freeze_time("2027-01-05 12:00:00"):
            self._buy("S1", 10)
            self._buy("S2", 300)
        self.assertEqual(len(given), 2)

    def test_gifts_are_read_only(self):
        self._catch_gifts()
        self._buy("S1", 300)
        gift = self.env["loyalty.tier.gift"].search(
            [("member_id", "=", self.member.id)]
        )
        user = new_test_user(
            self.env, "sees", groups="loyalty_member.loyalty_member_group_manager"
        )
        self.assertEqual(gift.with_user(user).tier_id, self.gold)
        with self.assertRaises(AccessError):
            gift.with_user(user).unlink()
        rival = self.env["res.company"].create({"name": "Rival"})
        user.write({"company_ids": [Command.set(rival.ids)], "company_id": rival.id})
        with self.assertRaises(AccessError):
            gift.with_user(user).read(["tier_id"])
