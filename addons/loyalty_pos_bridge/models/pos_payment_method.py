# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models, tools

#: which of the ledger's ways to pay a till's method usually is, by its type
METHODS = {"cash": "cash", "bank": "card", "pay_later": "account"}


class PosPaymentMethod(models.Model):
    _name = "pos.payment.method"
    _inherit = ["loyalty.kept.mixin", "pos.payment.method"]

    loyalty_payment_method_id = fields.Many2one(
        comodel_name="loyalty.payment.method",
        string="Loyalty Knows It As",
        compute="_compute_loyalty_payment_method_id",
        store=True,
        readonly=False,
        ondelete="set null",
        help="What earning rules that ask how a purchase was paid take it for.",
    )

    @api.depends("journal_id")
    def _compute_loyalty_payment_method_id(self):
        # sudo: the words for ways to pay are the same for everybody
        known_sudo = (
            self.env["loyalty.payment.method"]
            .sudo()
            .search([("code", "in", list(METHODS.values()))])
        )
        by_code = {method.code: method.id for method in known_sudo}
        for method in self:
            method.loyalty_payment_method_id = by_code.get(METHODS.get(method.type))

    @api.model
    def _name_loyalty_payments(self, method_ids):
        """Return what the ledger calls some ways to pay, each once.

        :param method_ids: ids of pos.payment.method
        :rtype: tuple[str]
        """
        codes = self._get_loyalty_codes()
        return tuple(sorted({codes[id_] for id_ in method_ids if id_ in codes}))

    @api.model
    @tools.ormcache()
    def _get_loyalty_codes(self):
        """Return what the ledger calls the ways to pay of all tills, kept ready.

        :return: code by id of the payment method
        :rtype: dict
        """
        # sudo: what a way to pay is called is no secret to who is paid with it
        return {
            method.id: method.loyalty_payment_method_id.code
            for method in self.sudo()
            .with_context(active_test=False)
            .search([("loyalty_payment_method_id", "!=", False)])
        }
