# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an order of a till does to the wallet of its customer.

Odoo's own screens put the lines on the order; what they come to is read from the lines.
"""

from dataclasses import replace

from odoo import models
from odoo.exceptions import UserError


class PosOrder(models.Model):
    _inherit = "pos.order"

    def _get_wallet_payments(self, scheme):
        """Return the lines that the wallet of a scheme pays."""
        return self.lines.filtered(lambda line: line._is_wallet_payment(scheme))

    def _get_wallet_top_ups(self, schemes):
        """Return the lines that put what they cost into a wallet."""
        products = schemes._get_top_up_products()
        return self._get_loyalty_sold_lines().filtered(
            lambda line: line.product_id in products
        )

    def _get_wallet_spent(self, scheme):
        """Return what the wallet pays of this order: what its lines take off.

        :return: not negative, in the scheme's currency
        :rtype: float
        """
        return self.currency_id._convert(
            self._get_wallet_payments(scheme)._get_loyalty_value(),
            scheme.currency_id,
            self.company_id,
            self.date_order,
        )

    # === SETTLEMENT === #

    def _uses_loyalty_account(self):
        return super()._uses_loyalty_account() or bool(
            self._get_wallet_top_ups(self._get_wallet_schemes())
        )

    def _get_wallet_schemes(self):
        """Return the schemes for whose wallets the order has products."""
        return self.env["loyalty.scheme"]._find_by_top_ups(self.lines.product_id)

    def _get_loyalty_buyer(self, scheme):
        member = super()._get_loyalty_buyer(scheme)
        payments = self._get_wallet_payments(scheme)
        # sudo: whose wallet it is matters also where the cashier cannot see it
        accounts_sudo = payments.coupon_id.sudo()
        if payments and (not member or accounts_sudo - member.wallet_account_id):
            raise UserError(
                self.env._(
                    "The wallet on this order is not that of its customer. Take it "
                    "off the order, choose the member, and use it again."
                )
            )
        if not member and self._get_wallet_top_ups(scheme):
            raise UserError(
                self.env._(
                    "Choose the member of %(scheme)s whose wallet is topped up.",
                    scheme=scheme.name,
                )
            )
        return member

    def _check_loyalty_redemptions(self, schemes):
        result = super()._check_loyalty_redemptions(schemes)
        for scheme in self._get_wallet_schemes() - schemes:
            if self._get_wallet_top_ups(scheme):
                raise UserError(
                    self.env._(
                        "This register does not serve wallets of %(scheme)s. Take the "
                        "top-up off the order.",
                        scheme=scheme.name,
                    )
                )
        return result

    def _prepare_loyalty_sale(self, scheme):
        sale = super()._prepare_loyalty_sale(scheme)
        top_ups = {
            line.uuid: line._get_top_up_amounts()
            for line in self._get_wallet_top_ups(scheme)
        }
        returns = any(line.refunded_orderline_id for line in self.lines)
        return replace(
            sale,
            lines=tuple(
                replace(line, tops_up=True, **top_ups[line.key])
                if line.key in top_ups
                else line
                for line in sale.lines
            ),
            wallet_spent=self._get_wallet_spent(scheme),
            top_up_kind="refund" if returns else "top_up",
        )

    # === RETURNS === #

    def _get_loyalty_discounts(self, origin):
        payments = self.browse(origin.res_id)._get_wallet_payments(origin.scheme_id)
        return super()._get_loyalty_discounts(origin) | payments

    def _get_loyalty_returned_part(self, origin, sale, line):
        if not line._is_wallet_payment(origin.scheme_id):
            return super()._get_loyalty_returned_part(origin, sale, line)
        return origin._get_returned_part(sale, origin._get_wallet_goods())

    # === HOLDS === #

    def _hold_loyalty_points(self):
        result = super()._hold_loyalty_points()
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        for scheme in self.config_id._get_loyalty_schemes():
            member = self._get_loyalty_buyer(scheme)
            if not member:
                continue
            sale = self._prepare_loyalty_sale(scheme)
            share = transaction_sudo._get_wallet_share(scheme, sale)
            transaction_sudo._check_wallet(member, scheme, sale, share)
            if share.credited:
                scheme._get_program("wallet")
            if member.wallet_account_id:
                member.wallet_account_id._hold(
                    self._get_loyalty_hold_owner(), share.spent
                )
        return result

    # === FOR THE TILL === #

    def _quote_loyalty_return(self, scheme):
        quote = super()._quote_loyalty_return(scheme)
        return {**quote, **self._quote_wallet_return(scheme)}

    def _quote_wallet_return(self, scheme):
        """Say what the return in this order does to the wallet of a scheme."""
        given = taken = 0
        for origin, sale in self._get_loyalty_returns():
            if origin.scheme_id == scheme:
                share = origin._get_returned_wallet(
                    sale, origin._match_returned_lines(sale)
                )
                given += share.spent
                taken += share.credited + share.cashback
        return {
            "wallet_given_back": float(given),
            "wallet_given_back_text": scheme._format_money(given),
            "wallet_taken_back": float(taken),
            "wallet_taken_back_text": scheme._format_money(taken),
        }
