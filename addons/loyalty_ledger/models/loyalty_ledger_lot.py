# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class LoyaltyLedgerLot(models.Model):
    """What is left of one credit, when it becomes available and when it expires.

    A lot with a negative amount is a debt: points that had to be taken back after
    they were spent. Later credits pay it off.
    """

    _name = "loyalty.ledger.lot"
    _description = "Loyalty Points Lot"
    _inherit = ["loyalty.append.only.mixin"]
    _order = "expiry_date, id"
    # Its entries say who moved its points and when
    _log_access = False

    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="account_id.partner_id")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        string="Credit",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    root_id = fields.Many2one(
        comodel_name="loyalty.ledger.lot",
        string="Came From",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The lot of another account as which these points came into being, before"
        " members were merged or unmerged.",
    )
    amount = fields.Float(digits="Loyalty Points", readonly=True)
    remaining = fields.Float(digits="Loyalty Points", readonly=True)
    state = fields.Selection(
        selection=[("pending", "Pending"), ("available", "Available")],
        required=True,
        readonly=True,
    )
    release_date = fields.Date(
        readonly=True,
        help="From this day on the points can be spent. Empty on a pending lot: not"
        " known yet, for instance because the order is not paid.",
    )
    expiry_date = fields.Date(
        readonly=True, help="The last day on which the points can be spent."
    )

    _remaining_in_range = models.Constraint(
        "CHECK (CASE WHEN amount >= 0 THEN remaining BETWEEN 0 AND amount"
        " ELSE remaining BETWEEN amount AND 0 END)",
        "A lot cannot hold more than it was made with, nor less than nothing.",
    )
    _open_idx = models.Index("(account_id, expiry_date, id) WHERE remaining <> 0")
    _debt_idx = models.Index("(account_id) WHERE remaining < 0")
    _release_idx = models.Index(
        "(release_date) WHERE remaining > 0 AND state = 'pending'"
    )
    _expiry_idx = models.Index(
        "(expiry_date) WHERE remaining > 0 AND state = 'available'"
    )

    @api.depends("remaining", "scheme_id", "expiry_date")
    def _compute_display_name(self):
        for lot in self:
            lot.display_name = lot.account_id._format_value(lot.remaining)
