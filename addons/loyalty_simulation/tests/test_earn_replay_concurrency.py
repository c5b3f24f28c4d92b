# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.tests.test_concurrency import ConcurrencyCase
from odoo.addons.queue_job.tests.common import trap_jobs

SALES = 4
MODULE = "odoo.addons.loyalty_simulation.models.loyalty_earn_replay"


@tagged("post_install", "-at_install", "database_breaking")
class TestReplayCancelled(ConcurrencyCase):
    """A user cancels a replay while a job is in the middle of a batch."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            for number in range(SALES):
                self._sale(env, f"{self.scheme_id}-R{number}", 10)
            replay = env["loyalty.earn.replay"].create(
                {
                    "scheme_id": self.scheme_id,
                    "date_from": date(2026, 3, 1),
                    "date_to": date(2026, 3, 31),
                }
            )
            replay._begin()
            self.replay_id = replay.id

    def _get_clean_up_queries(self):
        return [
            SQL(
                "DELETE FROM mail_message WHERE model = 'loyalty.earn.replay'"
                " AND res_id = %s",
                self.replay_id,
            ),
            SQL("DELETE FROM loyalty_earn_replay WHERE id = %s", self.replay_id),
        ]

    def _run_and_cancel_within(self, batch):
        """Run the jobs one by one; another transaction cancels within one of them.

        :param int batch: which one
        :return: how many sales were done when each batch began
        """
        replay_batch = self.registry["loyalty.earn.replay"]._replay_batch
        begun = []

        def replay_and_be_cancelled(replay, progress, limit):
            begun.append(replay.done_count)
            if len(begun) == batch:
                with self.registry.cursor() as cr:
                    self._browse(self._env(cr)).action_cancel()
            return replay_batch(replay, progress, limit)

        with (
            patch(f"{MODULE}.SALES_IN_BATCH", 1),
            patch.object(
                self.registry["loyalty.earn.replay"],
                "_replay_batch",
                replay_and_be_cancelled,
            ),
            trap_jobs() as trap,
            mute_logger("odoo.sql_db"),
        ):
            for done in range(batch - 1):
                self._run_job(done)
            with self.assertRaises(SerializationFailure):
                self._run_job(batch - 1)
            # What the refused batch enqueued is rolled back with it
            count = trap.jobs_count()
            # As queue_job does after a serialization failure
            self._run_job(batch - 1)
            trap.assert_jobs_count(count)
        return begun

    def _run_job(self, done):
        with self.registry.cursor() as cr:
            self._browse(self._env(cr))._run_batch(done)
            cr.flush()

    def _browse(self, env):
        return env["loyalty.earn.replay"].browse(self.replay_id)

    def assertCancelled(self, done):
        found = self._read(
            lambda env: (
                *self._browse(env).read(
                    ["state", "done_count", "progress_state"], load=False
                ),
                env["loyalty.earn.replay.member"].search_count(
                    [("replay_id", "=", self.replay_id)]
                ),
                self._browse(env).line_ids.ids,
            )
        )
        expected = {
            "id": self.replay_id,
            "state": "cancelled",
            "done_count": done,
            "progress_state": False,
        }
        self.assertEqual(found, (expected, 0, []))

    def test_in_the_first_batch(self):
        self.assertEqual(self._run_and_cancel_within(1), [0])
        self.assertCancelled(0)

    def test_in_a_later_batch(self):
        self.assertEqual(self._run_and_cancel_within(3), [0, 1, 2])
        self.assertCancelled(2)

    def test_another_run_after_it_is_whole(self):
        self._run_and_cancel_within(2)
        with self.registry.cursor() as cr:
            replay = self._browse(self._env(cr))
            replay.action_run()
            self.assertEqual((replay.state, replay.total_count), ("done", SALES))
            self.assertEqual(replay.points_before, replay.points_after)
            self.assertEqual(replay.points_after, 10 * SALES)
