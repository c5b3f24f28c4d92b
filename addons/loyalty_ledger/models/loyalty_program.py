# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyProgram(models.Model):
    _inherit = "loyalty.program"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        string="Loyalty Scheme",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The scheme that keeps the accounts of this program in its ledger.",
    )
    ledger_managed = fields.Boolean(
        string="Kept in the Ledger",
        compute="_compute_ledger_managed",
        store=True,
        precompute=True,
    )

    @api.depends("scheme_id")
    def _compute_ledger_managed(self):
        for program in self:
            program.ledger_managed = bool(program.scheme_id)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_managed(self):
        if any(program.ledger_managed for program in self):
            raise UserError(
                self.env._(
                    "This program belongs to a loyalty scheme. Close the scheme"
                    " instead."
                )
            )
