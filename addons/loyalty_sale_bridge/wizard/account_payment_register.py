# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

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
