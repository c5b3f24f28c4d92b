# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class PosOrderLine(models.Model):
    _inherit = "pos.order.line"

    def _is_loyalty_till_discount(self):
        """Whether points of a scheme pay at the till, for whatever is on the order."""
        self.ensure_one()
        # sudo: whether a program is managed is no secret
        program_sudo = self.sudo().reward_id.program_id
        return (
            program_sudo.ledger_managed
            and not self.refunded_orderline_id
            and not self._is_loyalty_payment()
        )
