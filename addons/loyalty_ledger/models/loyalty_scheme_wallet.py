# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Money accounts of members, beside points."""

from decimal import Decimal

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Command

from ..ledger.expiry import Expiry, ExpiryPolicy
from ..ledger.flow import POINTS, WALLET

TOP_UP_PRICE = 50


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    has_wallet = fields.Boolean(
        string="Wallet",
        tracking=True,
        help="Members can pay money in, and pay with it at tills and in shops.",
    )
    wallet_program_id = fields.Many2one(
        comodel_name="loyalty.program",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Odoo's own eWallet program, through which tills and shops offer the"
        " wallet.",
    )
    wallet_expiry_policy = fields.Selection(
        selection=[
            ("never", "Never"),
            ("term", "Some time after it was paid in"),
            ("period", "At the end of a period, some time after it was paid in"),
            ("activity", "When a member has not used the wallet for some time"),
        ],
        string="Money in Wallets Expires",
        required=True,
        default="never",
        tracking=True,
        help="In many countries money that customers have paid in may not expire.",
    )
    wallet_expiry_term = fields.Integer(
        string="Wallets Expire After", default=36, tracking=True
    )
    wallet_expiry_unit = fields.Selection(
        selection=[("day", "Days"), ("month", "Months"), ("year", "Years")],
        string="Unit of Wallet Expiry",
        required=True,
        default="month",
        tracking=True,
    )
    wallet_expiry_period = fields.Selection(
        selection=[("month", "Month"), ("quarter", "Quarter"), ("year", "Year")],
        string="Wallets Expire at the End of the",
        required=True,
        default="month",
        tracking=True,
    )
    outstanding_wallet = fields.Monetary(
        string="In Wallets", compute="_compute_outstanding_wallet"
    )

    _wallet_program_unique = models.UniqueIndex(
        "(wallet_program_id) WHERE wallet_program_id IS NOT NULL",
        "This program belongs to another scheme.",
    )
    _wallet_expiry_term_range = models.Constraint(
        "CHECK (wallet_expiry_term BETWEEN 0 AND 3660 AND (wallet_expiry_term > 0"
        " OR wallet_expiry_policy IN ('never', 'period')))",
        "Say after how many days, months or years money in wallets expires: a number"
        " from 1 to 3660. Only at the end of a period it may be 0.",
    )

    @api.depends("wallet_program_id")
    def _compute_outstanding_wallet(self):
        totals = dict(
            self.env["loyalty.card"]
            .sudo()  # the sum tells nothing about a single member
            ._read_group(
                [("program_id", "in", self.wallet_program_id.ids)],
                ["program_id"],
                ["points:sum"],
            )
        )
        for scheme in self:
            scheme.outstanding_wallet = totals.get(scheme.wallet_program_id, 0.0)

    def _get_managed_programs(self):
        return super()._get_managed_programs() | self.wallet_program_id

    @api.model_create_multi
    def create(self, vals_list):
        schemes = super().create(vals_list)
        schemes._create_wallet_program()
        return schemes

    def write(self, vals):
        result = super().write(vals)
        if vals.get("has_wallet"):
            self._create_wallet_program()
        if self._get_wallet_program_fields() & vals.keys():
            self._sync_wallet_program()
        return result

    def unlink(self):
        # The program refers to the scheme and the scheme to the program
        programs_sudo = self.sudo().wallet_program_id
        self.sudo().wallet_program_id = False
        programs_sudo.write({"scheme_id": False, "active": False})
        result = super().unlink()
        programs_sudo.unlink()
        return result

    def action_view_wallet_program(self):
        """Open the native eWallet program of this scheme."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "loyalty.program",
            "res_id": self.wallet_program_id.id,
            "views": [(False, "form")],
        }

    def _create_wallet_program(self):
        """Create the managed native program of schemes that offer a wallet."""
        # sudo: see _create_points_program
        Program = self.env["loyalty.program"].sudo()
        for scheme in self:
            if scheme.has_wallet and not scheme.wallet_program_id:
                scheme.wallet_program_id = Program.create(
                    scheme._prepare_wallet_program_values()
                )

    def _prepare_wallet_program_values(self):
        """Return the values of the native program that presents the wallet.

        As Odoo makes them, with a product of its own: at a till or in a shop that
        serves several schemes, the product says whose wallet is topped up.
        """
        self.ensure_one()
        product_sudo = (
            self.env["product.product"]
            .sudo()
            .create(self._prepare_wallet_product_values())
        )
        return {
            **self._prepare_wallet_sync_values(),
            "program_type": "ewallet",
            "applies_on": "future",
            "trigger": "auto",
            "portal_visible": True,
            "portal_point_name": self.currency_id.symbol,
            "company_id": self.company_id.id,
            "currency_id": self.currency_id.id,
            "scheme_id": self.id,
            "communication_plan_ids": [],
            "rule_ids": [
                Command.create(
                    {
                        "reward_point_mode": "money",
                        "reward_point_amount": 1,
                        "product_ids": [Command.link(product_sudo.id)],
                    }
                )
            ],
            "reward_ids": [
                Command.create(
                    {
                        "reward_type": "discount",
                        "discount_mode": "per_point",
                        "discount": 1,
                        "discount_applicability": "order",
                        "required_points": self.currency_id.rounding,
                        "description": self.env._("Paid with wallet"),
                    }
                )
            ],
        }

    def _prepare_wallet_product_values(self):
        self.ensure_one()
        return {
            "name": self.env._("%(scheme)s Wallet: Top Up", scheme=self.name),
            "type": "service",
            "list_price": TOP_UP_PRICE,
            "purchase_ok": False,
            "company_id": self.company_id.id,
            # What is bought with the money is taxed, not the money
            "taxes_id": [Command.clear()],
        }

    @api.model
    def _get_wallet_program_fields(self):
        """Return the fields that the native program repeats."""
        return {"name", "active", "state", "has_wallet"}

    def _prepare_wallet_sync_values(self):
        self.ensure_one()
        return {
            "name": self.env._("%(scheme)s Wallet", scheme=self.name),
            "active": self.has_wallet and self.active and self.state == "open",
        }

    def _sync_wallet_program(self):
        """Bring the native eWallet programs in line with their schemes."""
        for scheme in self.filtered("wallet_program_id"):
            # sudo: see _create_points_program
            scheme.wallet_program_id.sudo().with_context(active_test=False).write(
                scheme._prepare_wallet_sync_values()
            )

    def _get_program(self, kind=POINTS):
        if kind != WALLET:
            return super()._get_program(kind)
        self.ensure_one()
        # sudo: tills and shops read it whatever the rights of who is at them
        program_sudo = self.sudo().wallet_program_id
        if not program_sudo or not self.sudo().has_wallet:
            raise UserError(
                self.env._(
                    "%(scheme)s has no wallet. Pay another way.", scheme=self.name
                )
            )
        return program_sudo.sudo(self.env.su)

    def _get_top_up_products(self):
        """Return the products that put what they cost into wallets of these schemes.

        :return: product.product in superuser mode
        """
        top_ups = self.env["loyalty.program"]._get_top_ups()
        own = set(self.ids)
        # sudo: the same whoever sells
        return (
            self.env["product.product"]
            .sudo()
            .browse(
                product_id
                for product_id, scheme_ids in top_ups.items()
                if not own.isdisjoint(scheme_ids)
            )
        )

    @api.model
    def _find_by_top_ups(self, products):
        """Return the schemes into whose wallets some products put what they cost.

        :param products: product.product
        :return: loyalty.scheme in superuser mode
        """
        top_ups = self.env["loyalty.program"]._get_top_ups()
        scheme_ids = {
            id_ for product in products for id_ in top_ups.get(product.id, ())
        }
        # sudo: the same whoever sells
        return self.sudo().browse(sorted(scheme_ids))

    def _get_coin(self):
        """Return the smallest amount of the scheme's currency as Decimal."""
        self.ensure_one()
        return self._get_rounding(self.currency_id.id)

    @api.model
    @tools.ormcache("currency_id", cache="stable")
    def _get_rounding(self, currency_id):
        """Return the smallest amount of a currency as Decimal, kept ready."""
        currency = self.env["res.currency"].browse(currency_id)
        return Decimal(str(currency.rounding or 0.01))

    def _format_value(self, value, kind):
        """Write what is on an account of a kind, or moves on it, for a human.

        :param value: float or Decimal
        """
        if kind == WALLET:
            return self._format_money(value)
        return self._format_points(value)

    def _get_expiry(self, account=None):
        """Give wallets a rule of their own."""
        program = self.sudo().wallet_program_id
        # sudo: whose account it is does not matter, only what it counts
        if not account or not program or account.sudo().program_id != program:
            return super()._get_expiry(account)
        self.ensure_one()
        return Expiry(
            ExpiryPolicy(self.wallet_expiry_policy or "never"),
            self.wallet_expiry_term,
            self.wallet_expiry_unit or "month",
            self.wallet_expiry_period or "month",
        )
