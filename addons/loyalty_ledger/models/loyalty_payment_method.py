# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyPaymentMethod(models.Model):
    """A way to pay, in words that tills and shops share, for rules to ask about."""

    _name = "loyalty.payment.method"
    _description = "Loyalty Payment Method"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="What outside systems send with a sale, for instance “cash”.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    _code_unique = models.UniqueIndex(
        "(code)", "Another payment method already has this code."
    )
    _code_plain = models.Constraint(
        "CHECK (code ~ '^[a-z0-9_]+$')",
        "The code of a payment method is made of small letters, digits and _.",
    )
