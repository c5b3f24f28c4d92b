# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import LoyaltyPosCommon

PHONE = "+32 470 65 43 21"
STORED_PHONE = "+32470654321"


@tagged("post_install", "-at_install")
class TestEnrolByPhone(LoyaltyPosCommon):
    """A cashier makes somebody a member who says no more than a phone number."""

    def setUp(self):
        super().setUp()
        self.till = self.main_pos_config.with_user(self.pos_user)

    def _enrol(self, phone=PHONE, **kwargs):
        return self.till.loyalty_enrol_by_phone(self.scheme.id, phone, **kwargs)

    def _members(self):
        return self.env["loyalty.member"].search([("scheme_id", "=", self.scheme.id)])

    def _assertRefused(self, answer, *texts):
        self.assertFalse(answer["known"])
        self.assertFalse(answer["partner_ids"])
        for text in texts:
            self.assertIn(text, answer["message"])

    def test_somebody_new_gets_a_card(self):
        self.main_pos_config.company_id.country_id = self.env.ref("base.be")
        answer = self._enrol("0470 65 43 21", name=" Cleo Phone ")
        member = self._members() - self.member
        self.assertEqual(
            answer,
            {
                "known": True,
                "is_card": False,
                "partner_ids": member.partner_id.ids,
                "message": False,
            },
        )
        partner = member.partner_id
        self.assertEqual(partner.name, "Cleo Phone")
        self.assertEqual(partner.phone, STORED_PHONE)
        self.assertFalse(partner.is_anonymous_member)
        self.assertEqual(member.main_card_id.state, "active")
        self.assertEqual(member.channel_id.code, "pos")
        self.assertEqual(member.store_id, self.store)
        # Whom the card names from now on
        found = self.till.loyalty_member_lookup(member.main_card_id.number)
        self.assertEqual(found["partner_ids"], partner.ids)

    def test_somebody_without_a_name_is_anonymous(self):
        [partner_id] = self._enrol()["partner_ids"]
        partner = self.env["res.partner"].browse(partner_id)
        self.assertEqual(partner.name, STORED_PHONE)
        self.assertTrue(partner.is_anonymous_member)

    def test_a_number_of_a_member_picks_that_member(self):
        self.env["res.partner"].create(
            {"name": "Lives there", "phone": self.anna.phone}
        )
        for phone in ("+32 470 12 34 56", "+32470123456", "0032 470 123456"):
            with self.subTest(phone=phone):
                self.assertEqual(self._enrol(phone)["partner_ids"], self.anna.ids)
        self.assertEqual(self._members(), self.member)
        self.assertEqual(self.member.card_ids, self.card)

    def test_a_blocked_member_stays_blocked_and_is_told_by_the_quote(self):
        """As with the card of a blocked member: selling goes on, points do not."""
        self.member.action_block()
        self.assertEqual(self._enrol("+32 470 12 34 56")["partner_ids"], self.anna.ids)
        self.assertEqual(self.member.state, "blocked")
        self.assertEqual(self._members(), self.member)
        [quote] = self.till.loyalty_quote(
            {"uuid": "order", "partner_id": self.anna.id, "lines": []}
        )
        self.assertIn("is blocked", quote["notice"])
        self.assertFalse(quote["can_redeem"])

    def test_a_number_of_several_customers_names_nobody(self):
        self.env["res.partner"].create(
            [{"name": name, "phone": PHONE} for name in ("Cleo", "Carl")]
        )
        self._assertRefused(self._enrol(), "Several customers", STORED_PHONE)
        self.assertEqual(self._members(), self.member)

    def test_customers_of_other_companies_are_not_found(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self.env["res.partner"].create(
            {"name": "Stranger", "phone": PHONE, "company_id": other.id}
        )
        self.assertNotIn(stranger.id, self._enrol()["partner_ids"])

    def test_a_bad_number_is_refused_in_the_words_of_the_member_module(self):
        contacts = self.env["res.partner"].search_count([])
        for phone in ("12", "Cleo", "+32 470"):
            with self.subTest(phone=phone):
                self._assertRefused(
                    self._enrol(phone),
                    f"{phone} is not a phone number",
                    "Write it with the country code",
                )
        self.assertEqual(self.env["res.partner"].search_count([]), contacts)

    def test_a_closed_scheme_takes_nobody(self):
        self.scheme.action_close()
        contacts = self.env["res.partner"].search_count([])
        self._assertRefused(self._enrol(), "Harmony Coffee is closed")
        self.assertEqual(self.env["res.partner"].search_count([]), contacts)

    def test_schemes_of_other_registers_are_refused(self):
        self.program.pos_config_ids = self.main_pos_config.copy({"name": "Other"})
        self._assertRefused(self._enrol(), "Choose a scheme of this register")

    def test_requests_that_make_no_sense_are_refused(self):
        for phone in ("", "  ", False, 5, ["x"], "1" * 500):
            with self.subTest(phone=phone), self.assertRaises(ValidationError):
                self._enrol(phone)
        with self.assertRaises(ValidationError):
            self._enrol(name=["Cleo"])

    def test_only_cashiers_of_this_register_may_enrol(self):
        clerk = new_test_user(self.env, "clerk", "base.group_user")
        other = self.env["res.company"].create({"name": "Other"})
        abroad = new_test_user(
            self.env,
            "abroad",
            "point_of_sale.group_pos_user",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for user in (clerk, abroad):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.main_pos_config.with_user(user).loyalty_enrol_by_phone(
                    self.scheme.id, PHONE
                )
        self.assertEqual(self._members(), self.member)
