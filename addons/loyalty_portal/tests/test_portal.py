# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

import qrcode
from freezegun import freeze_time

from odoo.tests import tagged

from .common import LoyaltyPortalCommon

EXPIRY = "2027-03-02"
add_data = qrcode.QRCode.add_data


@tagged("post_install", "-at_install")
class TestPortal(LoyaltyPortalCommon):
    """Members see their own card, and nobody else's."""

    def test_own_card(self):
        self._buy("S1", 25, redeemed=100)
        self._log_in("anna")
        page = self._read("/my/loyalty")
        for text in (
            self.member.main_card_id.number,
            "400 beans",
            "$ 4.00",
            "pending until your payment is received",
            "Harmony Online",
            "Earned with S1",
            "Used for S1",
            "Why?",
            "1 bean for each",
        ):
            self.assertIn(text, page)
        target = "odoo.addons.loyalty_member.models.loyalty_member_card.qrcode.QRCode"
        with patch(f"{target}.add_data", autospec=True, side_effect=add_data) as drawn:
            image = self.url_open(f"/my/loyalty/{self.member.id}/qr.png")
        self.assertEqual(drawn.call_args.args[1], self.member.main_card_id.number)
        self.assertEqual(image.headers["Content-Type"], "image/png")
        self.assertTrue(image.content.startswith(b"\x89PNG"))
        self.assertIn("private", image.headers["Cache-Control"])

    def test_a_merged_membership_is_that_of_who_stays(self):
        winner = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Anna Stays"}), self.scheme
        )
        points = self.account.points
        winner._merge(self.member, "The same person")
        self._log_in("anna")
        page = self._read("/my/loyalty")
        self.assertIn(f"{points:.0f} beans", page)
        self.assertIn(f"/my/loyalty/{winner.id}/", page)
        self.assertEqual(
            self.url_open(f"/my/loyalty/{winner.id}/qr.png").status_code, 200
        )

    def test_points_on_hold(self):
        """What is set aside is said to the digit; a rest below one is nothing."""
        self.account._adjust(0.3, "Thirds")
        self.account._hold("sale:1", 100.1)
        self._log_in("anna")
        self.assertIn(
            "of which 100.1 beans set aside", self.url_open("/my/loyalty").text
        )
        self.account._hold("sale:1", 0)
        self.assertNotIn("set aside", self.url_open("/my/loyalty").text)

    def test_dates(self):
        """The member reads when points came and when they will go."""
        self.scheme.expiry_policy = "term"
        with freeze_time("2026-03-02 10:00:00"):
            self.account._adjust(40, "Gift that expires")
            lot = self.account.lot_ids.filtered("expiry_date")
            self.assertEqual(str(lot.expiry_date), EXPIRY)
            self._log_in("anna")
            page = self.url_open("/my/loyalty").text.replace("\u202f", " ")
        self.assertIn("<strong>40 beans</strong> expire on 03/02/2027", page)
        self.assertIn("3/2/26, 10:00 AM", page)

    def test_home(self):
        self._log_in("anna")
        page = self.url_open("/my").text
        self.assertIn('href="/my/loyalty"', page)
        self.assertNotIn(f'data-card_id="{self.account.id}"', page)

    def test_other_portal_user(self):
        self._log_in("ben")
        response = self.url_open(f"/my/loyalty/{self.member.id}", allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        self.assertTrue(response.headers["Location"].endswith("/my"))
        image = self.url_open(f"/my/loyalty/{self.member.id}/qr.png")
        self.assertEqual(image.status_code, 404)
        values = self.make_jsonrpc_request(
            f"/my/loyalty_card/{self.account.id}/values", {}
        )
        self.assertEqual(values, {})
        page = self.url_open("/my/loyalty").text
        self.assertNotIn(self.member.main_card_id.number, page)
        self.assertIn("loyalty_no_card", page)

    def test_public(self):
        self.authenticate(None, None)
        for url in (
            "/my/loyalty",
            f"/my/loyalty/{self.member.id}",
            f"/my/loyalty/{self.member.id}/qr.png",
        ):
            response = self.url_open(url, allow_redirects=False)
            self.assertEqual(response.status_code, 303, url)
            self.assertIn("/web/login", response.headers["Location"])

    def test_several_cards(self):
        second = self.scheme.copy({"name": "Second Brand"})
        other = self.env["loyalty.member"]._enrol(self.anna, second)
        self._log_in("anna")
        page = self.url_open("/my/loyalty").text
        self.assertIn(f'href="/my/loyalty/{self.member.id}"', page)
        self.assertIn(f'href="/my/loyalty/{other.id}"', page)
        self.assertIn(
            "Here you will see", self.url_open(f"/my/loyalty/{other.id}").text
        )

    def test_pager(self):
        for number in range(90):
            self.account._adjust(1, f"Gift {number}")
        self._log_in("anna")
        first = self.url_open("/my/loyalty").text
        self.assertIn("Gift 89", first)
        self.assertNotIn("Gift 1<", first)
        second = self.url_open(f"/my/loyalty/{self.member.id}/page/2").text
        self.assertIn("Gift 1<", second)

    def test_native_pages_lead_here(self):
        self._log_in("anna")
        response = self.url_open(f"/my/loyalty_card/{self.account.id}/history")
        self.assertTrue(response.url.endswith(f"/my/loyalty/{self.member.id}"))
        values = self.make_jsonrpc_request(
            f"/my/loyalty_card/{self.account.id}/values", {}
        )
        self.assertEqual(values["history_lines"][0]["description"], "Gift for the test")
        self.assertEqual(values["history_lines"][0]["points"], "+500 beans")

    def test_blocked(self):
        self.member.action_block("Suspicion of fraud")
        self._log_in("anna")
        page = self.url_open("/my/loyalty").text
        self.assertIn("Your card is blocked", page)
        self.assertNotIn("Suspicion", page)
