# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class LoyaltySaleRedeem(models.TransientModel):
    _name = "loyalty.sale.redeem"
    _description = "Use Points on a Sales Order"

    order_id = fields.Many2one(
        comodel_name="sale.order",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    points = fields.Float(
        digits="Loyalty Points",
        compute="_compute_points",
        store=True,
        readonly=False,
    )
    explanation = fields.Char(compute="_compute_explanation")
    worth = fields.Char(compute="_compute_worth")
    is_used = fields.Boolean(compute="_compute_explanation")

    # === COMPUTE === #

    @api.depends("order_id")
    def _compute_points(self):
        for redeem in self:
            order = redeem.order_id
            redeem.points = (
                sum(order._loyalty_get_used_points().values())
                or (
                    order._loyalty_get_redeem_limits(order._loyalty_get_member())[
                        "maximum"
                    ]
                )
            )

    @api.depends("order_id")
    def _compute_explanation(self):
        for redeem in self:
            order = redeem.order_id
            member = order._loyalty_get_member()
            limits = order._loyalty_get_redeem_limits(member)
            redeem.explanation = limits["message"] or self.env._(
                "From %(minimum)s up to %(maximum)s can be used on this order.",
                minimum=member.scheme_id._format_points(limits["minimum"]),
                maximum=member.scheme_id._format_points(limits["maximum"]),
            )
            redeem.is_used = bool(order._loyalty_get_amount_lines())

    @api.depends("order_id", "points")
    def _compute_worth(self):
        for redeem in self:
            scheme = redeem.order_id._loyalty_get_member().scheme_id
            redeem.worth = scheme and scheme._format_points_value(redeem.points)

    # === ACTIONS === #

    def action_apply(self):
        """Use the chosen points on the order."""
        self.ensure_one()
        self.order_id.check_access("write")
        self.order_id._loyalty_set_points_to_use(self.points)
        return {"type": "ir.actions.act_window_close"}

    def action_remove(self):
        """Take the points off the order."""
        self.ensure_one()
        self.order_id.check_access("write")
        self.order_id._loyalty_set_points_to_use(0)
        return {"type": "ir.actions.act_window_close"}
