# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ..orm_cache import fetch_where
from .loyalty_member_code import VALID_MINUTES

NUMBER_DIGITS = 10


class LoyaltyMember(models.Model):
    _name = "loyalty.member"
    _description = "Loyalty Member"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "enrol_date desc, id desc"
    _rec_names_search = ["number", "partner_id"]

    # === FIELDS === #

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        default=lambda self: self._default_scheme_id(),
        required=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Contact",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    number = fields.Char(
        copy=False,
        readonly=True,
        help="Stays the same for life, whatever card the member shows.",
    )
    state = fields.Selection(
        selection=[
            ("active", "Active"),
            ("blocked", "Blocked"),
            ("left", "Left"),
            ("merged", "Merged"),
        ],
        string="Status",
        default="active",
        required=True,
        copy=False,
        readonly=True,
        tracking=True,
    )
    block_reason = fields.Char(copy=False, readonly=True, tracking=True)
    enrol_date = fields.Datetime(
        string="Member Since",
        default=fields.Datetime.now,
        required=True,
        copy=False,
    )
    channel_id = fields.Many2one(
        comodel_name="loyalty.channel",
        string="Enrolled Through",
        index=True,
        ondelete="restrict",
    )
    store_id = fields.Many2one(
        comodel_name="loyalty.store",
        string="Enrolled In",
        index="btree_not_null",
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id",
        store=True,
        index="btree_not_null",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")

    # Cards
    card_ids = fields.One2many(
        comodel_name="loyalty.member.card",
        inverse_name="member_id",
        string="Cards",
    )
    main_card_id = fields.Many2one(
        comodel_name="loyalty.member.card",
        string="Card",
        compute="_compute_main_card_id",
        help="The card that this member shows: the newest active one.",
    )
    card_count = fields.Integer(compute="_compute_card_count")
    card_picture = fields.Html(compute="_compute_card_picture", sanitize=False)

    # Contact
    is_anonymous = fields.Boolean(related="partner_id.is_anonymous_member")
    phone = fields.Char(related="partner_id.phone")
    email = fields.Char(related="partner_id.email")
    birthdate_date = fields.Date(related="partner_id.birthdate_date")
    avatar_128 = fields.Image(related="partner_id.avatar_128")

    # === CONSTRAINTS AND INDEXES === #

    _scheme_partner_uniq = models.Constraint(
        "UNIQUE (scheme_id, partner_id)",
        "This contact is already a member of the scheme.",
    )
    _number_uniq = models.UniqueIndex(
        "(number, scheme_id)",
        "Another member of this scheme already has this number.",
    )
    _recent_idx = models.Index("(enrol_date DESC, id DESC)")

    # === DEFAULTS === #

    @api.model
    def _default_scheme_id(self):
        """Return the scheme to offer first: the only one there is, if so."""
        schemes = self.env["loyalty.scheme"].search([("state", "=", "open")], limit=2)
        return schemes if len(schemes) == 1 else self.env["loyalty.scheme"]

    # === COMPUTE === #

    @api.depends("partner_id.name", "number")
    def _compute_display_name(self):
        for member in self:
            member.display_name = member.partner_id.name or member.number

    @api.depends("card_ids.state")
    def _compute_main_card_id(self):
        for member in self:
            cards = member.card_ids.filtered(lambda card: card.state == "active")
            member.main_card_id = cards.sorted()[:1]

    @api.depends("card_ids")
    def _compute_card_count(self):
        counts = dict(
            self.env["loyalty.member.card"]._read_group(
                [("member_id", "in", self.ids)], ["member_id"], ["__count"]
            )
        )
        for member in self:
            member.card_count = counts.get(member._origin, 0)

    @api.depends("partner_id.name", "main_card_id", "scheme_id.color_primary")
    def _compute_card_picture(self):
        for member in self:
            member.card_picture = member._render_card_picture()

    # === CONSTRAINS === #

    @api.constrains("scheme_id", "partner_id", "store_id")
    def _check_companies(self):
        """Keep a company's scheme to that company's contacts and stores.

        ``check_company`` will not do: a shared scheme (without a company) has
        members of every company.
        """
        for member in self:
            company = member.scheme_id.company_id
            for record in (member.partner_id, member.store_id):
                if company and record.company_id and record.company_id != company:
                    raise ValidationError(
                        self.env._(
                            "%(record)s belongs to %(record_company)s, while the "
                            "scheme %(scheme)s belongs to %(company)s.",
                            record=record.display_name,
                            record_company=record.company_id.name,
                            scheme=member.scheme_id.name,
                            company=company.name,
                        )
                    )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self._set_numbers(vals_list)
        members = super().create(vals_list)
        # sudo: who may enrol need not hold the right to edit contacts
        members.partner_id.sudo()._format_member_phone()
        members._create_first_cards()
        return members

    def write(self, vals):
        self._check_immutable(vals)
        return super().write(vals)

    # === ACTIONS === #

    def action_block(self, reason=False):
        """Stop members from earning and spending, e.g. on suspicion of fraud.

        :param str reason: why, for colleagues; the member does not see it
        """
        self.filtered(lambda member: member.state not in ("blocked", "merged")).write(
            {"state": "blocked", "block_reason": reason}
        )

    def action_unblock(self):
        """Let blocked members earn and spend again."""
        self.filtered(lambda member: member.state == "blocked")._activate()

    def action_leave(self):
        """End the membership at the member's wish. Enrolling again revives it."""
        self.filtered(lambda member: member.state not in ("left", "merged")).write(
            {"state": "left", "block_reason": False}
        )

    def action_rejoin(self):
        """Take members back who had left."""
        members = self.filtered(lambda member: member.state == "left")
        members.scheme_id._check_open()
        members._activate()

    def action_new_card(self):
        """Give each member one more card and open it."""
        self.check_access("write")
        cards = self._create_cards()
        if len(cards) != 1:
            return self.action_view_cards()
        return cards.get_formview_action()

    def action_view_cards(self):
        """Open the cards of these members."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_member.loyalty_member_card_action"
        )
        action["domain"] = [("member_id", "in", self.ids)]
        action["context"] = {
            "default_member_id": self.id if len(self) == 1 else False,
            "default_scheme_id": self.scheme_id.id if len(self) == 1 else False,
        }
        return action

    # === BUSINESS: ENROLMENT === #

    @api.model
    def _enrol(self, partner, scheme, store=None, channel_code="manual", card=None):
        """Make contacts members of a scheme.

        Enrolling twice is the same as once: who is a member already stays so, and
        who had left comes back with the same number. A blocked member stays blocked,
        and who was merged into another member is that one.

        :param partner: res.partner record, or several
        :param scheme: the loyalty.scheme to join
        :param store: the loyalty.store where it happens, if any
        :param str channel_code: code of the loyalty.channel through which it happens
        :param card: a printed loyalty.member.card to give, instead of a new number;
            only with one contact
        :return: loyalty.member, one for each partner and in their order
        :raise UserError: when the scheme is closed, or the card is not free
        :raise ConcurrencyError: when somebody else enrols the same contact right
            now; Odoo then tries the whole request again and finds that member
        """
        scheme.ensure_one()
        scheme._check_open()
        members = self.search(
            [("scheme_id", "=", scheme.id), ("partner_id", "in", partner.ids)]
        )
        members.filtered(lambda member: member.state == "left")._activate()
        newcomers = partner - members.partner_id
        if card and newcomers:
            card._check_free()
        if newcomers:
            channel = self.env["loyalty.channel"]._get_by_code(channel_code)
            members |= self._create_enrolled(
                [
                    self._prepare_member_values(
                        newcomer, scheme, store=store, channel=channel, card=card
                    )
                    for newcomer in newcomers
                ]
            )
        members = members.sorted(lambda member: partner.ids.index(member.partner_id.id))
        if card:
            card._assign(members._get_survivor())
        return members._get_survivor()

    @api.model
    def _enrol_by_phone(
        self,
        phone,
        scheme,
        name=False,
        company=None,
        country=None,
        values=None,
        allow_duplicate=False,
        **options,
    ):
        """Make the person who has a phone number a member of a scheme.

        A member of the scheme who has the number stays that member, and a contact who
        has it becomes one; their name and other data stay. Otherwise a contact is
        created; without a name it is anonymous.

        :param str phone: as somebody wrote it
        :param scheme: the loyalty.scheme to join
        :param str name: of a new contact, if known
        :param company: the res.company where it happens, whose contacts are found
        :param country: res.country of a number without a country code, unless it is
            that of the company
        :param dict values: more values of a new contact
        :param bool allow_duplicate: whether to create a contact even if another one
            has the number
        :param options: ``store``, ``channel_code`` and ``card``, see :meth:`_enrol`
        :return: loyalty.member
        :raise ValidationError: when it cannot be a phone number
        :raise UserError: when several contacts have the number, the scheme is closed,
            or the card is not free
        :raise ConcurrencyError: when somebody else enrols the same number right now;
            Odoo then tries the whole request again and finds that member
        """
        scheme.ensure_one()
        self.check_access("create")
        scheme._check_open()
        company = company or scheme.company_id or self.env.company
        country = company.country_id if country is None else country
        # sudo: who may enrol may find and add the member's contact, and nothing else
        Partner_sudo = self.env["res.partner"].sudo()
        phone = Partner_sudo._normalize_member_phone(phone, country)
        partner_sudo = Partner_sudo
        if not allow_duplicate:
            partner_sudo = self._find_phone_owner(phone, scheme, company)
            if not partner_sudo:
                self._lock_phone(phone, scheme, company)
        if not partner_sudo:
            partner_sudo = Partner_sudo.create(
                {
                    **self._prepare_phone_partner_values(phone, scheme, name),
                    **(values or {}),
                }
            )
        return self._enrol(partner_sudo.with_env(self.env), scheme, **options)

    @api.model
    def _find_phone_owner(self, phone, scheme, company):
        """Return the contact who has a phone number: a member of the scheme first.

        :param str phone: E.164
        :return: res.partner in superuser mode, perhaps none
        :raise UserError: when several have the number
        """
        # sudo: as for _enrol_by_phone
        partners_sudo = self.env["res.partner"].sudo()
        partners_sudo = partners_sudo._find_member_duplicates(phone=phone).filtered(
            lambda partner: partner.company_id.id in (company.id, False)
        )
        members_sudo = self.sudo().search(
            [("scheme_id", "=", scheme.id), ("partner_id", "in", partners_sudo.ids)]
        )
        owners_sudo = members_sudo.partner_id or partners_sudo
        if len(owners_sudo) > 1:
            raise UserError(
                self.env._(
                    "Several customers have the number %(number)s. Choose the right "
                    "one in the list of customers.",
                    number=phone,
                )
            )
        return owners_sudo

    @api.model
    def _lock_phone(self, phone, scheme, company):
        """Keep other transactions from creating a contact with the same phone number.

        :param str phone: E.164, which nobody has as far as this transaction sees
        :raise ConcurrencyError: when somebody has it by now
        """
        # No row is there yet that could be locked
        self.env.execute_query(
            SQL("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", phone)
        )
        # Only a new transaction sees what was committed since this one began
        with self.env.registry.cursor() as cr:
            members = self.with_env(self.env(cr=cr))
            if members._find_phone_owner(phone, scheme, company):
                raise ConcurrencyError(
                    self.env._("Somebody else is enrolling this phone number.")
                )

    @api.model
    def _prepare_phone_partner_values(self, phone, scheme, name):
        return {
            "name": name or phone,
            "phone": phone,
            "is_anonymous_member": not name,
            "company_id": scheme.company_id.id,
        }

    @api.model
    def _prepare_member_values(self, partner, scheme, store, channel, card=None):
        return {
            "partner_id": partner.id,
            "scheme_id": scheme.id,
            "store_id": store.id if store else False,
            "channel_id": channel.id,
            "card_ids": [Command.link(card.id)] if card else [],
        }

    @api.model
    def _create_enrolled(self, vals_list):
        """Create members, telling a race from a mistake.

        Under REPEATABLE READ a member that another transaction has just committed
        is invisible to a search and yet stops our insert, so only a fresh
        transaction can find it.
        """
        try:
            with self.env.cr.savepoint():
                members = self.create(vals_list)
                self.env.flush_all()
        except UniqueViolation as error:
            raise ConcurrencyError(
                self.env._("The same contact is being enrolled by somebody else.")
            ) from error
        return members

    def _activate(self):
        self.write({"state": "active", "block_reason": False})

    # === BUSINESS: NUMBERS AND CARDS === #

    @api.model
    def _set_numbers(self, vals_list):
        vals_without = [vals for vals in vals_list if not vals.get("number")]
        numbers = self._generate_numbers(len(vals_without))
        for vals, number in zip(vals_without, numbers, strict=True):
            vals["number"] = number

    @api.model
    def _generate_numbers(self, count):
        """Return member numbers that nobody has, and that nobody can guess.

        :param int count: how many
        :rtype: list[str]
        """
        return self.env["loyalty.member.card"]._generate_unused(
            self, count, self._get_random_number
        )

    @api.model
    def _get_random_number(self):
        low = 10 ** (NUMBER_DIGITS - 1)
        return str(low + secrets.randbelow(9 * low))

    def _create_first_cards(self):
        """Give a card to the members who came without one."""
        self.filtered(lambda member: not member.card_ids)._create_cards()

    def _create_cards(self):
        """Give each member a new active card.

        :rtype: loyalty.member.card
        """
        return self.env["loyalty.member.card"].create(
            [member._prepare_card_values() for member in self]
        )

    def _prepare_card_values(self):
        self.ensure_one()
        return {
            "scheme_id": self.scheme_id.id,
            "member_id": self.id,
            "state": "active",
            "symbology": self.scheme_id.card_symbology,
        }

    # === BUSINESS: LOOK-UP === #

    @api.model
    def _find_by_code(self, code, scheme=None, company=None):
        """Find the card that a scanner or a person at a till names.

        :param str code: a card number, or a member number
        :param scheme: only cards of this loyalty.scheme
        :param company: only cards of schemes that this company may use
        :return: the card, in whatever state it is (see ``_check_usable``), or none
        :rtype: loyalty.member.card
        """
        code = (code or "").strip()
        cards = self.env["loyalty.member.card"]
        if not code:
            return cards
        domain = self._get_lookup_domain(scheme, company)
        codes = self._get_scanned_codes(code)
        card = cards.search(Domain("number", "in", codes) & domain, limit=1)
        if card:
            return card
        member = self.search(Domain("number", "=", code) & domain, limit=1)
        member = member._get_survivor()
        return member.main_card_id or member.card_ids[:1]

    @api.model
    def _get_scanned_codes(self, code):
        """Return the card numbers that a scanned code may stand for.

        An EAN-13 that begins with 0 is a UPC-A, which many scanners send as twelve
        digits.
        """
        return [code, f"0{code}"] if len(code) == 12 and code.isdigit() else [code]

    @api.model
    def _get_lookup_domain(self, scheme=None, company=None):
        domain = Domain.TRUE
        if scheme:
            domain &= Domain("scheme_id", "=", scheme.id)
        if company:
            domain &= Domain("company_id", "in", [company.id, False])
        return domain

    @api.model
    def _find_for_partner(self, partner, scheme):
        """Find the membership under which a contact buys.

        Whether the user may see it is not asked.

        :param partner: the customer of a sale, perhaps an address of a company
        :param scheme: loyalty.scheme
        :return: the contact's own membership, else that of the commercial entity
        :rtype: loyalty.member
        """
        candidates = partner | partner.commercial_partner_id
        members = fetch_where(
            self,
            SQL("scheme_id = %s AND partner_id = ANY(%s)", scheme.id, candidates.ids),
            self._get_buyer_fields(),
        )
        own = members.filtered(lambda member: member.partner_id == partner)
        return (own or members[:1])._get_survivor()

    @api.model
    def _get_buyer_fields(self):
        """Return the fields that every sale asks a member for.

        A till asks for a quote after each product; reading all fields takes longer
        than all else that it asks about the member.
        """
        return ["scheme_id", "partner_id", "state", "merged_into_id"]

    # === BUSINESS: CHECKS === #

    def _check_can_transact(self):
        """Refuse, in words for the person at the till, to earn or spend.

        :raise UserError: when the membership is blocked or over, or the scheme closed
        """
        for member in self:
            member.scheme_id._check_open()
            if member.state == "blocked":
                raise UserError(
                    self.env._(
                        "The membership of %(member)s in %(scheme)s is blocked. "
                        "Sell without loyalty, and send the customer to the "
                        "person who looks after %(scheme)s members.",
                        member=member.display_name,
                        scheme=member.scheme_id.name,
                    )
                )
            if member.state == "merged":
                raise UserError(
                    self.env._(
                        "%(member)s has been merged into %(survivor)s. Look the "
                        "customer up again.",
                        member=member.display_name,
                        survivor=member._get_survivor().display_name,
                    )
                )
            if member.state == "left":
                raise UserError(
                    self.env._(
                        "%(member)s has left %(scheme)s. "
                        "Enrol the customer again to earn and spend.",
                        member=member.display_name,
                        scheme=member.scheme_id.name,
                    )
                )

    def _get_refusal_text(self):
        """Return why this member can neither earn nor spend, ``False`` if both go.

        :rtype: str | bool
        """
        self.ensure_one()
        try:
            self._check_can_transact()
        except UserError as error:
            return str(error)
        return False

    @api.model
    def _get_immutable_fields(self):
        return {"scheme_id", "partner_id", "number"}

    def _check_immutable(self, vals):
        """Refuse to turn one membership into another's by editing it.

        :raise UserError: when a value that identifies the member would change
        """
        changed = [
            name
            for name in self._get_immutable_fields() & vals.keys()
            if any(
                member._fields[name].convert_to_write(member[name], member)
                != vals[name]
                for member in self
            )
        ]
        if changed:
            raise UserError(
                self.env._(
                    "The scheme, the contact and the number of a member cannot be "
                    "changed. Enrol the other contact instead."
                )
            )

    # === BUSINESS: ONE-TIME CODES === #

    def _send_code(self, purpose, record=None, about=""):
        """Send this member a code by which to confirm something, at once.

        :param str purpose: one of ``loyalty.member.code.purpose``
        :param record: the document that is to be confirmed, if any
        :param str about: what the member says yes to, as a sentence for the message
        :return str: where the code went, for "We sent a code to …"
        :raise UserError: the member cannot be reached, or got too many codes
        """
        self.ensure_one()
        # sudo: codes are nobody's to read or to write
        Code_sudo = self.env["loyalty.member.code"].sudo()
        self._lock_codes()
        Code_sudo._check_may_send(self.sudo())
        code_sudo, code = Code_sudo._draw(self, purpose, record)
        return self._deliver_code(code, code_sudo, about)

    def _check_code(self, purpose, code, record=None):
        """Use up the code that this member was sent for a purpose and a document.

        The attempt is counted for good, also if the caller's transaction fails.

        :param str code: what the member has entered, spaces allowed
        :raise UserError: wrong, expired, used, or too many attempts
        :raise ConcurrencyError: see ``loyalty.member.code._count_attempt``
        """
        self.ensure_one()
        # sudo: see _send_code
        Code_sudo = self.env["loyalty.member.code"].sudo()
        Code_sudo._find_newest(self, purpose, record)._use(code)

    def _lock_codes(self):
        """Let only one code be sent to this member at a time.

        The row is written, not just locked: PostgreSQL then refuses whoever waited
        with an older view of the codes, and Odoo runs that call again.
        """
        self.env.execute_query(
            SQL(
                "UPDATE loyalty_member SET write_date = write_date WHERE id = %s"
                " RETURNING id",
                self.id,
            )
        )

    def _deliver_code(self, code, code_sudo, about=""):
        """Bring a code to this member. Modules with other ways extend this.

        :param str code: the code itself
        :param code_sudo: its loyalty.member.code
        :param str about: see ``_send_code``
        :return str: where it went, written so that it gives no address away
        :raise UserError: there is no way to reach the member, or it failed
        """
        # sudo: whoever has a code sent need not have the right to read the contact
        partner_sudo = self.sudo().partner_id
        if not partner_sudo.email_normalized:
            raise UserError(
                self.env._(
                    "%(member)s has no e-mail address to send a code to. Add one to"
                    " the contact first.",
                    member=partner_sudo.name,
                )
            )
        address = self._mask_email(partner_sudo.email_normalized)
        # sudo: templates are read and mails sent for whoever asks
        template_sudo = self.env.ref("loyalty_member.mail_template_member_code").sudo()
        template_sudo = template_sudo.with_context(
            loyalty_member_code=code,
            loyalty_member_code_about=about,
            loyalty_member_code_minutes=VALID_MINUTES,
            loyalty_member_code_purpose=dict(
                code_sudo._fields["purpose"]._description_selection(self.env)
            )[code_sudo.purpose],
        )
        try:
            # A mail that could not be sent must not stay behind with the code in it
            with self.env.cr.savepoint():
                mail_id = template_sudo.send_mail(
                    self.id,
                    force_send=True,
                    raise_exception=True,
                    email_values={"auto_delete": True, "recipient_ids": []},
                    email_layout_xmlid="loyalty_member.mail_layout_code",
                )
                mail_sudo = template_sudo.env["mail.mail"].browse(mail_id).exists()
                if mail_sudo.state == "exception":
                    raise MailDeliveryException(mail_sudo.failure_reason)
        except MailDeliveryException as error:
            raise UserError(
                self.env._(
                    "The code could not be sent to %(address)s. Check the address, or"
                    " try again later.",
                    address=address,
                )
            ) from error
        return address

    @api.model
    def _mask_email(self, email):
        """Return an address as its owner knows it again and nobody else: j•••@x.com."""
        name, _at, domain = email.partition("@")
        return f"{name[:1]}•••@{domain}"

    # === BUSINESS: PICTURE === #

    def _get_card_values(self):
        """Return what the picture of this member's card shows."""
        self.ensure_one()
        return self.main_card_id._get_card_values(self.scheme_id, self)

    def _render_card_picture(self):
        self.ensure_one()
        return self.env["ir.qweb"]._render(
            "loyalty_member.card_picture", {"picture": self._get_card_values()}
        )
