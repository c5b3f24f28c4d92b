# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How an account calls itself and its values on a statement."""

from odoo import models
from odoo.tools import format_date

from ..ledger.flow import WALLET


class LoyaltyCard(models.Model):
    _inherit = "loyalty.card"

    def _is_money(self):
        """Return whether the account holds money instead of points."""
        self.ensure_one()
        return self.ledger_kind == WALLET

    def _format_statement(self, value, *, unit=True):
        """Write points or money of this account for a human.

        :param value: float or Decimal
        :param bool unit: whether to name the points; money always has its symbol
        """
        self.ensure_one()
        if unit or self._is_money():
            return self._format_value(value)
        # sudo: how numbers are written is no secret
        return self.sudo().scheme_id._format_number(value)

    def _get_statement_title(self):
        """Return the heading of this account: "Beans" or "Wallet"."""
        self.ensure_one()
        if self._is_money():
            return self.env._("Wallet")
        unit = self.sudo().scheme_id.point_name_plural or ""
        return unit[:1].upper() + unit[1:]

    def _get_statement_texts(self, section):
        """Write the figures of one account for a human.

        :param dict section: one of ``loyalty.member._get_statement``
        """
        return {
            name: self._format_statement(section[name])
            for name in ("opening", "closing", "pending", "plus", "minus")
        }

    def _get_ahead_text(self, is_pending, day, points):
        """Say what will happen to points or money of this account.

        :param day: a date; ``False`` where pending ones wait for a payment
        """
        values = {
            "value": self._format_statement(points),
            "day": day and format_date(self.env, day),
        }
        if not is_pending:
            return self.env._("%(value)s expire on %(day)s", **values)
        if day:
            return self.env._("%(value)s pending until %(day)s", **values)
        return self.env._("%(value)s pending until the payment is received", **values)
