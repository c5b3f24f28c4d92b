# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyLedgerAllocation(models.Model):
    """What an entry put into a lot or took from it; append-only like the entry."""

    _name = "loyalty.ledger.allocation"
    _description = "Loyalty Ledger Allocation"
    _inherit = ["loyalty.append.only.mixin"]
    _order = "id"
    _rec_name = "lot_id"
    # Its entry says who posted it and when
    _log_access = False

    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    lot_id = fields.Many2one(
        comodel_name="loyalty.ledger.lot",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    amount = fields.Float(digits="Loyalty Points", readonly=True)
    is_settlement = fields.Boolean(
        readonly=True,
        help="New points that paid off a debt instead of staying in their lot.",
    )

    def init(self):
        result = super().init()
        self.env["loyalty.ledger.entry"]._guard_table(self._table)
        return result
