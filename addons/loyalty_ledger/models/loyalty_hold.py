# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class LoyaltyHold(models.Model):
    """Value set aside for an order or a payment until captured or released."""

    _name = "loyalty.hold"
    _description = "Loyalty Hold"
    _order = "id desc"
    _rec_name = "owner"

    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="account_id.partner_id")
    scheme_id = fields.Many2one(related="account_id.program_id.scheme_id")
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    owner = fields.Char(
        required=True,
        readonly=True,
        help="The order or payment for which the points are set aside.",
    )
    amount = fields.Float(digits="Loyalty Points", readonly=True)
    deadline = fields.Datetime(required=True, readonly=True)
    state = fields.Selection(
        selection=[
            ("active", "Active"),
            ("captured", "Captured"),
            ("released", "Released"),
            ("expired", "Timed out"),
        ],
        required=True,
        readonly=True,
        default="active",
    )

    _owner_unique = models.UniqueIndex(
        "(account_id, owner) WHERE state = 'active'",
        "These points are set aside for this order already.",
    )
    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "A hold must set points aside."
    )
    _deadline_idx = models.Index("(deadline) WHERE state = 'active'")

    @api.autovacuum
    def _gc_timed_out(self, limit=1000):
        """Free what nobody captured in time.

        :return: (number freed, whether more are left)
        """
        now = fields.Datetime.now()
        holds = self.search(
            [("state", "=", "active"), ("deadline", "<", now)],
            order="account_id, id",
            limit=limit,
        )
        holds.account_id._free_timed_out_holds(now)
        return len(holds), len(holds) == limit
