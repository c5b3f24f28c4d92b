# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ..models.loyalty_member_card import SYMBOLOGIES


class LoyaltyMemberCardGenerate(models.TransientModel):
    _name = "loyalty.member.card.generate"
    _description = "Generate Loyalty Cards"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        default=lambda self: self.env["loyalty.member"]._default_scheme_id(),
        required=True,
        domain=[("state", "=", "open")],
        ondelete="cascade",
    )
    quantity = fields.Integer(
        string="Number of Cards",
        default=100,
        required=True,
    )
    symbology = fields.Selection(
        selection=SYMBOLOGIES,
        string="Printed As",
        compute="_compute_symbology",
        store=True,
        readonly=False,
        required=True,
    )

    @api.depends("scheme_id")
    def _compute_symbology(self):
        for wizard in self:
            wizard.symbology = wizard.scheme_id.card_symbology or "ean13"

    def action_generate(self):
        """Create the cards and open them, ready to export or print."""
        self.ensure_one()
        cards = self.env["loyalty.member.card"]._generate_batch(
            self.scheme_id, self.quantity, self.symbology
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_member.loyalty_member_card_action"
        )
        action["domain"] = [("id", "in", cards.ids)]
        action["context"] = {}
        return action
