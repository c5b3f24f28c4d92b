# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a receipt does to points, before and after it is posted."""

import json
from hashlib import sha256

from odoo import api, models
from odoo.exceptions import UserError

from ..ledger.sale import Sale, SaleLine
from .loyalty_manual_entry import CODE_PURPOSE, REDEEM_KEY, TOTAL_KEY


class LoyaltyManualEntry(models.Model):
    _inherit = "loyalty.manual.entry"

    # === BUSINESS: QUOTE === #

    @api.model
    def _get_quote_fields(self):
        return (
            "kind",
            "state",
            "store_id",
            "receipt_number",
            "date",
            "identifier",
            "member_id",
            "amount",
            "amount_untaxed",
            "points_redeemed",
            "origin_id",
            "line_ids.amount",
            "line_ids.amount_untaxed",
            "line_ids.quantity",
            "line_ids.product_id",
            "line_ids.name",
            "line_ids.category_id",
            "line_ids.origin_line_id",
        )

    def _get_quote(self):
        """Say what the receipt does to points: before it is posted, and after.

        :return dict: ``points``; for sales not posted what ``_quote`` says; for
            returns, and what is posted, ``redeemed``
        """
        self.ensure_one()
        if self.transaction_id and self.state == "posted":
            return {
                "points": self.transaction_id.points_earned,
                "redeemed": self.transaction_id.points_redeemed,
            }
        if not self.member_id or not self.date or self.state == "cancelled":
            return {}
        if self.kind == "sale":
            return self.env["loyalty.transaction"]._quote(
                self.member_id, self.scheme_id, self._get_sale()
            )
        try:
            taken, given = self.origin_id.transaction_id._quote_return(self._get_sale())
        except (UserError, ValueError):
            # The problem says what is missing
            return {}
        return {"points": float(taken), "redeemed": float(given)}

    def _get_quote_text(self, quote):
        """Return a quote as a sentence for who types."""
        if not quote:
            return False
        scheme = self.scheme_id
        points = scheme._format_points(quote["points"])
        if self.kind == "return":
            return self.env._(
                "Takes back %(points)s and gives back %(redeemed)s.",
                points=points,
                redeemed=scheme._format_points(quote["redeemed"]),
            )
        if self.state == "posted":
            return self.env._(
                "Earned %(points)s and spent %(redeemed)s.",
                points=points,
                redeemed=scheme._format_points(quote["redeemed"]),
            )
        return self.env._(
            "Earns %(points)s. The balance is %(balance)s, of which %(maximum)s can be"
            " spent here.",
            points=points,
            balance=scheme._format_points(quote["balance"]),
            maximum=scheme._format_points(quote["max_redeem"]),
        )

    # === BUSINESS: POSTING === #

    def _get_sale(self):
        """Return this receipt as the ledger takes it."""
        self.ensure_one()
        return Sale(
            channel="manual",
            reference=self._get_reference(),
            date=self.date,
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            lines=tuple(self._get_sale_lines()),
            store_id=self.store_id.id or None,
            redeemed=self.points_redeemed if self.kind == "sale" else 0,
            res_model=self._name,
            res_id=self._origin.id or None,
            name=self.display_name,
        )

    def _get_reference(self):
        """Return by what the ledger knows this receipt.

        Posted again after it was cancelled, perhaps for another member, it is another
        sale.
        """
        reference = f"{self.store_id.id}/{(self.receipt_number or '').lower()}"
        return f"{reference}#{self.revision}" if self.revision else reference

    def _get_sale_lines(self):
        """Return the goods, and what points pay of them, as list of SaleLine."""
        if self.line_ids:
            lines = [line._get_sale_line() for line in self.line_ids]
        else:
            lines = [
                SaleLine(
                    key=TOTAL_KEY,
                    product_id=None,
                    quantity=1.0,
                    amount_incl=self.amount,
                    amount_excl=self.amount_untaxed,
                    name=self.receipt_number or "",
                    origin_key=TOTAL_KEY if self.kind == "return" else None,
                )
            ]
        paid = self._get_paid_with_points()
        if paid:
            lines.append(
                SaleLine(
                    key=REDEEM_KEY,
                    product_id=None,
                    quantity=1.0,
                    amount_incl=-paid,
                    amount_excl=-paid,
                    name=self.env._("Paid with points"),
                    is_reward=True,
                )
            )
        return lines

    def _get_paid_with_points(self):
        """Return what the points to spend pay, in the currency of the receipt."""
        if self.kind == "return" or not self.points_redeemed or not self.scheme_id:
            return 0.0
        scheme = self.scheme_id
        return scheme.currency_id._convert(
            scheme._points_to_money(self.points_redeemed),
            self.currency_id,
            self.company_id,
            self.date,
        )

    def _post(self):
        sales = self.filtered(lambda entry: entry.kind == "sale")
        transactions = self.env["loyalty.transaction"]._record_many(
            [(entry.member_id, entry._get_sale()) for entry in sales]
        )
        for entry, transaction in zip(sales, transactions, strict=True):
            entry._set_posted(transaction)
        # A receipt is paid: the waiting time begins with the sale
        for day, entries in sales.grouped(lambda entry: entry.date.date()).items():
            entries.transaction_id._start_pending(day)
        for entry in self - sales:
            transaction = entry.origin_id.transaction_id
            entry._set_posted(transaction._record_return(entry._get_sale()))

    def _set_posted(self, transaction):
        # sudo: see write
        self.sudo().write({"state": "posted", "transaction_id": transaction.id})

    # === BUSINESS: THE MEMBER'S CODE === #

    def _verify_by_code(self, code):
        """Confirm this receipt by the code that its member was sent, and post it.

        :raise UserError: the code does not count, or the receipt has changed since
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft")
        if self.code_digest != self._get_content_digest():
            raise UserError(
                self.env._(
                    "The receipt has changed since the code was sent. Have a new code"
                    " sent."
                )
            )
        self.member_id._check_code(CODE_PURPOSE, code, self)
        self._set_verified("code")
        self.action_post()

    def _get_content_digest(self):
        """Return a fingerprint of all that the member was asked to confirm."""
        sale = self._get_sale()
        content = [
            sale.digest(),
            sale.reference,
            str(sale.date),
            self.kind,
            self.member_id.id,
            self.origin_id.id,
        ]
        return sha256(json.dumps(content).encode()).hexdigest()

    def _get_code_text(self):
        """Say to the member what they confirm."""
        values = {
            "receipt": self.receipt_number,
            "store": self.store_id.name,
            "amount": self.currency_id.format(self.amount),
            "points": self.scheme_id._format_points(self.points_redeemed),
        }
        if self.kind == "return":
            return self.env._(
                "Receipt %(receipt)s of %(store)s: you gave back goods for %(amount)s.",
                **values,
            )
        if self.points_redeemed:
            return self.env._(
                "Receipt %(receipt)s of %(store)s: you bought goods for %(amount)s and"
                " spend %(points)s.",
                **values,
            )
        return self.env._(
            "Receipt %(receipt)s of %(store)s: you bought goods for %(amount)s.",
            **values,
        )
