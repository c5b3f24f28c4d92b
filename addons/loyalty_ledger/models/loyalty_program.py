# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


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

    @api.model_create_multi
    def create(self, vals_list):
        """Leave it to schemes to take programs into the ledger."""
        for vals in vals_list:
            self._check_managed_fields(vals)
        return super().create(vals_list)

    def write(self, vals):
        """Leave it to schemes to take programs into the ledger, and out of it."""
        self._check_managed_fields(vals)
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_managed(self):
        if any(program.ledger_managed for program in self):
            raise UserError(
                self.env._(
                    "This program belongs to a loyalty scheme. Close the scheme"
                    " instead."
                )
            )

    def _check_managed_fields(self, vals):
        """Refuse to make a program managed, or to take it from its scheme.

        :raise AccessError: unless in superuser mode
        """
        if {"scheme_id", "ledger_managed"} & vals.keys() and not self.env.su:
            raise AccessError(
                self.env._("A program belongs to the scheme that made it.")
            )
