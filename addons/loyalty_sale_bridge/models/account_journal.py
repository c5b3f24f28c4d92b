# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class AccountJournal(models.Model):
    _inherit = "account.journal"

    loyalty_scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        string="Wallets of",
        check_company=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        help="Credit notes that are paid through this journal are paid into the wallets"
        " of this scheme's members. Give its outgoing payment method the account on"
        " which you keep what you owe to wallets.",
    )

    _loyalty_scheme_unique = models.UniqueIndex(
        "(loyalty_scheme_id, company_id) WHERE loyalty_scheme_id IS NOT NULL",
        "Another journal of this company is that of the wallets of this scheme.",
    )

    def _loyalty_get_wallet_method(self):
        """Return by which payment method money goes from here into wallets.

        :return: account.payment.method.line, empty unless it says on which account
            the money is owed
        """
        return self.outbound_payment_method_line_ids.filtered("payment_account_id")[:1]
