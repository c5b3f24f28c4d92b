# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestScheme(LoyaltyLedgerCommon):
    def test_scheme_creates_its_managed_program(self):
        program = self.scheme.points_program_id
        self.assertTrue(program.ledger_managed)
        self.assertEqual(program.scheme_id, self.scheme)
        self.assertEqual(
            (program.program_type, program.applies_on, program.trigger),
            ("loyalty", "both", "auto"),
        )
        self.assertTrue(program.is_nominative)
        self.assertEqual(program.portal_point_name, "beans")
        self.assertEqual(len(program.rule_ids), 1)
        self.assertEqual(program.rule_ids.reward_point_mode, "money")
        self.assertEqual(len(program.reward_ids), 1)
        self.assertEqual(program.reward_ids.discount_mode, "per_point")
        self.assertEqual(program.reward_ids.discount, 0.01)
        self.assertEqual(program.reward_ids.description, "Pay with beans")

    def test_program_follows_the_scheme(self):
        self.scheme.write({"redeem_value": 2, "point_name_plural": "grains"})
        program = self.scheme.points_program_id
        self.assertEqual(program.reward_ids.discount, 0.02)
        self.assertEqual(program.portal_point_name, "grains")
        self.scheme.action_close()
        self.assertFalse(program.active)
        self.scheme.action_reopen()
        self.assertTrue(program.active)
        self.assertTrue(program.reward_ids.active)

    def test_rewards_of_staff_stay_as_they_are(self):
        program = self.scheme.points_program_id
        money = program.reward_ids
        cake = self.env["product.product"].create({"name": "Cake"})
        program.reward_ids = [
            Command.create(
                {
                    "reward_type": "product",
                    "reward_product_id": cake.id,
                    "required_points": 300,
                }
            )
        ]
        self.scheme.redeem_value = 2
        self.assertEqual(money.discount, 0.02)
        free_cake = program.reward_ids - money
        self.assertEqual(
            (free_cake.reward_type, free_cake.required_points), ("product", 300)
        )

    def test_scheme_without_program_says_what_to_do(self):
        self.scheme.sudo().points_program_id = False
        bob = self.env["res.partner"].create({"name": "Bob"})
        member = self.env["loyalty.member"]._enrol(bob, self.scheme)
        with self.assertRaisesRegex(UserError, "no points program yet"):
            self.scheme._get_account(member)

    def test_one_account_a_member(self):
        again = self.scheme._get_account(self.member)
        self.assertEqual(again, self.account)
        self.assertTrue(self.account.ledger_managed)

    def test_bad_settings_are_refused(self):
        for values in (
            {"redeem_points": 0},
            {"redeem_value": -1},
            {"earn_amount": 0},
            {"redeem_max_share": 101},
            {"points_rounding": 0},
            {"pending_days": -1},
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.scheme.write(values)
                self.env.flush_all()

    def test_money_and_points(self):
        self.assertEqual(self.scheme._points_to_money(120), 1.2)
        self.assertEqual(self.scheme._points_to_money(0.5), 0.0)
        self.assertEqual(self.scheme._money_to_points(1.2), 120)
        self.scheme.redeem_points = 30
        self.assertEqual(self.scheme._points_to_money(40), 1.33)
        self.assertEqual(self.scheme._money_to_points(1.33), 40)

    def test_worth_of_what_is_no_number(self):
        coin = self.scheme.currency_id.symbol
        for points in (float("nan"), float("-inf"), Decimal("NaN"), Decimal("1e999")):
            with self.subTest(points=points):
                self.assertEqual(self.scheme._format_points_value(points), f"? {coin}")
        self.assertIn("1.20", self.scheme._format_points_value(120))
        self.assertIn("0.00", self.scheme._format_points_value(None))

    def test_example_says_what_the_settings_mean(self):
        self.assertIn("gives 25 beans, worth", self.scheme.example)
        self.assertIn("elsewhere 14 days after payment", self.scheme.example)

    def test_managed_program_cannot_be_deleted(self):
        program = self.scheme.points_program_id
        program.active = False
        with self.assertRaisesRegex(UserError, "belongs to a loyalty scheme"):
            program.unlink()

    def test_scheme_without_members_goes_with_its_program(self):
        scheme = self._create_scheme(name="A Slip of the Pen")
        program = scheme.points_program_id
        scheme.unlink()
        self.assertFalse(scheme.exists())
        self.assertFalse(program.exists())

    def test_card_shows_the_balance(self):
        self.account._adjust(12, "Welcome")
        self.member.invalidate_recordset()
        self.assertIn("12 beans", self.member.card_picture)
