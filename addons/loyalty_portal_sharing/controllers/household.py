# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Domain
from odoo.http import request

from odoo.addons.loyalty_ledger.ledger.flow import POINTS
from odoo.addons.loyalty_portal.controllers.portal import LoyaltyPortal


class LoyaltyHouseholdPortal(LoyaltyPortal):
    """Members of a household see with whom they share points, and who earned what."""

    def _prepare_loyalty_card(self, member_sudo):
        return {
            **super()._prepare_loyalty_card(member_sudo),
            "household": self._prepare_loyalty_household(member_sudo),
        }

    def _prepare_loyalty_household(self, member_sudo):
        """Return the name of the household and what each of its members earned."""
        household_sudo = member_sudo.household_id
        if not household_sudo:
            return False
        scheme = member_sudo.scheme_id
        return {
            "name": household_sudo.name,
            "members": [
                {
                    "name": member.display_name,
                    "is_visitor": member == member_sudo,
                    "earned": scheme._format_points(member.household_earned),
                    "spent": scheme._format_points(member.household_spent),
                }
                for member in household_sudo.member_ids.sorted(
                    lambda member: (member != member_sudo, member.id)
                )
            ],
        }

    def _get_loyalty_entries_domain(self, member_sudo, kind=POINTS):
        """Return the entries of the household since the member joined, and their own.

        Entries of the household from before are for its head only.
        """
        domain = Domain(super()._get_loyalty_entries_domain(member_sudo, kind))
        if not member_sudo.household_id or kind != POINTS:
            return domain
        if member_sudo.household_id.head_id == member_sudo:
            return domain
        own = Domain("account_id.partner_id", "=", member_sudo.partner_id.id) & Domain(
            "account_id.program_id", "=", member_sudo.account_id.program_id.id
        )
        return (domain & Domain("sequence", ">", member_sudo.household_sequence)) | own

    def _prepare_loyalty_row(self, entry_sudo):
        """Name the member who earned or spent, unless it is the visitor."""
        row = super()._prepare_loyalty_row(entry_sudo)
        buyer_sudo = entry_sudo.member_id
        if buyer_sudo and buyer_sudo.partner_id != request.env.user.partner_id:
            names = filter(None, (buyer_sudo._get_short_name(), row["where"]))
            row["where"] = " · ".join(names)
        return row
