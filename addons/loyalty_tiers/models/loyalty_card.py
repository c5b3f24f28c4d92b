# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL


class LoyaltyCard(models.Model):
    _inherit = "loyalty.card"

    member_tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        string="Tier of the Member",
        compute="_compute_member_tier_id",
        compute_sudo=True,
        help="The tier of the member who owns the account.",
    )

    @api.depends("program_id", "partner_id")
    def _compute_member_tier_id(self):
        """Find tiers by one query, for this decides on every sale."""
        for name in ("loyalty.card", "loyalty.member", "loyalty.scheme"):
            self.env[name].flush_model()
        # SQL, because account, scheme and member are not related by any field
        tiers = dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT card.id, member.tier_id
                      FROM loyalty_card card
                      JOIN loyalty_scheme scheme
                        ON scheme.points_program_id = card.program_id
                      JOIN loyalty_member member
                        ON member.scheme_id = scheme.id
                       AND member.partner_id = card.partner_id
                     WHERE card.id = ANY(%s)
                    """,
                    self._origin.ids,
                )
            )
        )
        for card in self:
            card.member_tier_id = tiers.get(card._origin.id)
