# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyManualEntryConfirm(models.TransientModel):
    """Asks for the code by which a member confirms a receipt."""

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
        """Verify and post the receipt by the code."""
        self.ensure_one()
        code = self.code
        # A code that was used is a code no longer: it need not stay behind here
        self.code = False
        self.entry_id._verify_by_code(code)

    def action_send_again(self):
        """Send another code, and ask for that one."""
        self.ensure_one()
        return self.entry_id.action_send_code()
