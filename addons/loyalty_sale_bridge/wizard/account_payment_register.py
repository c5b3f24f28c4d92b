# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.loyalty_ledger.ledger.flow import WALLET


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    loyalty_wallet_notice = fields.Char(compute="_compute_loyalty_wallet_notice")

    @api.depends("journal_id", "amount", "currency_id", "line_ids")
    def _compute_loyalty_wallet_notice(self):
        """Say into whose wallet the money goes, before it does."""
        for wizard in self:
            wizard.loyalty_wallet_notice = False
            # sudo: accountants need no right on loyalty
            scheme_sudo = wizard.journal_id.sudo().loyalty_scheme_id
            sales_sudo = wizard.line_ids.move_id._loyalty_get_refundable_sales()
            member_sudo = sales_sudo.member_id
            if not scheme_sudo or len(member_sudo) != 1:
                continue
            wizard.loyalty_wallet_notice = self.env._(
                "%(amount)s goes into the wallet of %(member)s, which holds %(balance)s"
                " now.",
                amount=wizard.currency_id.format(wizard.amount),
                member=member_sudo.display_name,
                balance=scheme_sudo._format_value(member_sudo.wallet_balance, WALLET),
            )

    @api.model
    def _get_batch_available_journals(self, batch_result):
        """Offer the journal of wallets for credit notes of their members alone."""
        journals = super()._get_batch_available_journals(batch_result)
        notes = batch_result["lines"].move_id
        # sudo: accountants need no right on loyalty
        return journals.filtered(
            lambda journal: (
                not (scheme_sudo := journal.sudo().loyalty_scheme_id)
                or all(note._loyalty_is_refundable(scheme_sudo) for note in notes)
            )
        )

    def _get_batch_journal(self, batch_result):
        """Put nothing into a wallet unless somebody has chosen so."""
        journal = super()._get_batch_journal(batch_result)
        if not journal.sudo().loyalty_scheme_id:
            return journal
        others = self._get_batch_available_journals(batch_result).filtered(
            lambda other: not other.sudo().loyalty_scheme_id
        )
        return others[:1]

    def _post_payments(self, to_process, edit_mode=False):
        """Put what is paid through the journal of wallets into a wallet."""
        for vals in to_process:
            if vals["payment"].journal_id.sudo().loyalty_scheme_id:
                vals["payment"]._loyalty_refund(vals["to_reconcile"])
        return super()._post_payments(to_process, edit_mode=edit_mode)
