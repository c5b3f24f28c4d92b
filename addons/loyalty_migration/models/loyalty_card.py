# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyCard(models.Model):
    _inherit = "loyalty.card"

    merged_into_id = fields.Many2one(
        comodel_name="loyalty.card",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The account that received the points of this card in a migration.",
    )

    def write(self, vals):
        """Refuse to restore a card that a migration left out or merged.

        :raise UserError: because a program of a scheme would have a native card
        """
        if vals.get("active") and any(
            # sudo: a rule about the card, whoever may see its program
            card.sudo().program_id.ledger_managed and not card.ledger_managed
            for card in self
        ):
            raise UserError(
                self.env._(
                    "This card was not migrated to the scheme of its program. Use the"
                    " member's account instead."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_merged(self):
        if any(card.sudo().merged_into_id for card in self):
            raise UserError(
                self.env._(
                    "This card cannot be deleted: a migration added its points to"
                    " another card, and undoing the migration needs it. Leave it"
                    " archived."
                )
            )
