# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Credit notes that are paid back into the wallet of a member."""

from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    loyalty_can_refund = fields.Boolean(compute="_compute_loyalty_can_refund")

    @api.depends("state", "move_type", "payment_state", "invoice_line_ids")
    def _compute_loyalty_can_refund(self):
        for move in self:
            move.loyalty_can_refund = (
                move.state == "posted"
                and move.payment_state in ("not_paid", "partial")
                and move._loyalty_is_refundable()
            )

    # === NATIVE EVENTS === #

    def button_draft(self):
        res = super().button_draft()
        self.origin_payment_id._loyalty_cancel_refund()
        return res

    def button_cancel(self):
        res = super().button_cancel()
        self.origin_payment_id._loyalty_cancel_refund()
        return res

    # === ACTIONS === #

    def action_loyalty_refund(self):
        """Open Odoo's own dialog for payments, set to pay into the member's wallet.

        :raise UserError: with what is missing
        :raise AccessError: unless the user may register payments
        """
        self.ensure_one()
        self.check_access("read")
        self.env["account.payment.register"].check_access("create")
        origin_sudo = self._loyalty_get_refunded_sale()
        origin_sudo.member_id._check_can_transact()
        method = self._loyalty_get_wallet_journal(
            origin_sudo.scheme_id
        )._loyalty_get_wallet_method()
        action = self.action_register_payment()
        action["name"] = self.env._("Refund to Wallet")
        action["context"] = {
            **action["context"],
            "default_journal_id": method.journal_id.id,
            "default_payment_method_line_id": method.id,
            "dont_redirect_to_payments": True,
        }
        return action

    # === BUSINESS === #

    def _loyalty_get_refundable_sales(self):
        """Return the purchases behind a credit note, in superuser mode."""
        if self.move_type != "out_refund":
            return self.env["loyalty.transaction"].sudo()
        # sudo: accountants need no right on orders and on loyalty
        orders_sudo = self.invoice_line_ids.sudo().sale_line_ids.order_id
        return orders_sudo.loyalty_transaction_id.filtered("scheme_id.has_wallet")

    def _loyalty_is_refundable(self, scheme=None):
        """Return whether this is a credit note of one member with a wallet.

        :param scheme: of that loyalty.scheme, if given
        """
        self.ensure_one()
        sales_sudo = self._loyalty_get_refundable_sales()
        return len(sales_sudo.member_id) == 1 and (
            not scheme or sales_sudo.scheme_id == scheme
        )

    def _loyalty_get_refunded_sale(self):
        """Return the purchase that a credit note pays back.

        :return: loyalty.transaction in superuser mode
        :raise UserError: when it cannot be paid into a wallet
        """
        self.ensure_one()
        sales_sudo = self._loyalty_get_refundable_sales()
        if self.state != "posted" or len(sales_sudo.member_id) != 1:
            raise UserError(
                self.env._(
                    "Only a posted credit note for orders of one member, whose scheme"
                    " has wallets, is paid back into a wallet. Press Pay instead."
                )
            )
        unmatched = self._loyalty_get_unmatched_refund(sales_sudo)
        if unmatched:
            raise UserError(
                self.env._(
                    "%(payment)s has put money of %(note)s into the wallet before."
                    " Match the two, or cancel that payment.",
                    payment=unmatched.name,
                    note=self.name,
                )
            )
        return sales_sudo[:1]

    def _loyalty_get_unmatched_refund(self, sales):
        """Return a payment that went into the wallet and was taken off this note."""
        refunds = sales.search(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("kind", "=", "sale"),
                ("state", "=", "posted"),
            ]
        )
        # sudo: payments of this very credit note
        return (
            self.env["account.payment"]
            .sudo()
            .search(
                [
                    ("loyalty_transaction_id", "in", refunds.ids),
                    ("is_reconciled", "=", False),
                ],
                limit=1,
            )
        )

    def _loyalty_get_wallet_journal(self, scheme):
        """Return the journal through which this company pays into wallets.

        :raise UserError: saying what an accountant has to set up
        """
        self.ensure_one()
        # sudo: the journals of the company of this credit note
        journal_sudo = (
            self.env["account.journal"]
            .sudo()
            .search(
                [
                    ("loyalty_scheme_id", "=", scheme.id),
                    ("company_id", "=", self.company_id.id),
                ]
            )
        )
        if not journal_sudo:
            raise UserError(
                self.env._(
                    "No journal pays into wallets of %(scheme)s yet. Ask an accountant"
                    " to choose %(scheme)s under “Wallets of” in a bank or cash journal"
                    " of %(company)s.",
                    scheme=scheme.name,
                    company=self.company_id.name,
                )
            )
        if not journal_sudo._loyalty_get_wallet_method():
            raise UserError(
                self.env._(
                    "The journal %(journal)s does not say on which account the money"
                    " of wallets is owed. Ask an accountant to fill in the account of"
                    " its outgoing payment method.",
                    journal=journal_sudo.name,
                )
            )
        return journal_sudo

    def _loyalty_lock_refund(self):
        """Let nobody else pay this credit note at the same time.

        :raise UserError: when somebody is about to
        """
        if not self.try_lock_for_update(allow_referencing=True):
            raise UserError(
                self.env._(
                    "Somebody else is paying %(note)s right now. Look at it again"
                    " before you go on.",
                    note=self.name,
                )
            )
