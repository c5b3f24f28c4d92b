# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.exceptions import ConcurrencyError
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.tests.test_concurrency import ConcurrencyCase
from odoo.addons.queue_job.exception import RetryableJobError


@tagged("post_install", "-at_install")
class TestMigrationConcurrency(ConcurrencyCase):
    """A program is migrated while tills sell with it."""

    def setUp(self):
        # Without the scheme of the parent class: this one is made by a migration
        # pylint: disable=method-required-super
        BaseCase.setUp(self)
        self.registry = Registry(get_db_name())
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            program = env["loyalty.program"].create(
                {
                    "name": "Busy Stars",
                    "program_type": "loyalty",
                    "applies_on": "both",
                    "trigger": "auto",
                }
            )
            partners = env["res.partner"].create([{"name": "Bob"}, {"name": "Carl"}])
            self.bob_id, self.carl_id = partners.ids
            self.program_id = program.id
            self.card_id = self._create_card(env, self.bob_id).id
            migration = env["loyalty.migration"].create({"program_id": program.id})
            migration.action_make_scheme()
            migration.action_check()
            migration.state = "running"
            self.migration_id = migration.id
            self.scheme_id = migration.scheme_id.id
        self.addCleanup(self._clean_up)

    def _clean_up(self):
        with self.registry.cursor() as cr:
            for query in (
                "DELETE FROM loyalty_migration_line WHERE migration_id = %s",
                "UPDATE loyalty_member SET migration_id = NULL WHERE migration_id = %s",
                "DELETE FROM loyalty_migration WHERE id = %s",
            ):
                cr.execute(SQL(query, self.migration_id))
        result = super()._clean_up()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["res.partner"].browse([self.bob_id, self.carl_id]).exists().unlink()
        return result

    def _create_card(self, env, partner_id):
        return env["loyalty.card"].create(
            {
                "program_id": self.program_id,
                "partner_id": partner_id,
                "points": 100,
            }
        )

    def _begin(self, cr):
        """Return an environment whose transaction has its view of the database."""
        env = api.Environment(cr, SUPERUSER_ID, {})
        env["loyalty.card"].browse(self.card_id).read(["points"])
        return env

    def _migrate(self, env):
        env["loyalty.migration"].browse(self.migration_id)._migrate()
        env.cr.commit()

    def test_sales_that_began_before_have_to_begin_again(self):
        """Neither may native points be written to an account, nor a card be added."""
        with (
            self.registry.cursor() as office,
            self.registry.cursor() as till,
            self.registry.cursor() as shop,
        ):
            till_env, shop_env = self._begin(till), self._begin(shop)
            self._migrate(self._begin(office))
            card = till_env["loyalty.card"].browse(self.card_id)
            self.assertFalse(card.ledger_managed)
            with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                card.points += 10
                till_env.flush_all()
            till.rollback()
            with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                self._create_card(shop_env, self.carl_id)
                shop_env.flush_all()
            shop.rollback()
            env = self._begin(till)
            card = env["loyalty.card"].browse(self.card_id)
            self.assertTrue(card.ledger_managed)
            self.assertEqual(card.points, 100)
            self.assertEqual(env["loyalty.ledger"]._audit(card), [])

    def test_concurrent_sales_are_included(self):
        with self.registry.cursor() as office, self.registry.cursor() as till:
            env = self._begin(office)
            till_env = self._begin(till)
            late = self._create_card(till_env, self.carl_id)
            till.commit()
            with self.assertRaises(ConcurrencyError):
                self._migrate(env)
            office.rollback()
            self._begin(office)
            till_env["loyalty.card"].browse(self.card_id).points += 10
            till_env.flush_all()
            till.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                self._migrate(env)
            office.rollback()
            env.invalidate_all()
            self._migrate(env)
            cards = env["loyalty.card"].browse([self.card_id, late.id])
            self.assertEqual(cards.mapped("points"), [110, 100])
            self.assertEqual(cards.mapped("ledger_managed"), [True, True])
            self.assertEqual(env["loyalty.ledger"]._audit(cards), [])

    def test_stop_waits_for_a_running_job_and_the_next_job_sees_it(self):
        with self.registry.cursor() as queue, self.registry.cursor() as office:
            job = self._begin(queue)["loyalty.migration"].browse(self.migration_id)
            job._lock()
            office.execute("SET LOCAL lock_timeout = '200ms'")
            stop = self._begin(office)["loyalty.migration"].browse(self.migration_id)
            with mute_logger("odoo.sql_db"), self.assertRaises(LockNotAvailable):
                stop.action_stop()
            office.rollback()
            self._begin(office)
            queue.rollback()
            self._begin(queue)
            stop.action_stop()
            office.commit()
            # The view of the job is from before: the queue runs it again
            with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                job._job_enrol()
            queue.rollback()
            job.env.invalidate_all()
            self.assertEqual(job._job_enrol(), "The migration was stopped.")
            self.assertFalse(job.scheme_id.member_ids)

    def test_two_jobs_at_once_enroll_a_contact_once(self):
        with self.registry.cursor() as first, self.registry.cursor() as second:
            job = self._begin(first)["loyalty.migration"].browse(self.migration_id)
            twin = self._begin(second)["loyalty.migration"].browse(self.migration_id)
            job._enrol_batch()
            first.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises(RetryableJobError):
                twin._job_enrol()
            second.rollback()
            twin.env.invalidate_all()
            self.assertEqual(len(twin.scheme_id.member_ids), 1)
            self.assertEqual(twin._enrol_batch(), 0)
