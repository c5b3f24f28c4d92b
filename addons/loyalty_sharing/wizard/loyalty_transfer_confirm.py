# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyTransferConfirm(models.TransientModel):
    _name = "loyalty.transfer.confirm"
    _description = "Confirm a Loyalty Transfer"

    transfer_id = fields.Many2one(
        comodel_name="loyalty.transfer", required=True, ondelete="cascade"
    )
    code_sent_to = fields.Char(related="transfer_id.code_sent_to")
    code = fields.Char(help="The six digits that the member received.")

    def action_confirm(self):
        """Transfer the points if the code is right."""
        self.ensure_one()
        self.transfer_id.check_access("write")
        self.transfer_id._confirm(self.code)
        return {"type": "ir.actions.act_window_close"}

    def action_send_again(self):
        """Send the member another code."""
        self.ensure_one()
        return self.transfer_id.action_send_code()
