# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestNight(LoyaltyTiersCommon):
    """What becomes of tiers when a day is over."""

    def setUp(self):
        super().setUp()
        # The test's transaction is not to be committed
        self.left = 1000
        self.startPatcher(
            patch.object(
                self.env.registry["ir.cron"],
                "_commit_progress",
                lambda *_args, **_values: self.left,
            )
        )

    def _night(self, day=None):
        with freeze_time(day or NOW):
            self.env["loyalty.tier.run"]._cron_evaluate()
        self.env.invalidate_all()
        return self.env["loyalty.tier.run"].search(
            [("scheme_id", "=", self.scheme.id)], limit=1
        )

    # === DOWN === #

    def test_one_step_at_the_end_of_the_period(self):
        self._buy("S1", 400)
        self._night("2027-12-31 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)
        self._night("2028-01-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_since, date(2028, 1, 1))
        self.assertEqual(self.member.tier_until, date(2028, 12, 31))
        self.assertEqual(self._history()[-1], ("Gold", "Silver", "downgrade"))
        self._night("2029-01-01 12:00:00")
        self.assertFalse(self.member.tier_id)

    def test_to_fit(self):
        self.scheme.tier_downgrade = "fit"
        self._buy("S1", 400)
        self._night("2028-01-01 12:00:00")
        self.assertFalse(self.member.tier_id)

    def test_kept(self):
        self.gold.write({"keep": "own", "keep_points": 50})
        self._buy("S1", 400)
        with freeze_time("2027-05-01 12:00:00"):
            self._buy("S2", 50)
        self._night("2028-01-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual(self.member.tier_since, NOW.date())
        self.assertEqual(self.member.tier_until, date(2028, 12, 31))
        self.assertEqual(len(self._history()), 1)

    def test_kept_for_ever(self):
        self.gold.keep = "always"
        self._buy("S1", 400)
        self._night("2032-01-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)

    def test_grace(self):
        self.scheme.tier_grace_days = 15
        self._buy("S1", 120)
        self._night("2028-01-10 12:00:00")
        self.assertEqual(self.member.tier_id, self.silver)
        with freeze_time("2028-01-12 12:00:00"):
            self._buy("S2", 100)
        self._night("2028-01-20 12:00:00")
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_until, date(2028, 12, 31))

    def test_after_grace(self):
        self.scheme.tier_grace_days = 15
        self._buy("S1", 120)
        with freeze_time("2027-12-01 12:00:00"):
            self._buy("S2", 70)
        self._night("2028-01-15 12:00:00")
        self.assertEqual(self.member.tier_id, self.silver)
        self._night("2028-01-16 12:00:00")
        self.assertFalse(self.member.tier_id)

    def test_years_without_a_night(self):
        self._buy("S1", 400)
        self._night("2030-02-01 12:00:00")
        self.assertFalse(self.member.tier_id)
        self.assertEqual(
            [after for _before, after, _cause in self._history()],
            ["Gold", "Silver", False],
        )

    def test_rolling(self):
        self.scheme.write(
            {"tier_window": "rolling", "tier_months": 3, "tier_keep_months": 1}
        )
        self._buy("S1", 120)
        self.assertEqual(self.member.tier_until, date(2026, 4, 30))
        self._night("2026-05-01 12:00:00")
        self.assertEqual(self.member.tier_until, date(2026, 5, 31))
        self._night("2026-06-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.silver)
        self._night("2026-07-01 12:00:00")
        self.assertFalse(self.member.tier_id)

    def test_membership_year(self):
        self.member.enrol_date = datetime(2024, 4, 20)
        self.scheme.tier_window = "membership"
        self._buy("S1", 120)
        with freeze_time("2026-03-31 12:00:00"):
            self._buy("S2", 120)
        self._night("2027-04-01 12:00:00")
        self.assertFalse(self.member.tier_id)

    def test_end_of_a_tier_by_hand(self):
        self.member._set_tier(self.gold, "Invited", date(2026, 6, 30))
        self._buy("S1", 120)
        self._night("2026-06-30 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)
        self._night("2026-07-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self._history()[-1], ("Gold", "Silver", "manual_end"))

    def test_nobody_touches_a_tier_by_hand(self):
        self.member._set_tier(self.gold, "Invited")
        self._night("2035-01-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual(len(self._history()), 1)

    def test_blocked_members_and_closed_schemes_stay_as_they_are(self):
        self._buy("S1", 400)
        self.member.action_block("Fraud")
        self._night("2028-01-01 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)
        self.member.action_unblock()
        self.scheme.action_close()
        self._night("2028-01-02 12:00:00")
        self.assertEqual(self.member.tier_id, self.gold)

    # === UP, AND PROOF === #

    def test_tiers_that_come_after_the_sales(self):
        (self.silver | self.gold).unlink()
        self._buy("S1", 150)
        silver = self._create_tier("Silver", entry_points=100)
        self._night()
        self.assertEqual(self.member.tier_id, silver)
        self.assertEqual(self._figures(), [("2026-03", 150, 150, 1)])

    def test_wrong_figures_are_put_right(self):
        self._buy("S1", 90, date=datetime(2025, 5, 1))
        sale = self._buy("S2", 50)
        self._give_back(sale, 10)
        figures = self._figures()
        self.env.cr.execute("UPDATE loyalty_tier_figure SET points = 7, visits = 9")
        self.env.cr.execute(
            "INSERT INTO loyalty_tier_figure (member_id, month, points, spend, visits)"
            " VALUES (%s, '2026-02-01', 500, 500, 1)",
            [self.member.id],
        )
        self._night()
        self.assertEqual(
            self._figures(), [figures[0], ("2026-02", 0, 0, 0), figures[1]]
        )
        self.assertEqual(figures[1], ("2026-03", 40, 40, 1))

    def test_lower_thresholds(self):
        self._buy("S1", 150)
        self.gold.entry_points = 150
        run = self._night()
        self.assertEqual(self.member.tier_id, self.gold)
        self.assertEqual((run.change_count, run.finished), (1, True))

    # === RUNS === #

    def test_twice_is_once(self):
        self._buy("S1", 400)
        run = self._night("2028-01-01 12:00:00")
        history = self._history()
        self.assertEqual(self._night("2028-01-01 23:00:00"), run)
        self.assertEqual(self._history(), history)
        run.finished = False
        run.last_member_id = 0
        self._night("2028-01-01 23:00:00")
        self.assertEqual(self._history(), history)

    def test_goes_on_where_it_stopped(self):
        members = self.env["loyalty.member"].union(
            *(self._enrol(f"M{number}") for number in range(5))
        )
        for member in members:
            self._buy(f"S{member.id}", 400, member=member)
        Run = self.env["loyalty.tier.run"]
        with freeze_time("2028-01-01 12:00:00"):
            run = Run._open_run(self.scheme)
            last_id, count = run._find_range(3)
            self.assertEqual(count, 3)
            run._evaluate_range(last_id, count)
            self.left = 0
            self.assertFalse(run._continue(batch_size=2))
            self.assertEqual(run.member_count, 3)
            self.left = 1000
            self.assertTrue(run._continue(batch_size=2))
        self.assertEqual((run.member_count, run.change_count), (6, 5))
        self.env.invalidate_all()
        self.assertEqual(members.tier_id, self.silver)
        for member in members:
            self.assertEqual(len(self._history(member)), 2)

    def test_tries_again_after_a_sale_in_between(self):
        Run = self.env.registry["loyalty.tier.run"]
        original, calls = Run._evaluate_range, []

        def interrupted(run, *args):
            # Each scheme with tiers has its night
            if run.scheme_id == self.scheme:
                calls.append(args)
                if len(calls) == 1:
                    raise SerializationFailure
            return original(run, *args)

        self._buy("S1", 400)
        with patch.object(Run, "_evaluate_range", interrupted):
            run = self._night("2028-01-01 12:00:00")
        self.assertEqual(len(calls), 2)
        self.assertTrue(run.finished)
        self.assertEqual(self.member.tier_id, self.silver)

    # === WARNINGS === #

    def _warnings(self):
        return self.env["loyalty.tier.warning"].search(
            [("member_id", "=", self.member.id)]
        )

    def test_warned_once_before_the_last_day(self):
        self._buy("S1", 400)
        with freeze_time("2027-05-01 12:00:00"):
            self._buy("S2", 120)
        self._night("2027-11-30 12:00:00")
        self.assertFalse(self._warnings())
        run = self._night("2027-12-01 12:00:00")
        self.assertEqual(run.warning_count, 1)
        self._night("2027-12-02 12:00:00")
        warning = self._warnings()
        self.assertEqual(len(warning), 1)
        self.assertEqual(warning.tier_id, self.gold)
        self.assertEqual(warning.until, date(2027, 12, 31))
        self.assertEqual(warning.missing_points, 180)
        self.assertEqual(warning.missing, "180 beans")
        self.assertEqual(warning.display_name, "Gold ends on 12/31/2027")

    def test_nothing_to_warn_of(self):
        self._buy("S1", 400)
        with freeze_time("2027-05-01 12:00:00"):
            self._buy("S2", 300)
        self._night("2027-12-10 12:00:00")
        self.member._set_tier(self.silver, "Invited")
        self._night("2028-12-10 12:00:00")
        self.scheme.tier_warning_days = 0
        self.member._set_tier(self.silver, "Invited", date(2028, 12, 20))
        self._night("2028-12-11 12:00:00")
        self.assertFalse(self._warnings())

    def test_warned_before_a_tier_by_hand_ends(self):
        club = self._create_tier("Club", sequence=15, entry="manual")
        self.member._set_tier(club, "Paid the fee", date(2026, 6, 30))
        self._buy("S1", 60)
        self._night("2026-05-30 12:00:00")
        self.assertFalse(self._warnings())
        self.assertEqual(self._night("2026-05-31 12:00:00").warning_count, 1)
        self._night("2026-06-01 12:00:00")
        warning = self._warnings()
        self.assertEqual(len(warning), 1)
        self.assertEqual((warning.tier_id, warning.by_hand), (club, True))
        self.assertEqual(warning.until, date(2026, 6, 30))
        self.assertEqual(warning.reason, "Paid the fee")
        self.assertEqual(warning.missing, "")
        self.assertEqual(self.member.tier_id, club)
        # A later end is another day to warn of
        self.member._set_tier(club, "Paid again", date(2027, 6, 30))
        self._night("2027-06-10 12:00:00")
        self.assertEqual(len(self._warnings()), 2)

    def test_a_tier_by_hand_that_purchases_have_earned_since(self):
        self.member._set_tier(self.silver, "Welcome", date(2026, 6, 30))
        rest = self._enrol("Buys less")
        rest._set_tier(self.silver, "Welcome", date(2026, 6, 30))
        nobody = self._enrol("Nothing to lose")
        nobody._set_tier(self.env["loyalty.tier"], "Fraud", date(2026, 6, 30))
        forever = self._enrol("For ever")
        forever._set_tier(self.silver, "Founder")
        self._buy("S1", 100)
        self._buy("S2", 70, member=rest)
        self.assertEqual(self._night("2026-06-10 12:00:00").warning_count, 1)
        warning = self.env["loyalty.tier.warning"].search(
            [("scheme_id", "=", self.scheme.id)]
        )
        self.assertEqual(warning.member_id, rest)
        self.assertEqual(warning.missing, "30 beans")

    def test_warnings_are_seen_by_their_company(self):
        self._buy("S1", 400)
        self._night("2027-12-10 12:00:00")
        service = "loyalty_member.loyalty_member_group_service"
        user = new_test_user(self.env, "sees", groups=service)
        self.assertEqual(self._warnings().with_user(user).missing, "300 beans")
        with self.assertRaises(AccessError):
            self._warnings().with_user(user).unlink()
        rival = self.env["res.company"].create({"name": "Rival"})
        user.write({"company_ids": [Command.set(rival.ids)], "company_id": rival.id})
        with self.assertRaises(AccessError):
            self._warnings().with_user(user).read(["until"])
        with self.assertRaises(AccessError):
            self.env["loyalty.tier.run"].with_user(user).search([])
