# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from .loyalty_tier_benefit import RULE_PREFIX


class LoyaltyTransaction(models.Model):
    _inherit = "loyalty.transaction"

    # The night reads all sales in the order of members without touching the table
    _tier_sale_idx = models.Index(
        "(scheme_id, member_id, date) INCLUDE (id, points_earned, base_amount)"
        " WHERE kind = 'sale' AND state = 'posted'"
    )
    _tier_return_idx = models.Index(
        "(scheme_id, member_id) INCLUDE (id, origin_id, points_earned)"
        " WHERE kind = 'return' AND state = 'posted'"
    )

    def _after_post(self):
        result = super()._after_post()
        for scheme, transactions in self.grouped("scheme_id").items():
            settings = scheme._get_tier_settings()
            if settings:
                transactions._update_tiers(scheme, settings)
        return result

    def _update_tiers(self, scheme, settings):
        """Count what was posted, and let members have the tier that they reach by it.

        :param Settings settings: of the scheme, which all of these belong to
        """
        service = self.env["loyalty.tier.service"]
        # A return counts in the month of its sale
        sales = self.filtered(lambda t: not t.origin_id) | self.origin_id
        # The ORM may not have written the change of a sale yet
        self.flush_model()
        members = sales.member_id
        service._count_sales(
            scheme,
            settings,
            members.ids,
            min(sales.mapped("date")),
            max(sales.mapped("date")),
        )
        latest = {t.member_id.id: t.id for t in self.sorted("id")}
        undone = self.filtered(
            lambda t: t.kind == "return" or t.state == "cancelled" or t.revision
        )
        if undone and settings.takes_back:
            service._take_back(scheme, settings, undone.member_id, latest)
        service._evaluate(scheme, settings, members.ids, transactions=latest)

    def _get_facts(self, scheme, sales, rules):
        facts = super()._get_facts(scheme, sales, rules)
        if "tier" in rules.asks:
            for (member, _sale), known in zip(sales, facts, strict=True):
                # sudo: what a rule asks for is no secret to who sells
                known["tier"] = member.sudo().tier_id.id or None
        return facts

    def _get_other_rule_name(self, key):
        if not key.startswith(RULE_PREFIX):
            return super()._get_other_rule_name(key)
        # sudo: who reads the explanation need not see the tiers
        tier_sudo = self.env["loyalty.tier"].sudo()
        tier_sudo = tier_sudo.browse(int(key.removeprefix(RULE_PREFIX))).exists()
        return tier_sudo.name or self.env._("A former tier")

    def _get_summary(self):
        """Add the tier that the sale has led to: ``badge`` says so as ``reached``."""
        summary = super()._get_summary()
        if summary["badge"]:
            # sudo: the receipt tells a member about themselves
            change_sudo = (
                self.env["loyalty.tier.change"]
                .sudo()
                .search(
                    [("transaction_id", "=", self.id), ("cause", "=", "upgrade")],
                    limit=1,
                )
            )
            summary["badge"]["reached"] = change_sudo.tier_id.name or False
        return summary
