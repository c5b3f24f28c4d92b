# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW
from odoo.addons.loyalty_tiers.tests.common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestTrial(LoyaltyTiersCommon):
    """Other thresholds, tried on a copy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env, "manages", groups="loyalty_member.loyalty_member_group_manager"
        )

    def setUp(self):
        super().setUp()
        # Anna has 320, Bert 150, Carla 80, Dirk 20
        self._buy("S0", 320)
        self.others = {}
        for name, amount in (("Bert", 150), ("Carla", 80), ("Dirk", 20)):
            self.others[name] = self._enrol(name)
            self._buy(name, amount, member=self.others[name])

    def _try(self, **thresholds):
        """Try entry points by name of the tier; return the wizard."""
        action = self.scheme.with_user(self.manager).action_try_tiers()
        trial = self.env["loyalty.tier.trial"].with_user(self.manager)
        with Form(trial.browse(action["res_id"])) as form:
            for number, line in enumerate(form.record.line_ids):
                with form.line_ids.edit(number) as row:
                    for field, value in thresholds.get(line.tier_id.name, {}).items():
                        row[field] = value
        form.record.action_try()
        return form.record

    def _moves(self, trial):
        return {
            (move.from_id.name, move.to_id.name, move.way): move.member_count
            for move in trial.move_ids
        }

    def test_as_it_is_nobody_moves(self):
        trial = self._try()
        self.assertEqual(self._moves(trial), {})
        self.assertEqual(trial.summary, "Nobody would move.")

    def test_lower(self):
        trial = self._try(Silver={"entry_points": 50}, Gold={"entry_points": 150})
        self.assertEqual(
            self._moves(trial),
            {("Silver", "Gold", "up"): 1, (False, "Silver", "up"): 1},
        )
        self.assertIn("rise at once: 2.", trial.summary)
        self.assertIn("buy more: 0.", trial.summary)

    def test_higher(self):
        higher = {
            "Silver": {"entry_points": 200},
            "Gold": {"entry_points": 500},
        }
        falls = {("Gold", "Silver", "down"): 1, ("Silver", False, "down"): 1}
        self.assertEqual(self._moves(self._try(**higher)), falls)
        higher["Silver"]["entry_points"] = 400
        self.assertEqual(self._moves(self._try(**higher)), falls)
        self.scheme.tier_downgrade = "fit"
        self.assertEqual(
            self._moves(self._try(**higher)),
            {("Gold", False, "down"): 1, ("Silver", False, "down"): 1},
        )

    def test_higher_to_enter_alone(self):
        trial = self._try(Gold={"entry_points": 500, "keep": "own", "keep_points": 300})
        self.assertEqual(self._moves(trial), {})

    def test_tiers_by_hand_do_not_move(self):
        self.others["Bert"]._set_tier(self.silver, "Invited")
        trial = self._try(Gold={"entry_points": 150})
        self.assertEqual(self._moves(trial), {})

    def test_nothing_is_saved(self):
        self._try(Silver={"entry_points": 50})
        self.assertEqual(self.silver.entry_points, 100)
        self.assertFalse(self.others["Carla"].tier_id)

    def test_applied(self):
        trial = self._try(Silver={"entry_points": 50})
        ir_cron = self.env.registry["ir.cron"]
        with patch.object(ir_cron, "_commit_progress", lambda *_a, **_v: 1000):
            self.env["loyalty.tier.run"]._cron_evaluate()
            trial.action_apply()
            self.assertEqual(self.silver.entry_points, 50)
            self.assertFalse(self.others["Carla"].tier_id)
            self.env["loyalty.tier.run"]._cron_evaluate()
        self.assertEqual(self.others["Carla"].tier_id, self.silver)
        self.assertFalse(self.others["Dirk"].tier_id)

    def test_sales_from_before_the_tiers(self):
        self.env.cr.execute("DELETE FROM loyalty_tier_figure")
        trial = self._try(Silver={"entry_points": 50})
        self.assertEqual(self._moves(trial), {(False, "Silver", "up"): 1})

    def test_who_may(self):
        user = new_test_user(
            self.env, "serves", groups="loyalty_member.loyalty_member_group_service"
        )
        with self.assertRaises(AccessError):
            self.scheme.with_user(user).action_try_tiers()
        rival = self.env["res.company"].create({"name": "Rival"})
        stranger = new_test_user(
            self.env,
            "stranger",
            groups="loyalty_member.loyalty_member_group_manager",
            company_id=rival.id,
            company_ids=[(6, 0, rival.ids)],
        )
        with self.assertRaises(AccessError):
            self.scheme.with_user(stranger).action_try_tiers()
