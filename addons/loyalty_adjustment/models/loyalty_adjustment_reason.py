# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyAdjustmentReason(models.Model):
    """A reason for adjustments, which members read on their statement."""

    _name = "loyalty.adjustment.reason"
    _description = "Loyalty Adjustment Reason"
    _order = "sequence, id"

    name = fields.Char(
        required=True, translate=True, help="Members read it on their statement."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
