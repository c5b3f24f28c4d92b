# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user

from ..engine import Effect, Rule, Target
from ..ledger.flow import POINTS, WALLET
from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon

D = Decimal


class WalletCase(LoyaltyLedgerCommon):
    """Harmony Coffee with wallets; Anna has paid 50.00 into hers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))
        cls.scheme.has_wallet = True
        cls.wallet = cls.scheme._get_account(cls.member, WALLET)

    def _top_up(self, amount=50, reference="topup", **values):
        line = self._line("w", amount, eligible=False, tops_up=True)
        return self._record(reference, line, **values)

    def _return(self, sale, reference, *lines, **values):
        return sale._record_return(self._sale(reference, *lines, **values))

    def _kinds(self):
        return [
            (entry.kind, entry.amount)
            for entry in self.wallet.entry_ids.sorted("sequence")
        ]

    def assertWallet(self, money, pending=0.0):
        self.assertBooks(money, pending, account=self.wallet)


class TestWalletScheme(WalletCase):
    def test_switched_on(self):
        """The scheme gets an eWallet program as Odoo makes it, and its product."""
        program = self.scheme.wallet_program_id
        self.assertRecordValues(
            program,
            [
                {
                    "name": "Harmony Coffee Wallet",
                    "program_type": "ewallet",
                    "applies_on": "future",
                    "trigger": "auto",
                    "is_nominative": True,
                    "ledger_managed": True,
                    "active": True,
                    "scheme_id": self.scheme.id,
                    "company_id": self.scheme.company_id.id,
                    "currency_id": self.scheme.currency_id.id,
                    "portal_point_name": self.scheme.currency_id.symbol,
                }
            ],
        )
        self.assertRecordValues(
            program.rule_ids,
            [{"reward_point_mode": "money", "reward_point_amount": 1}],
        )
        self.assertRecordValues(
            program.reward_ids,
            [
                {
                    "reward_type": "discount",
                    "discount_mode": "per_point",
                    "discount": 1,
                    "required_points": self.scheme.currency_id.rounding,
                }
            ],
        )
        product = program.trigger_product_ids
        self.assertEqual(product, self.scheme._get_top_up_products())
        self.assertEqual(product.list_price, 50)
        self.assertFalse(product.taxes_id)

    def test_follows_the_scheme(self):
        program = self.scheme.wallet_program_id
        self.scheme.name = "Harmony"
        self.assertEqual(program.name, "Harmony Wallet")
        self.scheme.has_wallet = False
        self.assertFalse(program.active)
        self.scheme.has_wallet = True
        self.assertTrue(program.active)
        self.assertEqual(self.scheme.wallet_program_id, program)

    def test_top_ups_follow_the_programs(self):
        """What is kept ready of programs is never older than they are."""
        program = self.scheme.wallet_program_id
        product = program.trigger_product_ids
        other = product.copy()
        Scheme = self.env["loyalty.scheme"]
        self.assertEqual(Scheme._find_by_top_ups(product + other), self.scheme)
        program.rule_ids.product_ids = other
        self.assertFalse(Scheme._find_by_top_ups(product))
        self.assertEqual(Scheme._find_by_top_ups(other), self.scheme)
        # Nobody pays for nothing where the wallet is not offered any more
        self.scheme.has_wallet = False
        self.assertEqual(Scheme._find_by_top_ups(other), self.scheme)

        gift_cards = self.env["loyalty.program"].create(
            {
                "name": "Gift Cards",
                "program_type": "gift_card",
                "rule_ids": [Command.create({"product_ids": product.ids})],
            }
        )
        top_ups = self.env["loyalty.program"]._get_top_ups
        self.assertEqual(top_ups()[product.id], ())
        gift_cards.active = False
        self.assertNotIn(product.id, top_ups())
        gift_cards.active = True
        self.assertIn(product.id, top_ups())
        gift_cards.active = False
        gift_cards.unlink()
        self.assertNotIn(product.id, top_ups())

    def test_another_scheme_has_none(self):
        scheme = self._create_scheme(name="Teahouse")
        self.assertFalse(scheme.wallet_program_id)
        with self.assertRaisesRegex(UserError, "Teahouse has no wallet"):
            scheme._get_program(WALLET)

    def test_one_account_of_each_kind(self):
        self.assertNotEqual(self.wallet, self.account)
        self.assertEqual(self.wallet.ledger_kind, WALLET)
        self.assertEqual(self.account.ledger_kind, POINTS)
        self.assertEqual(self.member.wallet_account_id, self.wallet)
        self.assertEqual(self.member.account_id, self.account)
        self.assertEqual(self.scheme._get_account(self.member, WALLET), self.wallet)

    def test_currency_is_fixed(self):
        other = self.env["res.currency"].create({"name": "XYZ", "symbol": "X"})
        with self.assertRaisesRegex(ValidationError, "cannot change any more"):
            self.scheme.currency_id = other

    def test_outstanding(self):
        self._top_up()
        self.env.invalidate_all()
        self.assertEqual(self.scheme.outstanding_wallet, 50)
        self.assertEqual(self.scheme.outstanding_points, 0)
        self.assertEqual(self.member.wallet_balance, 50)

    def test_scheme_without_sales_is_deleted_with_its_programs(self):
        scheme = self._create_scheme(name="Teahouse", has_wallet=True)
        programs = scheme.points_program_id | scheme.wallet_program_id
        scheme.unlink()
        self.assertFalse(programs.exists())


class TestWallet(WalletCase):
    def test_top_up_and_pay(self):
        top_up = self._top_up()
        self.assertEqual(top_up.points_earned, 0)
        sale = self._record("sale", self._line("a", 30), wallet_spent=20)
        self.assertWallet(30)
        # What the wallet pays is money: it lowers nothing that was bought
        self.assertBooks(30)
        self.assertEqual(self._kinds(), [("top_up", 50), ("wallet_pay", -20)])
        self.assertEqual(sale.wallet_account_id, self.wallet)
        self.assertEqual(sale.wallet_spent, 20)
        self.assertIn("were paid with the wallet.", " ".join(sale._explain()))
        self.assertIn("were paid into the wallet.", " ".join(top_up._explain()))

    def test_sent_twice(self):
        for _time in range(2):
            self._top_up()
            self._record("sale", self._line("a", 30), wallet_spent=20)
        self.assertWallet(30)

    def test_cents(self):
        self._top_up(0.3)
        self._record("s1", self._line("a", 1), wallet_spent=0.1)
        self._record("s2", self._line("a", 1), wallet_spent=0.2)
        self.assertWallet(0)

    def test_top_up_in_another_currency(self):
        currency = self.env["res.currency"].create(
            {
                "name": "XYZ",
                "symbol": "X",
                "rate_ids": [(0, 0, {"name": "2026-01-01", "rate": 3.0})],
            }
        )
        self._top_up(100, currency=currency)
        self.assertWallet(33.33)

    def test_returns_in_parts(self):
        """A return pays back what the wallet had paid, the last one the rest."""
        self._top_up()
        goods = [self._line(key, 10) for key in "abc"]
        sale = self._record("sale", *goods, wallet_spent=20)
        for number, key in enumerate("abc"):
            line = self._line(f"r{key}", 10, origin_key=key)
            self._return(sale, f"return{number}", line)
        self.assertWallet(50)
        self.assertEqual(
            self._kinds(),
            [
                ("top_up", 50),
                ("wallet_pay", -20),
                ("return_wallet_pay", 6.67),
                ("return_wallet_pay", 6.66),
                ("return_wallet_pay", 6.67),
            ],
        )
        self.assertBooks(0)

    def test_lots_are_restored(self):
        """What is paid back keeps the last day it had."""
        self.scheme.write({"wallet_expiry_policy": "term", "wallet_expiry_term": 1})
        self._top_up(10, date=datetime(2026, 3, 1))
        self._top_up(40, "second", date=datetime(2026, 3, 20))
        sale = self._record("sale", self._line("a", 20), wallet_spent=20)
        self._return(sale, "return", self._line("r", 20, origin_key="a"))
        self.assertEqual(
            [
                (lot.remaining, lot.expiry_date)
                for lot in self.wallet.lot_ids.sorted("id")
            ],
            [(10, date(2026, 4, 1)), (40, date(2026, 4, 20))],
        )

    def test_returned_top_up_is_taken_back(self):
        top_up = self._top_up()
        self._return(top_up, "r1", self._line("r", 20, origin_key="w"))
        self.assertWallet(30)
        self._return(top_up, "r2", self._line("r", 30, origin_key="w"))
        self.assertWallet(0)

    def test_top_up_that_was_spent_is_owed(self):
        top_up = self._top_up()
        self._record("sale", self._line("a", 30), wallet_spent=30)
        self._return(top_up, "r1", self._line("r", 50, origin_key="w"))
        self.assertWallet(-30)

    def test_goods_beside_a_top_up(self):
        """The wallet paid for the goods, so that the top-up brings nothing back."""
        self._top_up()
        sale = self._record(
            "sale",
            self._line("a", 40),
            self._line("w", 60, eligible=False, tops_up=True),
            wallet_spent=40,
        )
        self.assertWallet(70)
        self._return(sale, "r1", self._line("r", 60, origin_key="w"))
        self.assertWallet(10)
        self._return(sale, "r2", self._line("r", 40, origin_key="a"))
        self.assertWallet(50)

    def test_revised(self):
        self._top_up()
        self._record("sale", self._line("a", 30), wallet_spent=20)
        self._record("sale", self._line("a", 30), wallet_spent=30)
        self.assertWallet(20)
        self._record("sale", self._line("a", 30), wallet_spent=5)
        self.assertWallet(45)
        sale = self._record("sale", self._line("a", 30))
        self.assertWallet(50)
        self.assertEqual(sale.wallet_spent, 0)

    def test_revised_to_use_a_wallet(self):
        bert = self.env["res.partner"].create({"name": "Bert"})
        member = self.env["loyalty.member"]._enrol(bert, self.scheme)
        Transaction = self.env["loyalty.transaction"]
        Transaction._record(member, self._sale("s", self._line("a", 9)))
        self.assertFalse(member.wallet_account_id)
        top_up = self._line("w", 5, eligible=False, tops_up=True)
        Transaction._record(member, self._sale("s", self._line("a", 9), top_up))
        self.env.invalidate_all()
        self.assertBooks(5, account=member.wallet_account_id)

    def test_cancelled(self):
        top_up = self._top_up()
        sale = self._record("sale", self._line("a", 30), wallet_spent=20)
        sale._cancel("mistake")
        self.assertWallet(50)
        sale._cancel("again")
        self.assertWallet(50)
        top_up._cancel()
        self.assertWallet(0)

    def test_return_cancelled(self):
        self._top_up()
        sale = self._record("sale", self._line("a", 30), wallet_spent=20)
        back = self._return(sale, "return", self._line("r", 30, origin_key="a"))
        self.assertWallet(50)
        back._cancel()
        self.assertWallet(30)
        self._return(sale, "again", self._line("r", 15, origin_key="a"))
        self.assertWallet(40)

    def test_refund_to_wallet(self):
        """Goods come back, and their money goes into the wallet instead of cash."""
        sale = self._record("sale", self._line("a", 30))
        self._return(sale, "return", self._line("r", 30, origin_key="a"))
        self._top_up(30, "refund", top_up_kind="refund")
        self.assertWallet(30)
        self.assertEqual(self._kinds(), [("refund", 30)])
        refund = self.env["loyalty.transaction"].search([("reference", "=", "refund")])
        self.assertIn("were refunded to the wallet.", " ".join(refund._explain()))
        refund._cancel()
        self.assertWallet(0)

    def test_cashback(self):
        """What the engine gives to the wallet follows the lines, as points do."""

        rules = [
            Rule("base", "Base", D(1)),
            Rule("back", "Back", D(10), effect=Effect.PERCENT, target=Target.WALLET),
        ]
        with patch.object(type(self.scheme), "_prepare_rules", lambda scheme: rules):
            sale = self._record("sale", self._line("a", 30), self._line("b", 10))
            self.assertWallet(4)
            self.assertEqual(self._kinds(), [("cashback", 4)])
            self._return(sale, "return", self._line("r", 15, origin_key="a"))
            self.assertWallet(2.5)
            sale._cancel()
        self.assertWallet(0)
        self.assertEqual(self.account.points, 0)

    def test_paid_later(self):
        """Money paid in can be spent when it is paid, without a waiting time."""
        sale = self._top_up(channel="website")
        self.assertWallet(0, 50)
        with freeze_time("2026-03-11"):
            sale._start_pending(date(2026, 3, 11))
        self.assertWallet(50)

    def test_expiry_is_its_own(self):
        self.scheme.write({"expiry_policy": "term", "expiry_term": 1})
        self._record("sale", self._line("a", 30))
        self._top_up()
        self.assertFalse(self.wallet.lot_ids.expiry_date)
        self.assertEqual(self.account.lot_ids.expiry_date, date(2026, 4, 10))
        with freeze_time("2027-03-10"):
            self.env["loyalty.ledger.due"]._post(
                "expire", date(2027, 3, 10), self.wallet.ids
            )
            self.assertWallet(50)

    def test_expires_where_staff_say_so(self):
        self.scheme.write({"wallet_expiry_policy": "term", "wallet_expiry_term": 1})
        self._top_up()
        self.env["loyalty.ledger.due"]._post(
            "expire", date(2026, 4, 11), self.wallet.ids
        )
        self.assertWallet(0)
        self.assertEqual(self._kinds()[-1], ("expire", -50))

    def test_quote(self):
        self._top_up()
        sale = self._sale(
            "q",
            self._line("a", 30),
            self._line("w", 60, eligible=False, tops_up=True),
        )
        Transaction = self.env["loyalty.transaction"]
        quote = Transaction._quote(self.member, self.scheme, sale)["wallet"]
        self.assertEqual(quote["balance"], 50)
        self.assertEqual(quote["spendable"], 50)
        self.assertEqual(quote["most"], 30)
        self.member.action_block("lost")
        quote = Transaction._quote(self.member, self.scheme, sale)["wallet"]
        self.assertEqual(quote["balance"], 50)
        self.assertEqual(quote["spendable"], 0)

    def test_digest_of_a_sale_without_wallet(self):
        """Sales that were recorded before there were wallets are not seen as new."""
        sale = self._sale("s", self._line("a", 30))
        line = ["a", None, 1, 30, 30, "a", True, False, None, None]
        content = json.dumps([0, self.scheme.currency_id.id, [line]])
        self.assertEqual(sale.digest(), sha256(content.encode()).hexdigest())
        topped_up = self._sale("s", self._line("a", 30, tops_up=True))
        self.assertNotEqual(topped_up.digest(), sale.digest())
        paid = self._sale("s", self._line("a", 30), wallet_spent=1)
        self.assertNotEqual(paid.digest(), sale.digest())

    def test_till_sees_money(self):
        self._top_up()
        summary = self._record(
            "sale", self._line("a", 30), wallet_spent=20
        )._get_summary()["wallet"]
        self.assertEqual(
            (summary["balance_text"], summary["spent_text"], summary["credited_text"]),
            (self.scheme._format_money(30), self.scheme._format_money(20), 0),
        )


class TestWalletRefusals(WalletCase):
    def _pay(self, amount=20, member=None, **values):
        return self.env["loyalty.transaction"]._record(
            member or self.member,
            self._sale("sale", self._line("a", 30), wallet_spent=amount, **values),
        )

    def test_overspent(self):
        self._top_up(10)
        money = self.scheme._format_money
        with self.assertRaises(UserError) as error:
            self._pay(10.01)
        self.assertEqual(
            str(error.exception),
            f"Anna can spend {money(10)} of the wallet, not {money(10.01)}."
            " Use less or pay another way.",
        )
        self.assertWallet(10)
        self.assertFalse(
            self.env["loyalty.transaction"].search([("reference", "=", "sale")])
        )

    def test_set_aside_for_another(self):
        self._top_up()
        self.wallet._hold("pos:1", 40)
        with self.assertRaisesRegex(UserError, "of the wallet"):
            self._pay(20, hold_owner="pos:2")
        self._record("mine", self._line("a", 30), wallet_spent=20, hold_owner="pos:1")
        self.assertWallet(30)

    def test_more_than_the_receipt(self):
        self._top_up()
        with self.assertRaisesRegex(UserError, "at most"):
            self._pay(30.01)

    def test_does_not_pay_for_its_top_up(self):
        self._top_up()
        line = self._line("w", 40, eligible=False, tops_up=True)
        with self.assertRaisesRegex(UserError, "at most"):
            self._record("again", line, wallet_spent=40)
        self.assertWallet(50)

    def test_blocked_member(self):
        self._top_up()
        self.member.action_block("lost phone")
        with self.assertRaisesRegex(UserError, "blocked"):
            self._pay()
        with self.assertRaisesRegex(UserError, "blocked"):
            self._top_up(5, "more")
        self.assertWallet(50)

    def test_closed_scheme(self):
        self._top_up()
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "closed"):
            self._pay()

    def test_scheme_without_wallet(self):
        self._top_up()
        self.scheme.has_wallet = False
        with self.assertRaisesRegex(UserError, "has no wallet"):
            self._pay()
        self.assertWallet(50)

    def test_paid_back_after_it_was_switched_off(self):
        self._top_up()
        sale = self._pay()
        self.scheme.has_wallet = False
        self._return(sale, "return", self._line("r", 30, origin_key="a"))
        self.assertWallet(50)

    def test_bad_amounts(self):
        for amount in (-1, float("nan")):
            with self.assertRaises(ValidationError):
                self._pay(amount)
        with self.assertRaisesRegex(ValidationError, "above zero"):
            self._top_up(-5, "negative")
        self.assertWallet(0)

    def test_plain_user_writes_no_money(self):
        user = new_test_user(self.env, "plain", groups="base.group_user")
        with self.assertRaises(Exception) as error:
            self.wallet.with_user(user).write({"points": 100})
        self.assertIn("AccessError", type(error.exception).__name__)
        self.assertWallet(0)

    def test_key_with_another_amount(self):
        move = self._move(Op.CREDIT, 5, key="k", account=self.wallet, kind="top_up")
        self.ledger._post([move])
        other = self._move(Op.CREDIT, 6, key="k", account=self.wallet, kind="top_up")
        with self.assertRaisesRegex(ValidationError, "used for another movement"):
            self.ledger._post([other])
