# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestRefundToWallet(LoyaltySaleCommon):
    """Anna brings back two of three coffees and takes the 20.00 in her wallet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.owed = cls.env["account.account"].create(
            {
                "name": "Owed to wallets",
                "code": "240099",
                "account_type": "liability_current",
            }
        )
        cls.journal = cls.env["account.journal"].create(
            {
                "name": "Wallets",
                "code": "WLT",
                "type": "cash",
                "loyalty_scheme_id": cls.scheme.id,
            }
        )
        cls.journal.outbound_payment_method_line_ids.payment_account_id = cls.owed
        cls.accountant = new_test_user(
            cls.env,
            "loyalty_accountant",
            groups="account.group_account_invoice",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    def _return(self, quantity=2):
        """Return a posted credit note, as an accountant sees it."""
        note = self._return_paid(self._create_order(), {self.coffee: quantity})
        return note.with_user(self.accountant)

    def _return_paid(self, order, quantities=None):
        """Return a posted credit note for an order that was paid."""
        order.action_confirm()
        invoice = self._invoice(order)
        self._pay(invoice)
        return self._credit(invoice, quantities)

    def _dialog(self, note):
        action = note.action_loyalty_refund()
        return Form(
            self.env[action["res_model"]]
            .with_user(self.accountant)
            .with_context(**action["context"])
        )

    def _refund(self, note, amount=None):
        dialog = self._dialog(note)
        if amount is not None:
            dialog.amount = amount
        return dialog.save()._create_payments()

    def _wallet(self):
        return self.scheme._get_account(self.member, WALLET)

    def assertWallet(self, money):
        self.assertPoints(money, account=self._wallet())

    def _owed(self):
        lines = self.env["account.move.line"].search(
            [("account_id", "=", self.owed.id), ("parent_state", "=", "posted")]
        )
        return -sum(lines.mapped("balance"))

    def test_dialog_says_into_whose_wallet(self):
        note = self._return()
        dialog = self._dialog(note)
        self.assertEqual(
            dialog.loyalty_wallet_notice.replace("\N{NO-BREAK SPACE}", " "),
            f"{self._money(20)} goes into the wallet of Anna, which holds"
            f" {self._money(0)} now.",
        )
        dialog.journal_id = self.company_data["default_journal_bank"]
        self.assertFalse(dialog.loyalty_wallet_notice)

    def _money(self, amount):
        return self.currency.format(amount).replace("\N{NO-BREAK SPACE}", " ")

    def test_pays_what_is_still_to_be_paid_back(self):
        note = self._return()
        self.assertTrue(note.loyalty_can_refund)
        payment = self._refund(note)
        self.assertWallet(20)
        self.assertEqual(self._owed(), 20)
        self.assertEqual((note.amount_residual, note.payment_state), (0, "paid"))
        self.assertFalse(note.loyalty_can_refund)
        self.assertEqual(self._wallet().entry_ids.kind, "refund")
        refund = payment.sudo().loyalty_transaction_id
        self.assertEqual((refund.res_model, refund.res_id), ("account.move", note.id))
        self.assertEqual((refund.wallet_credited, refund.points_earned), (20, 0))
        self.assertPoints(0, 10)

    def test_a_part_and_then_the_rest(self):
        note = self._return()
        self._refund(note, 5)
        self.assertWallet(5)
        self.assertEqual(note.payment_state, "partial")
        self._refund(note)
        self.assertWallet(20)
        self.assertEqual(note.payment_state, "paid")

    def test_never_twice(self):
        note = self._return()
        first, second = self._dialog(note).save(), self._dialog(note).save()
        first._create_payments()
        with self.assertRaisesRegex(UserError, "left to be paid back"):
            second._create_payments()
        with self.assertRaises(UserError):
            self._refund(note)
        self.assertWallet(20)
        self.assertEqual(self._owed(), 20)

    def test_never_more_than_is_left(self):
        note = self._return()
        with self.assertRaisesRegex(UserError, "left to be paid back, not"):
            self._refund(note, 20.01)
        self.assertWallet(0)
        self.assertEqual(note.payment_state, "not_paid")

    def test_unmatched_payment_is_not_paid_again(self):
        note = self._return()
        payment = self._refund(note)
        note.sudo().line_ids.remove_move_reconcile()
        self.assertEqual(note.payment_state, "not_paid")
        with self.assertRaisesRegex(UserError, "before"):
            note.action_loyalty_refund()
        payment.sudo().action_cancel()
        self.assertWallet(0)
        self._refund(note)
        self.assertWallet(20)

    def test_withdrawn_payment_takes_it_back(self):
        note = self._return()
        payment = self._refund(note)
        payment.action_draft()
        self.assertWallet(0)
        self.assertEqual(note.payment_state, "not_paid")
        with self.assertRaisesRegex(UserError, "press Refund to Wallet"):
            payment.action_post()
        self._refund(note)
        self.assertWallet(20)

    def test_withdrawn_entry_takes_it_back(self):
        payment = self._refund(self._return())
        payment.move_id.button_draft()
        self.assertWallet(0)

    def test_no_journal(self):
        self.journal.loyalty_scheme_id = False
        with self.assertRaisesRegex(UserError, "Ask an accountant to choose Harmony"):
            self._return().action_loyalty_refund()

    def test_journal_without_account(self):
        methods = self.journal.outbound_payment_method_line_ids
        methods.payment_account_id = False
        with self.assertRaisesRegex(UserError, "on which account the money"):
            self._return().action_loyalty_refund()

    def test_rights(self):
        """Who may not register payments may not do so here either."""
        note = self._return().with_user(self.seller)
        with self.assertRaises(AccessError):
            note.action_loyalty_refund()
        self.assertWallet(0)

    def test_wallet_is_not_what_odoo_proposes(self):
        note = self._return()
        self.env["account.journal"].search(
            [
                ("type", "in", ("bank", "cash", "credit")),
                ("id", "!=", self.journal.id),
                ("company_id", "=", self.env.company.id),
            ]
        ).sequence = 99
        self.journal.sequence = 1
        dialog = Form(
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=note.ids
            )
        )
        self.assertNotEqual(dialog.journal_id, self.journal)
        self.assertIn(self.journal, dialog.available_journal_ids)

    def test_others_do_not_see_the_journal(self):
        bob = self.env["res.partner"].create({"name": "Bob"})
        note = self._return_paid(self._create_order(partner=bob))
        self.assertFalse(note.loyalty_can_refund)
        with self.assertRaisesRegex(UserError, "orders of one member"):
            note.action_loyalty_refund()
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=note.ids)
            .create({})
        )
        self.assertNotIn(self.journal, wizard.available_journal_ids)

    def test_payment_by_hand_is_refused(self):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": self.anna.id,
                "amount": 5,
                "journal_id": self.journal.id,
            }
        )
        with self.assertRaisesRegex(UserError, "press Refund to Wallet"):
            payment.action_post()

    def test_blocked_member(self):
        note = self._return()
        self.member.action_block()
        with self.assertRaisesRegex(UserError, "blocked"):
            note.action_loyalty_refund()

    def test_journal_of_another_company(self):
        other = self.env["res.company"].sudo().create({"name": "Other"})
        self.env.user.sudo().company_ids += other
        with self.assertRaises(UserError):
            self.env["account.journal"].sudo().create(
                {
                    "name": "Wallets",
                    "code": "WLT2",
                    "type": "cash",
                    "company_id": other.id,
                    "loyalty_scheme_id": self.scheme.id,
                }
            )

    def test_one_journal_a_scheme(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env["account.journal"].create(
                {
                    "name": "More Wallets",
                    "code": "WLT3",
                    "type": "cash",
                    "loyalty_scheme_id": self.scheme.id,
                }
            )

    def test_another_currency(self):
        """The wallet gets money of the scheme, at the rate of the day."""
        pricelist = self._create_foreign_pricelist()
        note = self._return_paid(self._create_order(pricelist_id=pricelist.id))
        self.assertEqual(note.amount_residual, 60)
        self._refund(note.with_user(self.accountant))
        self.assertWallet(30)
        self.assertEqual(note.payment_state, "paid")
