# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyMemberMergeWizard(models.TransientModel):
    _name = "loyalty.member.merge.wizard"
    _description = "Merge Loyalty Members"

    member_ids = fields.Many2many(
        comodel_name="loyalty.member",
        string="Members",
        default=lambda self: self._default_member_ids(),
        required=True,
    )
    winner_id = fields.Many2one(
        comodel_name="loyalty.member",
        string="Member Who Stays",
        compute="_compute_winner_id",
        store=True,
        readonly=False,
        required=True,
        ondelete="cascade",
        domain="[('id', 'in', member_ids)]",
    )
    reason = fields.Char(required=True)
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    # === DEFAULTS === #

    def _default_member_ids(self):
        if self.env.context.get("active_model") != "loyalty.member":
            return self.env["loyalty.member"]
        return self.env["loyalty.member"].browse(self.env.context.get("active_ids"))

    # === COMPUTE === #

    @api.depends("member_ids")
    def _compute_winner_id(self):
        """Propose who has been a member for longest among those who can stay."""
        for wizard in self:
            members = wizard.member_ids._origin
            active = members.filtered(lambda member: member.state == "active")
            if wizard.winner_id not in members:
                wizard.winner_id = (active or members).sorted("enrol_date")[:1]

    @api.depends("member_ids", "winner_id")
    def _compute_preview(self):
        for wizard in self:
            wizard.preview = self.env["ir.qweb"]._render(
                "loyalty_member.merge_preview", wizard._prepare_preview()
            )

    def _prepare_preview(self):
        """Return what the preview shows: the two sides, and what stands in the way."""
        self.ensure_one()
        winner, duplicates = self.winner_id._origin, self._get_duplicates()
        refusal = False
        try:
            winner._check_can_merge(duplicates)
        except UserError as error:
            refusal = str(error)
        return {
            "winner": winner,
            "duplicates": duplicates,
            "facts": {
                member.id: member._get_merge_facts() for member in winner | duplicates
            },
            "warnings": winner._get_merge_warnings(duplicates) if winner else [],
            "refusal": refusal,
        }

    def _get_duplicates(self):
        return self.member_ids._origin - self.winner_id._origin

    # === ACTIONS === #

    def action_merge(self):
        """Merge the members, and open the one who stays."""
        self.ensure_one()
        self.winner_id._merge(self._get_duplicates(), self.reason)
        return self.winner_id.get_formview_action()
