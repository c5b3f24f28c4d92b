# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import ValidationError
from odoo.tests import new_test_user

from .common import LoyaltyMemberCase


class TestPartner(LoyaltyMemberCase):
    def test_normalize_member_phone(self):
        partners = self.env["res.partner"]
        no_country = self.env["res.country"]
        for number, country in (
            ("0470 12 34 56", self.belgium),
            ("+32 470 12 34 56", self.env.ref("base.us")),
            ("0032470123456", self.belgium),
            ("+32470123456", no_country),
        ):
            self.assertEqual(
                partners._normalize_member_phone(number, country), "+32470123456"
            )
        for number in ("12", "hello", "+999123456789", "0470 12 34 56 78 90 12"):
            with self.assertRaisesRegex(
                ValidationError, "is not a phone number in Belgium"
            ):
                partners._normalize_member_phone(number, self.belgium)
        with self.assertRaisesRegex(ValidationError, "Write it with the country code"):
            partners._normalize_member_phone("0470 12 34 56", no_country)

    def test_phone_of_member_is_stored_as_e164(self):
        self._enrol()
        user = new_test_user(
            self.env,
            login="loyalty_contacts",
            groups="base.group_user,base.group_partner_manager",
            company_id=self.company.id,
        )
        partners = (self.partner + self.partner_2).with_user(user)
        partners.write({"phone": "0470 65 43 21"})
        self.assertEqual(self.partner.phone, "+32470654321")
        self.assertEqual(self.partner_2.phone, "0470 65 43 21", "not a member")
        with self.assertRaisesRegex(ValidationError, "nonsense"):
            partners.write({"phone": "nonsense"})
        partners.write({"phone": False})
        self.assertFalse(self.partner.phone)

    def test_phone_follows_country_of_same_write(self):
        self._enrol()
        self.partner.write(
            {"phone": "01 40 20 50 50", "country_id": self.env.ref("base.fr").id}
        )
        self.assertEqual(self.partner.phone, "+33140205050")

    def test_find_member_duplicates(self):
        partners = self.env["res.partner"]
        self.assertEqual(
            partners._find_member_duplicates(phone="+32470123456"), self.partner
        )
        self.assertEqual(
            partners._find_member_duplicates(email="jane@example.com"), self.partner
        )
        self.assertFalse(
            partners._find_member_duplicates(phone="+32470123456", exclude=self.partner)
        )
        self.assertFalse(partners._find_member_duplicates())

    def test_smart_button(self):
        self.assertEqual(self.partner.loyalty_member_count, 0)
        member = self._enrol()
        self.assertEqual(self.partner.loyalty_member_count, 1)
        action = self.partner.with_user(self.service_user).action_view_loyalty_members()
        self.assertEqual(action["res_id"], member.id)
