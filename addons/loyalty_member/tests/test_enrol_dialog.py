# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, users

from .common import LoyaltyMemberCase


class TestEnrolDialog(LoyaltyMemberCase):
    def _open(self, **values):
        dialog = Form(self.env["loyalty.member.enrol"])
        dialog.scheme_id = self.scheme
        for name, value in values.items():
            dialog[name] = value
        return dialog

    def _enrol_by_dialog(self, dialog):
        action = dialog.save().action_enrol()
        self.assertEqual(action["res_model"], "loyalty.member")
        return self.env["loyalty.member"].browse(action["res_id"])

    @users("loyalty_service")
    def test_enrol_existing_contact(self):
        member = self._enrol_by_dialog(
            self._open(partner_id=self.partner, store_id=self.store)
        )
        self.assertEqual(member.partner_id, self.partner)
        self.assertEqual(member.store_id, self.store)
        self.assertEqual(member.channel_id.code, "manual")

    @users("loyalty_service")
    def test_enrol_new_contact(self):
        member = self._enrol_by_dialog(
            self._open(name="Ann", phone="0470 65 43 21", email="ann@example.com")
        )
        partner = member.partner_id
        self.assertEqual(partner.name, "Ann")
        self.assertEqual(partner.phone, "+32470654321")
        self.assertEqual(partner.company_id, self.company)

    @users("loyalty_service")
    def test_enrol_somebody_with_the_phone_of_another(self):
        """The dialog has shown the other contact; the user adds one all the same."""
        member = self._enrol_by_dialog(self._open(name="Ann", phone="0470 12 34 56"))
        self.assertNotEqual(member.partner_id, self.partner)
        self.assertEqual(member.partner_id.phone, "+32470123456")

    @users("loyalty_service")
    def test_enrol_without_a_phone(self):
        member = self._enrol_by_dialog(self._open(name="Ann", email="ann@example.com"))
        self.assertEqual(member.partner_id.email, "ann@example.com")
        self.assertEqual(member.partner_id.country_id, self.belgium)
        self.assertEqual(member.partner_id.company_id, self.company)

    @users("loyalty_service")
    def test_enrol_nobody(self):
        dialog = self._open(name="Ann").save()
        with self.assertRaisesRegex(UserError, "phone number or an e-mail"):
            dialog.action_enrol()

    @users("loyalty_service")
    def test_enrol_with_bad_phone(self):
        dialog = self._open(name="Ann", phone="123")
        self.assertIn("123 is not a phone number in Belgium", dialog.phone_error)
        with self.assertRaisesRegex(ValidationError, "123 is not a phone number"):
            dialog.save().action_enrol()
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Ann")]))

    @users("loyalty_service")
    def test_warns_of_duplicates(self):
        dialog = self._open(name="Ann", phone="+32 470 12 34 56")
        self.assertEqual(dialog.duplicate_ids[:], self.partner)
        dialog = self._open(name="Ann", email="Jane@Example.com")
        self.assertEqual(dialog.duplicate_ids[:], self.partner)
        dialog.email = "ann@example.com"
        self.assertFalse(dialog.duplicate_ids[:])

    @users("loyalty_service")
    def test_tells_existing_member(self):
        member = self._enrol()
        dialog = self._open(partner_id=self.partner)
        self.assertEqual(dialog.existing_member_id, member)
        self.assertEqual(self._enrol_by_dialog(dialog), member)

    @users("loyalty_service")
    def test_printed_card(self):
        cards = self.env["loyalty.member.card"].sudo()
        card = cards._generate_batch(self.scheme, 1)
        member = self._enrol_by_dialog(
            self._open(partner_id=self.partner, card_number=card.number)
        )
        self.assertEqual(member.card_ids, card.with_env(self.env))

    @users("loyalty_service")
    def test_unknown_printed_card(self):
        dialog = self._open(name="Ann", email="ann@example.com", card_number="123")
        with self.assertRaisesRegex(UserError, "has no card with the number 123"):
            dialog.save().action_enrol()

    def test_generate_dialog(self):
        dialog = Form(
            self.env["loyalty.member.card.generate"].with_user(self.manager_user)
        )
        dialog.scheme_id = self.scheme
        dialog.quantity = 7
        self.assertEqual(dialog.symbology, "ean13")
        action = dialog.save().action_generate()
        cards = self.env["loyalty.member.card"].search(action["domain"])
        self.assertEqual(len(cards), 7)
