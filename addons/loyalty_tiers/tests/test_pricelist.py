# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPricelist(LoyaltyTiersCommon):
    """The price list of a contact follows the tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.write(
            {"group_ids": [(4, cls.env.ref("product.group_product_pricelist").id)]}
        )
        cls.public, cls.own, cls.low, cls.lower = cls.env["product.pricelist"].create(
            [
                {"name": name, "company_id": False}
                for name in ("Public", "Anna's", "Silver", "Gold")
            ]
        )
        cls.silver.pricelist_id = cls.low
        cls.gold.pricelist_id = cls.lower

    def _own(self, partner=None, company=None):
        partner = (partner or self.anna).with_company(company or self.company)
        return partner.specific_property_product_pricelist

    def test_follows(self):
        self._buy("S1", 100)
        self.assertEqual(self._own(), self.low)
        self.assertEqual(self.anna.property_product_pricelist, self.low)
        self._buy("S2", 200)
        self.assertEqual(self._own(), self.lower)
        self.member.action_leave()
        self.assertFalse(self._own())
        self.assertFalse(self.member.tier_pricelist_id)

    def test_who_sells_needs_no_right_to_prices(self):
        user = new_test_user(
            self.env, "sells", groups="loyalty_member.loyalty_member_group_service"
        )
        self.env["loyalty.transaction"].with_user(user)._record(
            self.member.with_user(user), self._sale("S1", self._line("a", 100))
        )
        self.assertEqual(self._own(), self.low)

    def test_own_one_comes_back(self):
        self.anna.property_product_pricelist = self.own
        self._buy("S1", 100)
        self._buy("S2", 200)
        self.member._set_tier(self.env["loyalty.tier"], "Mistake")
        self.assertEqual(self._own(), self.own)

    def test_one_that_is_gone_does_not_come_back(self):
        self.anna.property_product_pricelist = self.own
        self._buy("S1", 100)
        self.own.unlink()
        self.member.action_leave()
        self.assertFalse(self._own())

    def test_set_by_hand_meanwhile_stays(self):
        self._buy("S1", 100)
        self.anna.property_product_pricelist = self.own
        self._buy("S2", 200)
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual(self._own(), self.own)
        self.member.action_leave()
        self.assertEqual(self._own(), self.own)

    def test_in_the_company_of_the_scheme_alone(self):
        rival = self.env["res.company"].create({"name": "Rival"})
        self.anna.with_company(rival).specific_property_product_pricelist = self.own
        self._buy("S1", 100)
        self.assertEqual(self._own(), self.low)
        self.assertEqual(self._own(company=rival), self.own)

    def test_shared_scheme_in_all_companies(self):
        rival = self.env["res.company"].create({"name": "Rival"})
        scheme = self._create_scheme(name="Shared", company_id=False)
        tier = self._create_tier(
            "Everybody", scheme_id=scheme.id, pricelist_id=self.own.id
        )
        partner = self.env["res.partner"].create({"name": "Bert"})
        member = self.env["loyalty.member"]._enrol(partner, scheme)
        self.assertEqual(member.tier_id, tier)
        for company in (self.company, rival):
            self.assertEqual(self._own(partner, company), self.own)
        member.action_leave()
        for company in (self.company, rival):
            self.assertFalse(self._own(partner, company))

    def test_two_schemes(self):
        self.anna.property_product_pricelist = self.own
        scheme = self._create_scheme(name="Second")
        self._create_tier("Everybody", scheme_id=scheme.id, pricelist_id=self.public.id)
        self._buy("S1", 100)
        second = self.env["loyalty.member"]._enrol(self.anna, scheme)
        self.assertEqual(self._own(), self.public)
        self.member.action_leave()
        self.assertEqual(self._own(), self.public)
        second.action_leave()
        self.assertEqual(self._own(), self.own)

    def test_price_list_of_another_company(self):
        rival = self.env["res.company"].create({"name": "Rival"})
        foreign = self.env["product.pricelist"].create(
            {"name": "Rival's", "company_id": rival.id}
        )
        with self.assertRaises(UserError):
            self.silver.pricelist_id = foreign

    def test_the_night_follows_another_price_list_of_the_tier(self):
        self._buy("S1", 100)
        self.silver.pricelist_id = self.public
        ir_cron = self.env.registry["ir.cron"]
        with patch.object(ir_cron, "_commit_progress", lambda *_a, **_v: 1000):
            self.env["loyalty.tier.run"]._cron_evaluate()
        self.assertEqual(self._own(), self.public)
        self.silver.pricelist_id = False
        self.env["loyalty.tier.run"].search([]).unlink()
        with patch.object(ir_cron, "_commit_progress", lambda *_a, **_v: 1000):
            self.env["loyalty.tier.run"]._cron_evaluate()
        self.assertFalse(self._own())
