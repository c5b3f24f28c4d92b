# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyTierTrialMove(models.TransientModel):
    """How many members would move from one tier to another."""

    _name = "loyalty.tier.trial.move"
    _description = "Members Who Would Move"
    _order = "way desc, member_count desc, id"

    trial_id = fields.Many2one(
        comodel_name="loyalty.tier.trial",
        required=True,
        index=True,
        ondelete="cascade",
    )
    from_id = fields.Many2one(
        comodel_name="loyalty.tier", readonly=True, ondelete="cascade"
    )
    to_id = fields.Many2one(
        comodel_name="loyalty.tier", readonly=True, ondelete="cascade"
    )
    way = fields.Selection(
        selection=[
            ("up", "At once"),
            ("down", "At the end of their period"),
        ],
        string="When",
        required=True,
        readonly=True,
    )
    member_count = fields.Integer(string="Members", readonly=True)
