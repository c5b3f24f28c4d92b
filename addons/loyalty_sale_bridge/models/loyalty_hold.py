# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class LoyaltyHold(models.Model):
    _inherit = "loyalty.hold"

    def _get_documents(self):
        """Add sales orders."""
        documents = super()._get_documents()
        ids = {}
        for hold in self:
            channel, _colon, number = hold.owner.partition(":")
            if channel == "sale" and number.isdecimal():
                ids[hold.id] = int(number)
        orders = self.env["sale.order"].browse(set(ids.values())).exists()
        by_id = {order.id: order for order in orders}
        return {
            **documents,
            **{id_: by_id[number] for id_, number in ids.items() if number in by_id},
        }
