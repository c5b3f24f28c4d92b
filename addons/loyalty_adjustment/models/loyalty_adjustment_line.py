# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.loyalty_ledger.ledger.move import Move, Op


class LoyaltyAdjustmentLine(models.Model):
    """One account of an adjustment, fixed when the adjustment is submitted."""

    _name = "loyalty.adjustment.line"
    _description = "Loyalty Adjustment Line"
    _order = "id"
    # Thousands are inserted by one statement; the header says who and when.
    _log_access = False

    adjustment_id = fields.Many2one(
        comodel_name="loyalty.adjustment",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    scheme_id = fields.Many2one(related="adjustment_id.scheme_id")
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    points = fields.Float(
        digits="Loyalty Points", readonly=True, help="Negative if points are taken."
    )
    state = fields.Selection(
        selection=[
            ("waiting", "Waiting"),
            ("posted", "Posted"),
            ("refused", "Refused"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        required=True,
        readonly=True,
    )
    message = fields.Char(string="Result", readonly=True)
    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    _member_unique = models.UniqueIndex(
        "(adjustment_id, member_id)", "An adjustment has one line per member."
    )
    _waiting_idx = models.Index("(adjustment_id, id) WHERE state = 'waiting'")

    @api.depends("member_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.member_id.display_name

    def _post(self):
        """Post lines of one adjustment, in a constant number of queries.

        A line that takes more than is on its account is refused; the others are posted.
        """
        adjustment = self.adjustment_id
        Ledger = self.env["loyalty.ledger"]
        self._open_accounts()
        Ledger._lock(self.account_id.ids)
        refused = self._get_refusals()
        good = self.filtered(lambda line: line not in refused)
        expiry_date = self.account_id[:1]._get_adjustment_expiry(
            1 if adjustment.kind == "add" else -1
        )
        entries = Ledger._post(line._prepare_move(expiry_date) for line in good)
        for line, entry in zip(good, entries, strict=True):
            line.write({"state": "posted", "entry_id": entry.id})
        for line, message in refused.items():
            line.write({"state": "refused", "message": message})

    def _open_accounts(self):
        """Open the accounts that members do not have yet, if points are added."""
        if self.adjustment_id.kind != "add":
            return
        missing = self.filtered(lambda line: not line.account_id)
        accounts = self.adjustment_id.scheme_id._get_accounts(missing.member_id)
        for line in missing:
            line.account_id = accounts[line.member_id.id]

    def _get_refusals(self):
        """Return the lines that take too many points, each with a sentence."""
        adjustment = self.adjustment_id
        if adjustment.kind == "add":
            return {}
        points = Decimal(str(adjustment.points))
        spendable = self.account_id._get_spendable()
        refused = {}
        for line in self:
            left = spendable.get(line.account_id.id, Decimal(0))
            if points <= left:
                # Members can share an account
                spendable[line.account_id.id] = left - points
                continue
            refused[line] = self.env._(
                "%(name)s has %(spendable)s available; this takes %(points)s.",
                name=line.member_id.display_name,
                spendable=adjustment.scheme_id._format_points(left),
                points=adjustment.scheme_id._format_points(points),
            )
        return refused

    def _prepare_move(self, expiry_date):
        """Return the move of one line; its key makes posting again harmless."""
        self.ensure_one()
        adjustment = self.adjustment_id
        return Move(
            account_id=self.account_id.id,
            key=f"adjustment:{self.id}",
            kind="adjust",
            op=Op.CREDIT if adjustment.kind == "add" else Op.DEBIT,
            points=Decimal(str(adjustment.points)),
            expiry_date=expiry_date,
            res_model=adjustment._name,
            res_id=adjustment.id,
            reason=adjustment.reason_id.name,
        )

    def _check_single(self):
        """Refuse an adjustment of a single account that could not be posted.

        :raise UserError: with the reason
        """
        if len(self) == 1 and self.state == "refused":
            raise UserError(self.message)
