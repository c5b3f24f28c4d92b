# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class LoyaltyMemberMerge(models.Model):
    _inherit = "loyalty.member.merge"

    def _apply(self):
        """Let who stays have the tier that the purchases of both deserve."""
        result = super()._apply()
        self.duplicate_id._leave_tiers("merge")
        self._count_tiers_again()
        return result

    def _revert(self):
        """Let both have the tier that their own purchases deserve."""
        result = super()._revert()
        self._count_tiers_again()
        self.duplicate_id.filtered(
            lambda member: member.state == "active"
        )._find_tiers()
        return result

    def _count_tiers_again(self):
        """Count the months in which sales have changed hands."""
        service = self.env["loyalty.tier.service"]
        for merge in self:
            scheme = merge.scheme_id
            settings = scheme._get_tier_settings()
            first, last = self.env["loyalty.member.merge.sale"]._get_period(merge)
            if settings and first:
                members = merge.winner_id | merge.duplicate_id
                service._count_sales(scheme, settings, members.ids, first, last)
                service._evaluate(scheme, settings, merge.winner_id.ids)
