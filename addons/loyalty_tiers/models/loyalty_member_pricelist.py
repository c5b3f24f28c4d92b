# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price list of the tier on Odoo's contact."""

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
        for member_sudo in self.sudo().browse(row[0] for row in rows):
            member_sudo._follow_pricelist()

    def _follow_pricelist(self):
        """Give the contact the price list of the tier, or its own one back.

        Called in superuser mode. A price list that somebody has set by hand since the
        tier gave its own stays.
        """
        self.ensure_one()
        given, wanted = self.tier_pricelist_id, self.tier_id.pricelist_id
        before = self.tier_pricelists_before or {}
        kept = {}
        wanted_in = self._get_pricelist_companies(wanted)
        for company in self._get_pricelist_companies(wanted, before):
            key = str(company.id)
            partner = self.partner_id.with_company(company)
            current = partner.specific_property_product_pricelist
            own = self._get_own_pricelist(before[key]) if key in before else current
            if company not in wanted_in:
                self._hand_over_pricelist(key, given, own)
            if key in before and current != given:
                # Somebody has set another one since
                continue
            if company in wanted_in:
                kept[key] = own.id
            partner.specific_property_product_pricelist = (
                wanted if company in wanted_in else own
            )
        self.write(
            {"tier_pricelist_id": wanted.id, "tier_pricelists_before": kept or False}
        )

    def _get_pricelist_companies(self, pricelist, before=()):
        """Return the companies in which contacts have a price list of a tier.

        :param before: ids of companies in which they have one, as text
        """
        Company = self.env["res.company"]
        known = Company.browse(map(int, before)).exists()
        if not pricelist:
            return known
        company = pricelist.company_id or self.scheme_id.company_id
        return known | (company or Company.search([("id", "not in", known.ids)]))

    def _get_own_pricelist(self, id_):
        return self.env["product.pricelist"].browse(id_ or ()).exists()

    def _hand_over_pricelist(self, key, given, own):
        """Let other schemes give back what the contact had before both of them."""
        others = self.search(
            [("partner_id", "=", self.partner_id.id), ("id", "!=", self.id)]
        )
        for other in others:
            before = other.tier_pricelists_before or {}
            if given and before.get(key) == given.id:
                other.tier_pricelists_before = {**before, key: own.id}
