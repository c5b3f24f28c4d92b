# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price list of the tier on Odoo's contact."""

import json
from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    tier_pricelist_id = fields.Many2one(
        comodel_name="product.pricelist",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The price list that the tier has given to the contact.",
    )
    tier_pricelists_before = fields.Json(
        readonly=True,
        copy=False,
        help="By id of the company: the price list that the contact had of its own.",
    )

    @api.model
    def _follow_pricelists(self, scheme, members):
        """Bring price lists of contacts in line with the tiers of members.

        :param SQL members: what a column of member ids is compared with
        """
        self.flush_model()
        self.env["loyalty.tier"].flush_model()
        # SQL, because a night asks for all members, of whom next to none have to change
        rows = self.env.execute_query(
            SQL(
                """
                SELECT member.id
                  FROM loyalty_member member
                  LEFT JOIN loyalty_tier tier ON tier.id = member.tier_id
                 WHERE member.scheme_id = %s AND member.id %s
                   AND tier.pricelist_id IS DISTINCT FROM member.tier_pricelist_id
                 ORDER BY member.id
                """,
                scheme.id,
                members,
            )
        )
        # sudo: prices follow the tier whoever sells
        self.sudo().browse(row[0] for row in rows)._follow_pricelist()

    def _follow_pricelist(self):
        """Give contacts the price list of the tier, or their own one back.

        Called in superuser mode, for members of one scheme. A price list that somebody
        has set by hand since the tier gave its own stays. A night calls it for many
        members: what they all get is written once.
        """
        # Archived ones as well: contacts may have had a price list there
        companies = self.env["res.company"].search([("active", "in", (True, False))])
        known = self._get_known_pricelists()
        partners, members, returns = defaultdict(list), defaultdict(list), []
        for member in self:
            given, wanted = member.tier_pricelist_id, member.tier_id.pricelist_id
            before, kept = member.tier_pricelists_before or {}, {}
            wanted_in = member._get_pricelist_companies(wanted, companies)
            for company in companies:
                key = str(company.id)
                if key not in before and company not in wanted_in:
                    continue
                partner = member.partner_id.with_company(company)
                current = partner.specific_property_product_pricelist
                own = known[before[key]] if key in before else current
                if company not in wanted_in:
                    returns.append((member.partner_id, key, given, own))
                if key in before and current != given:
                    # Somebody has set another one since
                    continue
                if company in wanted_in:
                    kept[key] = own.id
                target = wanted if company in wanted_in else own
                partners[company, target].append(partner.id)
            members[wanted, json.dumps(kept)].append(member.id)
        self._hand_over_pricelists(returns)
        self._write_pricelists(partners, members)

    def _get_known_pricelists(self):
        """Return price lists that contacts had before, none for those that are gone.

        :return: price list by id
        :rtype: dict
        """
        ids = {
            id_
            for member in self
            for id_ in (member.tier_pricelists_before or {}).values()
        }
        Pricelist = self.env["product.pricelist"]
        there = Pricelist.browse(filter(None, ids)).exists()
        return {id_: there & Pricelist.browse(id_ or ()) for id_ in ids}

    def _get_pricelist_companies(self, pricelist, companies):
        """Return the companies in which contacts get a price list of a tier."""
        if not pricelist:
            return companies.browse()
        company = pricelist.company_id or self.scheme_id.company_id
        return company or companies.filtered("active")

    def _hand_over_pricelists(self, returns):
        """Let other schemes give back what contacts had before both of them.

        :param returns: tuples of the contact, the id of the company as text, what the
            tier had given there, and what the contact had before
        """
        partner_ids = [partner.id for partner, _key, _given, _own in returns]
        others = self.search(
            [("partner_id", "in", partner_ids), ("id", "not in", self.ids)]
        ).grouped("partner_id")
        for partner, key, given, own in returns:
            for other in others.get(partner, ()):
                before = other.tier_pricelists_before or {}
                if given and before.get(key) == given.id:
                    other.tier_pricelists_before = {**before, key: own.id}

    def _write_pricelists(self, partners, members):
        """Write price lists of contacts, and what members remember of them.

        :param dict partners: ids of contacts by company and price list
        :param dict members: ids of members by price list and what contacts had before
        """
        for (company, pricelist), ids in partners.items():
            contacts = self.env["res.partner"].with_company(company).browse(ids)
            contacts.specific_property_product_pricelist = pricelist
        for (pricelist, kept), ids in members.items():
            self.browse(ids).write(
                {
                    "tier_pricelist_id": pricelist.id,
                    "tier_pricelists_before": json.loads(kept) or False,
                }
            )
