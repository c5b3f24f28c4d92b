# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What has happened to members who are merged, and what is to be looked at."""

from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import new_test_user, tagged

from ..ledger.move import Op
from .common import NOW
from .test_event import LoyaltyEventCommon


class LoyaltyMergeEventCommon(LoyaltyEventCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.pending_days = 0
        cls.manager = new_test_user(
            cls.env, "merger", "loyalty_member.loyalty_member_group_manager"
        )
        twin = cls.env["res.partner"].create({"name": "Anna Twin"})
        cls.duplicate = cls.env["loyalty.member"]._enrol(twin, cls.scheme)
        cls.old_account = cls.scheme._get_account(cls.duplicate)

    def _merge(self, winner=None, duplicate=None):
        self.env.flush_all()
        winner, duplicate = winner or self.member, duplicate or self.duplicate
        return winner.with_user(self.manager)._merge(
            duplicate.with_user(self.manager), "The same phone"
        )

    def _unmerge(self, duplicate=None):
        (duplicate or self.duplicate).with_user(self.manager).action_unmerge()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMemberMergeEvent(LoyaltyMergeEventCommon):
    def _celebrate(self):
        """Run the nightly job and return whose birthday it has found."""
        with patch.object(
            self.env.registry["ir.cron"], "_commit_progress", lambda *_args, **_kw: 1000
        ):
            self.env["loyalty.member"]._cron_raise_birthdays()
        return self.env["loyalty.member.event"].search(
            [("event_id.code", "=", "birthday"), ("scheme_id", "=", self.scheme.id)],
            order="id",
        )

    def test_one_birthday_a_year(self):
        self._rule("birthday", 50)
        # Known to the membership that was merged, and had its day before the other's
        self.duplicate.partner_id.birthdate_date = date(1990, NOW.month, NOW.day)
        (self.member | self.duplicate).enrol_date = NOW - timedelta(days=400)
        first = self._celebrate()
        self.assertEqual((first.member_id, first.points), (self.duplicate, 50))
        self._merge()
        self.member.partner_id.birthdate_date = date(1990, NOW.month, NOW.day)
        self.assertEqual(self._celebrate(), first)
        self.assertBooks(50)
        with freeze_time(NOW + timedelta(days=365)):
            second = self._celebrate() - first
            self.assertEqual((second.member_id, second.points), (self.member, 50))
        self.assertBooks(100)

    def test_what_has_happened_to_either_gives_nothing_again(self):
        self._rule("review", 20)
        mine = self.member._raise_event("review", "order 1")
        theirs = self.duplicate._raise_event("review", "order 1")
        other = self.duplicate._raise_event("review", "order 2")
        self._merge()
        self.assertBooks(60)
        self.assertEqual(self.member._raise_event("review", "order 2"), other)
        # Both have it: each name leads to the same
        for member in (self.member, self.duplicate):
            self.assertEqual(member._raise_event("review", "order 1"), mine)
        self.assertBooks(60)
        # Nothing has been rewritten
        self.assertEqual((theirs | other).member_id, self.duplicate)

    def test_what_happens_to_the_duplicate_happens_to_who_stays(self):
        self._rule("review", 20)
        self._merge()
        event = self.duplicate._raise_event("review", "order 3")
        self.assertEqual((event.member_id, event.points), (self.member, 20))
        self.assertEqual(self.member._raise_event("review", "order 3"), event)
        self.assertBooks(20)

    def test_each_gets_back_its_own(self):
        self._rule("review", 20)
        self._rule("newsletter", 5)
        third = self._enrol("Third")
        old = self.duplicate._raise_event("review", "1")
        self._merge()
        self._merge(third, self.member)
        self.assertEqual(third._raise_event("review", "1"), old)
        new = self.duplicate._raise_event("newsletter", "1")
        self.assertEqual(new.member_id, third)
        self._unmerge(self.member)
        self.assertEqual(self.member._raise_event("review", "1"), old)
        self.assertNotEqual(third._raise_event("review", "1"), old)
        self._unmerge()
        self.assertEqual(self.duplicate._raise_event("review", "1"), old)
        own = self.member._raise_event("review", "1")
        self.assertEqual((own.member_id, own.points), (self.member, 20))
        # What came under the name of the merged one was of who stayed then
        self.assertEqual(self._happened(third, "newsletter"), new)

    def test_caps_count_what_either_was_given(self):
        self._rule("review", 20, cap_total=30)
        third = self._enrol("Third")
        self.duplicate._raise_event("review", "1")
        self._merge()
        self._merge(third, self.member)
        self.assertEqual(third._raise_event("review", "2").points, 10)
        self.assertEqual(third._raise_event("review", "3").points, 0)
        self._unmerge(self.member)
        self.assertEqual(self.member._raise_event("review", "4").points, 10)
        self.assertEqual(third._raise_event("review", "5").points, 20)
        self._unmerge()
        self.assertEqual(self.duplicate._raise_event("review", "6").points, 10)
        self.assertEqual(self.member._raise_event("review", "7").points, 20)

    def test_a_visit_is_noted_once_a_day(self):
        self._rule("visit", 5)
        service = new_test_user(
            self.env, "desk", "loyalty_member.loyalty_member_group_service"
        )
        self.duplicate.with_user(service).action_visit()
        self._merge()
        told = self.member.with_user(service).action_visit()["params"]["message"]
        self.assertIn("was recorded today already", told)
        self.assertBooks(5)

    def test_who_stays_shows_all(self):
        self._rule("review", 20)
        third = self._enrol("Third")
        events = self.member._raise_event("review", "1")
        events |= self.duplicate._raise_event("review", "1")
        members = self.member | self.duplicate | third
        self.assertEqual(members.mapped("event_count"), [1, 1, 0])
        self._merge()
        self._merge(third, self.member)
        self.assertEqual(members.mapped("event_count"), [2, 1, 2])
        found = events.search(
            third.with_user(self.manager).action_view_events()["domain"]
        )
        self.assertEqual(found, events)
        self._unmerge(self.member)
        self.assertEqual(members.mapped("event_count"), [2, 1, 0])
        self._unmerge()
        self.assertEqual(members.mapped("event_count"), [1, 1, 0])

    def test_merges_cost_no_more_queries(self):
        self._rule("review", 20, cap_total=1000)
        others = [self._enrol(f"Twin {number}") for number in range(5)]
        counts = []
        for number, some in enumerate((others[:1], others[1:])):
            for other in some:
                other._raise_event("review", "1")
                self._merge(self.member, other)
            self.member._raise_event("review", f"warm {number}")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.member._raise_event("review", f"new {number}")
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[1], 25)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMemberMergeAnomaly(LoyaltyMergeEventCommon):
    def _fall_short(self):
        """Return goods of the duplicate whose 100 beans have been spent but for 20."""
        self.scheme.shortfall_policy = "approval"
        sale = self.env["loyalty.transaction"]._record(
            self.duplicate, self._sale("S1", self._line("a", 100))
        )
        self._post(Op.DEBIT, 80, account=self.old_account)
        sale._record_return(self._sale("R1", self._line("x", 100, origin_key="a")))
        return self.env["loyalty.anomaly"].search(
            [("account_id", "=", self.old_account.id)]
        )

    def test_who_stays_shows_those_of_either(self):
        anomaly = self._fall_short()
        self.assertEqual(anomaly.member_id, self.duplicate)
        members = self.member | self.duplicate
        self.assertEqual(members.mapped("anomaly_count"), [0, 1])
        self._merge()
        self.assertEqual(members.mapped("anomaly_count"), [1, 1])
        member = self.member.with_user(self.manager)
        found = anomaly.search(member.action_view_anomalies()["domain"])
        self.assertEqual(found, anomaly)
        self._unmerge()
        self.assertEqual(members.mapped("anomaly_count"), [0, 1])

    def test_what_is_owed_is_taken_where_the_points_are(self):
        anomaly = self._fall_short()
        self._post(Op.CREDIT, 100)
        self._merge()
        anomaly.with_user(self.manager)._close("debt", "Third time")
        self.assertBooks(20)
        self.assertBooks(0, account=self.old_account)
        self.assertEqual(anomaly.debt_entry_id.account_id, self.account)
        self.assertEqual(anomaly.account_id, self.old_account)
