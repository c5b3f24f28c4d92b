# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What points that were earned wait for."""

from odoo import fields, models


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    pending_event = fields.Selection(
        selection=[
            ("paid", "It is paid"),
            ("delivered", "It is delivered"),
            ("both", "It is paid and delivered"),
        ],
        string="A Purchase Counts Once",
        required=True,
        default="paid",
        tracking=True,
        help="What has to happen before the waiting days begin. An order without goods"
        " to deliver counts once it is paid. Money that is paid into a wallet waits for"
        " its payment alone.",
    )

    def _is_wait_started(self, paid, delivered):
        """Return whether the waiting days begin.

        :param bool paid: whether a purchase is paid
        :param bool delivered: whether its goods are delivered
        """
        self.ensure_one()
        if self.pending_event == "both":
            return paid and delivered
        return delivered if self.pending_event == "delivered" else paid

    def _has_wait(self):
        """Return whether points are worth a word about when they can be spent."""
        self.ensure_one()
        return bool(self.pending_days) or self.pending_event != "paid"

    def _get_waiting_text(self):
        """Say when points of a purchase can be spent, as the end of a sentence."""
        self.ensure_one()
        days = self.pending_days
        if self.pending_event == "both":
            if not days:
                return self.env._("after payment and delivery")
            return self.env._("%(days)s days after payment and delivery", days=days)
        if self.pending_event == "delivered":
            if not days:
                return self.env._("after delivery")
            return self.env._("%(days)s days after delivery", days=days)
        if not days:
            return self.env._("after payment")
        return self.env._("%(days)s days after payment", days=days)
