# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class LoyaltyTierAssign(models.TransientModel):
    """Asks for a tier that members get by hand, and why."""

    _name = "loyalty.tier.assign"
    _description = "Set Tier by Hand"

    member_ids = fields.Many2many(
        comodel_name="loyalty.member", string="Members", required=True
    )
    member_count = fields.Integer(compute="_compute_member_count")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme", compute="_compute_scheme_id"
    )
    tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        domain="[('scheme_id', '=', scheme_id)]",
        help="Empty takes the tier away.",
    )
    until = fields.Date(
        string="Last Day", help="After it the rules decide again. Empty: for ever."
    )
    reason = fields.Char(required=True)

    @api.depends("member_ids")
    def _compute_member_count(self):
        for wizard in self:
            wizard.member_count = len(wizard.member_ids)

    @api.depends("member_ids")
    def _compute_scheme_id(self):
        for wizard in self:
            wizard.scheme_id = wizard.member_ids.scheme_id[:1]

    @api.constrains("member_ids", "tier_id", "until")
    def _check_assignment(self):
        for wizard in self:
            schemes = wizard.member_ids.scheme_id | wizard.tier_id.scheme_id
            if len(schemes) > 1:
                raise ValidationError(
                    self.env._(
                        "The members and the tier belong to different schemes: choose"
                        " a tier of the members' scheme."
                    )
                )
            if wizard.until and wizard.until < fields.Date.context_today(wizard):
                raise ValidationError(
                    self.env._(
                        "The last day is over already. Choose a day from today on, or"
                        " leave it empty."
                    )
                )

    def action_assign(self):
        """Give the members the tier."""
        self.ensure_one()
        self.member_ids._set_tier(self.tier_id, self.reason, self.until)
        return {"type": "ir.actions.act_window_close"}
