# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize


class LoyaltyMemberEnrol(models.TransientModel):
    _name = "loyalty.member.enrol"
    _description = "Enrol a Loyalty Member"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        default=lambda self: self.env["loyalty.member"]._default_scheme_id(),
        required=True,
        domain=[("state", "=", "open")],
        ondelete="cascade",
    )
    store_id = fields.Many2one(
        comodel_name="loyalty.store",
        ondelete="cascade",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Existing Contact",
        ondelete="cascade",
    )
    name = fields.Char()
    phone = fields.Char()
    email = fields.Char()
    country_id = fields.Many2one(
        comodel_name="res.country",
        default=lambda self: self._default_country_id(),
        ondelete="set null",
        help="Where a phone number without a country code belongs.",
    )
    card_number = fields.Char(
        string="Printed Card",
        help="Scan a printed card that waits for its member. "
        "Leave empty to draw a new number.",
    )
    existing_member_id = fields.Many2one(
        comodel_name="loyalty.member",
        compute="_compute_existing_member_id",
    )
    phone_error = fields.Char(compute="_compute_duplicate_ids")
    duplicate_ids = fields.Many2many(
        comodel_name="res.partner",
        string="Look-alikes",
        compute="_compute_duplicate_ids",
    )

    # === DEFAULTS === #

    def _default_country_id(self):
        return self.env.company.country_id

    # === COMPUTE === #

    @api.depends("partner_id", "scheme_id")
    def _compute_existing_member_id(self):
        for wizard in self:
            wizard.existing_member_id = self.env["loyalty.member"].search(
                [
                    ("partner_id", "=", wizard.partner_id.id),
                    ("scheme_id", "=", wizard.scheme_id.id),
                ],
                limit=1,
            )

    @api.depends("partner_id", "phone", "email", "country_id")
    def _compute_duplicate_ids(self):
        for wizard in self:
            error, phone = False, False
            try:
                phone = wizard._get_phone()
            except ValidationError as exception:
                error = str(exception)
            wizard.phone_error = error
            wizard.duplicate_ids = self.env["res.partner"]._find_member_duplicates(
                phone=phone,
                email=email_normalize(wizard.email or wizard.partner_id.email or ""),
                exclude=wizard.partner_id,
            )

    # === ACTIONS === #

    def action_enrol(self):
        """Make the contact a member and open the membership.

        :raise UserError: when there is nobody to enrol, or the card is not free
        :raise ValidationError: when the phone number cannot be one
        """
        self.ensure_one()
        self.env["loyalty.member"].check_access("create")
        if self.partner_id or not self.phone:
            member = self.env["loyalty.member"]._enrol(
                self.partner_id or self._create_partner(),
                self.scheme_id,
                **self._get_enrol_options(),
            )
        else:
            member = self._enrol_by_phone()
        return member.get_formview_action()

    # === BUSINESS === #

    def _enrol_by_phone(self):
        """Enrol a new contact with a phone number.

        If the form has shown contacts who have the same number or e-mail, the user has
        decided that this is somebody else.
        """
        self._check_new_partner()
        return self.env["loyalty.member"]._enrol_by_phone(
            self.phone,
            self.scheme_id,
            name=self.name,
            country=self.country_id,
            values=self._prepare_partner_values(),
            allow_duplicate=bool(self.duplicate_ids),
            **self._get_enrol_options(),
        )

    def _get_enrol_options(self):
        return {
            "store": self.store_id,
            "channel_code": "manual",
            "card": self._find_printed_card(),
        }

    def _get_phone(self):
        """Return the phone as E.164.

        :raise ValidationError: when it cannot be a phone number
        """
        self.ensure_one()
        number = self.phone or self.partner_id.phone
        country = self.partner_id.country_id or self.country_id
        return number and self.env["res.partner"]._normalize_member_phone(
            number, country
        )

    def _check_new_partner(self):
        if not self.name or not (self.phone or self.email):
            raise UserError(
                self.env._(
                    "Choose a contact, or write a name with a phone number or an "
                    "e-mail address."
                )
            )

    def _create_partner(self):
        self._check_new_partner()
        # sudo: whoever may enrol members may add their contact, and nothing else
        partner_sudo = self.env["res.partner"].sudo()
        return partner_sudo.create(self._prepare_partner_values()).with_env(self.env)

    def _prepare_partner_values(self):
        return {
            "name": self.name,
            "email": self.email,
            "country_id": self.country_id.id,
            "company_id": self.scheme_id.company_id.id,
        }

    def _find_printed_card(self):
        self.ensure_one()
        number = (self.card_number or "").strip()
        cards = self.env["loyalty.member.card"]
        if not number:
            return cards
        card = cards.search(
            [("number", "=", number), ("scheme_id", "=", self.scheme_id.id)], limit=1
        )
        if not card:
            raise UserError(
                self.env._(
                    "%(scheme)s has no card with the number %(number)s. Scan it "
                    "again, or leave the field empty.",
                    scheme=self.scheme_id.name,
                    number=number,
                )
            )
        return card
