# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.exceptions import ConcurrencyError
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import SQL, mute_logger


@tagged("-at_install", "post_install")
class TestConcurrentEnrol(BaseCase):
    """Two people enrol the same customer at the same moment, on real cursors."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.scheme_id = env["loyalty.scheme"].create({"name": "Race"}).id
            self.partner_id = env["res.partner"].create({"name": "Racer"}).id
        self.addCleanup(self._clean_up)  # after the cursors of the tests are closed

    def _clean_up(self):
        with self.registry.cursor() as cr:
            self._delete(cr, "loyalty_scheme", [self.scheme_id], set())
            self._delete(cr, "res_partner", [self.partner_id], set())

    def _delete(self, cr, table, ids, seen):
        """Delete committed rows and all that refers to them.

        By SQL, since the ORM rightly refuses, and by the catalogue, since modules
        on top of this one add rows of their own.
        """
        seen.add(table)
        cr.execute(
            "DELETE FROM mail_message WHERE model = %s AND res_id = ANY(%s)",
            [table.replace("_", "."), ids],
        )
        cr.execute(
            """
            SELECT rel.relname, att.attname
              FROM pg_constraint con
              JOIN pg_class rel ON rel.oid = con.conrelid
              JOIN pg_attribute att
                ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
             WHERE con.contype = 'f' AND con.confdeltype != 'c'
               AND con.confrelid = %s::regclass
            """,
            [table],
        )
        for child, column in cr.fetchall():
            where = SQL("%s = ANY(%s)", SQL.identifier(column), ids)
            child_name = SQL.identifier(child)
            if child in seen:
                cr.execute(
                    SQL(
                        "UPDATE %s SET %s = NULL WHERE %s",
                        child_name,
                        SQL.identifier(column),
                        where,
                    )
                )
                continue
            cr.execute(SQL("SELECT id FROM %s WHERE %s", child_name, where))
            child_ids = [row[0] for row in cr.fetchall()]
            if child_ids:
                self._delete(cr, child, child_ids, set(seen))
        cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", SQL.identifier(table), ids))

    def _open_env(self):
        """Return an environment with a cursor of its own.

        It must be made in the main thread, which holds the registry's lock while
        the tests run.
        """
        cr = self.registry.cursor()
        self.addCleanup(cr.close)
        return api.Environment(cr, SUPERUSER_ID, {})

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
