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
            redeem.explanation = redeem._get_explanation(order._loyalty_get_member())
            redeem.is_used = bool(order._loyalty_get_amount_lines())

    @api.depends("order_id", "points")
    def _compute_worth(self):
        for redeem in self:
            scheme = redeem.order_id._loyalty_get_member().scheme_id
            redeem.worth = bool(scheme) and scheme._format_points_value(redeem.points)

    def _get_explanation(self, member):
        """Return in words how many points the order can take, or why none."""
        order = self.order_id
        if not member:
            return self.env._(
                "%(customer)s is not a member, so there are no points to use.",
                customer=order.partner_id.display_name,
            )
        scheme = member.scheme_id
        limits = order._loyalty_get_redeem_limits(member)
        if limits["message"]:
            return limits["message"]
        if not limits["maximum"]:
            return self.env._(
                "There are no %(points)s to use on this order.",
                points=scheme.point_name_plural,
            )
        return self.env._(
            "From %(minimum)s up to %(maximum)s can be used on this order.",
            minimum=scheme._format_points(limits["minimum"]),
            maximum=scheme._format_points(limits["maximum"]),
        )

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
