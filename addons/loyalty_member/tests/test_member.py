# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError
from odoo.tests import users
from odoo.tools import mute_logger

from .common import LoyaltyMemberCase


class TestMember(LoyaltyMemberCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member = cls._enrol()

    @users("loyalty_service")
    def test_block_and_unblock(self):
        member = self.member.with_env(self.env)
        dialog = (
            self.env["loyalty.member.block"]
            .with_context(active_model="loyalty.member", active_ids=member.ids)
            .create({"reason": "Two phones"})
        )
        dialog.action_block()
        self.assertEqual(member.state, "blocked")
        self.assertEqual(member.block_reason, "Two phones")
        with self.assertRaisesRegex(UserError, "Jane Doe in Harmony Coffee is blocked"):
            member._check_can_transact()
        member.action_unblock()
        self.assertEqual(member.state, "active")
        self.assertFalse(member.block_reason)
        member._check_can_transact()

    @users("loyalty_service")
    def test_leave_and_rejoin(self):
        member = self.member.with_env(self.env)
        member.action_leave()
        with self.assertRaisesRegex(UserError, "Jane Doe has left Harmony Coffee"):
            member._check_can_transact()
        member.action_unblock()
        self.assertEqual(member.state, "left", "unblocking is for blocked members")
        member.action_rejoin()
        self.assertEqual(member.state, "active")

    def test_rejoin_closed_scheme(self):
        self.member.action_leave()
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "is closed"):
            self.member.action_rejoin()

    def test_closed_scheme_stops_members(self):
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "Harmony Coffee is closed"):
            self.member._check_can_transact()

    @users("loyalty_manager")
    def test_identity_stays(self):
        member = self.member.with_env(self.env)
        for values in (
            {"partner_id": self.partner_2.id},
            {"number": "1"},
            {"scheme_id": self._create_scheme(name="Other").id},
        ):
            with self.assertRaisesRegex(UserError, "cannot be changed"):
                member.write(values)
        member.write({"partner_id": self.partner.id})

    @mute_logger("odoo.sql_db")
    def test_one_membership_a_contact(self):
        with self.assertRaises(UniqueViolation):
            self.env["loyalty.member"].create(
                {"partner_id": self.partner.id, "scheme_id": self.scheme.id}
            )

    def test_find_for_partner(self):
        members = self.env["loyalty.member"]
        company, other = self.env["res.partner"].create(
            [{"name": "Office", "is_company": True}, {"name": "Stranger"}]
        )
        employee = self.env["res.partner"].create(
            {"name": "Employee", "parent_id": company.id}
        )
        office = self._enrol(company)
        self.assertEqual(members._find_for_partner(employee, self.scheme), office)
        own = self._enrol(employee)
        self.assertEqual(members._find_for_partner(employee, self.scheme), own)
        self.assertEqual(members._find_for_partner(company, self.scheme), office)
        self.assertFalse(members._find_for_partner(other, self.scheme))

    def test_main_card_is_newest_active(self):
        first = self.member.card_ids
        self.member.action_new_card()
        second = self.member.card_ids - first
        self.assertEqual(self.member.main_card_id, second)
        second.action_block()
        self.assertEqual(self.member.main_card_id, first)

    @users("loyalty_auditor")
    def test_search_by_name_and_number(self):
        members = self.env["loyalty.member"]
        for term in ("Jane", self.member.number):
            found = [record_id for record_id, _name in members.name_search(term)]
            self.assertIn(self.member.id, found)
