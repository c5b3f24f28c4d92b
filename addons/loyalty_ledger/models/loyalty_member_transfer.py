# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How members give points to each other."""

from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    transfer_count = fields.Integer(compute="_compute_transfers", compute_sudo=True)

    def _compute_transfers(self):
        counts = Counter()
        for field in ("giver_id", "recipient_id"):
            counts.update(
                dict(
                    self.env["loyalty.transfer"]._read_group(
                        [(field, "in", self.ids)], [field], ["__count"]
                    )
                )
            )
        for member in self:
            member.transfer_count = counts[member._origin]

    def action_view_transfers(self):
        """Open what these members gave and received."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_transfer_action"
        )
        action["domain"] = [
            "|",
            ("giver_id", "in", self.ids),
            ("recipient_id", "in", self.ids),
        ]
        action["context"] = {
            "default_giver_id": self.id if len(self) == 1 else False,
        }
        return action

    def _get_short_name(self):
        """Return what another member may read of this one: "Anna D.".

        Nothing of who is known by a phone number or an e-mail address alone.
        """
        self.ensure_one()
        # sudo: the member need not be the user's own, which is the point
        name = (self.sudo().partner_id.name or "").split()
        if (
            self.sudo().is_anonymous
            or not name
            or not set("@0123456789").isdisjoint(name[0])
        ):
            return self.env._("another member")
        initials = [f"{word[0].upper()}." for word in name[1:][-1:] if word.isalpha()]
        return " ".join([name[0], *initials])

    @api.model
    def _find_named(self, name, scheme, country):
        """Find the member whom somebody names exactly; nobody is searched for.

        :param str name: a card or member number, an e-mail address or a phone number
        :param scheme: the loyalty.scheme
        :param country: res.country of a phone number without a country code
        :return: one loyalty.member
        :raise UserError: if nobody is called so, or several are
        """
        name = " ".join(str(name or "").split())
        members = self.browse()
        for domain in self._get_named_domains(name, country) if name else ():
            members = self.search(
                [("scheme_id", "=", scheme.id), ("state", "!=", "left"), *domain],
                limit=2,
            )._get_survivor()
            members = self.browse(dict.fromkeys(members.ids))
            if members:
                break
        if not members:
            raise UserError(
                self.env._(
                    "Nobody in %(scheme)s has this number or address. Ask for the"
                    " number on the card, and enter all of it.",
                    scheme=scheme.name,
                )
            )
        if len(members) > 1:
            raise UserError(
                self.env._(
                    "Several members share this address or number. Ask for the number"
                    " on the card."
                )
            )
        return members

    @api.model
    def _get_named_domains(self, name, country):
        """Return how to look for a name, the surest first."""
        if "@" in name:
            return [[("partner_id.email_normalized", "=", name.lower())]]
        code = name.replace(" ", "")
        domains = [
            [
                (
                    "card_ids",
                    "any",
                    [
                        ("number", "in", self._get_scanned_codes(code)),
                        ("state", "=", "active"),
                    ],
                )
            ],
            [("number", "=", code)],
        ]
        try:
            phone = self.env["res.partner"]._normalize_member_phone(name, country)
        except ValidationError:
            return domains
        return [*domains, [("partner_id.phone_sanitized", "=", phone)]]
