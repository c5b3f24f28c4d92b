# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import LoyaltyMemberCase


@tagged("post_install", "-at_install")
class TestMemberMerge(LoyaltyMemberCase):
    """One person who is a member twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.winner = cls.env["loyalty.member"]._enrol(cls.partner, cls.scheme)
        cls.duplicate = cls.env["loyalty.member"]._enrol(cls.partner_2, cls.scheme)
        cls.card = cls.duplicate.main_card_id
        cls.boss = new_test_user(
            cls.env, "merge_boss", "loyalty_member.loyalty_member_group_manager"
        )

    def _merge(self, user=None, **values):
        duplicates = values.get("duplicates", self.duplicate)
        user = user or self.boss
        return (
            values.get("winner", self.winner)
            .with_user(user)
            ._merge(duplicates.with_user(user), "Same phone")
        )

    def assertRefused(self, message, error=UserError, **values):
        with self.assertRaisesRegex(error, message), self.env.cr.savepoint():
            self._merge(**values)
        self.assertNotEqual(self.duplicate.state, "merged")
        self.assertEqual(self.card.member_id, self.duplicate)

    # === MERGE === #

    def test_the_cards_work_for_who_stays(self):
        own = self.winner.main_card_id
        merge = self._merge()
        self.assertEqual(self.duplicate.state, "merged")
        self.assertEqual(self.duplicate.merged_into_id, self.winner)
        self.assertEqual(self.winner.card_ids, own | self.card)
        self.assertEqual(merge.card_ids, self.card)
        self.card._check_usable()
        Member = self.env["loyalty.member"]
        for code in (self.card.number, self.duplicate.number):
            self.assertEqual(Member._find_by_code(code).member_id, self.winner)
        self.assertEqual(
            Member._find_for_partner(self.partner_2, self.scheme), self.winner
        )

    def test_both_histories_tell(self):
        self._merge()
        self.assertIn(
            f"John Roe ({self.duplicate.number}) was merged into this member: Same",
            self.winner.message_ids[0].body,
        )
        self.assertIn(
            f"Merged into Jane Doe ({self.winner.number}): Same phone",
            self.duplicate.message_ids[0].body,
        )
        self.assertEqual(self.winner.message_ids[0].author_id, self.boss.partner_id)

    def test_enrolling_the_merged_contact_is_enrolling_who_stays(self):
        self._merge()
        members = self.env["loyalty.member"]._enrol(
            self.partner_2 | self.partner, self.scheme
        )
        self.assertEqual(members.ids, [self.winner.id, self.winner.id])
        self.assertEqual(self.duplicate.state, "merged")

    def test_a_merged_member_is_no_member_of_their_own(self):
        self._merge()
        self.duplicate.action_block("Fraud")
        self.duplicate.action_leave()
        self.duplicate.action_unblock()
        self.duplicate.action_rejoin()
        self.assertEqual(self.duplicate.state, "merged")
        with self.assertRaisesRegex(UserError, "John Roe has been merged into Jane"):
            self.duplicate._check_can_transact()

    # === UNMERGE === #

    def test_unmerged(self):
        self.duplicate.action_leave()
        merge = self._merge()
        newer = self.winner._create_cards()
        self.duplicate.with_user(self.boss).action_unmerge()
        self.assertEqual(self.duplicate.state, "left")
        self.assertFalse(self.duplicate.merged_into_id)
        self.assertEqual(self.duplicate.card_ids, self.card)
        self.assertEqual(newer.member_id, self.winner)
        self.assertEqual((merge.state, merge.undone_by_id), ("undone", self.boss))
        merge.action_undo()
        self.assertEqual(
            len(
                self.winner.message_ids.filtered(
                    lambda m: "is a member apart again" in m.body
                )
            ),
            1,
            "twice is once",
        )
        # And it can be done again
        self._merge()
        self.assertEqual(self.duplicate.merged_into_id, self.winner)

    def test_a_card_that_was_replaced_meanwhile(self):
        self._merge()
        new = self.card._replace()
        self.duplicate.with_user(self.boss).action_unmerge()
        self.assertEqual(self.card.member_id, self.duplicate)
        self.assertEqual(new.member_id, self.winner)

    def test_only_in_the_opposite_order(self):
        third = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Third"}), self.scheme
        )
        self._merge()
        self._merge(winner=third, duplicates=self.winner)
        self.assertEqual(self.duplicate._get_survivor(), third)
        self.assertEqual(
            self.env["loyalty.member"]._find_by_code(self.card.number).member_id, third
        )
        with self.assertRaisesRegex(UserError, "merged into Third since"):
            self.duplicate.with_user(self.boss).action_unmerge()
        self.winner.with_user(self.boss).action_unmerge()
        self.duplicate.with_user(self.boss).action_unmerge()
        self.assertEqual(self.card.member_id, self.duplicate)

    # === REFUSALS === #

    def test_refused_members(self):
        other = self.env["loyalty.member"]._enrol(
            self.partner_2, self._create_scheme(name="Second Brand")
        )
        self.assertRefused("different schemes", duplicates=other)
        self.assertRefused("Choose at least two", duplicates=self.winner)
        self.winner.action_leave()
        self.assertRefused("Jane Doe is not active. Choose an active member")
        self.winner.action_rejoin()
        self.duplicate.action_block("Stolen card")
        self.assertRefused("John Roe is blocked. Lift the block first")
        self.duplicate.action_unblock()
        self._merge()
        with self.assertRaisesRegex(UserError, "has been merged into Jane Doe already"):
            self._merge()

    def test_only_managers_merge_and_unmerge(self):
        service = new_test_user(
            self.env, "merge_service", "loyalty_member.loyalty_member_group_service"
        )
        auditor = new_test_user(
            self.env, "merge_auditor", "loyalty_member.loyalty_member_group_auditor"
        )
        self.assertRefused("Only an administrator", AccessError, user=service)
        self.assertRefused("", AccessError, user=auditor)
        with self.assertRaises(AccessError):
            self.env["loyalty.member.merge.wizard"].with_user(service).create({})
        merge = self._merge()
        for user in (service, auditor):
            with self.assertRaises(AccessError):
                merge.with_user(user).action_undo()
            self.assertTrue(merge.with_user(user).reason)
        with self.assertRaises(AccessError):
            merge.with_user(self.boss).write({"state": "undone"})
        self.assertEqual(merge.state, "merged")

    def test_nobody_merges_themselves(self):
        own = self.env["loyalty.member"]._enrol(self.boss.partner_id, self.scheme)
        self.assertRefused("your own membership", AccessError, winner=own)

    def test_nobody_writes_what_a_merge_writes(self):
        with self.assertRaises(AccessError):
            self.duplicate.with_user(self.boss).write(
                {"merged_into_id": self.winner.id}
            )
        with (
            self.assertRaises(CheckViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self.duplicate.with_user(self.boss).write({"state": "merged"})
            self.env.flush_all()

    def test_merges_of_another_company_are_not_seen(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        scheme = self._create_scheme(name="Theirs", company_id=company.id)
        partners = self.env["res.partner"].create([{"name": "A"}, {"name": "B"}])
        first, second = self.env["loyalty.member"]._enrol(partners, scheme)
        merge = first._merge(second, "Same person")
        Merge = self.env["loyalty.member.merge"].with_user(self.boss)
        self.assertFalse(Merge.search([("id", "=", merge.id)]))
        with self.assertRaises(AccessError):
            merge.with_user(self.boss).action_undo()

    # === DIALOG === #

    def _open_dialog(self, members):
        return Form(
            self.env["loyalty.member.merge.wizard"]
            .with_user(self.boss)
            .with_context(active_model="loyalty.member", active_ids=members.ids)
        )

    def test_the_dialog_shows_what_happens(self):
        dialog = self._open_dialog(self.winner | self.duplicate)
        self.assertEqual(dialog.winner_id, self.winner, "the older membership")
        self.assertIn(self.card.number, dialog.preview)
        self.assertNotIn("alert-danger", dialog.preview)
        dialog.winner_id = self.duplicate
        dialog.reason = "Same phone"
        action = dialog.save().action_merge()
        self.assertEqual(action["res_id"], self.duplicate.id)
        self.assertEqual(self.winner.merged_into_id, self.duplicate)

    def test_the_dialog_says_what_stands_in_the_way(self):
        self.duplicate.action_block("Fraud")
        dialog = self._open_dialog(self.winner | self.duplicate)
        self.assertIn("John Roe is blocked. Lift the block first", dialog.preview)
        dialog = self._open_dialog(self.winner)
        self.assertIn("Choose at least two members", dialog.preview)

    # === DUPLICATES === #

    def test_duplicates_are_found(self):
        Partner = self.env["res.partner"]
        partners = Partner.create(
            [
                {"name": "Phone 1", "phone": "+32 470 99 88 77"},
                {"name": "Phone 2", "phone": "+32470998877"},
                {"name": "Mail 1", "email": "Same@Example.com"},
                {"name": "Mail 2", "email": "same@example.com"},
                {"name": "Other", "phone": "+32470998878", "email": "o@example.com"},
                {"name": "Nothing"},
                {"name": "Nothing either"},
            ]
        )
        Member = self.env["loyalty.member"]
        members = Member._enrol(partners, self.scheme)
        # Elsewhere the same phone is no duplicate
        elsewhere = Member._enrol(
            Partner.create({"name": "Brand 2", "phone": "+32470998878"}),
            self._create_scheme(name="Second Brand"),
        )
        found = Member.search(
            [
                ("has_duplicates", "=", True),
                ("id", "in", (members | elsewhere).ids),
            ]
        )
        self.assertEqual(found, members[:4])
        self.assertEqual((members | elsewhere).filtered("has_duplicates"), found)
        groups = Member._read_group(
            [("id", "in", found.ids)], ["phone_sanitized"], ["__count"]
        )
        self.assertIn(("+32470998877", 2), groups)
        members[0]._merge(members[1], "Same phone")
        self.env.invalidate_all()
        self.assertFalse((members[0] | members[1]).filtered("has_duplicates"))
