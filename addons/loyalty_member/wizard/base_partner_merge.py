# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.i18n import format_list


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        """Refuse what native would settle by deleting a membership."""
        self._check_loyalty_merge(self.env["res.partner"].browse(partner_ids))
        return super()._merge(
            partner_ids, dst_partner=dst_partner, extra_checks=extra_checks
        )

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # The keys move by SQL, past the rules of a membership
        # sudo: who merges contacts need not be allowed to see members
        dst_partner.sudo().loyalty_member_ids._check_companies()
        return result

    @api.model
    def _update_values(self, src_partners, dst_partner):
        """Keep the contact anonymous only if all that it is made of are."""
        partners = src_partners + dst_partner
        named = not all(partners.mapped("is_anonymous_member"))
        result = super()._update_values(src_partners, dst_partner)
        if named and dst_partner.is_anonymous_member:
            dst_partner.is_anonymous_member = False
        return result

    @api.model
    def _check_loyalty_merge(self, partners):
        """Refuse to make one contact of several members of the same scheme.

        :param partners: res.partner records that are to become one
        :raise UserError: with the contacts and the scheme
        """
        # sudo: a membership is in the way whoever may see it
        members_sudo = (
            self.env["loyalty.member"]
            .sudo()
            .search([("partner_id", "in", partners.ids)], order="id")
        )
        for scheme, members in members_sudo.grouped("scheme_id").items():
            self._check_one_in_scheme(scheme, members.partner_id)

    @api.model
    def _check_one_in_scheme(self, scheme, partners):
        """Refuse more than one contact in a scheme.

        :raise UserError: with the contacts and the scheme
        """
        if len(partners) < 2:
            return
        values = {
            "contacts": format_list(self.env, partners.mapped("display_name")),
            "scheme": scheme.name,
        }
        # sudo: see _check_loyalty_merge
        merged_sudo = (
            self.env["loyalty.member"]
            .sudo()
            .search(
                [
                    ("scheme_id", "=", scheme.id),
                    ("partner_id", "in", partners.ids),
                    ("state", "=", "merged"),
                ]
            )
        )
        if len(partners - merged_sudo.partner_id) < 2:
            raise UserError(
                self.env._(
                    "The memberships of %(contacts)s in %(scheme)s have been merged"
                    " already. The contacts stay apart, so that it can be undone:"
                    " archive the one you no longer need.",
                    **values,
                )
            )
        raise UserError(
            self.env._(
                "%(contacts)s each have a membership or points in %(scheme)s,"
                " and a contact can have only one. Merge the members instead"
                " (Loyalty > Members, choose them, Actions > Merge Members), or take"
                " all but one of them off the list of contacts to merge.",
                **values,
            )
        )
