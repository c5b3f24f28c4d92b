# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError

from .common import LoyaltyMemberCase


class TestEnrol(LoyaltyMemberCase):
    @freeze_time("2026-03-01 10:00:00")
    def test_enrol_gives_number_and_card(self):
        member = self._enrol(
            user=self.service_user, store=self.store, channel_code="pos"
        )
        self.assertEqual(member.partner_id, self.partner)
        self.assertEqual(member.state, "active")
        self.assertEqual(member.store_id, self.store)
        self.assertEqual(member.channel_id.code, "pos")
        self.assertEqual(member.enrol_date, fields.Datetime.now())
        self.assertRegex(member.number, r"^[1-9]\d{9}$")
        self.assertEqual(member.main_card_id, member.card_ids)
        self.assertEqual(member.card_ids.state, "active")
        self.assertEqual(member.company_id, self.company)

    def test_enrol_twice_is_once(self):
        member = self._enrol()
        self.assertEqual(self._enrol(), member)
        self.assertEqual(len(member.card_ids), 1)

    def test_enrol_many_keeps_order(self):
        known = self._enrol(self.partner_2)
        partners = self.partner_2 + self.partner
        members = self._enrol(partners)
        self.assertEqual(members[0], known)
        self.assertEqual(members.partner_id.ids, partners.ids)

    def test_enrol_many_costs_no_query_per_card(self):
        def count_queries(size):
            partners = self.env["res.partner"].create(
                [{"name": f"Customer {index}"} for index in range(size)]
            )
            self.env.flush_all()
            start = self.env.cr.sql_log_count
            self._enrol(partners)
            self.env.flush_all()
            return self.env.cr.sql_log_count - start

        count_queries(1)  # warm up the caches
        self.assertEqual(count_queries(40), count_queries(4))

    def test_enrol_brings_back_who_left(self):
        member = self._enrol()
        member.action_leave()
        number = member.number
        self.assertEqual(self._enrol(), member)
        self.assertEqual(member.state, "active")
        self.assertEqual(member.number, number)

    def test_enrol_keeps_block(self):
        member = self._enrol()
        member.action_block(reason="Fraud")
        self.assertEqual(self._enrol().state, "blocked")

    def test_enrol_in_closed_scheme(self):
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "Harmony Coffee is closed"):
            self._enrol()
        self.assertFalse(self.scheme.member_ids)

    def test_enrol_through_unknown_channel(self):
        with self.assertRaisesRegex(ValidationError, "fax"):
            self._enrol(channel_code="fax")

    def test_enrol_stores_phone_as_e164(self):
        self._enrol(user=self.service_user)
        self.assertEqual(self.partner.phone, "+32470123456")

    def test_enrol_with_bad_phone(self):
        self.partner.phone = "12"
        with self.assertRaisesRegex(
            ValidationError, "12 is not a phone number in Belgium"
        ):
            self._enrol()

    def test_enrol_with_printed_card(self):
        card = self.env["loyalty.member.card"]._generate_batch(self.scheme, 1)
        member = self._enrol(user=self.service_user, card=card)
        self.assertEqual(member.card_ids, card)
        self.assertEqual(card.state, "active")

    def test_enrol_with_card_in_use(self):
        card = self._enrol().card_ids
        with self.assertRaisesRegex(UserError, "already in use"):
            self._enrol(self.partner_2, card=card)
        self.assertEqual(card.member_id.partner_id, self.partner)

    def test_member_created_by_hand_gets_card(self):
        member = (
            self.env["loyalty.member"]
            .with_user(self.service_user)
            .create({"partner_id": self.partner.id, "scheme_id": self.scheme.id})
        )
        self.assertTrue(member.number)
        self.assertTrue(member.main_card_id)

    def test_company_of_contact(self):
        self.partner.company_id = self.other_company
        with self.assertRaisesRegex(ValidationError, "Rival Coffee"):
            self._enrol()

    def test_company_of_scheme(self):
        self._enrol(store=self.store)
        with self.assertRaises(ValidationError):
            self.scheme.company_id = self.other_company
