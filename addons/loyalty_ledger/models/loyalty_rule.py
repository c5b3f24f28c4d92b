# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class LoyaltyRule(models.Model):
    """What fills gift cards and wallets, which is kept ready."""

    _name = "loyalty.rule"
    _inherit = ["loyalty.kept.mixin", "loyalty.rule"]
