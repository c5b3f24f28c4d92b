# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.http import request

from odoo.addons.loyalty_portal.controllers.portal import LoyaltyPortal
from odoo.addons.website_sale_loyalty.controllers.portal import CustomerPortalLoyalty


# LoyaltyPortal comes first: native code fails on its answer for an account that is
# not the visitor's
class LoyaltyShopPortal(LoyaltyPortal, CustomerPortalLoyalty):
    """Visitors who are no members yet can join on the member's page."""

    def _prepare_loyalty_cards_values(self, members_sudo):
        return {
            **super()._prepare_loyalty_cards_values(members_sudo),
            "join_scheme": request.website._get_loyalty_scheme(),
            "join_error": request.session.pop("loyalty_join_error", False),
        }
