# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

# What native modules add to a program, on by default: where it can be used.
CHANNEL_FIELDS = {"sale_ok", "pos_ok", "ecommerce_ok"}
# Programs whose points are money that was paid in.
PAYMENT_TYPES = ("gift_card", "ewallet")


class LoyaltyProgram(models.Model):
    _name = "loyalty.program"
    _inherit = ["loyalty.kept.mixin", "loyalty.program"]

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

    @api.model
    @tools.ormcache()
    def _get_top_ups(self):
        """Return which products fill gift cards and wallets, kept ready.

        A managed wallet counts also where it is not offered any more, so that nobody
        pays for nothing.

        :return: ids of the schemes whose wallets it fills, by id of the product
        :rtype: dict[int, tuple[int]]
        """
        # sudo: what a product is does not depend on who sells it
        program_sudo = self.sudo().with_context(active_test=False)
        schemes = defaultdict(set)
        for program in program_sudo.search([("program_type", "in", PAYMENT_TYPES)]):
            scheme = program.scheme_id
            if program.active or scheme.wallet_program_id == program:
                for product in program.rule_ids.product_ids:
                    schemes[product.id].update(scheme.ids)
        return {product_id: tuple(ids) for product_id, ids in schemes.items()}

    def _init_column(self, column_name):
        """Shut a channel that comes now, until the bridge that settles it is there.

        In between native code would give points to whoever buys, member or not, as it
        does in Odoo's own demo orders.
        """
        result = super()._init_column(column_name)
        if column_name in CHANNEL_FIELDS:
            # By SQL as in the method extended: the registry is not ready yet
            self.env.cr.execute(
                SQL(
                    "UPDATE loyalty_program SET %s = FALSE WHERE scheme_id IS NOT NULL",
                    SQL.identifier(column_name),
                )
            )
        return result

    @api.model
    def _open_channel(self, name):
        """Let managed programs be used in a channel, now that its bridge is there.

        :param str name: the native field that says so
        """
        self.sudo().with_context(active_test=False).search(
            [("ledger_managed", "=", True)]
        ).write({name: True})

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
