# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from decimal import Decimal

from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError
from odoo.tests import Form, users
from odoo.tools import mute_logger

from .common import LoyaltyMemberCase


class TestScheme(LoyaltyMemberCase):
    def test_format_points(self):
        for points, text in (
            (0, "0 beans"),
            (1, "1 bean"),
            (-1, "-1 bean"),
            (120, "120 beans"),
            (1.5, "1.5 beans"),
            (0.1 + 0.2, "0.3 beans"),
            (-0.00001, "0 beans"),
            (1234567.8901, "1,234,567.8901 beans"),
            (Decimal("10.5000"), "10.5 beans"),
            (None, "0 beans"),
        ):
            self.assertEqual(self.scheme._format_points(points), text)

    def test_format_points_that_nobody_has(self):
        """What somebody typed is quoted in a refusal, however odd it is."""
        for points, text in (
            (float("nan"), "? beans"),
            (Decimal("NaN"), "? beans"),
            (float("inf"), "? beans"),
            (Decimal("-Infinity"), "? beans"),
            (Decimal("1e999"), "? beans"),
            (2.0**80, "1,208,925,819,614,629,174,706,176 beans"),
            (-(2.0**80), "-1,208,925,819,614,629,174,706,176 beans"),
        ):
            with self.subTest(points=points):
                self.assertEqual(self.scheme._format_points(points), text)
        self.assertRegex(self.scheme._format_points(1e308), r"^[\d,]{411} beans$")

    def test_format_points_in_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        scheme = self.scheme.with_context(lang="fr_FR")
        scheme.point_name_plural = "grains"
        text = scheme._format_points(1234.5)
        self.assertRegex(text, r"^1\s?234,5 grains$")

    def test_color_text_has_contrast(self):
        schemes = self.env["loyalty.scheme"]
        for color, text in (
            ("#000000", "#FFFFFF"),
            ("#FFFFFF", "#000000"),
            ("#FFE680", "#000000"),
            ("#4A2C2A", "#FFFFFF"),
            ("#FF0000", "#000000"),
        ):
            self.assertEqual(schemes._get_contrast_color(color), text, color)
        for step in range(0, 256, 5):
            color = f"#{step:02x}{255 - step:02x}{step:02x}"
            background = schemes._get_luminance(color)
            text = schemes._get_luminance(schemes._get_contrast_color(color))
            light, dark = max(background, text), min(background, text)
            self.assertGreaterEqual((light + 0.05) / (dark + 0.05), 4.5, color)

    @mute_logger("odoo.sql_db")
    def test_bad_color(self):
        with self.assertRaises(CheckViolation):
            self.scheme.color_primary = "red; background: url(x)"
            self.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_bad_card_prefix(self):
        with self.assertRaises(CheckViolation):
            self.scheme.card_prefix = "AB"
            self.env.flush_all()

    @users("loyalty_manager")
    def test_preview_follows_the_form(self):
        with Form(self.env["loyalty.scheme"]) as form:
            form.name = "Tea & <b>Co</b>"
            form.point_name = "leaf"
            form.point_name_plural = "leaves"
            form.color_primary = "#FFE680"
            self.assertIn("Tea &amp; &lt;b&gt;Co", form.card_preview)
            self.assertIn("120 leaves", form.card_preview)
            self.assertIn(
                "background-color: #FFE680; color: #000000", form.card_preview
            )
            form.color_primary = '"><script>'
            self.assertNotIn("<script>", form.card_preview)
            form.color_primary = "#4A2C2A"
        scheme = form.record
        self.assertEqual(scheme.company_id, self.company)
        self.assertEqual(scheme.currency_id, self.company.currency_id)

    @users("loyalty_manager")
    def test_close_and_reopen(self):
        scheme = self.scheme.with_env(self.env)
        scheme.action_close()
        with self.assertRaisesRegex(UserError, "earn or spend beans"):
            scheme._check_open()
        scheme.action_reopen()
        scheme._check_open()
        scheme.active = False
        with self.assertRaisesRegex(UserError, "is closed"):
            scheme._check_open()

    def test_counts(self):
        self._enrol(self.partner + self.partner_2)
        self.env["loyalty.member.card"]._generate_batch(self.scheme, 3)
        scheme = self.scheme.with_user(self.auditor_user)
        self.assertEqual(scheme.member_count, 2)
        self.assertEqual(scheme.card_count, 5)
        action = scheme.action_view_members()
        members = self.env["loyalty.member"].search(action["domain"])
        self.assertEqual(len(members), 2)

    def test_delete_not_with_members(self):
        self._enrol()
        with self.assertRaisesRegex(UserError, "Close it or archive it"):
            self.scheme.with_user(self.manager_user).unlink()

    def test_copy(self):
        self._enrol()
        copy = self.scheme.copy()
        self.assertEqual(copy.name, "Harmony Coffee (copy)")
        self.assertFalse(copy.member_ids)
