# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The wallet of a member."""

from odoo import api, fields, models

from ..ledger.flow import WALLET


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    has_wallet = fields.Boolean(
        related="scheme_id.has_wallet", string="Scheme Has Wallets"
    )
    wallet_account_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="Wallet",
        compute="_compute_wallet",
        compute_sudo=True,
    )
    wallet_balance = fields.Monetary(compute="_compute_wallet", compute_sudo=True)
    wallet_pending = fields.Monetary(compute="_compute_wallet", compute_sudo=True)

    @api.depends("scheme_id.wallet_program_id", "partner_id", "merged_into_id")
    def _compute_wallet(self):
        partners = {member: member._get_account_partner(WALLET) for member in self}
        programs = self.scheme_id.wallet_program_id
        Card = self.env["loyalty.card"]
        accounts = Card._find_accounts(
            programs, self.env["res.partner"].union(*partners.values())
        )
        for member in self:
            account = accounts.get(
                (member.scheme_id.wallet_program_id, partners[member]), Card
            )
            member.wallet_account_id = account
            member.wallet_balance = account.points
            member.wallet_pending = account.ledger_pending

    def action_view_wallet_entries(self):
        """Open the ledger entries of the wallets of these members."""
        return self.env["loyalty.ledger.entry"]._get_action(
            [("account_id", "in", self.wallet_account_id.ids)]
        )
