# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models
from odoo.exceptions import UserError


class LoyaltyEarnReplayLine(models.Model):
    """The result of a replay for one store, rule, member and so on.

    The lines of a breakdown add up to the replay, except for members: these are only
    the most affected ones.
    """

    _name = "loyalty.earn.replay.line"
    _description = "Result of a Replay"
    _order = "replay_id desc, dimension, sequence, id"
    # The replay has the user and the dates
    _log_access = False

    replay_id = fields.Many2one(
        comodel_name="loyalty.earn.replay",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="replay_id.company_id", store=True, index="btree_not_null"
    )
    currency_id = fields.Many2one(related="replay_id.currency_id")
    dimension = fields.Selection(
        selection=[
            ("rule", "Rules"),
            ("store", "Stores"),
            ("tier", "Tiers"),
            ("channel", "Channels"),
            ("month", "Months"),
            ("member", "Members Most Affected"),
        ],
        string="By",
        required=True,
        readonly=True,
    )
    sequence = fields.Integer(readonly=True)
    name = fields.Char(required=True, readonly=True)
    res_model = fields.Char(string="Model", readonly=True)
    res_id = fields.Many2oneReference(
        string="Record", model_field="res_model", readonly=True
    )
    sale_count = fields.Integer(string="Sales", readonly=True)
    points_before = fields.Float(digits="Loyalty Points", readonly=True)
    points_after = fields.Float(digits="Loyalty Points", readonly=True)
    points_change = fields.Float(
        string="Change of Points", digits="Loyalty Points", readonly=True
    )
    cost_before = fields.Monetary(readonly=True)
    cost_after = fields.Monetary(readonly=True)
    cost_change = fields.Monetary(string="Change of Cost", readonly=True)

    def action_open(self):
        """Open the member, store or rule of the line.

        :raise UserError: if the line has no record
        """
        self.ensure_one()
        if not self.res_model or not self.res_id:
            raise UserError(
                self.env._(
                    "“%(name)s” is a sum without a record to open.", name=self.name
                )
            )
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }
