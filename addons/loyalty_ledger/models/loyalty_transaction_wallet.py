# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a sale does to the wallet of its member, beside points."""

from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import round_to_step
from ..ledger.flow import CASHBACK, PAY, TOP_UP, WALLET, WALLET_FLOWS, WalletShare
from ..ledger.move import Move, Op
from .loyalty_transaction import exact

ZERO = Decimal(0)


class LoyaltyTransaction(models.Model):
    _inherit = "loyalty.transaction"

    wallet_account_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="Wallet",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    scheme_currency_id = fields.Many2one(
        related="scheme_id.currency_id", string="Currency of the Scheme"
    )
    wallet_spent = fields.Monetary(
        string="Paid with Wallet",
        currency_field="scheme_currency_id",
        readonly=True,
        help="On a return: what is paid back to the wallet.",
    )
    wallet_credited = fields.Monetary(
        string="Put into Wallet",
        currency_field="scheme_currency_id",
        readonly=True,
        help="On a return: what is taken back of it.",
    )
    wallet_cashback = fields.Monetary(
        string="Cashback",
        currency_field="scheme_currency_id",
        readonly=True,
        help="On a return: the cashback taken back.",
    )

    # === QUOTE === #

    def _quote_spending(self, member, scheme, sale):
        """Add the wallet of the member, if the scheme has wallets.

        ``wallet`` is ``False`` or has ``account_id``, and the floats ``balance``,
        ``spendable`` and ``most``, what the wallet may pay of the sale.
        """
        quote = super()._quote_spending(member, scheme, sale)
        return {**quote, "wallet": self._quote_wallet(member, scheme, sale)}

    def _quote_wallet(self, member, scheme, sale):
        if not member or not scheme.has_wallet:
            return False
        account_sudo = member.sudo().wallet_account_id
        spendable = ZERO
        if account_sudo and self._get_refusal(member, scheme) is None:
            spendable = account_sudo._get_spendable(exclude_owner=sale.hold_owner)[
                account_sudo.id
            ]
        most = min(spendable, self._get_wallet_limit(scheme, sale))
        return {
            "account_id": account_sudo.id,
            "balance": account_sudo.points,
            "balance_text": scheme._format_money(account_sudo.points),
            "spendable": float(spendable),
            "most": float(max(most, ZERO)),
        }

    def _get_wallet_limit(self, scheme, sale):
        """Return the most that a wallet may pay of a sale, as Decimal.

        A wallet does not pay for what tops it up.
        """
        payable = sum(
            (
                amount
                for line, amount in self._convert(scheme, sale, "amount_incl")
                if not line.tops_up
            ),
            ZERO,
        )
        return round_to_step(payable, scheme._get_coin(), "HALF-UP")

    # === RECORD === #

    def _get_wallet_share(self, scheme, sale, result=None):
        """Return what a sale does to the wallet of its member.

        :param result: what the engine gives for the sale; without it no cashback
        :rtype: WalletShare
        """
        return WalletShare(
            spent=exact(sale.wallet_spent),
            top_ups={
                line.key: round_to_step(amount, scheme._get_coin(), "HALF-UP")
                for line, amount in self._convert(scheme, sale, "amount_incl")
                if line.tops_up
            },
            cashback=result.wallet if result else ZERO,
            cashback_lines=result.wallet_lines if result else {},
        )

    def _open_wallets(self, scheme, sales, results):
        """Return the wallets that sales of one scheme move, opening missing ones.

        :param sales: list of (loyalty.member, Sale)
        :param results: what the engine gives for each
        :return dict: loyalty.card by id of the member
        """
        members = self.env["loyalty.member"].union(
            *(
                member
                for (member, sale), result in zip(sales, results, strict=True)
                if sale.wallet_spent
                or result.wallet
                or any(line.tops_up for line in sale.lines)
            )
        )
        return scheme._get_accounts(members, WALLET) if members else {}

    def _check_wallet(self, member, scheme, sale, share, paid_before=ZERO):
        """Refuse what a wallet may not do.

        :param WalletShare share: what the sale does to the wallet
        :param Decimal paid_before: what the wallet has paid of this sale already
        :raise UserError: with a sentence for the cashier
        """
        if not share.spent.is_finite() or share.spent < 0:
            raise ValidationError(
                self.env._(
                    "%(amount)s cannot be paid with the wallet.", amount=share.spent
                )
            )
        if any(amount < 0 for amount in share.top_ups.values()):
            raise ValidationError(
                self.env._("A wallet is topped up with an amount above zero.")
            )
        if share.spent <= paid_before and not share.credited:
            return
        member.ensure_one()._check_can_transact()
        if share.spent <= paid_before:
            return
        limit = self._get_wallet_limit(scheme, sale)
        if share.spent > limit:
            raise UserError(
                self.env._(
                    "The wallet can pay at most %(limit)s of this receipt, not"
                    " %(amount)s: what tops it up is paid another way.",
                    limit=scheme._format_money(max(limit, ZERO)),
                    amount=scheme._format_money(share.spent),
                )
            )

    def _prepare_wallet_row(self, wallet, sale, result, share):
        return {
            "wallet_account_id": wallet.id if wallet else None,
            "wallet_spent": share.spent,
            "wallet_credited": share.credited,
            "wallet_cashback": share.cashback,
            "trace": self._get_trace(sale, result, share),
        }

    def _get_trace(self, sale, result, share):
        """Return the explanation of a sale, as it is kept."""
        wallet = [
            {"code": code, "amount": str(share.total(flow))}
            for code, flow in (("wallet_pay", PAY), (sale.top_up_kind, TOP_UP))
            if share.total(flow)
        ]
        return [*result.trace, *wallet, *sale.notes]

    def _prepare_wallet_moves(self, id_, scheme, wallet, sale, share, revision=0):
        """Return what a sale moves on a wallet: first what it pays.

        :param wallet: loyalty.card, or ``None`` if the sale moves nothing on one
        :param WalletShare share: the amounts to move
        """
        return [
            self._prepare_wallet_move(
                flow, id_, scheme, wallet, sale, share.total(flow), revision
            )
            for flow in WALLET_FLOWS
            if share.total(flow) > 0
        ]

    def _prepare_wallet_move(self, flow, id_, scheme, wallet, sale, amount, revision):
        kind = sale.top_up_kind if flow is TOP_UP else flow.kind
        day = sale.date.date()
        values = {
            "account_id": wallet.id,
            "key": f"{kind}:{id_}:{revision}",
            "kind": kind,
            "points": amount,
            "date": sale.date,
            "transaction_id": id_,
            "slide_to": scheme._get_slide_date(day, wallet),
        }
        if flow.spends:
            return Move(**values, op=Op.DEBIT, hold_owner=sale.hold_owner)
        return Move(
            **values,
            op=Op.PEND if self._is_pending(scheme, sale) else Op.CREDIT,
            expiry_date=scheme._get_expiry_date(day, wallet),
        )

    # === REVISE, RETURN === #

    def _prepare_wallet_revision(self, sale, share, revision):
        """Return the moves by which the wallet follows a revised sale."""
        self.ensure_one()
        scheme = self.scheme_id
        changes = {
            flow: self._get_change(flow.total, share.total(flow))
            for flow in WALLET_FLOWS
        }
        if any(change > 0 for change in changes.values()):
            self._check_wallet(
                self.member_id, scheme, sale, share, exact(self.wallet_spent)
            )
            if not self.wallet_account_id:
                self.wallet_account_id = scheme._get_account(self.member_id, WALLET)
        moves = []
        for flow, change in changes.items():
            if change < 0 and flow.spends:
                moves += self._prepare_restore(-change, revision, flow=flow)
            elif change < 0:
                moves.append(self._prepare_take_back(-change, revision, flow=flow))
        moves += [
            self._prepare_wallet_move(
                flow,
                self.id,
                scheme,
                self.wallet_account_id,
                sale,
                change,
                revision,
            )
            for flow, change in changes.items()
            if change > 0
        ]
        return moves

    def _get_returned_wallet(self, sale, lines):
        """Return what a return does to the wallet.

        What lines have put into it is taken back line by line; what it had paid is
        paid back in proportion to the goods. The last return takes the rounding rest.

        :param lines: as ``_match_returned_lines`` has them
        :rtype: WalletShare
        """
        if not self.wallet_account_id:
            return WalletShare()
        coin = self.scheme_id._get_coin()
        top_ups = self._get_returned_points(sale, lines, "wallet_credited", coin)
        cashback_lines = self._get_returned_points(sale, lines, "wallet_cashback", coin)
        return WalletShare(
            spent=self._get_returned_payment(sale),
            top_ups=top_ups,
            cashback=sum(cashback_lines.values(), ZERO),
            cashback_lines=cashback_lines,
        )

    def _get_returned_payment(self, sale):
        """Return what a return pays back of what the wallet had paid, as Decimal.

        :param Sale sale: the return, recorded or not
        """
        part = self._get_returned_part(sale, self._get_wallet_goods())
        due = round_to_step(
            exact(self.wallet_spent) * part, self.scheme_id._get_coin(), "HALF-UP"
        )
        before = sum(
            (exact(other.wallet_spent) for other in self._get_earlier_returns(sale)),
            ZERO,
        )
        return max(due - before, ZERO)

    def _get_wallet_goods(self):
        """Return the lines that a wallet can have paid for."""
        return self.line_ids.filtered(
            lambda line: not line.is_reward and not line.wallet_credited
        )

    def _prepare_wallet_return(self, share, returned):
        """Return the moves of a return on the wallet.

        :param WalletShare share: what it pays back and takes back
        :param returned: the loyalty.transaction of the return
        """
        moves = []
        for flow in WALLET_FLOWS:
            amount = share.total(flow)
            if amount and flow.spends:
                moves += self._prepare_restore(amount, 0, returned, flow)
            elif amount:
                moves.append(self._prepare_take_back(amount, 0, returned, flow))
        return moves

    def _add_wallet_to_return(self, row, line_rows, share):
        """Complete the rows of a return with what it does to the wallet."""
        row.update(
            wallet_account_id=self.wallet_account_id.id or None,
            wallet_spent=share.spent,
            wallet_credited=share.credited,
            wallet_cashback=share.cashback,
        )
        row["trace"] += [
            {"code": f"return_{flow.kind}", "amount": str(share.total(flow))}
            for flow in WALLET_FLOWS
            if share.total(flow)
        ]
        for line_row in line_rows:
            key = line_row["external_id"]
            line_row.update(
                wallet_credited=share.top_ups.get(key, ZERO),
                wallet_cashback=share.cashback_lines.get(key, ZERO),
            )

    # === PENDING === #

    def _start_pending(self, day, paid=True, delivered=True):
        """Let money that was paid in be spent as soon as it is paid.

        Only what a purchase gives waits for the days in which goods may come back.
        """
        topped_up = self.sudo().filtered("wallet_credited")
        if topped_up and paid:
            kinds = (TOP_UP.kind, *TOP_UP.others)
            self.env["loyalty.ledger"]._schedule_release(topped_up, day, kinds)
            if day <= fields.Date.today():
                topped_up._release_due()
        return super()._start_pending(day, paid, delivered)

    # === FOR PEOPLE === #

    def _get_summary(self):
        """Add the wallet: ``wallet`` is ``False`` or has texts for a human."""
        summary = super()._get_summary()
        sudo = self.sudo()
        scheme, wallet = sudo.scheme_id, sudo.wallet_account_id
        summary["wallet"] = bool(wallet) and {
            "balance_text": scheme._format_money(wallet.points),
            **{
                f"{name}_text": sudo[flow.total]
                and scheme._format_money(sudo[flow.total])
                for name, flow in (
                    ("spent", PAY),
                    ("credited", TOP_UP),
                    ("cashback", CASHBACK),
                )
            },
        }
        return summary

    def _explain_wallet_pay(self, item):
        return self.env._(
            "%(amount)s were paid with the wallet.", amount=self._format_item(item)
        )

    def _explain_top_up(self, item):
        return self.env._(
            "%(amount)s were paid into the wallet.", amount=self._format_item(item)
        )

    def _explain_refund(self, item):
        return self.env._(
            "%(amount)s were refunded to the wallet.", amount=self._format_item(item)
        )

    def _explain_return_wallet_pay(self, item):
        return self.env._(
            "%(amount)s that the wallet had paid were paid back to it.",
            amount=self._format_item(item),
        )

    def _explain_return_top_up(self, item):
        return self.env._(
            "%(amount)s were taken back from the wallet.",
            amount=self._format_item(item),
        )

    def _explain_return_cashback(self, item):
        return self.env._(
            "Cashback of %(amount)s was taken back.", amount=self._format_item(item)
        )

    def _format_item(self, item):
        return self.scheme_id._format_money(item["amount"])
