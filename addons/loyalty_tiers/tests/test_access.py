# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon

SERVICE = "loyalty_member.loyalty_member_group_service"
AUDITOR = "loyalty_member.loyalty_member_group_auditor"
MANAGER = "loyalty_member.loyalty_member_group_manager"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAccess(LoyaltyTiersCommon):
    """Who may see and change what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service_user = new_test_user(cls.env, "service", groups=SERVICE)
        cls.auditor = new_test_user(cls.env, "auditor", groups=AUDITOR)
        cls.manager = new_test_user(cls.env, "manager", groups=MANAGER)
        cls.plain = new_test_user(cls.env, "plain", groups="base.group_user")
        cls.other_company = cls.env["res.company"].create({"name": "Rival"})
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            groups=MANAGER,
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )

    def test_tiers(self):
        for user in (self.service_user, self.auditor):
            tier = self.silver.with_user(user)
            self.assertEqual(tier.name, "Silver")
            with self.assertRaises(AccessError):
                tier.name = "Lead"
            with self.assertRaises(AccessError):
                tier.unlink()
        self.silver.with_user(self.manager).name = "Pewter"
        self.gold.with_user(self.manager).unlink()
        with self.assertRaises(AccessError):
            self.silver.with_user(self.plain).read(["name"])

    def test_history_is_written_once(self):
        self._buy("S1", 120)
        change = self.member.tier_change_ids
        for record in (change, change.with_user(self.manager)):
            with self.assertRaises(AccessError):
                record.write({"reason": "Better"})
            with self.assertRaises(AccessError):
                record.unlink()
        with self.assertRaises(AccessError):
            self.env["loyalty.tier.change"].with_user(self.manager).create(
                {
                    "member_id": self.member.id,
                    "scheme_id": self.scheme.id,
                    "date": NOW.date(),
                    "cause": "manual",
                }
            )
        with self.assertRaises(AccessError):
            change.with_user(self.plain).read(["cause"])

    def test_figures_are_read_only(self):
        self._buy("S1", 120)
        figure = self.env["loyalty.tier.figure"].search(
            [("member_id", "=", self.member.id)]
        )
        self.assertEqual(figure.with_user(self.auditor).points, 120)
        with self.assertRaises(AccessError):
            figure.with_user(self.manager).points = 500
        with self.assertRaises(AccessError):
            figure.with_user(self.plain).read(["points"])

    def test_other_companies(self):
        self._buy("S1", 120)
        self.assertEqual(self.scheme.company_id, self.company)
        for records in (
            self.silver,
            self.member.tier_change_ids,
            self.env["loyalty.tier.figure"].search(
                [("member_id", "=", self.member.id)]
            ),
        ):
            self.assertTrue(records)
            with self.assertRaises(AccessError):
                records.with_user(self.stranger).read(["display_name"])

    def test_a_tier_in_history_is_kept(self):
        self._buy("S1", 120)
        self.member._set_tier(self.env["loyalty.tier"], "Mistake")
        with self.assertRaisesRegex(UserError, "Archive the tier"):
            self.silver.with_user(self.manager).unlink()
        self.silver.with_user(self.manager).active = False

    def test_look_is_safe(self):
        for values in ({"color": "red"}, {"icon": "fa-star' onload='x"}):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.silver.write(values)
                self.silver.flush_recordset()
