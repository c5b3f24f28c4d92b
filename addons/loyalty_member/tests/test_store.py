# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2.errors import UniqueViolation

from odoo.tools import mute_logger

from .common import LoyaltyMemberCase


class TestStore(LoyaltyMemberCase):
    @mute_logger("odoo.sql_db")
    def test_code_is_unique_within_company(self):
        stores = self.env["loyalty.store"]
        stores.create(
            {"name": "Other", "code": "DT1", "company_id": self.other_company.id}
        )
        with self.assertRaises(UniqueViolation):
            stores.create(
                {"name": "Twin", "code": "DT1", "company_id": self.company.id}
            )

    @mute_logger("odoo.sql_db")
    def test_code_is_unique_among_shared(self):
        values = {"name": "Shared", "code": "DT1", "company_id": False}
        self.env["loyalty.store"].create(values)
        with self.assertRaises(UniqueViolation):
            self.env["loyalty.store"].create(values)

    def test_members(self):
        member = self._enrol(store=self.store)
        self.assertEqual(self.store.member_count, 1)
        action = self.store.action_view_members()
        self.assertEqual(self.env["loyalty.member"].search(action["domain"]), member)
