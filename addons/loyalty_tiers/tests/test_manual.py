# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestManual(LoyaltyTiersCommon):
    """Tiers that people give."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vip = cls._create_tier("Club", sequence=15, entry="manual")
        cls.user = new_test_user(
            cls.env, "serves", groups="loyalty_member.loyalty_member_group_service"
        )

    def _assign(self, tier, **values):
        action = self.member.with_user(self.user).action_set_tier()
        with Form(
            self.env["loyalty.tier.assign"]
            .with_user(self.user)
            .with_context(**action["context"])
        ) as form:
            form.tier_id = tier
            form.reason = "Paid the fee"
            for name, value in values.items():
                form[name] = value
        form.record.action_assign()

    def test_given_with_reason_and_end(self):
        self._assign(self.vip, until=date(2026, 6, 30))
        self.assertEqual(self.member.tier_id, self.vip)
        self.assertTrue(self.member.tier_locked)
        self.assertEqual(self.member.tier_lock_until, date(2026, 6, 30))
        self.assertEqual(self.member.tier_lock_reason, "Paid the fee")
        change = self.member.tier_change_ids
        self.assertEqual(
            (change.cause, change.reason, change.user_id),
            ("manual", "Paid the fee", self.user),
        )

    def test_nothing_automatic_touches_it(self):
        self._assign(self.vip)
        self._buy("S1", 900)
        self.assertEqual(self.member.tier_id, self.vip)
        self.assertEqual(self._figures(), [("2026-03", 900, 900, 1)])

    def test_after_its_end_the_next_sale_finds_the_tier(self):
        self._assign(self.vip, until=date(2026, 6, 30))
        self._buy("S1", 120)
        with freeze_time("2026-07-01 12:00:00"):
            self._buy("S2", 10)
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertFalse(self.member.tier_locked)
        self.assertEqual(self._history()[-1], ("Club", "Silver", "manual_end"))

    def test_released(self):
        self._assign(self.vip)
        self._buy("S1", 120)
        self.member.with_user(self.user).action_release_tier()
        self.assertEqual(self.member.tier_id, self.silver)
        self.assertEqual(self.member.tier_until, date(2027, 12, 31))
        self.assertEqual(self.member.tier_change_ids[:1].user_id, self.user)

    def test_taken_away(self):
        self._buy("S1", 120)
        self._assign(self.env["loyalty.tier"])
        self.assertFalse(self.member.tier_id)
        self._buy("S2", 500)
        self.assertFalse(self.member.tier_id)

    def test_refusals(self):
        with self.assertRaisesRegex(ValidationError, "over already"):
            self._assign(self.vip, until=date(2026, 3, 9))
        foreign = self._create_scheme(name="Rival")
        rival = self._create_tier("Rival", scheme_id=foreign.id)
        with self.assertRaisesRegex(ValidationError, "different schemes"):
            self.env["loyalty.tier.assign"].create(
                {
                    "member_ids": [Command.set(self.member.ids)],
                    "tier_id": rival.id,
                    "reason": "Mistake",
                }
            )
        stranger = self.env["loyalty.member"]._enrol(self.anna, foreign)
        with self.assertRaisesRegex(UserError, "one scheme"):
            (self.member | stranger).action_set_tier()

    def test_the_tier_is_not_edited(self):
        with self.assertRaisesRegex(AccessError, "Set Tier"):
            self.member.with_user(self.user).tier_id = self.gold
        with self.assertRaisesRegex(AccessError, "Set Tier"):
            self.env["loyalty.member"].with_user(self.user).create(
                {
                    "partner_id": self.env["res.partner"].create({"name": "B"}).id,
                    "scheme_id": self.scheme.id,
                    "tier_id": self.gold.id,
                }
            )

    def test_auditors_give_no_tiers(self):
        auditor = new_test_user(
            self.env, "audits", groups="loyalty_member.loyalty_member_group_auditor"
        )
        with self.assertRaises(AccessError):
            self.env["loyalty.tier.assign"].with_user(auditor).create(
                {"member_ids": [Command.set(self.member.ids)], "reason": "x"}
            )
        with self.assertRaises(AccessError):
            self.member.with_user(auditor)._set_tier(self.gold, "x")
        with self.assertRaises(AccessError):
            self.member.with_user(auditor).action_release_tier()
