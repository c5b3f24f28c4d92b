# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyAnomalyClose(models.TransientModel):
    _name = "loyalty.anomaly.close"
    _description = "Close Loyalty Anomalies"

    anomaly_ids = fields.Many2many(
        comodel_name="loyalty.anomaly",
        string="Anomalies",
        default=lambda self: self._default_anomaly_ids(),
        required=True,
    )
    anomaly_count = fields.Integer(compute="_compute_can_owe")
    can_owe = fields.Boolean(compute="_compute_can_owe")
    resolution = fields.Selection(
        selection=[
            ("explained", "Nothing to do: I have looked into it"),
            ("given_up", "Give it up: the member keeps the points"),
            ("debt", "The member owes it: take the points, below zero if need be"),
        ],
        string="Decision",
        required=True,
        default=lambda self: self._default_resolution(),
    )
    reason = fields.Char(required=True)

    def _default_anomaly_ids(self):
        if self.env.context.get("active_model") != "loyalty.anomaly":
            return self.env["loyalty.anomaly"]
        return self.env["loyalty.anomaly"].browse(self.env.context.get("active_ids"))

    def _default_resolution(self):
        anomalies = self._default_anomaly_ids()
        return "given_up" if any(anomalies.mapped("needs_decision")) else "explained"

    @api.depends("anomaly_ids")
    def _compute_can_owe(self):
        for wizard in self:
            anomalies = wizard.anomaly_ids
            wizard.anomaly_count = len(anomalies)
            wizard.can_owe = bool(anomalies) and all(
                anomaly.kind == "shortfall" for anomaly in anomalies
            )

    def action_close(self):
        """Decide on the anomalies."""
        self.ensure_one()
        if not self.anomaly_ids:
            raise UserError(self.env._("Choose the anomalies to close."))
        self.anomaly_ids._close(self.resolution, self.reason)
        return {"type": "ir.actions.act_window_close"}
