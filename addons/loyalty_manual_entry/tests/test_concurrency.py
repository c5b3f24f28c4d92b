# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A button that two users press at the same time."""

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.tests.common import NOW
from odoo.addons.loyalty_ledger.tests.test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install", "database_breaking")
class TestManualEntryTwice(ConcurrencyCase):
    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            store = env["loyalty.store"].create({"name": "Twice", "code": "TW2"})
            entry = env["loyalty.manual.entry"].create(
                {
                    "store_id": store.id,
                    "receipt_number": "1",
                    "member_id": self.member_id,
                    "date": NOW,
                    "amount": 25.0,
                }
            )
            entry._set_verified("user")
            self.store_id, self.entry_id = store.id, entry.id

    def _get_clean_up_queries(self):
        entry, store = self.entry_id, self.store_id
        return [
            SQL(
                "DELETE FROM mail_message WHERE model = 'loyalty.manual.entry'"
                " AND res_id = %s",
                entry,
            ),
            SQL("DELETE FROM loyalty_manual_entry WHERE id = %s", entry),
            SQL(
                "UPDATE loyalty_transaction SET store_id = NULL WHERE store_id = %s",
                store,
            ),
            SQL("DELETE FROM loyalty_store WHERE id = %s", store),
        ]

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_posted_twice_at_once(self):
        def post(env):
            return env["loyalty.manual.entry"].browse(self.entry_id).action_post()

        outcomes = self._at_once(post, post)
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertIn("The status of TW2 1 is Posted", str(refused[0]))
        recorded = self._read(
            lambda env: env["loyalty.transaction"].search_count(
                [("member_id", "=", self.member_id)]
            )
        )
        self.assertEqual((self._points(), recorded), (125, 1))
        self.assertEqual(self._audit(), [])
