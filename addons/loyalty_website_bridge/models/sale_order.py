# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # === WHERE THE SALE WAS MADE === #

    def _loyalty_get_channel_code(self):
        return "website" if self.website_id else super()._loyalty_get_channel_code()

    def _loyalty_get_store(self):
        # sudo: the store of the website, whoever shops there
        return self.website_id.sudo().loyalty_store_id or super()._loyalty_get_store()

    # === FOR THE SHOPPER === #

    def _loyalty_get_cart_values(self, user):
        """Return what the cart says about points, for templates.

        :param user: res.users who looks at the cart
        :return: ``scheme``, ``earn``, ``available``; for members also ``balance`` and
            what the control to use points needs; empty where there is no scheme
        :rtype: dict
        """
        self.ensure_one()
        member = self._loyalty_get_member()
        if member and not user._is_public() and self._loyalty_is_own_cart(user):
            return self._loyalty_get_member_values(member)
        scheme = self.website_id._get_loyalty_scheme()
        if not scheme or member:
            return {}
        quote = self._loyalty_get_quote(scheme=scheme)
        return {
            "kind": "guest" if user._is_public() else "customer",
            "scheme": scheme,
            "points": quote["points"],
            "earn": scheme._format_points(quote["points"]),
            "earn_value": scheme._format_points_value(quote["points"]),
        }

    def _loyalty_is_own_cart(self, user):
        """Tell whether a cart is the user's, and not one passed on by a link."""
        return self.partner_id.commercial_partner_id == (
            user.partner_id.commercial_partner_id
        )

    def _loyalty_get_member_values(self, member):
        scheme = member.scheme_id
        quote = self._loyalty_get_quote(member)
        limits = self._loyalty_get_redeem_limits(member)
        lines = self._loyalty_get_amount_lines()
        used = sum(lines.mapped("points_cost"))
        spendable = self._loyalty_get_spendable(member.account_id)
        return {
            "kind": "member",
            "scheme": scheme,
            "member": member,
            "state": member.state,
            "badge": member._get_badge(),
            "points": quote["points"],
            "earn": scheme._format_points(quote["points"]),
            "earn_value": scheme._format_points_value(quote["points"]),
            "waiting": quote["pending"] and scheme._get_waiting_text(),
            "balance": scheme._format_points(spendable),
            "balance_value": scheme._format_points_value(spendable),
            "has_points": spendable > 0,
            "minimum": limits["minimum"],
            "maximum": limits["maximum"],
            "minimum_text": scheme._format_points(limits["minimum"]),
            "maximum_text": scheme._format_points(limits["maximum"]),
            "message": limits["message"],
            "step": scheme.points_rounding,
            "unit": scheme.point_name_plural,
            "point_value": self._loyalty_convert(
                float(scheme._get_point_value()) * 10**6, scheme.currency_id
            )
            / 10**6,
            "used": used,
            "used_text": scheme._format_points(used),
            "used_amount": -sum(lines.mapped("price_total")),
            "chosen": used or limits["maximum"],
        }

    def _loyalty_get_confirmation_values(self):
        """Return what the confirmation page says about points.

        :rtype: dict
        """
        self.ensure_one()
        # sudo: the shopper reads this of an order of theirs
        transaction_sudo = self.sudo().loyalty_transaction_id
        if transaction_sudo.state != "posted":
            return {}
        return {
            **transaction_sudo._get_summary(),
            "waiting": transaction_sudo.scheme_id._get_waiting_text(),
        }

    def _loyalty_describe_waiting(self, summary):
        """Say when earned points can be used.

        :param dict summary: see :meth:`_loyalty_get_confirmation_values`
        """
        if not summary["pending"]:
            return self.env._("You can use them now.")
        if summary["available_on"]:
            return self.env._(
                "You can use them from %(date)s.", date=summary["available_on"]
            )
        return self.env._("You can use them %(waiting)s.", waiting=summary["waiting"])
