# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class LoyaltyLedgerEntry(models.Model):
    _inherit = "loyalty.ledger.entry"

    transfer_id = fields.Many2one(
        comodel_name="loyalty.transfer",
        compute="_compute_transfer_id",
        compute_sudo=True,
    )

    _transfer_idx = models.Index("(res_id) WHERE res_model = 'loyalty.transfer'")

    @api.depends("res_model", "res_id")
    def _compute_transfer_id(self):
        for entry in self:
            entry.transfer_id = entry.res_model == "loyalty.transfer" and entry.res_id

    def _get_statement_title(self):
        if self.transfer_id:
            # sudo: a user who may read an entry may read its title
            return self.transfer_id.sudo()._get_statement_title(self)
        return super()._get_statement_title()
