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
