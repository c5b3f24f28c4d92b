# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _check_loyalty_merge(self, partners):
        """Refuse to make one contact of several who have an account in one scheme.

        Native would add up the balances past the ledger's chain and lots, and does
        not see archived accounts.
        """
        result = super()._check_loyalty_merge(partners)
        # sudo: an account is in the way whoever may see it
        accounts_sudo = (
            self.env["loyalty.card"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [("partner_id", "in", partners.ids), ("ledger_managed", "=", True)],
                order="id",
            )
        )
        for program, accounts in accounts_sudo.grouped("program_id").items():
            self._check_one_in_scheme(program.scheme_id, accounts.partner_id)
        return result
