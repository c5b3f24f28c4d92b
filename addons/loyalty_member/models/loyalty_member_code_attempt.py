# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class LoyaltyMemberCodeAttempt(models.Model):
    """One attempt to enter a one-time code, by whom and when, successful or not."""

    _name = "loyalty.member.code.attempt"
    _description = "Attempt at a One-Time Code"
    _order = "code_id desc, number"
    _rec_name = "number"

    code_id = fields.Many2one(
        comodel_name="loyalty.member.code",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="code_id.company_id")
    number = fields.Integer(required=True, readonly=True)

    _number_uniq = models.Constraint(
        "UNIQUE (code_id, number)", "This attempt has been counted already."
    )
