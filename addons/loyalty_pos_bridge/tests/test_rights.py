# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestRights(LoyaltyPosCommon):
    """A cashier sees what the till shows, and writes nothing of the ledger."""

    def test_a_cashier_cannot_touch_the_ledger(self):
        for model in (
            "loyalty.ledger.entry",
            "loyalty.ledger.lot",
            "loyalty.hold",
            "loyalty.transaction",
            "loyalty.member",
            "loyalty.member.card",
            "loyalty.scheme",
        ):
            records = self.env[model].with_user(self.pos_user)
            for operation in ("create", "write", "unlink"):
                with self.subTest(model=model, operation=operation):
                    self.assertFalse(records.has_access(operation))
        with self.assertRaises(AccessError):
            self.env["loyalty.ledger.entry"].with_user(self.pos_user).create(
                {"account_id": self.account.id, "amount": 1_000_000}
            )

    def test_what_a_till_loads_does_not_grow_with_members(self):
        before = self._load()
        partners = self.env["res.partner"].create(
            [{"name": f"Member {index}"} for index in range(20)]
        )
        members = self.env["loyalty.member"]._enrol(partners, self.scheme)
        self.scheme._get_accounts(members)
        after = self._load()
        for model in ("loyalty.scheme", "loyalty.program", "loyalty.card"):
            self.assertEqual(len(before[model]), len(after[model]), model)
        self.assertFalse([name for name in after if name.startswith("loyalty.member")])

    def test_a_till_loads_the_brand_and_little_else(self):
        [scheme] = self._load()["loyalty.scheme"]
        self.assertEqual(scheme["point_name_plural"], "beans")
        self.assertEqual(scheme["color_primary"], "#0B5D3B")
        self.assertEqual(scheme["points_program_id"], self.program.id)
        self.assertFalse({"message_ids", "member_ids", "company_id"} & scheme.keys())

    def _load(self):
        session = self._open_session().with_user(self.pos_user)
        return session.load_data(
            ["loyalty.scheme", "loyalty.program", "loyalty.reward", "loyalty.card"]
        )
