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
        help="That of the household where the member who stays shares one.",
    )
    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        string="Arrived As",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Empty where there was nothing to carry over.",
    )
    back_entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        string="Gone Back As",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    moved_summary = fields.Char(string="Moved", compute="_compute_moved_summary")
    back_summary = fields.Char(string="Gone Back", compute="_compute_moved_summary")

    @api.depends("entry_id", "back_entry_id")
    def _compute_moved_summary(self):
        for line in self:
            line.moved_summary = line._summarize(line.entry_id)
            line.back_summary = line._summarize(line.back_entry_id)

    def _summarize(self, entry):
        """Say what an entry has carried, pending or not."""
        if not entry:
            return False
        if not entry.pending:
            return self.account_id._format_value(entry.amount)
        return self.env._(
            "%(available)s, and %(pending)s pending",
            available=self.account_id._format_value(entry.amount),
            pending=self.account_id._format_value(entry.pending),
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
            entry = line._carry(line.account_id, line.target_id)
            line.entry_id = entry[1:]
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
            lot_ids = line._find_lots_to_return()
            if lot_ids:
                line._check_can_return(lot_ids)
                entry = line._carry(line.target_id, line.account_id, frozenset(lot_ids))
                line.back_entry_id = entry[1:]

    def _carry(self, giver, taker, lot_ids=None):
        """Post what leaves one account and what arrives on the other.

        :param lot_ids: only these lots; all if omitted
        :return: the two entries; nothing where there is nothing to move
        """
        self.ensure_one()
        step = "merge" if lot_ids is None else "unmerge"
        reason = (
            self.env._("Two memberships became one")
            if lot_ids is None
            else self.env._("One membership became two again")
        )
        common = {"key": f"{step}:{self.merge_id.id}", "reason": reason}
        return (
            self.env["loyalty.ledger"]
            # No congratulations on points that are not new
            .with_context(loyalty_no_mail=True)
            ._post(
                [
                    Move(
                        account_id=giver.id,
                        kind="merge_out",
                        op=Op.CARRY_OUT,
                        lot_ids=lot_ids,
                        **common,
                    ),
                    Move(
                        account_id=taker.id,
                        kind="merge_in",
                        op=Op.CARRY_IN,
                        giver_id=giver.id,
                        **common,
                    ),
                ]
            )
        )

    def _find_lots_to_return(self):
        """Return the open lots that belong to the account which is separate again.

        Those that came from it, or through it, and those of its own sales: what a
        sale from before the merge has earned since is the duplicate's as well.

        :rtype: list[int]
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
        return [row[0] for row in rows]

    def _check_can_return(self, lot_ids):
        """Refuse to leave a debt where the points of others would have to pay.

        :raise UserError: with what is missing
        """
        lots = self.env["loyalty.ledger.lot"].browse(lot_ids)
        going = sum(
            lots.filtered(lambda lot: lot.state == "available").mapped("remaining")
        )
        left = self.target_id.points - going
        if going > 0 and float_compare(left, 0, precision_digits=DIGITS) < 0:
            raise UserError(
                self.env._(
                    "%(going)s would go back, but only %(points)s are on the account:"
                    " something is owed there. Settle that by an adjustment first.",
                    going=self.account_id._format_value(going),
                    points=self.account_id._format_value(self.target_id.points),
                )
            )
