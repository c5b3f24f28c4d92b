# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyMemberCode(models.Model):
    _inherit = "loyalty.member.code"

    purpose = fields.Selection(
        selection_add=[("manual_entry", "Receipt entered by hand")],
        ondelete={"manual_entry": "cascade"},
    )
