# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestWallet(LoyaltyShopCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.wallet = cls.scheme._get_account(cls.member, WALLET)

    def assertWallet(self, money, pending=0.0):
        self.env.invalidate_all()
        self.assertEqual(
            (self.wallet.points, self.wallet.ledger_pending), (money, pending)
        )
        self.assertFalse(self.env["loyalty.ledger"]._audit(self.wallet | self.account))

    def _create_top_up(self, partner=None):
        order = self._create_cart(partner)
        order.order_line.product_id = self.scheme._get_top_up_products()
        order.order_line.write({"product_uom_qty": 1, "price_unit": 50})
        return order

    def test_top_up_online(self):
        """Money that is paid in the shop can be spent at once."""
        order = self._create_top_up()
        payment = self._pay_online(order)
        self.assertWallet(0)
        payment.state = "done"
        payment._post_process()
        self.assertEqual(order.state, "sale")
        self.assertWallet(50)

    def test_top_up_of_a_stranger(self):
        """Nobody is asked for money that no wallet gets."""
        with self.assertRaisesRegex(UserError, "not a member"):
            self._pay_online(self._create_top_up(self.ben))

    def test_pay(self):
        self.wallet._adjust(20, "Gift for the test")
        order = self._create_cart()
        order._update_programs_and_rewards()
        reward = self.scheme.wallet_program_id.reward_ids
        order._apply_program_reward(reward, self.wallet)
        self.assertEqual(order.amount_total, 5)
        payment = self._pay_online(order)
        self.assertEqual(self.wallet.ledger_held, 20)
        payment.state = "done"
        payment._post_process()
        self.assertWallet(0)
        self.assertEqual(self.wallet.ledger_held, 0)
        self.assertPoints(500, 25)
