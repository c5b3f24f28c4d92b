# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestProgress(LoyaltyTiersCommon):
    """What is said of the way to the next tier."""

    def _progress(self, member=None):
        return (member or self.member)._get_tier_progress()

    def test_from_nothing_to_the_top(self):
        progress = self._progress()
        self.assertEqual(progress["tier"], False)
        self.assertEqual(progress["text"], "100 beans to Silver by 31 December")
        self._buy("S1", 180)
        progress = self._progress()
        self.assertEqual(
            {name: progress[name] for name in ("tier", "next", "measure", "missing")},
            {"tier": "Silver", "next": "Gold", "measure": "points", "missing": 120.0},
        )
        self.assertEqual(progress["percent"], 60.0)
        self.assertEqual(progress["until"], date(2026, 12, 31))
        self.assertEqual(progress["text"], "120 beans to Gold by 31 December")
        self._buy("S2", 120)
        progress = self._progress()
        self.assertEqual((progress["tier"], progress["next"]), ("Gold", False))
        self.assertEqual(progress["color"], "#D4AF37")
        self.assertEqual(progress["color_text"], "#000000")
        self.assertEqual(progress["percent"], 100.0)
        self.assertEqual(progress["text"], "Gold until 31 December 2027")

    def test_other_measures(self):
        self.silver.write({"entry_spend": 50, "entry_visits": 3})
        self._buy("S1", 40)
        progress = self._progress()
        self.assertEqual(
            progress["text"],
            "60 beans and $ 10.00 and 2 visits to Silver by 31 December".replace(
                "$ 10.00", self.scheme._format_money(10)
            ),
        )
        self.assertEqual((progress["measure"], progress["missing"]), ("visits", 2.0))
        self.silver.match = "any"
        progress = self._progress()
        self.assertEqual((progress["measure"], progress["missing"]), ("spend", 10.0))
        self.assertEqual(progress["percent"], 80.0)
        self.assertIn(" or ", progress["text"])

    def test_rolling_has_no_last_day(self):
        self.scheme.tier_window = "rolling"
        progress = self._progress()
        self.assertEqual(progress["text"], "100 beans to Silver")
        self.assertIs(progress["until"], False)

    def test_what_is_missing_to_stay(self):
        self._buy("S1", 300)
        self.assertIs(self._progress()["keep_text"], False)
        with freeze_time("2027-02-01 12:00:00"):
            self._buy("S2", 60)
            progress = self._progress()
        self.assertEqual(progress["kept_until"], date(2027, 12, 31))
        self.assertIn("240 beans to stay Gold", progress["keep_text"])

    def test_by_hand(self):
        self.member._set_tier(self.silver, "Invited", date(2026, 6, 30))
        progress = self._progress()
        self.assertEqual(progress["text"], "Silver until 30 June 2026")
        self.assertEqual(progress["next"], False)

    def test_a_warning_before_the_last_day(self):
        self._buy("S1", 300)
        with freeze_time("2027-11-30 12:00:00"):
            self.assertIs(self._progress()["warning"], False)
        with freeze_time("2027-12-01 12:00:00"):
            warning = "300 beans to stay Gold after 31 December 2027"
            self.assertEqual(self._progress()["warning"], warning)
            self.member.invalidate_recordset()
            self.assertEqual(self.member.tier_warning, warning)
            self.assertEqual(self.member._get_badge()["warning"], warning)
            self._buy("S2", 300)
            self.assertIs(self._progress()["warning"], False)

    def test_a_warning_before_a_tier_by_hand_ends(self):
        club = self._create_tier("Club", sequence=15, entry="manual")
        self.member._set_tier(club, "Paid the fee", date(2026, 6, 30))
        with freeze_time("2026-05-30 12:00:00"):
            self.assertIs(self._progress()["warning"], False)
        with freeze_time("2026-05-31 12:00:00"):
            self.assertEqual(
                self._progress()["warning"],
                "Club ends on 30 June 2026. After that, purchases decide on the tier.",
            )
            self.member._set_tier(self.silver, "Welcome", date(2026, 6, 30))
            self.assertEqual(
                self._progress()["warning"],
                "100 beans to stay Silver after 30 June 2026",
            )
            self._buy("S1", 100)
            self.assertIs(self._progress()["warning"], False)

    def test_no_warning_where_the_scheme_gives_none(self):
        self.scheme.tier_warning_days = 0
        self.member._set_tier(self.silver, "Welcome", date(2026, 3, 11))
        self.assertIs(self._progress()["warning"], False)

    def test_without_tiers(self):
        scheme = self._create_scheme(name="Plain")
        member = self.env["loyalty.member"]._enrol(self.anna, scheme)
        self.assertEqual(self._progress(member), {})
        self.assertFalse(member.tier_progress)

    def test_who_may_see_the_member_sees_it(self):
        self._buy("S1", 180)
        user = new_test_user(
            self.env, "looks", groups="loyalty_member.loyalty_member_group_auditor"
        )
        member = self.member.with_user(user)
        self.assertEqual(member.tier_progress, "120 beans to Gold by 31 December")
        self.assertEqual(member.tier_percent, 60.0)
        self.assertIn("Silver", member.tier_badge)
        self.assertIn("#C0C0C0", member.tier_badge)

    def test_in_the_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.gold.with_context(lang="fr_FR").name = "Or"
        self._buy("S1", 180)
        progress = self.member.with_context(lang="fr_FR")._get_tier_progress()
        self.assertEqual(progress["next"], "Or")
        self.assertEqual(self._progress()["next"], "Gold")

    def test_name_is_no_markup(self):
        self.silver.name = "<b>Silver</b>"
        self._buy("S1", 180)
        self.assertIn("&lt;b&gt;", self.member.tier_badge)
