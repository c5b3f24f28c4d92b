# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine


class AccountPayment(models.Model):
    _inherit = "account.payment"

    loyalty_transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        string="Refund to Wallet",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    # === NATIVE EVENTS === #

    def action_post(self):
        for payment in self:
            payment._loyalty_check_refunded()
        return super().action_post()

    def action_draft(self):
        res = super().action_draft()
        self._loyalty_cancel_refund()
        return res

    def action_cancel(self):
        res = super().action_cancel()
        self._loyalty_cancel_refund()
        return res

    def action_reject(self):
        res = super().action_reject()
        self._loyalty_cancel_refund()
        return res

    # === BUSINESS === #

    def _loyalty_check_refunded(self):
        """Refuse a payment into a wallet that puts nothing into it.

        :raise UserError: saying how it is done
        """
        self.ensure_one()
        # sudo: accountants need no right on loyalty
        if not self.journal_id.sudo().loyalty_scheme_id:
            return
        if self.sudo().loyalty_transaction_id.state != "posted":
            raise UserError(
                self.env._(
                    "Payments of %(journal)s go into the wallets of members. Open the"
                    " credit note and press Refund to Wallet.",
                    journal=self.journal_id.display_name,
                )
            )

    def _loyalty_refund(self, lines):
        """Put what this payment pays back into the wallet of the member.

        :param lines: account.move.line records that are about to be paid
        :raise UserError: when it may not be paid into a wallet
        """
        self.ensure_one()
        note = lines.move_id
        if len(note) != 1:
            raise UserError(
                self.env._("Credit notes are paid into a wallet one at a time.")
            )
        note._loyalty_lock_refund()
        origin_sudo = note._loyalty_get_refunded_sale()
        self._loyalty_check_residual(lines)
        self.sudo().loyalty_transaction_id = origin_sudo._record(
            origin_sudo.member_id, self._loyalty_prepare_refund(note, origin_sudo)
        )

    def _loyalty_check_residual(self, lines):
        """Refuse to pay back more than is still to be paid back.

        :raise UserError: with what is left
        """
        self.ensure_one()
        residual = abs(
            lines.company_currency_id._convert(
                sum(lines.mapped("amount_residual")),
                self.currency_id,
                self.company_id,
                self.date,
            )
            if lines.currency_id != self.currency_id
            else sum(lines.mapped("amount_residual_currency"))
        )
        if self.currency_id.compare_amounts(self.amount, residual) > 0:
            raise UserError(
                self.env._(
                    "%(note)s has %(left)s left to be paid back, not %(amount)s.",
                    note=lines.move_id.name,
                    left=self.currency_id.format(residual),
                    amount=self.currency_id.format(self.amount),
                )
            )

    def _loyalty_prepare_refund(self, note, origin):
        """Describe to the ledger what is paid into the wallet.

        :param note: the account.move that is paid back
        :param origin: the loyalty.transaction of the purchase
        :rtype: Sale
        """
        self.ensure_one()
        return Sale(
            channel=origin.channel_id.code,
            reference=f"{self._name}:{self.id}",
            date=fields.Datetime.now(),
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            lines=(
                SaleLine(
                    key="refund",
                    product_id=None,
                    quantity=1,
                    amount_incl=self.amount,
                    amount_excl=self.amount,
                    name=note.name,
                    eligible=False,
                    tops_up=True,
                ),
            ),
            top_up_kind="refund",
            pending=False,
            store_id=origin.store_id.id or None,
            res_model=note._name,
            res_id=note.id,
            name=note.name,
        )

    def _loyalty_cancel_refund(self):
        """Take back from wallets what payments that are withdrawn have put in.

        Native leaves a payment in draft matched, so that it can be posted again; this
        one cannot, and its credit note is to be paid back once more.
        """
        refunds = self.filtered("loyalty_transaction_id")
        if refunds:
            refunds.move_id.line_ids.remove_move_reconcile()
            # sudo: accountants need no right on loyalty; these follow their payments
            refunds.sudo().loyalty_transaction_id._cancel(
                self.env._("The payment was withdrawn")
            )
