# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.exceptions import ValidationError
from odoo.tools import float_compare


class LoyaltyCardUpdateBalance(models.TransientModel):
    _inherit = "loyalty.card.update.balance"

    def action_update_card_point(self):
        """Post the difference with its reason where the ledger keeps the account."""
        self.ensure_one()
        if not self.card_id.ledger_managed:
            return super().action_update_card_point()
        self.card_id._check_may_manage()
        if self.new_balance < 0 or not float_compare(
            self.new_balance, self.card_id.points, precision_digits=4
        ):
            raise ValidationError(
                self.env._("The new balance must be positive and differ from the old.")
            )
        change = self.new_balance - self.card_id.points
        self.card_id._check_may_adjust({self.card_id: change})
        self.card_id._adjust(change, self.description)
        return None
