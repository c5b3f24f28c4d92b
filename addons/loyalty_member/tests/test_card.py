# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import users
from odoo.tools import mute_logger
from odoo.tools.barcode import get_barcode_check_digit

from .common import LoyaltyMemberCase


class TestCard(LoyaltyMemberCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member = cls._enrol()
        cls.card = cls.member.card_ids

    def _create_card(self, **values):
        return self.env["loyalty.member.card"].create(
            {"scheme_id": self.scheme.id, **values}
        )

    def test_number_is_ean13_with_prefix(self):
        number = self.card.number
        self.assertRegex(number, r"^042\d{10}$")
        self.assertEqual(int(number[-1]), get_barcode_check_digit(number))

    def test_number_with_other_prefix(self):
        self.scheme.card_prefix = "29"
        self.assertRegex(self._create_card().number, r"^29\d{11}$")

    def test_wrong_check_digit(self):
        with self.assertRaisesRegex(ValidationError, "EAN-13"):
            self._create_card(number="0421234567890")

    def test_free_number_as_code128(self):
        card = self._create_card(number="OLD-00017", symbology="code128")
        self.assertEqual(card.number, "OLD-00017")

    def test_number_no_scanner_reads(self):
        with self.assertRaisesRegex(ValidationError, "scanner"):
            self._create_card(number="café", symbology="code128")

    @mute_logger("odoo.sql_db")
    def test_number_is_unique(self):
        with self.assertRaises(UniqueViolation):
            self._create_card(number=self.card.number)

    @mute_logger("odoo.sql_db")
    def test_card_in_use_has_member(self):
        with self.assertRaises(CheckViolation):
            self._create_card(state="active")

    def test_draw_again_on_collision(self):
        free = "0421234567891"
        cards = self.env["loyalty.member.card"]
        draws = iter([self.card.number, self.card.number, free])
        with patch.object(type(cards), "_get_random_number", lambda *args: next(draws)):
            card = self._create_card()
        self.assertEqual(card.number, free)

    def test_no_free_number_left(self):
        cards = self.env["loyalty.member.card"]
        taken = self.card.number
        with (
            patch.object(type(cards), "_get_random_number", lambda *args: taken),
            self.assertRaisesRegex(UserError, "shorter card prefix"),
        ):
            self._create_card()

    def test_generate_batch_costs_no_query_per_card(self):
        cards = self.env["loyalty.member.card"].with_user(self.manager_user)

        def count_queries(size):
            start = self.env.cr.sql_log_count
            batch = cards._generate_batch(self.scheme, size)
            self.env.flush_all()
            self.assertEqual(len(set(batch.mapped("number"))), size)
            self.assertEqual(set(batch.mapped("state")), {"inactive"})
            return self.env.cr.sql_log_count - start

        count_queries(1)  # warm up the caches
        self.assertEqual(count_queries(90), count_queries(9))

    def test_generate_batch_out_of_range(self):
        cards = self.env["loyalty.member.card"]
        for count in (0, -1, 10_001):
            with self.assertRaisesRegex(UserError, "1 to 10000"):
                cards._generate_batch(self.scheme, count)

    def test_images_are_png(self):
        png = b"\x89PNG\r\n"
        self.assertTrue(self.card._get_qr_image().startswith(png))
        self.assertTrue(self.card._get_barcode_image().startswith(png))
        self.assertTrue(self.card.qr_image)
        self.assertTrue(self.card.barcode_image)

    def test_barcode_is_ean13_despite_leading_zero(self):
        target = "odoo.addons.loyalty_member.models.loyalty_member_card"
        with patch(f"{target}.createBarcodeDrawing") as draw:
            self.card._get_barcode_image()
            self.assertEqual(draw.call_args.args[0], "EAN13")
            self.card.symbology = "code128"
            self.card._get_barcode_image()
            self.assertEqual(draw.call_args.args[0], "Code128")

    def test_qr_code_is_the_number(self):
        target = "odoo.addons.loyalty_member.models.loyalty_member_card.qrcode"
        with patch(f"{target}.QRCode.add_data", autospec=True) as add_data:
            self.card._get_qr_image()
        add_data.assert_called_once()
        self.assertEqual(add_data.call_args.args[1], self.card.number)

    def test_find_by_code(self):
        members = self.env["loyalty.member"]
        number = self.card.number
        for code in (number, f" {number} ", number[1:], self.member.number):
            self.assertEqual(members._find_by_code(code), self.card, code)
        for code in ("0000000000000", "", None, number[:-1], "%"):
            self.assertFalse(members._find_by_code(code), code)

    def test_find_by_code_within_scheme_and_company(self):
        members = self.env["loyalty.member"]
        number = self.card.number
        other_scheme = self._create_scheme(name="Other")
        self.assertEqual(members._find_by_code(number, scheme=self.scheme), self.card)
        self.assertFalse(members._find_by_code(number, scheme=other_scheme))
        self.assertEqual(members._find_by_code(number, company=self.company), self.card)
        self.assertFalse(members._find_by_code(number, company=self.other_company))

    def test_check_usable_names_the_state(self):
        self.card._check_usable()
        for state, word in (("blocked", "is blocked"), ("lost", "reported lost")):
            self.card.state = state
            with self.assertRaisesRegex(UserError, word):
                self.card._check_usable()
        waiting = self._create_card()
        with self.assertRaisesRegex(UserError, "belongs to nobody yet"):
            waiting._check_usable()

    def test_check_usable_looks_at_member(self):
        self.member.action_block(reason="Fraud")
        with self.assertRaisesRegex(UserError, "Jane Doe in Harmony Coffee is blocked"):
            self.card._check_usable()

    @users("loyalty_service")
    def test_replace(self):
        card = self.card.with_env(self.env)
        card.action_replace()
        new_card = card.replaced_by_id
        self.assertEqual(card.state, "replaced")
        self.assertEqual(new_card.state, "active")
        self.assertEqual(card.member_id.main_card_id, new_card)
        with self.assertRaisesRegex(UserError, "replaced by a newer one"):
            card._check_usable()
        with self.assertRaisesRegex(UserError, "was replaced before"):
            card.action_replace()

    @users("loyalty_service")
    def test_lost_and_found(self):
        card = self.card.with_env(self.env)
        card.action_lost()
        self.assertEqual(card.state, "lost")
        self.assertFalse(card.member_id.main_card_id)
        card.action_activate()
        self.assertEqual(card.state, "active")
        card.action_block()
        self.assertEqual(card.state, "blocked")

    @users("loyalty_service")
    def test_number_and_scheme_stay(self):
        card = self.card.with_env(self.env)
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            card.number = "0421234567891"
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            card.member_id = self._enrol(self.partner_2)
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            # As the server says when members are merged; a caller cannot
            card.with_context(loyalty_card_hand_over=True).member_id = self._enrol(
                self.partner_2
            )
        card.write({"number": card.number, "symbology": "qr"})

    def test_member_of_other_scheme(self):
        other_scheme = self._create_scheme(name="Other")
        with self.assertRaisesRegex(ValidationError, "is a member of Harmony Coffee"):
            self._create_card(scheme_id=other_scheme.id, member_id=self.member.id)

    def test_delete_only_unused(self):
        self._create_card().with_user(self.manager_user).unlink()
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.card.with_user(self.manager_user).unlink()

    def test_printed_card_shows_number(self):
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "loyalty_member.report_member_card", self.card.ids
        )
        self.assertIn(self.card.number, html.decode())
        self.assertIn("Jane Doe", html.decode())

    def test_picture_escapes_names(self):
        self.partner.name = "<script>alert(1)</script>"
        self.assertIn("&lt;script&gt;", self.member.card_picture)
        self.assertNotIn("<script>", self.member.card_picture)
