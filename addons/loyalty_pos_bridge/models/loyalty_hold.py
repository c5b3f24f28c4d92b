# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from .pos_order import CHANNEL


class LoyaltyHold(models.Model):
    _inherit = "loyalty.hold"

    def _get_documents(self):
        """Add orders of tills."""
        documents = super()._get_documents()
        uuids = {
            hold.id: hold._get_till_order() for hold in self if hold._get_till_order()
        }
        orders = self.env["pos.order"].search([("uuid", "in", [*uuids.values()])])
        by_uuid = {order.uuid: order for order in orders}
        return {
            **documents,
            **{id_: by_uuid[uuid] for id_, uuid in uuids.items() if uuid in by_uuid},
        }

    def _name_document(self, document):
        """An order that is not paid yet has the number of its receipt alone."""
        if document._name == "pos.order" and document.pos_reference:
            return document.pos_reference
        return super()._name_document(document)

    def _get_unknown_holder(self):
        """A till saves its order later than it sets points aside."""
        if self._get_till_order():
            return self.env._("Unsaved order of a till")
        return super()._get_unknown_holder()

    def _get_till_order(self):
        """Return the uuid of the order of a till, empty for any other owner."""
        channel, _colon, uuid = self.owner.partition(":")
        return uuid if channel == CHANNEL else ""
