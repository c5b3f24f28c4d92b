# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import patch

from odoo.exceptions import ConcurrencyError
from odoo.service.model import retrying
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CommittedCase

PHONE = "+32470654399"


@tagged("-at_install", "post_install")
class TestConcurrentEnrol(CommittedCase):
    """Two people enrol the same customer at the same moment, on real cursors."""

    def _enrol(self, env):
        return env["loyalty.member"]._enrol(
            env["res.partner"].browse(self.partner_id),
            env["loyalty.scheme"].browse(self.scheme_id),
        )

    def _count_members(self):
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT count(*) FROM loyalty_member WHERE scheme_id = %s",
                [self.scheme_id],
            )
            return cr.fetchone()[0]

    @mute_logger("odoo.sql_db")
    def test_loser_is_told_to_retry(self):
        barrier = Barrier(2, timeout=30)

        def run(env):
            env.cr.execute("SELECT 1")  # take the snapshot before either has won
            barrier.wait()
            try:
                self._enrol(env)
            except ConcurrencyError:
                env.cr.rollback()
                return "retry"
            env.cr.commit()
            return "enrolled"

        envs = [self._open_env(), self._open_env()]
        with ThreadPoolExecutor(max_workers=2) as executor:
            futures = [executor.submit(run, env) for env in envs]
            outcomes = [future.result(timeout=60) for future in futures]
        self.assertEqual(sorted(outcomes), ["enrolled", "retry"])
        self.assertEqual(self._count_members(), 1)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_retry_finds_the_member(self):
        loser, winner = self._open_env(), self._open_env()
        winners = []

        def enrol():
            loser.cr.execute("SELECT 1")  # take the snapshot before the other wins
            if not winners:
                winners.append(self._enrol(winner).id)
                winner.cr.commit()
            return self._enrol(loser).id

        with patch("odoo.service.model.time.sleep"):
            member_id = retrying(enrol, loser)
        self.assertEqual([member_id], winners)
        self.assertEqual(self._count_members(), 1)


@tagged("-at_install", "post_install")
class TestConcurrentPhone(CommittedCase):
    """Two people enrol the same new phone number at the same moment."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self._delete_contacts)

    def _enrol(self, env):
        scheme = env["loyalty.scheme"].browse(self.scheme_id)
        return env["loyalty.member"]._enrol_by_phone(PHONE, scheme)

    def _find_contacts(self, cr):
        cr.execute("SELECT id FROM res_partner WHERE phone_sanitized = %s", [PHONE])
        return [row[0] for row in cr.fetchall()]

    def _delete_contacts(self):
        with self.registry.cursor() as cr:
            self._delete(cr, "res_partner", self._find_contacts(cr), set())

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_both_find_the_same_member(self):
        barrier = Barrier(2, timeout=30)
        tries = []

        def run(env):
            def enrol():
                env.cr.execute("SELECT 1")  # take the snapshot before either has won
                tries.append(env)
                if len(tries) <= 2:
                    barrier.wait()
                return self._enrol(env).id

            return retrying(enrol, env)

        envs = [self._open_env(), self._open_env()]
        with (
            patch("odoo.service.model.time.sleep"),
            ThreadPoolExecutor(max_workers=2) as executor,
        ):
            futures = [executor.submit(run, env) for env in envs]
            first, second = (future.result(timeout=60) for future in futures)
        self.assertEqual(first, second)
        self.assertGreater(len(tries), 2)
        with self.registry.cursor() as cr:
            self.assertEqual(len(self._find_contacts(cr)), 1)
