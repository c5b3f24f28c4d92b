# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyCard(models.Model):
    """What a migration leaves of the cards of a program that it took over."""

    _inherit = "loyalty.card"

    merged_into_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="Added To",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The account that got the points of this card.",
    )

    def write(self, vals):
        """Keep archived what a scheme has not taken over.

        :raise UserError: instead of a second kind of card in a scheme's program
        """
        if vals.get("active") and any(
            # sudo: a rule about the card, whoever may see its program
            card.sudo().program_id.ledger_managed and not card.ledger_managed
            for card in self
        ):
            raise UserError(
                self.env._(
                    "This card was not taken over into the scheme of its program. Use"
                    " the member's account instead."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_merged(self):
        if any(card.sudo().merged_into_id for card in self):
            raise UserError(
                self.env._(
                    "The points of this card were added to another one. It stays"
                    " archived, so that they can be taken apart again."
                )
            )
