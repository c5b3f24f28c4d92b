# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyMemberEventRaise(models.TransientModel):
    """Something that an administrator says has happened to a member."""

    _name = "loyalty.member.event.raise"
    _description = "Raise a Loyalty Event"

    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        ondelete="cascade",
        default=lambda self: self._default_member_id(),
    )
    event_id = fields.Many2one(
        comodel_name="loyalty.earn.event",
        required=True,
        ondelete="cascade",
        domain=[("manual", "=", True)],
    )
    description = fields.Text(related="event_id.description")
    store_id = fields.Many2one(comodel_name="loyalty.store", ondelete="cascade")

    def _default_member_id(self):
        if self.env.context.get("active_model") == "loyalty.member":
            return self.env.context.get("active_id")
        return False

    def action_raise(self):
        """Raise the event, once a day, and say what it gave."""
        self.ensure_one()
        return self.member_id._raise_and_tell(
            self.event_id.code,
            "loyalty_member.loyalty_member_group_manager",
            store=self.store_id,
        )
