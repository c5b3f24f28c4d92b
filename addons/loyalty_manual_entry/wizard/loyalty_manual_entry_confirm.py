# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyManualEntryConfirm(models.TransientModel):
    """Ask for the code with which a member confirms a receipt."""

    _name = "loyalty.manual.entry.confirm"
    _description = "Confirm a Receipt by the Member's Code"

    entry_id = fields.Many2one(
        comodel_name="loyalty.manual.entry",
        string="Receipt",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(related="entry_id.member_id")
    sent_to = fields.Char(readonly=True)
    code = fields.Char()

    def action_confirm(self):
        """Verify and post the receipt with the code."""
        self.ensure_one()
        code = self.code
        # A used code is worthless and need not be stored
        self.code = False
        self.entry_id._verify_by_code(code)

    def action_send_again(self):
        """Send another code and ask for it."""
        self.ensure_one()
        return self.entry_id.action_send_code()
