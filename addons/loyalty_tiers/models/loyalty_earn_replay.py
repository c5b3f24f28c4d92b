# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Replays of past sales know the tier that a member had then."""

from collections import defaultdict

from odoo import models
from odoo.tools import SQL


class LoyaltyEarnReplay(models.Model):
    _inherit = "loyalty.earn.replay"

    def _get_replay_facts(self):
        return super()._get_replay_facts() | {"tier"}

    def _get_replay_dimensions(self):
        return {
            **super()._get_replay_dimensions(),
            "tier": lambda _sale, facts: facts["tier"],
        }

    def _get_dimension_model(self, dimension):
        if dimension == "tier":
            return "loyalty.tier"
        return super()._get_dimension_model(dimension)

    def _read_member_facts(self, course, ids):
        """Take note of the tiers that members have had, beside the one of now."""
        course.known.setdefault("tiers", {}).update(self._read_tier_changes(ids))
        return super()._read_member_facts(course, ids)

    def _read_tier_changes(self, ids):
        """Return the changes of members in the order of time, by member id.

        A tier that a sale has reached counts from the next sale on; any other change
        from the moment at which it was made.

        :return: lists of (moment, id of the last sale before, tier before, tier after)
        """
        changes = defaultdict(list)
        # SQL: as many rows as there are changes, as plain values
        for member_id, *change in self.env.execute_query(
            SQL(
                """
                SELECT change.member_id,
                       COALESCE(sale.date, LEAST(change.create_date, change.date + 1)),
                       COALESCE(sale.id, 0), change.from_id, change.tier_id
                  FROM loyalty_tier_change change
                  LEFT JOIN loyalty_transaction sale ON sale.id = change.transaction_id
                 WHERE change.member_id = ANY(%s)
                 ORDER BY 1, 2, 3, change.id
                """,
                list(ids),
            )
        ):
            changes[member_id].append(change)
        return changes

    def _get_sale_facts(self, course, sale, buyer):
        facts = super()._get_sale_facts(course, sale, buyer)
        changes = course.known["tiers"].get(sale.member_id)
        if changes:
            facts["tier"] = changes[0][2]
            for moment, sale_id, _before, tier_id in changes:
                if (moment, sale_id) >= (sale.date, sale.id):
                    break
                facts["tier"] = tier_id
        return facts
