# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..ledger.move import Op
from .common import LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
class TestMerge(LoyaltyLedgerCommon):
    """Odoo's wizard that makes one contact of several leaves the books in order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Where there is a website, native lets nobody merge who may not see visitors
        cls.clerk = new_test_user(
            cls.env, "ledger_clerk", "base.group_system,base.group_partner_manager"
        )
        cls.twin = cls.env["res.partner"].create({"name": "Anna A."})

    def _merge(self, partners, target):
        """Merge as a person does who has no right on points."""
        wizard = (
            self.env["base.partner.merge.automatic.wizard"]
            .with_user(self.clerk)
            .create(
                {
                    "partner_ids": [Command.set(partners.ids)],
                    "dst_partner_id": target.id,
                }
            )
        )
        wizard.action_merge()

    def test_points_go_along_with_the_member(self):
        self._post(Op.CREDIT, 80)
        self._record("S1", self._line("a", 20), redeemed=50)
        entries = self.account.entry_ids
        self._merge(self.anna + self.twin, self.twin)
        self.assertBooks(50)
        self.assertEqual(self.account.entry_ids, entries, "nothing was posted")
        self.assertEqual(self.account.partner_id, self.twin)
        self.assertEqual(self.member.partner_id, self.twin)
        self.assertEqual(self.member.account_id, self.account)
        self._record("S2", self._line("a", 5), redeemed=30)
        self.assertBooks(25)

    def test_points_stay_with_the_member(self):
        self._post(Op.CREDIT, 80)
        self._merge(self.anna + self.twin, self.anna)
        self.assertBooks(80)
        self.assertEqual(self.member.account_id, self.account)

    def test_two_accounts_of_one_scheme_are_refused(self):
        """Also where one of them is archived, and its owner no member."""
        other = self.env["loyalty.card"].create(
            {"program_id": self.account.program_id.id, "partner_id": self.twin.id}
        )
        other._adjust(7, "Gift")
        other.active = False
        self._post(Op.CREDIT, 80)
        with self.assertRaisesRegex(
            UserError, "Anna and Anna A. each have a membership or points in Harmony"
        ):
            self._merge(self.anna + self.twin, self.anna)
        self.assertEqual(other.partner_id, self.twin)
        self.assertBooks(80)
        self.assertBooks(7, account=other)
