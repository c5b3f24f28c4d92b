# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from odoo.addons.loyalty_tiers.models.loyalty_tier import THRESHOLD_FIELDS


class LoyaltyTierTrialLine(models.TransientModel):
    """The thresholds of a tier, to be changed without changing the tier."""

    _name = "loyalty.tier.trial.line"
    _description = "Thresholds to Try"
    _order = "id"

    trial_id = fields.Many2one(
        comodel_name="loyalty.tier.trial",
        required=True,
        index=True,
        ondelete="cascade",
    )
    tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="tier_id.currency_id")
    match = fields.Selection(
        selection=lambda self: self._get_selection("match"),
        string="Needed",
        required=True,
    )
    entry_points = fields.Float(string="Points to Enter", digits="Loyalty Points")
    entry_spend = fields.Monetary(string="Spend to Enter")
    entry_visits = fields.Integer(string="Visits to Enter")
    keep = fields.Selection(
        selection=lambda self: self._get_selection("keep"),
        string="To Stay",
        required=True,
    )
    keep_points = fields.Float(string="Points to Stay", digits="Loyalty Points")
    keep_spend = fields.Monetary(string="Spend to Stay")
    keep_visits = fields.Integer(string="Visits to Stay")

    _thresholds_positive = models.Constraint(
        "CHECK (entry_points >= 0 AND entry_spend >= 0 AND entry_visits >= 0"
        " AND keep_points >= 0 AND keep_spend >= 0 AND keep_visits >= 0)",
        "Thresholds are zero (not asked for) or more.",
    )

    @api.model
    def _get_selection(self, name):
        return self.env["loyalty.tier"]._fields[name]._description_selection(self.env)

    def _get_thresholds(self):
        """Return the thresholds as values of the tier."""
        self.ensure_one()
        return {name: self[name] for name in THRESHOLD_FIELDS}

    def _prepare_step(self):
        """Return the tier with these thresholds, as the rules take it."""
        self.ensure_one()
        tier = self.env["loyalty.tier"].new(self._get_thresholds(), origin=self.tier_id)
        return tier._prepare_step()
