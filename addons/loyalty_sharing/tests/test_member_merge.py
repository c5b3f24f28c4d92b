# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon


def in_days(days):
    return NOW.date() + timedelta(days=days)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMemberMerge(LoyaltyLedgerCommon):
    """Members are merged who give points to others or belong to a household."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.pending_days = 0
        cls.duplicate = cls._enrol("Anna Twin")
        cls.old_account = cls.scheme._get_account(cls.duplicate)
        cls.manager = new_test_user(
            cls.env, "sharing_merger", "loyalty_member.loyalty_member_group_manager"
        )

    @classmethod
    def _enrol(cls, name):
        partner = cls.env["res.partner"].create({"name": name})
        return cls.env["loyalty.member"]._enrol(partner, cls.scheme)

    def _merge(self):
        self.env.flush_all()
        member = self.member.with_user(self.manager)
        return member._merge(self.duplicate.with_user(self.manager), "The same phone")

    def _unmerge(self):
        self.duplicate.with_user(self.manager).action_unmerge()

    def _give(self, points, account=None, **values):
        return self._post(
            Op.CREDIT, points, account=account or self.old_account, **values
        )

    def _confirm(self, transfers):
        Member = self.registry["loyalty.member"]
        self.patch(Member, "_send_code", lambda *_args: "a•••")
        self.patch(Member, "_check_code", lambda *_args: None)
        for transfer in transfers:
            transfer._submit()
            transfer._confirm("code")

    def assertApart(self, kept, given):
        """Check the balances of the two accounts, and that their books add up."""
        self.assertBooks(kept)
        self.assertBooks(given, account=self.old_account)

    def test_a_transfer_is_reversed_on_the_accounts_of_now(self):
        self.scheme.transfer_allowed = True
        self._give(50, account=self.account, expiry_date=in_days(4))
        third = self._enrol("Third")
        transfers = self.env["loyalty.transfer"].create(
            [
                {"giver_id": self.member.id, "recipient_name": name, "points": 20}
                for name in (self.duplicate.number, third.number)
            ]
        )
        self._confirm(transfers)
        self._merge()
        self.assertApart(30, 0)
        with self.assertRaisesRegex(UserError, "have been merged since and share"):
            transfers[0]._reverse()
        transfers[1]._reverse()
        self.assertBooks(50)
        self._unmerge()
        self.assertApart(30, 20)
        transfers[0]._reverse()
        self.assertApart(50, 0)
        self.assertEqual(
            set(self.account.lot_ids.filtered("remaining").mapped("expiry_date")),
            {in_days(4)},
        )

    def test_reversal_names_the_other_member_after_a_merge(self):
        self.scheme.transfer_allowed = True
        self._give(50)
        third = self._enrol("Third")
        transfer = self.env["loyalty.transfer"].create(
            {
                "giver_id": self.duplicate.id,
                "recipient_name": third.number,
                "points": 20,
            }
        )
        self._confirm(transfer)
        self._merge()
        transfer._reverse()
        entries = self.env["loyalty.ledger.entry"].search(
            transfer.action_view_entries()["domain"], order="id"
        )
        self.assertEqual(
            [(entry.account_id, entry._get_statement_title()) for entry in entries],
            [
                (self.old_account, "Given to Third"),
                (third.account_id, "From Anna T."),
                (third.account_id, "Gone back to Anna T."),
                (self.account, "Back from Third"),
            ],
        )

    def test_households(self):
        third = self._enrol("Third")
        household = self.env["loyalty.household"].create(
            {"name": "Home", "head_id": self.duplicate.id}
        )
        household._join(third)
        with self.assertRaisesRegex(UserError, "Anna Twin is the head of Home, on"):
            self._merge()
        # Who joins another's household gives the points to all of it
        self._give(10)
        [warning] = self.member._get_merge_warnings(third)
        self.assertIn("Third leaves Home", warning)
        self.assertIn(("Household", "Home"), third._get_merge_facts())
        self.member._merge(third, "The same person")
        self.assertFalse(third.household_id)
        self.assertApart(0, 10)
        household._join(self.member)
        fourth = self._enrol("Fourth")
        own = self.scheme._get_account(fourth)
        self._give(5, account=own)
        self.member._merge(fourth, "The same person")
        self.assertBooks(15, account=self.old_account)
        fourth.action_unmerge()
        self.assertApart(0, 10)
        self.assertBooks(5, account=own)
