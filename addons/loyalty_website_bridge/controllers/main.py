# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math

from odoo.exceptions import UserError
from odoo.fields import Date
from odoo.http import request, route

from odoo.addons.payment import utils as payment_utils
from odoo.addons.website_sale_loyalty.controllers.main import WebsiteSale

# More than anybody has, and few enough to compute with
MOST_POINTS = 10**12


class LoyaltyShop(WebsiteSale):
    # === ROUTES === #

    @route(
        "/shop/loyalty/points",
        type="jsonrpc",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def loyalty_use_points(self, points, render=True):
        """Use points on the visitor's own cart, or, with 0, use none.

        :param float points: how many
        :param bool render: whether the parts of the cart page are wanted
        :return: ``error``, a sentence, or how the cart stands now
        :rtype: dict
        """
        order_sudo = self._get_loyalty_cart()
        if not order_sudo:
            return {"error": request.env._("Your cart is empty.")}
        error = self._use_loyalty_points(order_sudo, points)
        if error:
            return {"error": error}
        return self._prepare_loyalty_cart(order_sudo, render)

    @route(
        "/shop/loyalty/use",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def loyalty_use_points_form(self, points="0", r="/shop/cart", **post):
        """Use points without JavaScript."""
        order_sudo = self._get_loyalty_cart()
        if order_sudo:
            error = self._use_loyalty_points(order_sudo, points)
            if error:
                request.session["error_promo_code"] = error
        return request.redirect(self._get_loyalty_return_path(r))

    @route(
        "/shop/loyalty/join",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def loyalty_join(self, r="/shop/cart", **post):
        """Make the visitor a member of the one scheme of this website."""
        scheme_sudo = request.website._get_loyalty_scheme()
        if scheme_sudo:
            error = self._join_loyalty_scheme(scheme_sudo)
            if error:
                request.session["loyalty_join_error"] = error
                # The pages that show it, beside the button
                return request.redirect(
                    "/my/loyalty" if r == "/my/loyalty" else "/shop/cart"
                )
            if request.cart:
                request.cart._update_programs_and_rewards()
        return request.redirect(self._get_loyalty_return_path(r))

    # === NATIVE PAGES === #

    @route()
    def shop_payment_validate(self, sale_order_id=None, **post):
        """Send shoppers back to the cart if what they used is gone meanwhile.

        Only for orders that points have paid for: for all others the points were
        set aside before paying.
        """
        order_sudo = request.cart
        if (
            sale_order_id is None
            and order_sudo
            and order_sudo.state == "draft"
            and not order_sudo.amount_total
        ):
            try:
                order_sudo._loyalty_check_redeemable()
            except UserError as error:
                request.session["error_promo_code"] = str(error)
                return request.redirect("/shop/cart")
        return super().shop_payment_validate(sale_order_id=sale_order_id, **post)

    # === STEPS === #

    def _get_loyalty_cart(self):
        """Return the visitor's own cart, in superuser mode as ``request.cart`` is.

        :rtype: sale.order
        """
        order_sudo = request.cart
        if (
            order_sudo
            and order_sudo.state == "draft"
            and order_sudo._loyalty_is_own_cart(request.env.user)
        ):
            return order_sudo
        return request.env["sale.order"]

    def _use_loyalty_points(self, order_sudo, points):
        """Use points on a cart.

        :return: why not, or ``False``
        """
        try:
            points = float(points)
        except (TypeError, ValueError):
            points = math.nan
        if not 0 <= points < MOST_POINTS:
            return request.env._("Enter how many you want to use.")
        try:
            with request.env.cr.savepoint():
                order_sudo._loyalty_set_points_to_use(points)
        except UserError as error:
            return str(error)
        return False

    def _join_loyalty_scheme(self, scheme_sudo):
        """Make the visitor a member.

        :return: why not, or ``False``
        """
        website = request.website
        try:
            with request.env.cr.savepoint():
                # sudo: visitors enrol themselves, and nobody else
                request.env["loyalty.member"].sudo()._enrol(
                    request.env.user.partner_id.sudo(),
                    scheme_sudo,
                    store=website.sudo().loyalty_store_id,
                    channel_code="website",
                )
        except UserError as error:
            return str(error)
        return False

    def _prepare_loyalty_cart(self, order_sudo, render):
        """Return how a cart stands, as the cart page takes it."""
        used = sum(order_sudo._loyalty_get_amount_lines().mapped("points_cost"))
        values = {
            "error": False,
            "used": used,
            "cart_quantity": order_sudo.cart_quantity,
            "cart_ready": order_sudo._is_cart_ready(),
            "amount": order_sudo.amount_total,
            "minor_amount": payment_utils.to_minor_currency_units(
                order_sudo.amount_total, order_sudo.currency_id
            ),
        }
        if render:
            view = request.env["ir.ui.view"]
            values["website_sale.cart_lines"] = view._render_template(
                "website_sale.cart_lines",
                {
                    "website_sale_order": order_sudo,
                    "date": Date.today(),
                    "suggested_products": order_sudo._cart_accessories(),
                },
            )
            values["website_sale.total"] = view._render_template(
                "website_sale.total", {"website_sale_order": order_sudo}
            )
        return values

    def _get_loyalty_return_path(self, path):
        """Return where to go back to, on this site only."""
        if path.startswith("/shop/") or path == "/my/loyalty":
            return path
        return "/shop/cart"
