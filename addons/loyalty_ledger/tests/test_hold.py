# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, timedelta

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHold(LoyaltyLedgerCommon):
    def setUp(self):
        super().setUp()
        self._post(Op.CREDIT, 100)

    def test_capture_in_part_releases_the_rest(self):
        hold = self.account._hold("shop:1", 80)
        entry = hold._capture(30, key="pay")
        self.assertEqual(entry.amount, -30)
        self.assertEqual((hold.state, hold.captured), ("captured", 30))
        self.assertEqual(self.account.ledger_held, 0)
        self.assertEqual(self.account._get_spendable()[self.account.id], 70)
        self.assertBooks(70)

    def test_capture_in_part_keeps_the_rest(self):
        hold = self.account._hold("shop:1", 80)
        hold._capture(30, key="pay 1", stays=True)
        self.assertEqual((hold.state, hold.captured), ("active", 30))
        self.assertEqual(self.account.ledger_held, 50)
        self.assertEqual(self.account._get_spendable()[self.account.id], 20)
        with self.assertRaises(UserError):
            self._post(Op.DEBIT, 21)
        hold._capture(50, key="pay 2", stays=True)
        self.assertEqual((hold.state, hold.captured), ("captured", 80))
        self.assertEqual(self.account.ledger_held, 0)
        self.assertBooks(20)

    def test_two_captures_in_one_posting(self):
        self.account._hold("shop:1", 80)
        self.ledger._post(
            self._move(Op.DEBIT, points, key=key, hold_owner="shop:1", hold_stays=stays)
            for points, key, stays in ((30, "a", True), (20, "b", False))
        )
        hold = self.account.hold_ids
        self.assertEqual((hold.state, hold.captured), ("captured", 50))
        self.assertBooks(50)

    def test_a_hold_is_not_captured_twice(self):
        hold = self.account._hold("shop:1", 80)
        entry = hold._capture(80, key="pay")
        self.assertEqual(hold._capture(80, key="pay"), entry)
        with self.assertRaisesRegex(UserError, "for shop:1 has been spent already"):
            hold._capture(80, key="pay again")
        with self.assertRaisesRegex(ValidationError, "pay was used for another"):
            hold._capture(10, key="pay")
        self.assertEqual(len(self.account.entry_ids), 2)
        self.assertBooks(20)

    def test_no_more_is_captured_than_was_set_aside(self):
        hold = self.account._hold("shop:1", 30)
        with self.assertRaisesRegex(UserError, "can spend 30 beans, not 31 beans"):
            hold._capture(31, key="pay")
        self.assertEqual((hold.state, hold.captured), ("active", 0))
        self.assertBooks(100)

    def test_a_released_or_timed_out_hold_is_not_captured(self):
        hold = self.account._hold("shop:1", 30)
        self.account._release_hold("shop:1")
        with self.assertRaisesRegex(UserError, "has been given back already"):
            hold._capture(30, key="pay")
        late = self.account._hold("shop:2", 30, minutes=10)
        with (
            freeze_time(NOW + timedelta(minutes=11)),
            self.assertRaisesRegex(UserError, "could be spent until"),
        ):
            late._capture(30, key="pay")
        with self.assertRaisesRegex(UserError, "No points are set aside for shop:3"):
            self._post(Op.DEBIT, 1, hold_owner="shop:3", hold_needed=True)
        self.assertBooks(100)

    def test_bad_amounts_are_refused(self):
        hold = self.account._hold("shop:1", 30)
        for points in (0, -1, "NaN", "Infinity"):
            with self.subTest(points), self.assertRaises(ValidationError):
                hold._capture(points, key="bad")
        for points in (-1, "NaN", "Infinity"):
            with self.subTest(points), self.assertRaises(ValidationError):
                self.account._hold("shop:2", points)
        self.assertEqual(self.account.hold_ids, hold)
        self.assertBooks(100)

    def test_another_amount_on_top_of_what_was_captured(self):
        hold = self.account._hold("shop:1", 80)
        hold._capture(30, key="pay", stays=True)
        self.account._hold("shop:1", 10)
        self.assertEqual(self.account.ledger_held, 10)
        with self.assertRaises(UserError):
            self.account._hold("shop:1", 71)
        self.account._hold("shop:1", 70)
        self.assertEqual(self.account.ledger_held, 70)
        self.assertBooks(70)

    def test_what_expires_while_on_hold_can_still_be_captured(self):
        self._post(Op.CREDIT, 50, expiry_date=NOW.date())
        self.account._hold("sale:1", 40, minutes=2 * 24 * 60)
        self.account._hold("sale:2", 100, minutes=2 * 24 * 60)
        with freeze_time(NOW + timedelta(days=1)):
            self._post(Op.EXPIRE, None, day=date(2026, 3, 11))
            self.assertBooks(140)
            self.assertEqual(
                self.account._get_spendable(exclude_owner="sale:1")[self.account.id],
                40,
            )
            self.assertEqual(self.account._get_spendable()[self.account.id], 0)
            self._post(Op.DEBIT, 40, hold_owner="sale:1")
            self.assertEqual(self._lots(), [(100, "available")])
        self.assertBooks(100)

    def test_a_hold_placed_later_does_not_revive_points(self):
        self._post(Op.CREDIT, 50, expiry_date=NOW.date())
        with freeze_time(NOW + timedelta(days=1)):
            self.account._hold("sale:1", 100)
            with self.assertRaises(UserError):
                self.account._hold("sale:1", 101)
            self._post(Op.DEBIT, 100, hold_owner="sale:1")
            self.assertEqual(self._lots(), [(50, "available")])

    def test_one_active_hold_on_an_account_for_one_use(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        coupon = (
            self.env["loyalty.card"]
            .sudo()
            .create(
                {
                    "program_id": self.scheme.points_program_id.id,
                    "partner_id": bob.id,
                    "ledger_one_use": True,
                }
            )
        )
        self._post(Op.CREDIT, 2, account=coupon)
        coupon._hold("shop:1", 1)
        coupon._hold("shop:1", 1)
        with self.assertRaisesRegex(UserError, "shop:1 has set it aside until"):
            coupon._hold("shop:2", 1)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env["loyalty.hold"].sudo().create(
                coupon._prepare_hold_values("shop:2", 1, NOW)
            )
        coupon._hold("shop:2", 0)
        coupon._release_hold("shop:1")
        coupon._hold("shop:2", 1)
        with self.assertRaises(ValidationError):
            coupon.ledger_one_use = False

    def test_a_manager_gives_back_what_is_on_hold(self):
        hold = self.account._hold("shop:1", 80)
        service = new_test_user(
            self.env, "helper", groups="loyalty_member.loyalty_member_group_service"
        )
        with self.assertRaises(AccessError):
            hold.with_user(service).action_release()
        manager = new_test_user(
            self.env, "boss", groups="loyalty_member.loyalty_member_group_manager"
        )
        hold.with_user(manager).action_release()
        self.assertEqual(hold.state, "released")
        self.assertEqual(self.account.ledger_held, 0)
