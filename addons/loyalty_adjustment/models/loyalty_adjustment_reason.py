# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyAdjustmentReason(models.Model):
    """Why balances are corrected, in words that the member may read."""

    _name = "loyalty.adjustment.reason"
    _description = "Loyalty Adjustment Reason"
    _order = "sequence, id"

    name = fields.Char(
        required=True, translate=True, help="The member reads it on the statement."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
