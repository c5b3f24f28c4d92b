# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from math import isfinite

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.tools import SQL, format_date

from ..engine import reverse, round_to_step
from ..ledger.flow import EARN, FLOWS, REDEEM, TOP_UP, WALLET
from ..ledger.move import Move, Op

_logger = logging.getLogger(__name__)
ZERO = Decimal(0)
ONE = Decimal(1)


# Prices and quantities repeat, and an import converts each of them several times
@lru_cache(maxsize=65536)
def exact(value):
    """Return a float of the database as the Decimal that was meant."""
    return Decimal(str(round(value or 0.0, 6)))


class LoyaltyTransaction(models.Model):
    """A sale or a return as loyalty sees it, whatever the channel.

    Records are made by ``_record``, ``_record_many`` and ``_record_return`` alone.
    """

    _name = "loyalty.transaction"
    _description = "Loyalty Transaction"
    _order = "date desc, id desc"
    _rec_name = "name"

    name = fields.Char(readonly=True)
    kind = fields.Selection(
        selection=[("sale", "Sale"), ("return", "Return")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        selection=[("posted", "Posted"), ("cancelled", "Cancelled")],
        required=True,
        readonly=True,
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="member_id.partner_id")
    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    store_id = fields.Many2one(
        comodel_name="loyalty.store",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    channel_id = fields.Many2one(
        comodel_name="loyalty.channel",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    reference = fields.Char(
        required=True,
        readonly=True,
        help="Identifies the sale within its channel. The same reference is never"
        " recorded twice.",
    )
    date = fields.Datetime(required=True, readonly=True)
    currency_id = fields.Many2one(
        comodel_name="res.currency",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    amount_total = fields.Monetary(string="Amount", readonly=True)
    base_amount = fields.Float(
        string="Earned On",
        digits="Loyalty Points",
        readonly=True,
        help="The amount that earned points, in the scheme's currency.",
    )
    points_earned = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        help="On a return: the points taken back.",
    )
    points_redeemed = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        help="On a return: the points given back.",
    )
    payments = fields.Char(
        string="Payment Methods",
        readonly=True,
        help="Codes of what the sale was paid with, separated by commas.",
    )
    revision = fields.Integer(readonly=True)
    digest = fields.Char(readonly=True)
    trace = fields.Json(readonly=True)
    origin_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        string="Returned Sale",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    return_ids = fields.One2many(
        comodel_name="loyalty.transaction",
        inverse_name="origin_id",
        string="Returns",
        readonly=True,
    )
    line_ids = fields.One2many(
        comodel_name="loyalty.transaction.line",
        inverse_name="transaction_id",
        string="Lines",
        readonly=True,
    )
    entry_ids = fields.One2many(
        comodel_name="loyalty.ledger.entry",
        inverse_name="transaction_id",
        string="Entries",
        readonly=True,
    )
    explanation = fields.Html(compute="_compute_explanation")
    res_model = fields.Char(string="Document Model", readonly=True)
    res_id = fields.Many2oneReference(
        model_field="res_model", string="Document", readonly=True
    )

    _reference_unique = models.UniqueIndex(
        "(channel_id, reference)", "This sale has been recorded already."
    )
    _member_date_idx = models.Index("(member_id, date DESC)")
    _scheme_date_idx = models.Index("(scheme_id, date, id)")
    _document_idx = models.Index("(res_model, res_id) WHERE res_id IS NOT NULL")

    @api.depends("trace")
    def _compute_explanation(self):
        for transaction in self:
            transaction.explanation = self.env["ir.qweb"]._render(
                "loyalty_ledger.transaction_explanation",
                {
                    "sentences": transaction._explain(),
                    "skipped": transaction._explain_skipped_rules(),
                },
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        raise UserError(
            self.env._("Transactions are kept for ever. Cancel the sale instead.")
        )

    def action_open_document(self):
        """Open the order behind the transaction."""
        self.ensure_one()
        if not self.res_model or not self.res_id:
            raise UserError(
                self.env._("%(name)s was reported from outside.", name=self.name)
            )
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    def action_view_entries(self):
        """Open the ledger entries of this transaction."""
        return self.env["loyalty.ledger.entry"]._get_action(
            [
                "|",
                ("transaction_id", "in", self.ids),
                ("source_transaction_id", "in", self.ids),
            ]
        )

    # === QUOTE === #

    @api.model
    def _quote(self, member, scheme, sale):
        """Say what a sale would earn and could spend. Writes nothing.

        :param member: loyalty.member, empty for a guest
        :param scheme: loyalty.scheme
        :param Sale sale: the sale so far
        :return dict: ``points``, ``pending``, ``available_on``, ``expiry``,
            ``lines`` (points by line key); and for members ``balance``,
            ``balance_value``, ``pending_balance``, ``ending`` (when some of it expires
            next), ``spendable``,
            ``spendable_value``, ``max_redeem``, ``min_redeem``. Points and money are
            floats, dates are ``False`` where there is none.
        """
        scheme.ensure_one()
        result = self._evaluate(scheme, [(member, sale)])[0]
        return self._prepare_quote(member, scheme, sale, result)

    def _prepare_quote(self, member, scheme, sale, result):
        """Return what ``_quote`` says.

        :param result: what the engine gives for the sale
        """
        day = sale.date.date()
        pending = self._is_pending(scheme, sale)
        quote = {
            "points": float(result.points),
            "pending": pending,
            "available_on": pending and scheme._get_release_date(day),
            "expiry": scheme._get_expiry_date(day, member.account_id) or False,
            "lines": {key: float(points) for key, points in result.lines.items()},
            "unit": scheme.point_name_plural,
            "point_value": float(scheme._get_point_value()),
        }
        return {**quote, **self._quote_spending(member, scheme, sale)}

    def _quote_spending(self, member, scheme, sale):
        """Return what a member has and may spend on a sale."""
        # The first sale opens the account; asking does not
        account = member.account_id if member else None
        spendable, ending = (
            account._get_standing(exclude_owner=sale.hold_owner)[account.id]
            if account
            else (ZERO, None)
        )
        balance = account.sudo().points if account else 0.0
        return {
            "balance": balance,
            "balance_value": scheme._points_to_money(balance),
            "pending_balance": account.sudo().ledger_pending if account else 0.0,
            "ending": ending or False,
            "spendable": float(spendable),
            "spendable_value": scheme._points_to_money(spendable),
            "max_redeem": float(self._get_max_redeem(scheme, sale, spendable)),
            "min_redeem": scheme.redeem_minimum,
        }

    def _get_max_redeem(self, scheme, sale, spendable):
        """Return the most points that may be spent on a sale.

        Limited by what is there and by the share of the receipt, rounded down to
        whole steps; zero if that is less than the least allowed.
        """
        step = scheme._get_step()
        points = min(
            round_to_step(spendable, step, "DOWN"),
            self._get_receipt_limit(scheme, sale),
        )
        return points if points >= exact(scheme.redeem_minimum) else ZERO

    def _get_receipt_limit(self, scheme, sale):
        """Return the most points that a receipt takes, whoever pays it."""
        payable = sum(
            (
                amount
                for line, amount in self._convert(scheme, sale, "amount_incl")
                if not line.is_reward
            ),
            ZERO,
        )
        payable *= exact(scheme.redeem_max_share) / 100
        # Up, so that the last coin of a receipt can be paid as well
        rounding = "UP" if scheme.redeem_max_share == 100 else "DOWN"
        return max(
            round_to_step(
                payable / scheme._get_point_value(), scheme._get_step(), rounding
            ),
            ZERO,
        )

    def _convert(self, scheme, sale, field):
        """Yield each line with its amount in the scheme's currency, at the sale's day.

        The amounts are not rounded: points are rounded, once, by the engine.
        """
        rate = self._get_rate(sale, scheme.currency_id)
        for line in sale.lines:
            yield line, exact(getattr(line, field)) * rate

    def _get_rate(self, sale, currency):
        """Return by what a sale's amounts are multiplied, as Decimal."""
        if sale.currency_id == currency.id:
            return Decimal(1)
        rate = self.env["res.currency"]._get_conversion_rate(
            self.env["res.currency"].browse(sale.currency_id),
            currency,
            self.env["res.company"].browse(sale.company_id),
            sale.date.date(),
        )
        return Decimal(repr(rate))

    def _is_pending(self, scheme, sale):
        if sale.pending is not None:
            return sale.pending
        channel = self.env["loyalty.channel"]._get_by_code(sale.channel)
        return scheme._is_pending_channel(channel)

    # === RECORD === #

    @api.model
    def _record(self, member, sale):
        """Record a sale, or what has changed in it since it was recorded.

        :param member: loyalty.member who bought
        :param Sale sale: the whole sale as it is now
        :return: loyalty.transaction
        :raise UserError: too few points; a redemption by a blocked member or in a
            closed scheme; a scheme without a program
        """
        return self._record_many([(member, sale)])

    @api.model
    def _record_many(self, sales):
        """Record many sales in a constant number of queries a scheme.

        Sales that were recorded before are compared: what has changed is posted as
        a difference, what has not is left alone.

        :param sales: list of (loyalty.member, Sale)
        :return: loyalty.transaction, in the order of ``sales``
        :raise UserError: see ``_record``; then none of the sales is recorded
        """
        sales = [(member._get_survivor(), sale) for member, sale in sales]
        known = self._find_recorded(sale for _member, sale in sales)
        fresh = defaultdict(list)
        for member, sale in sales:
            transaction = known.get((sale.channel, sale.reference))
            if transaction:
                transaction._revise(member, sale)
            else:
                fresh[member.scheme_id].append((member, sale))
        for scheme, group in fresh.items():
            for (_member, sale), transaction in zip(
                group, self._create_in_rounds(scheme, group), strict=True
            ):
                known[sale.channel, sale.reference] = transaction
        return self.browse(
            known[sale.channel, sale.reference].id for _member, sale in sales
        )

    @api.model
    def _find_recorded(self, sales):
        """Return the transactions of sales recorded before.

        :return dict: loyalty.transaction by (channel code, reference)
        """
        references = defaultdict(set)
        for sale in sales:
            references[sale.channel].add(sale.reference)
        found = {}
        # sudo: a reference is taken, whoever may see it
        for code, codes in references.items():
            channel = self.env["loyalty.channel"]._get_by_code(code)
            for transaction_sudo in self.sudo().search(
                [("channel_id", "=", channel.id), ("reference", "in", list(codes))]
            ):
                found[code, transaction_sudo.reference] = transaction_sudo
        return found

    def _create_in_rounds(self, scheme, sales):
        """Record sales of one scheme that are new.

        Where the rules ask about the past, each member's sales come one after the
        other.

        :return: loyalty.transaction in superuser mode, in the order of ``sales``
        """
        self._check_once(sales)
        rules = scheme._get_rules()
        if not rules.asks_history:
            return self._create_recorded(scheme, sales, rules)
        rounds, seen = defaultdict(list), defaultdict(int)
        for member, sale in sales:
            rounds[seen[member]].append((member, sale))
            seen[member] += 1
        made = {}
        for group in rounds.values():
            for (_member, sale), transaction in zip(
                group, self._create_recorded(scheme, group, rules), strict=True
            ):
                made[sale.channel, sale.reference] = transaction.id
        return self.sudo().browse(
            made[sale.channel, sale.reference] for _member, sale in sales
        )

    def _create_recorded(self, scheme, sales, rules):
        """Record sales of one scheme that are new.

        What rules ask about the past of a member cannot change meanwhile: posting
        locks the account, and PostgreSQL refuses who has an outdated view of it.
        Only a budget is shared by many.

        :return: loyalty.transaction in superuser mode, in the order of ``sales``
        """
        members = self.env["loyalty.member"].union(*(member for member, _s in sales))
        accounts = scheme._get_accounts(members)
        self.env["loyalty.earn.budget"]._queue_up(rules)
        rows, line_rows, moves = [], [], []
        ids = self.env["loyalty.ledger"]._next_ids(self._table, len(sales))
        categories = self._get_categories(sales)
        results = self._evaluate(scheme, sales, rules)
        wallets = self._open_wallets(scheme, sales, results)
        for id_, (member, sale), result in zip(ids, sales, results, strict=True):
            self._check_redeem(member, scheme, sale)
            account, wallet = accounts[member.id], wallets.get(member.id)
            share = self._get_wallet_share(scheme, sale, result)
            self._check_wallet(member, scheme, sale, share)
            rows.append(
                self._prepare_row(id_, member, account, sale, result)
                | self._prepare_wallet_row(wallet, sale, result, share)
            )
            line_rows += self._prepare_line_rows(id_, sale, result, categories, share)
            moves += self._prepare_moves(id_, scheme, account, sale, result)
            moves += self._prepare_wallet_moves(id_, scheme, wallet, sale, share)
        self._insert(rows, line_rows)
        self.env["loyalty.earn.award"]._add(scheme, sales, ids, results)
        self.env["loyalty.ledger"]._post(moves)
        # sudo: who sells need not have rights on loyalty records
        transactions = self.sudo().browse(ids)
        transactions._remember(rows)
        transactions._after_post()
        return transactions

    def _remember(self, rows):
        """Spare those who look at new transactions from reading them again.

        :param rows: as they were inserted, in the order of these
        """
        for name in (
            "kind",
            "state",
            "scheme_id",
            "member_id",
            "account_id",
            "wallet_account_id",
            "date",
            "origin_id",
            "revision",
            "points_earned",
            "points_redeemed",
            "wallet_spent",
            "wallet_credited",
            "wallet_cashback",
        ):
            field = self._fields[name]
            for transaction, row in zip(self, rows, strict=True):
                value = field.convert_to_cache(row[name], transaction, validate=False)
                field._update_cache(transaction, value)

    def _after_post(self):
        """Do what follows once sales or returns have been posted, changed or cancelled.

        A hook for other modules: the ledger knows all about them by now.
        """

    def _check_once(self, sales):
        """Refuse a delivery that names a sale, or a line of a sale, twice.

        :raise ValidationError: with what occurs twice
        """
        for _member, sale in sales:
            if len({line.key for line in sale.lines}) < len(sale.lines):
                raise ValidationError(
                    self.env._(
                        "A line occurs twice in %(sale)s.",
                        sale=sale.name or sale.reference,
                    )
                )
        references = [(sale.channel, sale.reference) for _member, sale in sales]
        if len(set(references)) < len(references):
            raise ValidationError(
                self.env._("The same sale occurs twice in one delivery.")
            )

    def _check_redeem(self, member, scheme, sale):
        """Refuse a redemption that is not allowed.

        :raise UserError: with a sentence for the cashier
        """
        # What is no number can neither be compared nor rounded
        redeemed = sale.redeemed or 0
        if not isfinite(redeemed) or redeemed < 0:
            raise ValidationError(
                self.env._(
                    "%(points)s cannot be spent.",
                    points=scheme._format_points(redeemed),
                )
            )
        points = exact(redeemed)
        if not points:
            return
        member.ensure_one()._check_can_transact()
        if points < exact(scheme.redeem_minimum):
            raise UserError(
                self.env._(
                    "At least %(minimum)s must be spent at a time, not %(points)s.",
                    minimum=scheme._format_points(scheme.redeem_minimum),
                    points=scheme._format_points(points),
                )
            )
        limit = self._get_receipt_limit(scheme, sale)
        if points > limit:
            raise UserError(
                self.env._(
                    "This receipt takes at most %(limit)s, not %(points)s.",
                    limit=scheme._format_points(limit),
                    points=scheme._format_points(points),
                )
            )

    def _get_categories(self, sales):
        """Return the category id by product id."""
        product_ids = {
            line.product_id for _member, sale in sales for line in sale.lines
        } - {None}
        if not product_ids:
            return {}
        # The field is related, which the ORM reads product by product: too slow for
        # an import. The category of what was sold is no secret to who sells it.
        self.env["product.template"].flush_model(["categ_id"])
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT product.id, template.categ_id
                      FROM product_product product
                      JOIN product_template template
                        ON template.id = product.product_tmpl_id
                     WHERE product.id = ANY(%s)
                    """,
                    list(product_ids),
                )
            )
        )

    def _prepare_row(self, id_, member, account, sale, result):
        channel = self.env["loyalty.channel"]._get_by_code(sale.channel)
        return {
            "id": id_,
            "name": sale.name or sale.reference,
            "kind": "sale",
            "state": "posted",
            "scheme_id": member.scheme_id.id,
            "member_id": member.id,
            "account_id": account.id,
            "company_id": sale.company_id,
            "store_id": sale.store_id or None,
            "channel_id": channel.id,
            "reference": sale.reference,
            "date": sale.date.replace(microsecond=0),
            "currency_id": sale.currency_id,
            "amount_total": sum(exact(line.amount_incl) for line in sale.lines),
            "base_amount": result.base,
            "points_earned": result.points,
            "points_redeemed": exact(sale.redeemed),
            "revision": 0,
            "digest": sale.digest(),
            "trace": [*result.trace, *sale.notes],
            "origin_id": None,
            "res_model": sale.res_model,
            "res_id": sale.res_id,
            "payments": ",".join(sorted(sale.payments)) or None,
        }

    def _prepare_line_rows(self, id_, sale, result, categories, share):
        return [
            {
                "transaction_id": id_,
                "company_id": sale.company_id,
                "external_id": line.key,
                "name": line.name,
                "product_id": line.product_id,
                "category_id": categories.get(line.product_id, line.category_id),
                "quantity": exact(line.quantity),
                "amount_incl": exact(line.amount_incl),
                "amount_excl": exact(line.amount_excl),
                "discount_incl": exact(line.discount_incl),
                "discount_excl": exact(line.discount_excl),
                "base": result.bases.get(line.key, ZERO),
                "points": result.lines.get(line.key, ZERO),
                "wallet_credited": share.top_ups.get(line.key, ZERO),
                "wallet_cashback": share.cashback_lines.get(line.key, ZERO),
                "is_reward": line.is_reward,
                "eligible": line.eligible,
                "origin_line_id": None,
            }
            for line in sale.lines
        ]

    def _prepare_moves(self, id_, scheme, account, sale, result):
        """Return what a new sale moves: first what it spends, then what it earns."""
        moves = []
        redeemed = exact(sale.redeemed)
        if redeemed:
            moves.append(self._prepare_redeem(id_, scheme, account, sale, redeemed, 0))
        if result.points:
            moves.append(
                self._prepare_earn(id_, scheme, account, sale, result.points, 0)
            )
        return moves

    def _prepare_redeem(self, id_, scheme, account, sale, points, revision):
        return Move(
            account_id=account.id,
            key=f"redeem:{id_}:{revision}",
            kind="redeem",
            op=Op.DEBIT,
            points=points,
            date=sale.date,
            transaction_id=id_,
            hold_owner=sale.hold_owner,
            slide_to=scheme._get_slide_date(sale.date.date(), account),
        )

    def _prepare_earn(self, id_, scheme, account, sale, points, revision):
        day = sale.date.date()
        return Move(
            account_id=account.id,
            key=f"earn:{id_}:{revision}",
            kind="earn",
            op=Op.PEND if self._is_pending(scheme, sale) else Op.CREDIT,
            points=points,
            date=sale.date,
            expiry_date=scheme._get_expiry_date(day, account),
            transaction_id=id_,
            slide_to=scheme._get_slide_date(day, account),
        )

    def _insert(self, rows, line_rows):
        """Insert transactions and lines.

        Plain SQL: one statement a table however many there are. A reference that
        another transaction has taken meanwhile makes Odoo run the call again.
        """
        ledger = self.env["loyalty.ledger"]
        ledger._insert_dicts(
            self,
            {
                "id": "int4",
                "name": "varchar",
                "kind": "varchar",
                "state": "varchar",
                "scheme_id": "int4",
                "member_id": "int4",
                "account_id": "int4",
                "company_id": "int4",
                "store_id": "int4",
                "channel_id": "int4",
                "reference": "varchar",
                "date": "timestamp",
                "currency_id": "int4",
                "amount_total": "numeric",
                "base_amount": "numeric",
                "points_earned": "numeric",
                "points_redeemed": "numeric",
                "wallet_account_id": "int4",
                "wallet_spent": "numeric",
                "wallet_credited": "numeric",
                "wallet_cashback": "numeric",
                "revision": "int4",
                "digest": "varchar",
                "trace": "jsonb",
                "origin_id": "int4",
                "res_model": "varchar",
                "res_id": "int4",
                "payments": "varchar",
            },
            rows,
            SQL("ON CONFLICT (channel_id, reference) DO NOTHING"),
        )
        if self.env.cr.rowcount < len(rows):
            raise ConcurrencyError(
                self.env._("The same sale is being recorded by another process.")
            )
        self._insert_lines(line_rows)

    def _insert_lines(self, line_rows):
        self.env["loyalty.ledger"]._insert_dicts(
            self.env["loyalty.transaction.line"],
            {
                "transaction_id": "int4",
                "company_id": "int4",
                "external_id": "varchar",
                "name": "varchar",
                "product_id": "int4",
                "category_id": "int4",
                "quantity": "numeric",
                "amount_incl": "numeric",
                "amount_excl": "numeric",
                "discount_incl": "numeric",
                "discount_excl": "numeric",
                "base": "numeric",
                "points": "numeric",
                "wallet_credited": "numeric",
                "wallet_cashback": "numeric",
                "is_reward": "bool",
                "eligible": "bool",
                "origin_line_id": "int4",
            },
            line_rows,
        )

    # === REVISE, CANCEL, RETURN === #

    def _revise(self, member, sale):
        """Post what has changed in a sale since it was recorded."""
        self.ensure_one()
        if not self.member_id._is_same_person(member):
            raise ValidationError(
                self.env._(
                    "%(name)s was recorded for another member already.", name=self.name
                )
            )
        if self.kind != "sale":
            raise ValidationError(
                self.env._("%(name)s is a return, not a sale.", name=self.name)
            )
        if self.digest == sale.digest() and self.state == "posted":
            return
        self._lock_sales()
        scheme, member = self.scheme_id, self.member_id
        rules = scheme._get_rules()
        self.env["loyalty.earn.budget"]._queue_up(rules)
        result = self._evaluate(scheme, [(member, sale)], rules)[0]
        revision = self.revision + 1
        share = self._get_wallet_share(scheme, sale, result)
        moves = self._prepare_revision(sale, result, revision)
        moves += self._prepare_wallet_revision(sale, share, revision)
        self.env["loyalty.ledger"]._post(moves)
        self._rewrite(sale, result, share, revision)
        self.env["loyalty.earn.award"]._change(self, sale, result)
        self._after_post()

    def _prepare_revision(self, sale, result, revision):
        """Return the moves by which the points of a revised sale change."""
        member, account, scheme = self.member_id, self.account_id, self.scheme_id
        earned = self._get_change("points_earned", result.points)
        redeemed = self._get_change("points_redeemed", exact(sale.redeemed))
        if redeemed > 0:
            self._check_redeem(member, scheme, sale)
        moves = []
        if earned < 0:
            moves.append(self._prepare_take_back(-earned, revision))
        if redeemed < 0:
            moves += self._prepare_restore(-redeemed, revision)
        if redeemed > 0:
            moves.append(
                self._prepare_redeem(self.id, scheme, account, sale, redeemed, revision)
            )
        if earned > 0:
            moves.append(
                self._prepare_earn(self.id, scheme, account, sale, earned, revision)
            )
        return moves

    def _lock_sales(self):
        """Let nobody else revise, return or cancel these sales at the same time.

        A change that moves no points leaves the account as it is, so that one who
        waited for the account would go on with an outdated view; writing to the sale
        makes PostgreSQL refuse that view, and Odoo runs the call again.
        """
        self._follow_merges()
        self.env["loyalty.ledger"]._lock(self._get_accounts().ids)
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_transaction SET write_date = now() AT TIME ZONE 'UTC'
                 WHERE id = ANY(%s)
                """,
                self.ids,
            )
        )

    def _follow_merges(self):
        """Bring sales over that were recorded while their member was being merged.

        The merge has not seen them, and they have moved nothing: what moves points
        waits for the lock of the account, and then finds the member who stays.
        """
        for transaction in self:
            for name in ("account_id", "wallet_account_id"):
                account = transaction[name]
                if account.ledger_successor_id:
                    transaction[name] = account._get_current()
                    transaction.member_id = transaction.member_id._get_survivor()

    def _get_accounts(self):
        """Return the accounts on which these sales move something."""
        return self.account_id | self.wallet_account_id

    def _get_change(self, field, value):
        """Return what is to be posted for a sale to come to ``value``.

        What returns have reversed is reversed already, before and after.
        """
        returned = self._get_returned_total(field)
        return max(value - returned, ZERO) - max(exact(self[field]) - returned, ZERO)

    def _get_returned_total(self, field):
        """Return what the returns that stand have reversed."""
        returns = self.return_ids.filtered(lambda t: t.state == "posted")
        return sum((exact(other[field]) for other in returns), ZERO)

    def _rewrite(self, sale, result, share, revision):
        """Bring the record in line with a revised sale; the entries tell the story."""
        self.line_ids.filtered(
            lambda line: line.external_id not in {new.key for new in sale.lines}
        )._retire()
        kept = {line.external_id: line for line in self.line_ids}
        categories = self._get_categories([(None, sale)])
        new_rows = []
        for row in self._prepare_line_rows(self.id, sale, result, categories, share):
            line = kept.get(row["external_id"])
            if not line:
                new_rows.append(row)
                continue
            line.write(
                {
                    name: float(row[name])
                    for name in (
                        "quantity",
                        "amount_incl",
                        "amount_excl",
                        "discount_incl",
                        "discount_excl",
                        "base",
                        "points",
                        "wallet_credited",
                        "wallet_cashback",
                    )
                }
            )
        self.flush_model()
        self._insert_lines(new_rows)
        self.invalidate_recordset(["line_ids"])
        self.write(
            {
                "state": "posted",
                "amount_total": float(
                    sum(exact(line.amount_incl) for line in sale.lines)
                ),
                "base_amount": float(result.base),
                "points_earned": float(result.points),
                "points_redeemed": sale.redeemed,
                "wallet_spent": float(share.spent),
                "wallet_credited": float(share.credited),
                "wallet_cashback": float(share.cashback),
                "revision": revision,
                "digest": sale.digest(),
                "trace": self._get_trace(sale, result, share),
            }
        )

    def _get_undo_entries(self, kinds):
        """Return the ids of the entries that moved the points of these sales."""
        return tuple(
            self.env["loyalty.ledger.entry"]
            .sudo()
            .search(
                [
                    ("source_transaction_id", "in", self.ids),
                    ("kind", "in", kinds),
                ],
                order="id",
            )
            .ids
        )

    def _prepare_take_back(self, points, step, transaction=None, flow=EARN):
        """Return the move that takes back what this sale has put on an account."""
        transaction = transaction or self
        return Move(
            account_id=self[flow.account].id,
            key=f"{flow.back}:{transaction.id}:{step}",
            kind=flow.back,
            op=Op.TAKE_BACK,
            points=points,
            transaction_id=transaction.id,
            source_transaction_id=self.id,
            undo=self._get_undo_entries(flow.kinds),
            shortfall=self.scheme_id._get_shortfall(),
        )

    def _prepare_restore(self, points, step, transaction=None, flow=REDEEM):
        """Return the moves that give back what this sale has spent of an account."""
        transaction = transaction or self
        account = self[flow.account]
        return self._surround_restore(
            Move(
                account_id=account.id,
                key=f"{flow.back}:{transaction.id}:{step}",
                kind=flow.back,
                op=Op.RESTORE,
                points=points,
                expiry_date=self._get_restored_expiry(account),
                transaction_id=transaction.id,
                source_transaction_id=self.id,
                undo=self._get_undo_entries(flow.kinds),
            )
        )

    def _surround_restore(self, move):
        """Return a move that gives back points with what follows from their last day.

        What else has expired meanwhile leaves its lots first, so that neither a new
        last day nor the expiry at once is about other points than those given back.
        """
        revive_until = self.scheme_id._get_revival_date()
        expire = Move(
            account_id=move.account_id,
            key=f"expire:{move.key}",
            kind="expire",
            op=Op.EXPIRE,
            day=fields.Date.today(),
        )
        if revive_until:
            return [expire, replace(move, revive_until=revive_until)]
        return [
            expire,
            move,
            replace(
                expire,
                key=f"expired:{move.key}",
                transaction_id=move.transaction_id,
                source_transaction_id=move.source_transaction_id,
                reason=self.env._("Their last day was over when they were given back"),
            ),
        ]

    def _get_restored_expiry(self, account):
        """Return the last day of what cannot go back into its own lots."""
        return self.scheme_id._get_expiry_date(fields.Date.today(), account)

    def _cancel(self, reason=None):
        """Reverse everything that still stands of these sales or returns.

        Cancelling again does nothing.

        :param str reason: for the explanation
        """
        standing = self.sudo().filtered(lambda t: t.state == "posted")
        for transaction in standing:
            (transaction.origin_id or transaction)._lock_sales()
            if transaction.kind == "sale":
                transaction._cancel_sale()
            elif transaction.origin_id.state == "posted":
                # A cancelled sale has nothing left that a return could give back
                transaction._cancel_return()
            transaction.write(
                {
                    "state": "cancelled",
                    "revision": transaction.revision + 1,
                    "points_earned": 0.0,
                    "points_redeemed": 0.0,
                    "wallet_spent": 0.0,
                    "wallet_credited": 0.0,
                    "wallet_cashback": 0.0,
                    "trace": [
                        *(transaction.trace or []),
                        {"code": "cancelled", "reason": reason or ""},
                    ],
                }
            )
        self.env["loyalty.earn.award"]._take_out(standing)
        standing._after_post()

    def _cancel_sale(self):
        step = self.revision + 1
        moves = []
        for flow in FLOWS:
            moved = -self._get_change(flow.total, ZERO)
            if moved <= 0:
                continue
            if flow.spends:
                moves += self._prepare_restore(moved, step, flow=flow)
            else:
                moves.append(self._prepare_take_back(moved, step, flow=flow))
        self.env["loyalty.ledger"]._post(moves)

    def _cancel_return(self):
        """Earn and spend again what a return had reversed, lot by lot."""
        self.env["loyalty.anomaly"]._void(self)
        moves = []
        entries = self.entry_ids.sorted("id")
        # Not the accounts of the entries: members may have been merged meanwhile
        for kind, own in entries.grouped(lambda e: e.account_id.ledger_kind).items():
            account = self.wallet_account_id if kind == WALLET else self.account_id
            moves += self._prepare_cancelled_return(account, own)
        self.env["loyalty.ledger"]._post(moves)

    def _prepare_cancelled_return(self, account, entries):
        """Return the moves that undo what a return has done to an account.

        :param entries: what the return has posted there
        """
        moves = []
        step = self.revision + 1
        common = {
            "account_id": account.id,
            "transaction_id": self.id,
            "source_transaction_id": self.origin_id.id,
        }
        expired = entries.filtered(lambda e: e.kind == "expire")
        if expired:
            # What was given back too late to be spent is there to be spent again
            moves.append(
                Move(
                    **common,
                    key=f"expire:{self.id}:{step}",
                    kind="expire",
                    op=Op.RESTORE,
                    points=-sum((exact(e.amount) for e in expired), ZERO),
                    undo=tuple(expired.ids),
                )
            )
        for flow in reversed(FLOWS):
            own = entries.filtered(lambda e, kind=flow.back: e.kind == kind)
            moved = abs(sum((exact(e.amount + e.pending) for e in own), ZERO))
            if not moved:
                continue
            move = Move(
                **common,
                key=f"{flow.kind}:{self.id}:{step}",
                kind=flow.kind,
                op=Op.TAKE_BACK if flow.spends else Op.RESTORE,
                points=moved,
                undo=tuple(own.ids),
            )
            if flow.spends:
                shortfall = self.scheme_id._get_shortfall()
                moves.append(replace(move, shortfall=shortfall))
            else:
                expiry_date = self._get_restored_expiry(account)
                moves += self._surround_restore(replace(move, expiry_date=expiry_date))
        return moves

    def _record_return(self, sale):
        """Record that goods of this sale came back.

        Each line takes back the points it earned, in proportion to what of it comes
        back; what the sale had spent is given back in proportion to the goods. The
        last return takes the rounding rest of both. Recording the same return again
        does nothing.

        :param Sale sale: the return; its lines name the sold ones by ``origin_key``,
            with positive quantities and amounts
        :return: loyalty.transaction of kind "return"
        :raise ValidationError: a line that this sale does not have
        """
        origin = self.sudo().ensure_one()
        known = self._find_recorded([sale])
        if known:
            return next(iter(known.values()))
        origin._lock_sales()
        if origin.state != "posted":
            raise ValidationError(
                self.env._(
                    "%(name)s was cancelled: nothing of it can come back.",
                    name=origin.name,
                )
            )
        lines = origin._match_returned_lines(sale)
        taken = origin._get_returned_points(sale, lines)
        earned = sum(taken.values(), ZERO)
        redeemed = origin._get_returned_redemption(sale)
        id_ = self.env["loyalty.ledger"]._next_ids(self._table, 1)[0]
        share = origin._get_returned_wallet(sale, lines)
        row, line_rows = origin._prepare_return_rows(id_, sale, lines, taken, redeemed)
        origin._add_wallet_to_return(row, line_rows, share)
        self._insert([row], line_rows)
        returned = self.sudo().browse(id_)
        moves = []
        if earned:
            moves.append(origin._prepare_take_back(earned, 0, returned))
        if redeemed:
            moves += origin._prepare_restore(redeemed, 0, returned)
        moves += origin._prepare_wallet_return(share, returned)
        self.env["loyalty.ledger"]._post(moves)
        origin.invalidate_recordset(["return_ids"])
        returned._after_post()
        return returned

    def _quote_return(self, sale):
        """Say what a return would do to points. Writes nothing.

        :param Sale sale: as for ``_record_return``
        :return: the points taken back, and the points given back
        :rtype: tuple[Decimal, Decimal]
        """
        self.ensure_one()
        taken = self._get_returned_points(sale, self._match_returned_lines(sale))
        return sum(taken.values(), ZERO), self._get_returned_redemption(sale)

    def _match_returned_lines(self, sale):
        """Return the sold line, loyalty.transaction.line, by key of the return line.

        :raise ValidationError: a line that this sale does not have
        """
        sold = {line.external_id: line for line in self.line_ids}
        for line in sale.lines:
            if line.origin_key not in sold:
                raise ValidationError(
                    self.env._(
                        "%(line)s was not sold on %(name)s.",
                        line=line.name or line.key,
                        name=self.name,
                    )
                )
        return {line.key: sold[line.origin_key] for line in sale.lines}

    def _get_earlier_returns(self, sale):
        """Return the returns that stand, other than the one at hand."""
        return self.return_ids.filtered(
            lambda other: other.state == "posted" and other.reference != sale.reference
        )

    def _get_returned_points(self, sale, lines, field="points", step=None):
        """Return the points that a return takes back.

        :param lines: as ``_match_returned_lines`` has them
        :param str field: what is taken back of each line
        :param Decimal step: of what is taken back; that of points if omitted
        :return dict: Decimal by key of the return line
        """
        step = step or self.scheme_id._get_step()
        quantities, amounts = self._get_returned_before(sale)
        points = defaultdict(Decimal)
        for earlier in self._get_earlier_returns(sale).line_ids:
            points[earlier.origin_line_id] += exact(earlier[field])
        taken = {}
        for line in sale.lines:
            sold = lines[line.key]
            quantities[sold] += abs(exact(line.quantity))
            amounts[sold] += abs(exact(line.amount_incl))
            back = sold._get_returned_amount(quantities[sold], amounts[sold])
            total = abs(exact(sold.amount_incl))
            if not total:
                # Given away, and yet it may have earned: on its price before discounts
                back, total = quantities[sold], abs(exact(sold.quantity))
            taken[line.key] = reverse(
                exact(sold[field]), back / total if total else ONE, points[sold], step
            )
            points[sold] += taken[line.key]
        return taken

    def _get_returned_before(self, sale):
        """Return what earlier returns have brought back of each sold line.

        :return: the quantities and the amounts, Decimal by loyalty.transaction.line
        :rtype: tuple[dict, dict]
        """
        quantities, amounts = defaultdict(Decimal), defaultdict(Decimal)
        for earlier in self._get_earlier_returns(sale).line_ids:
            quantities[earlier.origin_line_id] += abs(exact(earlier.quantity))
            amounts[earlier.origin_line_id] += abs(exact(earlier.amount_incl))
        return quantities, amounts

    def _get_returned_redemption(self, sale):
        """Return the spent points of this sale that a return gives back, as Decimal."""
        before = sum(
            (exact(t.points_redeemed) for t in self._get_earlier_returns(sale)), ZERO
        )
        return reverse(
            exact(self.points_redeemed),
            self._get_returned_part(sale),
            before,
            self.scheme_id._get_step(),
        )

    def _get_returned_part(self, sale, goods=None):
        """Return which part of the goods sold has come back with a return.

        :param Sale sale: the return, recorded or not
        :param goods: the sold lines to look at; all goods if omitted
        :return: Decimal up to 1; 0 if nothing was sold for money
        """
        self.ensure_one()
        if goods is None:
            goods = self.line_ids.filtered(lambda line: not line.is_reward)
        goods = {line.external_id: line for line in goods}
        quantities, amounts = self._get_returned_before(sale)
        for line in sale.lines:
            if line.origin_key in goods:
                quantities[goods[line.origin_key]] += abs(exact(line.quantity))
                amounts[goods[line.origin_key]] += abs(exact(line.amount_incl))
        total = sum((abs(exact(sold.amount_incl)) for sold in goods.values()), ZERO)
        back = sum(
            (
                sold._get_returned_amount(quantities[sold], amounts[sold])
                for sold in goods.values()
            ),
            ZERO,
        )
        return back / total if total else ZERO

    def _prepare_return_rows(self, id_, sale, lines, taken, redeemed):
        channel = self.env["loyalty.channel"]._get_by_code(sale.channel)
        earned = sum(taken.values(), ZERO)
        row = {
            "id": id_,
            "name": sale.name or sale.reference,
            "kind": "return",
            "state": "posted",
            "scheme_id": self.scheme_id.id,
            "member_id": self.member_id.id,
            "account_id": self.account_id.id,
            "company_id": sale.company_id,
            "store_id": sale.store_id or None,
            "channel_id": channel.id,
            "reference": sale.reference,
            "date": sale.date.replace(microsecond=0),
            "currency_id": sale.currency_id,
            "amount_total": -sum(exact(line.amount_incl) for line in sale.lines),
            "base_amount": ZERO,
            "points_earned": earned,
            "points_redeemed": redeemed,
            "revision": 0,
            "digest": sale.digest(),
            "trace": [
                {
                    "code": "return",
                    "sale": self.name,
                    "points": str(earned),
                    "redeemed": str(redeemed),
                },
                *sale.notes,
            ],
            "origin_id": self.id,
            "res_model": sale.res_model,
            "res_id": sale.res_id,
            "payments": None,
        }
        line_rows = [
            {
                "transaction_id": id_,
                "company_id": sale.company_id,
                "external_id": line.key,
                "name": line.name,
                "product_id": line.product_id,
                "category_id": lines[line.key].category_id.id or None,
                "quantity": exact(line.quantity),
                "amount_incl": exact(line.amount_incl),
                "amount_excl": exact(line.amount_excl),
                "discount_incl": exact(line.discount_incl),
                "discount_excl": exact(line.discount_excl),
                "base": ZERO,
                "points": taken[line.key],
                "is_reward": lines[line.key].is_reward,
                "eligible": line.eligible,
                "origin_line_id": lines[line.key].id,
            }
            for line in sale.lines
        ]
        return row, line_rows

    # === PENDING === #

    def _start_pending(self, day, paid=True, delivered=True):
        """Start the waiting time of pending points.

        A bridge calls this when what the points may wait for has happened: the sale is
        paid, or the goods are delivered. Calling it again changes nothing.

        :param date day: the day on which it happened
        :param bool paid: whether the sales are paid by now
        :param bool delivered: whether their goods are delivered by now
        """
        for scheme, transactions in self._filter_pending().grouped("scheme_id").items():
            if not scheme._is_wait_started(paid, delivered):
                continue
            release_date = scheme._get_release_date(day)
            self.env["loyalty.ledger"]._schedule_release(
                transactions,
                release_date,
                # Nobody spends money that has not come
                but=() if paid else (TOP_UP.kind, *TOP_UP.others),
            )
            if release_date <= fields.Date.today():
                transactions._release_due()

    def _filter_pending(self):
        """Return, in superuser mode, the sales of which something is pending."""
        lots = self.env["loyalty.ledger.lot"].sudo()
        return lots.search_fetch(
            [("transaction_id", "in", self.ids), ("state", "=", "pending")],
            ["transaction_id"],
        ).transaction_id

    def _release_due(self):
        """Make pending points available whose day has come."""
        day = fields.Date.today()
        self.env["loyalty.ledger"]._post(
            Move(
                account_id=account.id,
                key=f"release:{account.ledger_sequence + 1}",
                kind="release",
                op=Op.RELEASE,
                day=day,
            )
            for account in self.sudo()._get_accounts()
        )

    # === FOR PEOPLE === #

    def _get_summary(self):
        """Return what a receipt or a confirmation page says about a transaction.

        :return dict: floats ``earned``, ``redeemed``, ``balance``, ``pending``; the
            same as text under ``…_text``; ``available_on`` and ``expiry`` as text
            or ``False``; ``scheme``, ``unit``, ``member``, ``kind``; ``badge``, see
            ``loyalty.member._get_badge``
        """
        self.ensure_one()
        sudo = self.sudo()
        scheme, account = sudo.scheme_id, sudo.account_id
        # Not lot_ids: it grows with every purchase the member ever made
        lots = sudo.env["loyalty.ledger.lot"].search_fetch(
            [("account_id", "=", account.id), ("remaining", ">", 0)],
            ["transaction_id", "state", "remaining", "release_date", "expiry_date"],
        )
        own = lots.filtered(lambda lot: lot.transaction_id == self)
        waiting = own.filtered(lambda lot: lot.state == "pending")
        ending = lots.filtered(
            lambda lot: lot.state == "available" and lot.expiry_date
        ).sorted("expiry_date")[:1]
        dates = [lot.release_date for lot in waiting if lot.release_date]
        return {
            "kind": sudo.kind,
            "scheme": scheme.name,
            "unit": scheme.point_name_plural,
            "member": sudo.member_id.display_name,
            "badge": sudo.member_id._get_badge(),
            "earned": sudo.points_earned,
            "earned_text": scheme._format_points(sudo.points_earned),
            "redeemed": sudo.points_redeemed,
            "redeemed_text": scheme._format_points(sudo.points_redeemed),
            "redeemed_value": scheme._format_points_value(sudo.points_redeemed),
            "pending": sum(waiting.mapped("remaining")),
            "available_on": bool(dates) and format_date(self.env, min(dates)),
            "balance": account.points,
            "balance_text": scheme._format_points(account.points),
            "balance_value": scheme._format_points_value(account.points),
            "expiry": bool(ending)
            and self.env._(
                "%(points)s expire on %(date)s",
                points=scheme._format_points(
                    sum(
                        lot.remaining
                        for lot in lots
                        if lot.state == "available"
                        and lot.expiry_date == ending.expiry_date
                    )
                ),
                date=format_date(self.env, ending.expiry_date),
            ),
        }
