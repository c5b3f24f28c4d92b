# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install", "database_breaking")
class TestEventConcurrency(ConcurrencyCase):
    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = self._env(cr)
            env["loyalty.earn.rule"].create(
                {
                    "name": "Review",
                    "scheme_id": self.scheme_id,
                    "trigger": "event",
                    "effect": "receipt",
                    "event_id": env["loyalty.earn.event"]._get_by_code("review").id,
                    "value": 20,
                    "cap_total": 30,
                }
            )

    def _clean_up(self):
        with self.registry.cursor() as cr:
            for table in ("earn_award", "member_event", "earn_rule"):
                cr.execute(
                    SQL(
                        "DELETE FROM %s WHERE scheme_id = %s",
                        SQL.identifier(f"loyalty_{table}"),
                        self.scheme_id,
                    )
                )
            self._env(cr).registry.clear_cache()
        return super()._clean_up()

    def _review(self, key):
        def call(env):
            member = env["loyalty.member"].browse(self.member_id)
            event = member._raise_event("review", key)
            return event.id, event.points

        return call

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_the_same_event_twice_at_once(self):
        outcomes = self._at_once(self._review("1"), self._review("1"))
        self.assertEqual(outcomes[0], outcomes[1])
        self.assertEqual(outcomes[0][1], 20)
        self.assertEqual(self._points(), 120)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_events_share_a_cap(self):
        outcomes = self._at_once(self._review("1"), self._review("2"))
        self.assertEqual(sorted(points for _id, points in outcomes), [10, 20])
        self.assertEqual(self._points(), 130)
        self.assertEqual(self._audit(), [])
