# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, float_compare

from ..ledger.flow import POINTS, WALLET
from ..ledger.move import Move, Op

DIGITS = 4


class LoyaltyMemberMergeAccount(models.Model):
    """One account whose points went to another when members were merged."""

    _name = "loyalty.member.merge.account"
    _description = "Account of a Merged Member"
    _order = "id"
    _rec_name = "account_id"

    merge_id = fields.Many2one(
        comodel_name="loyalty.member.merge",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="merge_id.company_id", store=True, index="btree_not_null"
    )
    kind = fields.Selection(
        selection=[(POINTS, "Points"), (WALLET, "Wallet")], required=True, readonly=True
    )
    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="From",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    target_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="To",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The account that the remaining member uses.",
    )
    moved = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        help="Less than zero where something was owed.",
    )
    moved_pending = fields.Float(digits="Loyalty Points", readonly=True)
    returned = fields.Float(digits="Loyalty Points", readonly=True)
    returned_pending = fields.Float(digits="Loyalty Points", readonly=True)
    moved_summary = fields.Char(string="Carried Over", compute="_compute_summaries")
    returned_summary = fields.Char(string="Given Back", compute="_compute_summaries")

    @api.depends("moved", "moved_pending", "returned", "returned_pending")
    def _compute_summaries(self):
        for line in self:
            line.moved_summary = line._summarize(line.moved, line.moved_pending)
            line.returned_summary = line.merge_id.state == "undone" and line._summarize(
                line.returned, line.returned_pending
            )

    def _summarize(self, available, pending):
        """Say what was carried, pending or not."""
        if not pending:
            return self.account_id._format_value(available)
        return self.env._(
            "%(available)s, and %(pending)s pending",
            available=self.account_id._format_value(available),
            pending=self.account_id._format_value(pending),
        )

    # === BUSINESS === #

    def _carry_over(self):
        """Let the points of each account go to the account of who stays.

        :raise UserError: while an order has points of the account on hold
        """
        accounts = self.account_id | self.target_id
        self.env["loyalty.ledger"]._lock(accounts.ids)
        self.account_id._check_no_holds()
        for line in self:
            lots = line.env["loyalty.ledger.lot"].search(
                [("account_id", "=", line.account_id.id), ("remaining", "!=", 0)]
            )
            entries = line._carry("merge", line.account_id, line.target_id, lots)
            line.moved = sum(entries.mapped("amount"))
            line.moved_pending = sum(entries.mapped("pending"))
            line.account_id._set_successor(line.target_id)

    def _carry_back(self):
        """Let what came from each account, and is still there, go back.

        :raise UserError: while an order has points on hold, or if others than those
            that came would be taken
        """
        accounts = self.account_id | self.target_id
        self.env["loyalty.ledger"]._lock(accounts.ids)
        self.target_id._check_no_holds()
        for line in self:
            line.account_id._set_successor(line.browse().account_id)
            lots = line._find_lots_to_return()
            line._check_can_return(lots)
            entries = line._carry("unmerge", line.target_id, line.account_id, lots)
            line.returned = sum(entries.mapped("amount"))
            line.returned_pending = sum(entries.mapped("pending"))

    def _carry(self, step, giver, taker, lots):
        """Post what leaves one account and what arrives on the other.

        :param str step: ``merge`` or ``unmerge``
        :param lots: loyalty.ledger.lot
        :return: what arrived, loyalty.ledger.entry
        """
        self.ensure_one()
        debts = lots.filtered(lambda lot: lot.remaining < 0)
        moves = []
        for key, part in (
            (f"{step}:{self.merge_id.id}", lots - debts),
            (f"{step}-debt:{self.merge_id.id}", debts),
        ):
            if part:
                moves += self._prepare_moves(step, key, giver, taker, part)
        # No congratulations on points that are not new
        Ledger = self.env["loyalty.ledger"].with_context(loyalty_no_mail=True)
        return Ledger._post(moves).filtered(lambda entry: entry.account_id == taker)

    def _prepare_moves(self, step, key, giver, taker, lots):
        if step == "merge":
            reason = self.env._("Two memberships became one")
        else:
            reason = self.env._("One membership became two again")
        return [
            Move(
                account_id=giver.id,
                key=key,
                kind="merge_out",
                op=Op.CARRY_OUT,
                lot_ids=frozenset(lots.ids),
                reason=reason,
            ),
            Move(
                account_id=taker.id,
                key=key,
                kind="merge_in",
                op=Op.CARRY_IN,
                giver_id=giver.id,
                reason=reason,
            ),
        ]

    def _find_lots_to_return(self):
        """Return the open lots that belong to the account which is separate again.

        Those that came from it, or through it, and those of its own sales: what a
        sale from before the merge has earned since is the duplicate's as well.

        :rtype: loyalty.ledger.lot
        """
        self.ensure_one()
        self.env["loyalty.ledger.lot"].flush_model()
        # One statement: accounts that were merged into the account before come along
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE family AS (
                    SELECT %(account)s AS id
                     UNION
                    SELECT card.id
                      FROM loyalty_card card
                      JOIN family ON card.ledger_successor_id = family.id
                )
                SELECT lot.id
                  FROM loyalty_ledger_lot lot
                  LEFT JOIN loyalty_ledger_lot root ON root.id = lot.root_id
                  LEFT JOIN loyalty_transaction sale ON sale.id = lot.transaction_id
                 WHERE lot.account_id = %(target)s AND lot.remaining <> 0
                   AND (root.account_id IN (SELECT id FROM family)
                        OR sale.account_id IN (SELECT id FROM family)
                        OR sale.wallet_account_id IN (SELECT id FROM family))
                 ORDER BY lot.id
                """,
                account=self.account_id.id,
                target=self.target_id.id,
            )
        )
        return self.env["loyalty.ledger.lot"].browse(row[0] for row in rows)

    def _check_can_return(self, lots):
        """Refuse to leave a debt where the points of others would have to pay.

        :raise UserError: with what is missing
        """
        available = lots.filtered(lambda lot: lot.state == "available")
        going = sum(available.mapped("remaining"))
        left = self.target_id.points - going
        if going > 0 and float_compare(left, 0, precision_digits=DIGITS) < 0:
            raise UserError(
                self.env._(
                    "%(going)s would go back, but only %(points)s are on the account:"
                    " something is owed there. Correct that balance first.",
                    going=self.account_id._format_value(going),
                    points=self.account_id._format_value(self.target_id.points),
                )
            )
