# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError, UserError, ValidationError

from .common import LoyaltyMemberCase

PHONE = "+32 470 65 43 21"
STORED_PHONE = "+32470654321"


class TestEnrolByPhone(LoyaltyMemberCase):
    """Somebody becomes a member who gives no more than a phone number."""

    def _enrol_phone(self, phone=PHONE, user=None, **options):
        Member = self.env["loyalty.member"].with_user(user or self.service_user)
        return Member._enrol_by_phone(phone, self.scheme, **options)

    def _count_contacts(self):
        return self.env["res.partner"].search_count([])

    def test_somebody_new_gets_a_card(self):
        member = self._enrol_phone(
            "0470 65 43 21",
            name="Cleo Phone",
            values={"email": "cleo@example.com"},
            store=self.store,
            channel_code="pos",
        )
        partner = member.partner_id
        self.assertEqual(partner.name, "Cleo Phone")
        self.assertEqual(partner.phone, STORED_PHONE)
        self.assertEqual(partner.email, "cleo@example.com")
        self.assertEqual(partner.company_id, self.company)
        self.assertFalse(partner.is_anonymous_member)
        self.assertEqual(member.main_card_id.state, "active")
        self.assertEqual(member.channel_id.code, "pos")
        self.assertEqual(member.store_id, self.store)

    def test_somebody_without_a_name_is_anonymous(self):
        partner = self._enrol_phone().partner_id
        self.assertEqual(partner.name, STORED_PHONE)
        self.assertTrue(partner.is_anonymous_member)

    def test_a_customer_becomes_a_member_and_keeps_the_name(self):
        cleo = self.env["res.partner"].create({"name": "Cleo", "phone": PHONE})
        member = self._enrol_phone(
            name="Somebody Else", values={"email": "else@example.com"}
        )
        self.assertEqual(member.partner_id, cleo)
        self.assertEqual(cleo.name, "Cleo")
        self.assertFalse(cleo.email)

    def test_a_number_of_a_member_finds_that_member(self):
        member = self._enrol()
        card = member.card_ids
        self.partner_2.phone = self.partner.phone
        for phone in ("0470 12 34 56", "+32470123456", "0032 470 123456"):
            with self.subTest(phone=phone):
                self.assertEqual(self._enrol_phone(phone), member)
        self.assertEqual(self.scheme.member_ids, member)
        self.assertEqual(member.card_ids, card)

    def test_a_member_who_had_left_comes_back(self):
        member = self._enrol()
        member.action_leave()
        self.assertEqual(self._enrol_phone("0470 12 34 56"), member)
        self.assertEqual(member.state, "active")

    def test_a_blocked_member_stays_blocked(self):
        member = self._enrol()
        member.action_block()
        self.assertEqual(self._enrol_phone("0470 12 34 56"), member)
        self.assertEqual(member.state, "blocked")

    def test_a_number_of_several_customers_is_refused(self):
        self.env["res.partner"].create(
            [{"name": name, "phone": PHONE} for name in ("Cleo", "Carl")]
        )
        with self.assertRaisesRegex(
            UserError, r"Several customers have the number \+32470654321"
        ):
            self._enrol_phone()
        self.assertFalse(self.scheme.member_ids)

    def test_a_duplicate_is_created_only_on_demand(self):
        cleo = self.env["res.partner"].create({"name": "Cleo", "phone": PHONE})
        member = self._enrol_phone(name="Carl", allow_duplicate=True)
        self.assertNotEqual(member.partner_id, cleo)
        self.assertEqual(member.partner_id.phone, STORED_PHONE)

    def test_customers_of_other_companies_are_not_found(self):
        stranger = self.env["res.partner"].create(
            {"name": "Stranger", "phone": PHONE, "company_id": self.other_company.id}
        )
        self.assertNotEqual(self._enrol_phone().partner_id, stranger)

    def test_country_of_a_number_without_one(self):
        member = self._enrol_phone("06 12 34 56 78", country=self.env.ref("base.fr"))
        self.assertEqual(member.partner_id.phone, "+33612345678")

    def test_a_bad_number_is_refused(self):
        contacts = self._count_contacts()
        for phone in ("12", "Cleo", "+32 470"):
            with (
                self.subTest(phone=phone),
                self.assertRaisesRegex(
                    ValidationError,
                    "is not a phone number in Belgium. Write it with the country code",
                ),
            ):
                self._enrol_phone(phone)
        self.assertEqual(self._count_contacts(), contacts)

    def test_a_closed_scheme_takes_nobody(self):
        self.scheme.action_close()
        contacts = self._count_contacts()
        with self.assertRaisesRegex(UserError, "Harmony Coffee is closed"):
            self._enrol_phone()
        self.assertEqual(self._count_contacts(), contacts)

    def test_printed_card(self):
        card = self.env["loyalty.member.card"]._generate_batch(self.scheme, 1)
        self.assertEqual(self._enrol_phone(card=card).card_ids, card)

    def test_only_who_may_enrol(self):
        with self.assertRaises(AccessError):
            self._enrol_phone(user=self.plain_user)
