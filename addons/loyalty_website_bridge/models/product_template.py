# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

REVIEW = "review"


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        self._loyalty_raise_review(message)
        return result

    def _loyalty_raise_review(self, message):
        """Tell the memberships of who reviews this product, once for each product.

        A rating counts, a comment alone does not. The shop publishes reviews at once;
        one that it hides afterwards has been written all the same.
        """
        # sudo: shoppers have no rights on ratings, members and other people's orders
        message_sudo = message.sudo()
        rating_sudo = message_sudo.rating_id
        if not rating_sudo or message_sudo.is_internal:
            return
        scheme_ids = self.env["loyalty.scheme"]._get_ids_giving_for(REVIEW)
        if not scheme_ids:
            return
        partner_sudo = message_sudo.author_id
        members_sudo = self.env["loyalty.member"].sudo()
        schemes_sudo = self.env["loyalty.scheme"].sudo().browse(scheme_ids)
        for scheme_sudo in schemes_sudo:
            members_sudo |= members_sudo._find_for_partner(partner_sudo, scheme_sudo)
        payload = {
            "rating": rating_sudo.rating,
            "product": self.name,
            "bought": self._loyalty_is_bought_by(partner_sudo),
        }
        for member_sudo in members_sudo.filtered(lambda m: m.state == "active"):
            member_sudo._raise_event(
                REVIEW,
                f"product:{self.id}",
                payload,
                channel=self.env["loyalty.channel"]._get_by_code("website"),
            )

    def _loyalty_is_bought_by(self, partner):
        """Whether a customer has a confirmed order with this product."""
        # sudo: shoppers do not read order lines; whether they bought is told to rules
        lines_sudo = self.env["sale.order.line"].sudo()
        return bool(
            lines_sudo.search_count(
                [
                    ("order_id.partner_id", "child_of", partner.id),
                    ("product_id.product_tmpl_id", "=", self.id),
                    ("state", "=", "sale"),
                ],
                limit=1,
            )
        )
