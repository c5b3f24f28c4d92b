# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class LoyaltyEarnRule(models.Model):
    _inherit = "loyalty.earn.rule"

    tier_ids = fields.Many2many(
        comodel_name="loyalty.tier",
        relation="loyalty_earn_rule_tier_rel",
        column1="rule_id",
        column2="tier_id",
        string="Tiers",
        domain="[('scheme_id', '=', scheme_id)]",
        help="Only members of one of these tiers. Empty: everybody.",
    )

    @api.constrains("tier_ids", "scheme_id")
    def _check_tiers(self):
        for rule in self:
            foreign = rule.tier_ids.filtered(
                lambda tier, rule=rule: tier.scheme_id != rule.scheme_id
            )
            if foreign:
                raise ValidationError(
                    self.env._(
                        "%(tiers)s are tiers of another scheme. Choose tiers of"
                        " %(scheme)s.",
                        tiers=", ".join(foreign.mapped("name")),
                        scheme=rule.scheme_id.name,
                    )
                )

    def _prepare_conditions(self):
        return {**super()._prepare_conditions(), "tiers": frozenset(self.tier_ids.ids)}

    def _get_condition_texts(self):
        texts = super()._get_condition_texts()
        if self.tier_ids:
            texts.append(
                self.env._(
                    "for %(tiers)s", tiers=", ".join(self.tier_ids.mapped("name"))
                )
            )
        return texts
