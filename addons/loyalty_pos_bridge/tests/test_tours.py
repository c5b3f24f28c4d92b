# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyPosCommon

CARD = "0421234567891"


@tagged("post_install", "-at_install")
class TestLoyaltyPosTours(LoyaltyPosCommon):
    def setUp(self):
        super().setUp()
        self.card = self.env["loyalty.member.card"].create(
            {
                "number": CARD,
                "scheme_id": self.scheme.id,
                "member_id": self.member.id,
                "state": "active",
            }
        )
        self.main_pos_config.with_user(self.pos_user).open_ui()

    def _get_orders(self):
        return self.main_pos_config.current_session_id.order_ids.sorted("id")

    def test_a_member_earns_and_uses_points(self):
        self.start_pos_tour("LoyaltyPosEarnAndRedeem")
        first, second = self._get_orders()
        sale = self._transactions(first)
        self.assertEqual(sale.points_earned, 30)
        self.assertEqual(sale.line_ids.mapped("points"), [10, 10, 10])
        self.assertEqual(len(sale.entry_ids), 1)
        self.assertEqual(sale.store_id, self.store)
        redemption = self._transactions(second)
        self.assertEqual(redemption.points_redeemed, 40)
        self.assertEqual(redemption.points_earned, 19)
        self.assertEqual(self.account.points, 129)
        self.assertEqual(sum(self.account.lot_ids.mapped("remaining")), 129)
        self.assertFalse(self.account.hold_ids.filtered(lambda h: h.state == "active"))
        self.assertEqual(first.loyalty_receipt[0]["balance_text"], "150 beans")
        self.assertClean()

    def test_a_line_that_comes_back_takes_its_points_along(self):
        self.start_pos_tour("LoyaltyPosReturn")
        sold, returned = self._get_orders()
        sale, back = self._transactions(sold), self._transactions(returned)
        self.assertEqual(back.origin_id, sale)
        mug = sale.line_ids.filtered(lambda line: line.product_id == self.mug)
        self.assertEqual(back.points_earned, mug.points)
        self.assertEqual(back.points_redeemed, 33)
        self.assertAlmostEqual(returned.amount_total, -9.67)
        self.assertEqual(
            self.account.points, 120 - 100 + sale.points_earned - mug.points + 33
        )
        self.assertClean()

    def test_what_cannot_be_done_is_said_in_a_sentence(self):
        bob = self.env["res.partner"].create({"name": "Bob Blocked"})
        member = self.env["loyalty.member"]._enrol(bob, self.scheme)
        cards = self.env["loyalty.member.card"].create(
            [
                {
                    "number": number,
                    "scheme_id": self.scheme.id,
                    "member_id": member.id,
                    "state": "active",
                }
                for number in ("0427777777773", "0426666666662")
            ]
        )
        cards[1].action_lost()
        member.action_block()
        self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create(
                {"name": "Cleo Phone", "phone": "+32 470 65 43 21"}
            ),
            self.scheme,
        )
        self.start_pos_tour("LoyaltyPosRefusals")
        self.assertFalse(
            self.env["loyalty.transaction"].search([("scheme_id", "=", self.scheme.id)])
        )

    def test_points_wait_for_the_connection(self):
        self.start_pos_tour("LoyaltyPosOffline")
        order = self._get_orders()
        sale = self._transactions(order)
        self.assertEqual(sale.points_redeemed, 40)
        self.assertEqual(sale.points_earned, 19)

    def test_somebody_new_is_enrolled_by_phone(self):
        self.start_pos_tour("LoyaltyPosEnrol")
        members = self.scheme.member_ids - self.member
        cleo, nameless = members.sorted("id")
        self.assertEqual(cleo.partner_id.name, "Cleo Phone")
        self.assertEqual(cleo.partner_id.phone, "+32470654321")
        self.assertEqual(cleo.main_card_id.state, "active")
        self.assertEqual(cleo.store_id, self.store)
        self.assertEqual(self.scheme._get_account(cleo).points, 10)
        self.assertEqual(nameless.partner_id.phone, "+32470654329")
        self.assertTrue(nameless.partner_id.is_anonymous_member)

    def test_a_card_is_scanned_on_every_screen(self):
        lost = self.env["loyalty.member.card"].create(
            {
                "number": "0426666666662",
                "scheme_id": self.scheme.id,
                "member_id": self.member.id,
                "state": "active",
            }
        )
        lost.action_lost()
        self.start_pos_tour("LoyaltyPosScanAnywhere")
        order = self._get_orders().filtered(lambda order: order.state == "paid")
        self.assertEqual(order.partner_id, self.anna)
        self.assertEqual(self._transactions(order).points_earned, 10)
        self.assertEqual(self.account.points, 130)

    def test_a_reprint_says_what_the_receipt_said(self):
        self.start_pos_tour("LoyaltyPosReprint")
        first, second = self._get_orders()
        self.assertEqual(first.loyalty_receipt[0]["balance_text"], "89 beans")
        self.assertEqual(second.loyalty_receipt[0]["balance_text"], "99 beans")
        self.assertEqual(self.account.points, 99)

    def test_the_customer_display_is_told_about_the_member(self):
        self.start_pos_tour("LoyaltyPosDisplay")
        sale = self._transactions(self._get_orders())
        self.assertEqual((sale.points_redeemed, sale.points_earned), (40, 9))

    def test_the_customer_display_shows_the_member(self):
        config = self.main_pos_config
        self.start_tour(
            f"/pos_customer_display/{config.id}/{config.access_token}",
            "LoyaltyCustomerDisplay",
            login="pos_user",
        )
