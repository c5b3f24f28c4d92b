# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestWallet(LoyaltySaleCommon):
    """Anna has 50.00 in her wallet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.wallet_program = cls.scheme.wallet_program_id
        cls.top_up = cls.scheme._get_top_up_products()
        cls.wallet = cls.scheme._get_account(cls.member, WALLET)
        cls._grant(50, cls.wallet)

    def _use_wallet(self, order):
        """Claim the wallet as Odoo's own screens do."""
        order._update_programs_and_rewards()
        claimable = order._get_claimable_rewards()
        [(wallet, reward)] = [
            (coupon, rewards)
            for coupon, rewards in claimable.items()
            if coupon == self.wallet
        ]
        status = order._apply_program_reward(reward, wallet)
        self.assertFalse(status.get("error"))
        return order.order_line.filtered(lambda line: line.reward_id == reward)

    def assertWallet(self, money, pending=0.0):
        self.env.invalidate_all()
        self.assertPoints(money, pending, self.wallet)

    def test_pays(self):
        order = self._create_order()
        line = self._use_wallet(order)
        self.assertEqual((line.price_total, line.points_cost), (-30, 30))
        self.assertEqual(order.amount_total, 0)
        self.assertWallet(50)
        order.with_user(self.seller).action_confirm()
        self.assertWallet(20)
        self.assertEqual(order.loyalty_transaction_id.wallet_spent, 30)
        self.assertPoints(0, 30)

    def test_pays_what_it_has(self):
        order = self._create_order((self.coffee, 8))
        self._use_wallet(order)
        self.assertEqual(order.amount_total, 30)
        order.action_confirm()
        self.assertWallet(0)

    def test_cancelled(self):
        order = self._create_order()
        self._use_wallet(order)
        order.action_confirm()
        order._action_cancel()
        self.assertWallet(50)

    def test_credit_notes(self):
        order = self._create_order((self.coffee, 8))
        self._use_wallet(order)
        order.action_confirm()
        invoice = self._invoice(order)
        self.assertWallet(0)
        note = self._credit(invoice, {self.coffee: 2})
        self.assertWallet(12.5)
        note.button_draft()
        self.assertWallet(0)
        note.action_post()
        self._credit(invoice, {self.coffee: 6})
        self.assertWallet(50)

    def test_top_up_waits_for_payment(self):
        order = self._create_order((self.top_up, 1))
        order.action_confirm()
        self.assertWallet(50, 50)
        self.assertPoints(0)
        invoice = self._invoice(order)
        self._pay(invoice)
        self.assertWallet(100)
        self._credit(invoice)
        self.assertWallet(50)

    def test_does_not_pay_for_its_top_up(self):
        order = self._create_order((self.top_up, 1), (self.coffee, 1))
        line = self._use_wallet(order)
        self.assertEqual(line.price_total, -10)
        self.assertEqual(order.amount_total, 50)
        order.action_confirm()
        self.assertWallet(40, 50)

    def test_spent_elsewhere(self):
        order = self._create_order()
        self._use_wallet(order)
        self.wallet._adjust(-40, "Spent elsewhere")
        with self.assertRaises(UserError) as error:
            order.action_confirm()
        self.assertIn(self.scheme._format_money(10), str(error.exception))
        self.assertWallet(10)

    def test_hold(self):
        order = self._create_order()
        self._use_wallet(order)
        order._loyalty_hold()
        self.assertEqual(self.wallet.ledger_held, 30)
        other = self._create_order((self.coffee, 4))
        self.assertEqual(self._use_wallet(other).price_total, -20)
        order.action_confirm()
        self.assertWallet(20)
        self.assertEqual(self.wallet.ledger_held, 0)

    def test_cost_cannot_be_lowered(self):
        order = self._create_order()
        line = self._use_wallet(order)
        line.points_cost = 1
        order.action_confirm()
        self.assertEqual(line.points_cost, 30)
        self.assertWallet(20)
        with self.assertRaisesRegex(UserError, "claim the reward again"):
            line.points_cost = 1

    def test_blocked_member(self):
        order = self._create_order()
        self._use_wallet(order)
        self.member.action_block()
        with self.assertRaisesRegex(UserError, "blocked"):
            order.action_confirm()
        with self.assertRaisesRegex(UserError, "blocked"):
            self._create_order((self.top_up, 1)).action_confirm()
        self.assertWallet(50)

    def test_closed_scheme(self):
        order = self._create_order()
        self._use_wallet(order)
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "closed"):
            order.action_confirm()

    def test_somebody_else(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        order = self._create_order(partner=bob)
        order._update_programs_and_rewards()
        self.assertFalse(order._get_claimable_rewards())
        with self.assertRaisesRegex(UserError, "not a member"):
            self._create_order((self.top_up, 1), partner=bob).action_confirm()
        self.assertFalse(self.wallet_program.coupon_ids - self.wallet)

    def test_another_currency(self):
        """What the wallet pays is money of the scheme, converted at the day's rate."""
        pricelist = self._create_foreign_pricelist()
        order = self._create_order(pricelist_id=pricelist.id)
        line = self._use_wallet(order)
        self.assertEqual(line.price_total, -60)
        order.action_confirm()
        self.assertWallet(20)
