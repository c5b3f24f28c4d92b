# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user

from .common import LoyaltyMemberCase


class TestMerge(LoyaltyMemberCase):
    """Odoo's wizard that makes one contact of several."""

    def setUp(self):
        super().setUp()
        # Where there is a website, native lets nobody merge who may not see visitors
        self.clerk = new_test_user(
            self.env,
            login="loyalty_clerk",
            groups="base.group_system,base.group_partner_manager",
            company_id=self.company.id,
        )
        self.partner_2.email = self.partner.email

    def _merge(self, partners, target):
        """Merge as a person does who has no right on members."""
        wizard = (
            self.env["base.partner.merge.automatic.wizard"]
            .with_user(self.clerk)
            .with_context(allowed_company_ids=self.clerk.company_ids.ids)
            .create(
                {
                    "partner_ids": [Command.set(partners.ids)],
                    "dst_partner_id": target.id,
                }
            )
        )
        wizard.action_merge()
        self.env.invalidate_all()

    def test_two_members_of_one_scheme_are_refused(self):
        members = self._enrol(self.partner) + self._enrol(self.partner_2)
        members[0].action_leave()
        with self.assertRaises(UserError) as refusal:
            self._merge(self.partner + self.partner_2, self.partner)
        self.assertEqual(
            str(refusal.exception),
            "Jane Doe and John Roe each have a membership or points in Harmony Coffee,"
            " and a contact can have only one. Merge the members instead (Loyalty >"
            " Members, choose them, Actions > Merge Members), or take all but one of"
            " them off the list of contacts to merge.",
        )
        self.assertEqual(members.partner_id, self.partner + self.partner_2)
        self.assertEqual(self.partner_2.exists(), self.partner_2)

    def test_contacts_of_merged_members_stay_apart(self):
        members = self._enrol(self.partner) + self._enrol(self.partner_2)
        members[0]._merge(members[1], "The same person")
        with self.assertRaisesRegex(
            UserError, "have been merged already. The contacts"
        ):
            self._merge(self.partner + self.partner_2, self.partner)
        self.assertEqual(members.partner_id, self.partner + self.partner_2)

    def test_members_of_two_schemes_become_one_contact(self):
        member = self._enrol(self.partner)
        other = self.env["loyalty.member"]._enrol(
            self.partner_2, self._create_scheme(name="Second Brand")
        )
        numbers = (member + other).mapped("main_card_id.number")
        self._merge(self.partner + self.partner_2, self.partner_2)
        self.assertFalse(self.partner.exists())
        self.assertEqual((member + other).partner_id, self.partner_2)
        self.assertEqual((member + other).mapped("main_card_id.number"), numbers)

    def test_member_goes_to_a_contact_who_is_none(self):
        member = self._enrol(self.partner)
        card = member.main_card_id
        self._merge(self.partner + self.partner_2, self.partner_2)
        self.assertEqual(member.partner_id, self.partner_2)
        self.assertEqual(member.card_ids, card)
        self.assertEqual((member.state, card.state), ("active", "active"))
        self.assertEqual(self.partner_2.loyalty_member_ids, member)
        found = self.env["loyalty.member"]._find_by_code(card.number, self.scheme)
        self.assertEqual(found.partner_id, self.partner_2)

    def test_contact_goes_to_a_member(self):
        member = self._enrol(self.partner)
        self._merge(self.partner + self.partner_2, self.partner)
        self.assertFalse(self.partner_2.exists())
        self.assertEqual(member.partner_id, self.partner)

    def test_name_of_an_anonymous_member_becomes_known(self):
        stub = self.env["res.partner"].create(
            {
                "name": "Card Holder",
                "email": self.partner.email,
                "is_anonymous_member": True,
            }
        )
        member = self._enrol(stub)
        self._merge(stub + self.partner, self.partner)
        self.assertEqual(member.partner_id, self.partner)
        self.assertFalse(member.is_anonymous)
        self.assertEqual(member.display_name, "Jane Doe")

    def test_member_stays_with_the_company_of_the_scheme(self):
        self._enrol(self.partner)
        self.partner_2.company_id = self.other_company
        self.clerk.company_ids += self.other_company
        with self.assertRaisesRegex(ValidationError, "belongs to Rival Coffee"):
            self._merge(self.partner + self.partner_2, self.partner_2)
