# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.phone_validation.tools import phone_validation

EXAMPLE_PHONE = "+32 470 12 34 56"
LOYALTY_GROUPS = (
    "loyalty_member.loyalty_member_group_service,"
    "loyalty_member.loyalty_member_group_auditor"
)


class ResPartner(models.Model):
    _inherit = "res.partner"

    birthdate_date = fields.Date(string="Birthdate")
    is_anonymous_member = fields.Boolean(
        copy=False,
        help="Stands for a member whose name we do not know.",
    )
    loyalty_member_ids = fields.One2many(
        comodel_name="loyalty.member",
        inverse_name="partner_id",
        string="Memberships",
        groups=LOYALTY_GROUPS,
    )
    loyalty_member_count = fields.Integer(
        compute="_compute_loyalty_member_count",
        groups=LOYALTY_GROUPS,
    )

    # Enrolling looks for the same phone and e-mail among all contacts
    phone_sanitized = fields.Char(index="btree_not_null")
    email_normalized = fields.Char(index="btree_not_null")

    # === COMPUTE === #

    @api.depends("loyalty_member_ids")
    def _compute_loyalty_member_count(self):
        counts = dict(
            self.env["loyalty.member"]._read_group(
                [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.loyalty_member_count = counts.get(partner._origin, 0)

    # === CRUD === #

    def write(self, vals):
        if not vals.get("phone"):
            return super().write(vals)
        result = True
        for phone, partners in self._group_by_stored_phone(vals).items():
            result &= super(ResPartner, partners).write({**vals, "phone": phone})
        return result

    # === ACTIONS === #

    def action_view_loyalty_members(self):
        """Open the memberships of this contact, or the form of the only one."""
        self.ensure_one()
        members = self.loyalty_member_ids
        if len(members) == 1:
            return members.get_formview_action()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_member.loyalty_member_action"
        )
        action["domain"] = [("partner_id", "=", self.id)]
        action["context"] = {"default_partner_id": self.id}
        return action

    # === BUSINESS: PHONES === #

    def _group_by_stored_phone(self, vals):
        """Return how to store the phone in the values, which members have as E.164.

        :param dict vals: values of a write, with a phone
        :return: the contacts, by the phone to store
        :rtype: dict[str, res.partner]
        """
        members = self._filter_members()
        others = self - members
        partners_by_phone = {vals["phone"]: others} if others or not self else {}
        for partner in members:
            country = (
                self.env["res.country"].browse(vals["country_id"])
                if vals.get("country_id")
                else partner._get_member_country()
            )
            phone = self._normalize_member_phone(vals["phone"], country)
            partners_by_phone[phone] = (
                partners_by_phone.get(phone, self.browse()) | partner
            )
        return partners_by_phone

    def _filter_members(self):
        # sudo: a phone is stored the same way whoever edits the contact
        member_sudo = self.env["loyalty.member"].sudo()
        return member_sudo.search([("partner_id", "in", self.ids)]).partner_id.with_env(
            self.env
        )

    def _get_member_country(self):
        self.ensure_one()
        return self.country_id or (self.company_id or self.env.company).country_id

    def _format_member_phone(self):
        """Store the phones of new members as E.164.

        :raise ValidationError: when a number cannot be a phone number
        """
        for partner in self.filtered("phone"):
            phone = self._normalize_member_phone(
                partner.phone, partner._get_member_country()
            )
            if phone != partner.phone:
                partner.phone = phone

    @api.model
    def _normalize_member_phone(self, number, country):
        """Return a phone number as E.164, the one form that finds it again.

        :param str number: as somebody wrote it
        :param country: res.country of a number without a country code
        :raise ValidationError: when it cannot be a phone number
        :return: e.g. ``+32470123456``
        :rtype: str
        """
        try:
            return phone_validation.phone_format(
                number, country.code, country.phone_code, force_format="E164"
            )
        except UserError as error:
            raise ValidationError(self._get_bad_phone_message(number, country)) from (
                error
            )

    @api.model
    def _get_bad_phone_message(self, number, country):
        if not country:
            return self.env._(
                "%(number)s is not a phone number. Write it with the country code, "
                "e.g. %(example)s.",
                number=number,
                example=EXAMPLE_PHONE,
            )
        return self.env._(
            "%(number)s is not a phone number in %(country)s. Write it with the "
            "country code, e.g. %(example)s.",
            number=number,
            country=country.name,
            example=EXAMPLE_PHONE,
        )

    # === BUSINESS: DUPLICATES === #

    @api.model
    def _find_member_duplicates(self, phone=None, email=None, exclude=None):
        """Find other contacts that look like the same person.

        :param str phone: E.164
        :param str email: normalized
        :param exclude: res.partner records that are known to be this person
        :rtype: res.partner
        """
        leaves = []
        if phone:
            leaves.append([("phone_sanitized", "=", phone)])
        if email:
            leaves.append([("email_normalized", "=", email)])
        if not leaves:
            return self.browse()
        domain = Domain.OR(leaves)
        if exclude:
            domain &= Domain("id", "not in", exclude.ids)
        return self.search(domain, limit=5)
