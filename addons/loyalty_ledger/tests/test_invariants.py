# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What always holds in the ledger, and every way we know to break it."""

import psycopg2
from freezegun import freeze_time

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAppendOnly(LoyaltyLedgerCommon):
    """1. Entries are never changed or removed, by anyone, in any way."""

    def test_users_who_posted_stay_others_may_go(self):
        group = "loyalty_member.loyalty_member_group_manager"
        poster = new_test_user(self.env, "poster", group)
        idle = new_test_user(self.env, "idle", group)
        entry = self.account.with_user(poster)._adjust(10, "Goodwill")
        self.assertEqual(entry.create_uid, poster)
        self.env.flush_all()
        idle.unlink()
        self.assertFalse(idle.exists())
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError),
            self.env.cr.savepoint(),
        ):
            poster.unlink()
        self._post(Op.CREDIT, 5)
        self.assertBooks(15)
