# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class LoyaltyMemberBlock(models.TransientModel):
    _name = "loyalty.member.block"
    _description = "Block Loyalty Members"

    member_ids = fields.Many2many(
        comodel_name="loyalty.member",
        string="Members",
        default=lambda self: self._default_member_ids(),
        required=True,
    )
    reason = fields.Char(required=True)

    def _default_member_ids(self):
        if self.env.context.get("active_model") != "loyalty.member":
            return self.env["loyalty.member"]
        return self.env["loyalty.member"].browse(self.env.context.get("active_ids"))

    def action_block(self):
        """Block the members for the reason given."""
        self.ensure_one()
        self.member_ids.action_block(reason=self.reason)
        return {"type": "ir.actions.act_window_close"}
