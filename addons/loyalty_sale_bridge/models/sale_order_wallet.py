# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an order does to the wallet of its customer, beside points.

Odoo prices what the wallet pays, as a line of its own that is money and no discount.
"""

from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .sale_order_redeem import HOLD_MINUTES


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # === WHAT IS A WALLET === #

    def _loyalty_is_wallet(self, account):
        # sudo: what an account counts is no secret
        return account.sudo().ledger_kind == WALLET

    def _loyalty_get_top_ups(self):
        """Return the lines that put what they cost into a wallet."""
        schemes = self._loyalty_get_wallet_schemes()
        products = schemes._get_top_up_products()
        return self.order_line.filtered(
            lambda line: line.product_id in products and not line.is_reward_line
        )

    def _loyalty_get_wallet_schemes(self):
        """Return the schemes for whose wallets the order has products."""
        products = self.order_line.product_id
        return self.env["loyalty.scheme"]._find_by_top_ups(products)

    def _loyalty_get_top_up_problems(self):
        """Return why nobody's wallet can be topped up, as sentences."""
        self.ensure_one()
        schemes = self._loyalty_get_wallet_schemes()
        if not schemes:
            return []
        member = self._loyalty_get_member()
        problems = []
        for scheme_sudo in schemes:
            if scheme_sudo != member.scheme_id:
                problems.append(
                    self.env._(
                        "The customer is not a member of %(scheme)s, whose wallet is "
                        "topped up. Enrol the customer, or remove the top-up.",
                        scheme=scheme_sudo.name,
                    )
                )
                continue
            try:
                member._check_can_transact()
                scheme_sudo._get_program(WALLET)
            except UserError as error:
                problems.append(str(error))
        return problems

    def _loyalty_check_top_ups(self):
        """Refuse to take money for which no wallet is credited.

        :raise UserError: before it is paid
        """
        for order in self:
            problems = order._loyalty_get_top_up_problems()
            if problems and not order._loyalty_is_money_taken():
                raise UserError("\n".join(problems))

    # === USING IT === #

    def _get_reward_values_discount(self, reward, coupon, **kwargs):
        """Let a wallet pay for goods only, not for what tops it up."""
        values = super()._get_reward_values_discount(reward, coupon, **kwargs)
        program = reward.program_id
        if not program.ledger_managed or not program.is_payment_program:
            return values
        goods = sum(
            (self.order_line - self._loyalty_get_top_ups())
            .filtered(lambda line: line.reward_id != reward)
            .mapped("price_total")
        )
        paid = -sum(line.get("price_unit", 0.0) for line in values)
        if self.currency_id.compare_amounts(paid, goods) <= 0:
            return values
        if self.currency_id.compare_amounts(goods, 0) <= 0:
            raise UserError(
                self.env._("There is nothing on this order that the wallet can pay.")
            )
        return [
            {
                **values[0],
                "price_unit": -goods,
                "points_cost": self._loyalty_get_money(goods, program.currency_id),
            }
        ]

    def _loyalty_get_money(self, amount, currency):
        """Convert money of the order to the currency of a scheme."""
        return self.currency_id._convert(
            amount,
            currency,
            self.company_id,
            (self.date_order or fields.Datetime.now()).date(),
        )

    def _loyalty_hold(self, minutes=HOLD_MINUTES):
        self._loyalty_check_top_ups()
        return super()._loyalty_hold(minutes=minutes)

    def action_confirm(self):
        self._loyalty_check_top_ups()
        return super().action_confirm()

    def _loyalty_apply_account(self):
        res = super()._loyalty_apply_account()
        member = self._loyalty_get_member()
        if self._allow_nominative_programs() and member.state == "active":
            wallet = member.wallet_account_id.with_env(self.env)
            self.applied_coupon_ids |= wallet - self.applied_coupon_ids
        return res

    def _loyalty_get_program_status(self, program, member):
        """Say that a wallet is there to pay with; sales credit it by the ledger."""
        if not program.is_payment_program:
            return super()._loyalty_get_program_status(program, member)
        # Without an account there is nothing to pay with, and native would open one
        if member.scheme_id != program.scheme_id.sudo() or not member.wallet_account_id:
            return {"error": self.env._("The customer has no money in a wallet.")}
        return {"points": [0]}

    def _loyalty_get_spent(self, account):
        if self._loyalty_is_wallet(account):
            # sudo: what this very order has spent
            return self.sudo().loyalty_transaction_id.wallet_spent
        return super()._loyalty_get_spent(account)

    # === SETTLEMENT === #

    def _loyalty_prepare_sale(self, settle=False, strict=True):
        sale = super()._loyalty_prepare_sale(settle=settle, strict=strict)
        top_ups = {str(line.id) for line in self._loyalty_get_top_ups()}
        return replace(
            sale,
            lines=tuple(
                replace(line, tops_up=line.key in top_ups) for line in sale.lines
            ),
            wallet_spent=self._loyalty_get_wallet_spent(strict) if settle else 0,
        )

    def _loyalty_get_wallet_spent(self, strict=True):
        """Return what the wallet pays of the order, in the scheme's currency.

        :param bool strict: see ``_loyalty_get_redeemed``
        :rtype: float
        """
        self.ensure_one()
        spent = 0.0
        for account, amount in self._loyalty_get_used_points(sold=True).items():
            if self._loyalty_is_wallet(account):
                if not strict:
                    amount = self._loyalty_get_taken(account, amount)
                spent += account.sudo().currency_id.round(amount)
        return spent

    def _loyalty_get_takeable(self, account):
        if not self._loyalty_is_wallet(account):
            return super()._loyalty_get_takeable(account)
        available = self._loyalty_get_spendable(account, with_promise=False)
        if self.sudo().loyalty_transaction_id.state == "posted":
            return max(available, self._loyalty_get_spent(account))
        return available

    def _loyalty_check_rewards(self, strict=True):
        super()._loyalty_check_rewards(strict)
        problems = self._loyalty_get_top_up_problems()
        # sudo: whether the top-up is on the account already
        if not problems or self.sudo().loyalty_transaction_id.wallet_credited:
            return
        if strict:
            raise UserError("\n".join(problems))
        self._loyalty_report(
            self.env._("Money paid into no wallet"), "\n".join(problems)
        )

    def _loyalty_get_reward_price(self, lines, scheme):
        program = lines.reward_id.program_id[:1]
        if not program.is_payment_program:
            return super()._loyalty_get_reward_price(lines, scheme)
        given = -sum(lines.mapped("price_total")) - self.currency_id.rounding
        return self._loyalty_get_money(max(given, 0.0), scheme.currency_id)

    def _loyalty_report_shortage(self, account, missing):
        if not self._loyalty_is_wallet(account):
            return super()._loyalty_report_shortage(account, missing)
        note = self.env._(
            "This order was paid for when %(amount)s of what its wallet pays had been "
            "spent elsewhere.",
            amount=account._format_value(missing),
        )
        self._loyalty_report(self.env._("Wallet money that was no longer there"), note)
        return self._loyalty_record_anomaly(account, missing, note)

    def _loyalty_report_refusal(self, account, missing, refusal):
        if not self._loyalty_is_wallet(account):
            return super()._loyalty_report_refusal(account, missing, refusal)
        note = self.env._(
            "%(amount)s that the wallet should pay of this order were not taken: "
            "%(reason)s",
            amount=account._format_value(missing),
            reason=str(refusal),
        )
        self._loyalty_report(self.env._("Wallet money that was not taken"), note)
        return self._loyalty_record_anomaly(account, missing, note)
