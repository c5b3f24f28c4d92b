# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .common import LoyaltyPosCommon

CARD = "0421234567891"


class WalletPosCase(LoyaltyPosCommon):
    """The coffee shop with wallets; Anna's is empty."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.top_up_product = cls.scheme._get_top_up_products()
        cls.wallet_reward = cls.scheme.wallet_program_id.reward_ids
        cls.wallet = cls.scheme._get_account(cls.member, WALLET)

    def _top_up_line(self, amount=50, **values):
        return self._line(self.top_up_product, price=amount, **values)

    def _wallet_line(self, amount, **values):
        """Return the line by which the wallet pays, as Odoo's till writes it."""
        return self._line(
            self.wallet_reward.discount_line_product_id,
            price=-amount,
            is_reward_line=True,
            reward_id=self.wallet_reward.id,
            coupon_id=values.pop("coupon_id", self.wallet.id),
            reward_identifier_code="wallet",
            points_cost=values.pop("points_cost", amount),
            **values,
        )

    def _share_line(self, line, amount):
        """Return the line of a refund that keeps back what the wallet had paid."""
        return self._line(
            line.product_id, qty=-1, price=-amount, refunded_orderline_id=line.id
        )

    def assertWallet(self, money):
        self.env.invalidate_all()
        self.assertEqual(self.wallet.points, money)
        self.assertEqual(
            self.env["loyalty.ledger"]._audit(self.wallet | self.account), []
        )

    def assertRefused(self, sentence, *lines, partner=None):
        with self.assertRaises(UserError) as error:
            self._sync(list(lines), partner)
        self.assertIn(sentence, str(error.exception))


@tagged("post_install", "-at_install")
class TestWallet(WalletPosCase):
    def setUp(self):
        super().setUp()
        self._open_session()

    def _reserve(self, *lines, partner=None, uuid="till-1"):
        names = ("uuid", "product_id", "qty", "price_unit", "price_subtotal")
        names += ("price_subtotal_incl", "reward_id", "is_reward_line", "points_cost")
        names += ("reward_identifier_code", "refunded_orderline_id")
        return self.main_pos_config.with_user(self.pos_user).loyalty_reserve(
            {
                "uuid": uuid,
                "partner_id": (partner or self.anna).id,
                "lines": [
                    {name: line[name] for name in names if name in line}
                    for line in lines
                ],
            }
        )

    def test_top_up_and_pay(self):
        self._sync([self._top_up_line()])
        self.assertWallet(50)
        self.assertEqual(self.account.points, 120, "money paid in earns nothing")
        order = self._sync([self._line(self.beans, 3), self._wallet_line(20)])
        self.assertWallet(30)
        self.assertEqual(order.amount_total, 10)
        self.assertEqual(self.account.points, 150, "a wallet is money, not a discount")
        self.assertEqual(self.wallet.entry_ids.mapped("kind"), ["wallet_pay", "top_up"])
        [part] = order.loyalty_receipt
        [movement] = part["movements"]
        self.assertEqual(
            movement["wallet"]["spent_text"], self.scheme._format_money(20)
        )
        self.assertEqual(
            movement["wallet"]["balance_text"], self.scheme._format_money(30)
        )

    def test_what_the_till_asks_for_counts_for_nothing(self):
        """The wallet pays what its line takes off, whatever cost the till names."""
        self._sync([self._top_up_line()])
        self._sync([self._line(self.beans, 3), self._wallet_line(20, points_cost=1)])
        self.assertWallet(30)

    def test_confirm_reads_back(self):
        order = self._sync([self._top_up_line()])
        result = order.with_user(self.pos_user).confirm_coupon_programs(
            {
                str(self.wallet.id): {
                    "points": 1_000_000,
                    "program_id": self.scheme.wallet_program_id.id,
                    "coupon_id": self.wallet.id,
                    "partner_id": self.anna.id,
                }
            }
        )
        [update] = result["coupon_updates"]
        self.assertEqual((update["id"], update["points"]), (self.wallet.id, 50))
        self.assertWallet(50)

    def test_two_tills_do_not_overspend(self):
        self._sync([self._top_up_line()])
        goods, pay = self._line(self.beans, 3), self._wallet_line(30)
        self.assertTrue(self._reserve(goods, pay)["successful"])
        answer = self._reserve(goods, pay, uuid="till-2")
        self.assertFalse(answer["successful"])
        self.assertIn(self.scheme._format_money(20), answer["message"])
        self.assertRefused("of the wallet", goods, pay)
        self._sync([goods, pay], uuid="till-1")
        self.assertWallet(20)
        self.assertEqual(self.wallet.ledger_held, 0)

    def test_returned(self):
        """The wallet gets back its part of what is returned, the cash the rest."""
        self._sync([self._top_up_line()])
        order = self._sync([self._line(self.beans, 3), self._wallet_line(20)])
        goods, pay = order.lines
        back = self._sync(
            [self._return_line(goods), self._share_line(pay, 6.67)], is_refund=True
        )
        self.assertAlmostEqual(back.amount_total, -3.33)
        self.assertWallet(36.67)
        self._sync(
            [self._return_line(goods, 2), self._share_line(pay, 13.33)], is_refund=True
        )
        self.assertWallet(50)
        self.assertEqual(self.account.points, 120)

    def test_refund_from_the_back_office(self):
        self._sync([self._top_up_line()])
        order = self._sync([self._line(self.beans, 3), self._wallet_line(20)])
        refund = order._refund()
        self.assertAlmostEqual(refund.amount_total, -10)

    def test_refund_to_wallet(self):
        order = self._sync([self._line(self.beans, 3)])
        # The till turns the signs of subtotals on an order that pays out
        lines = [
            self._return_line(order.lines, 3)
            | {"price_subtotal": 30, "price_subtotal_incl": 30},
            self._top_up_line(30) | {"price_subtotal": -30, "price_subtotal_incl": -30},
        ]
        answer = self._reserve(*lines)
        self.assertTrue(answer["successful"], answer["message"])
        back = self._sync(lines, is_refund=True)
        self.assertEqual(back.amount_total, 0)
        self.assertWallet(30)
        self.assertEqual(self.wallet.entry_ids.kind, "refund")
        self.assertEqual(self.account.points, 120)

    def test_returned_top_up(self):
        order = self._sync([self._top_up_line()])
        self._sync([self._return_line(order.lines)], is_refund=True)
        self.assertWallet(0)

    def test_overspent(self):
        self._sync([self._top_up_line(10)])
        self.assertRefused(
            "of the wallet", self._line(self.beans, 3), self._wallet_line(20)
        )
        self.assertWallet(10)

    def test_wallet_of_somebody_else(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        self.env["loyalty.member"]._enrol(bob, self.scheme)
        self._sync([self._top_up_line()])
        for partner in (bob, self.env["res.partner"].create({"name": "Cleo"})):
            self.assertRefused(
                "not that of its customer",
                self._line(self.beans, 3),
                self._wallet_line(20),
                partner=partner,
            )
        self.assertWallet(50)

    def test_top_up_of_nobody(self):
        """Nobody pays money in that no wallet gets."""
        cleo = self.env["res.partner"].create({"name": "Cleo"})
        for partner in (cleo, self.env["res.partner"]):
            self.assertRefused(
                "Choose the member", self._top_up_line(), partner=partner
            )

    def test_blocked_member_and_closed_scheme(self):
        self._sync([self._top_up_line()])
        self.member.action_block()
        self.assertRefused("blocked", self._top_up_line())
        self.assertRefused("blocked", self._line(self.beans), self._wallet_line(5))
        self.member.action_unblock()
        self.scheme.action_close()
        self.assertRefused("closed", self._top_up_line())
        self.assertWallet(50)

    def test_wallets_switched_off(self):
        self._sync([self._top_up_line()])
        self.scheme.has_wallet = False
        self.assertRefused("has no wallet", self._top_up_line())
        self.assertRefused(
            "has no wallet", self._line(self.beans), self._wallet_line(5)
        )
        self.assertWallet(50)

    def test_does_not_pay_for_its_top_up(self):
        self._sync([self._top_up_line()])
        self.assertRefused("at most", self._top_up_line(), self._wallet_line(50))
        self.assertWallet(50)

    def test_a_cashier_writes_no_money(self):
        self._sync([self._top_up_line()])
        account = self.wallet.with_user(self.pos_user)
        with self.assertRaises(UserError):
            account.points = 777
        self.assertWallet(50)

    def test_quote(self):
        self._sync([self._top_up_line()])
        [quote] = self.main_pos_config.with_user(self.pos_user).loyalty_quote(
            {
                "uuid": "x",
                "partner_id": self.anna.id,
                "lines": [self._line(self.beans, 3) | {"tax_ids": []}],
            }
        )
        self.assertEqual(
            quote["wallet"],
            {
                "account_id": self.wallet.id,
                "balance": 50,
                "balance_text": self.scheme._format_money(50),
                "spendable": 50,
                "most": 30,
            },
        )


@tagged("post_install", "-at_install")
class TestWalletTour(WalletPosCase):
    def test_top_up_pay_and_refund(self):
        self.env["loyalty.member.card"].create(
            {
                "number": CARD,
                "scheme_id": self.scheme.id,
                "member_id": self.member.id,
                "state": "active",
            }
        )
        self.main_pos_config.with_user(self.pos_user).open_ui()
        self.start_pos_tour("LoyaltyPosWallet")
        orders = self.main_pos_config.current_session_id.order_ids.sorted("id")
        _top_up, sold, _cake, refunded, returned = orders
        self.assertEqual(orders.mapped("amount_total"), [50, 0, 10, 0, 0])
        self.assertEqual(self._transactions(sold).wallet_spent, 20)
        self.assertEqual(
            set(self._transactions(refunded).mapped("kind")), {"return", "sale"}
        )
        self.assertEqual(self._transactions(returned).wallet_spent, 10)
        self.assertEqual(
            [
                (entry.kind, entry.amount)
                for entry in self.wallet.entry_ids.sorted("sequence")
            ],
            [
                ("top_up", 50),
                ("wallet_pay", -20),
                ("refund", 10),
                ("return_wallet_pay", 10),
            ],
        )
        self.assertWallet(50)
        self.assertEqual(self.account.points, 130)
        self.assertFalse(self.wallet.hold_ids.filtered(lambda h: h.state == "active"))
