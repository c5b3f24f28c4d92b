# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import io
import secrets

import qrcode

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.barcode import (
    createBarcodeDrawing,
    get_barcode_check_digit,
    get_barcode_font,
)

SYMBOLOGIES = [("ean13", "EAN-13"), ("code128", "Code 128"), ("qr", "QR Code")]
MAX_GENERATION_ROUNDS = 20
MAX_CARDS_PER_BATCH = 10_000


class LoyaltyMemberCard(models.Model):
    _name = "loyalty.member.card"
    _description = "Loyalty Member Card"
    _inherit = ["mail.thread"]
    _order = "issue_date desc, id desc"
    _rec_name = "number"
    _rec_names_search = ["number", "member_id"]

    # === FIELDS === #

    number = fields.Char(
        copy=False,
        help="Leave empty to draw a free number at random.",
    )
    symbology = fields.Selection(
        selection=SYMBOLOGIES,
        string="Printed As",
        default="ean13",
        required=True,
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        default=lambda self: self.env["loyalty.member"]._default_scheme_id(),
        required=True,
        index=True,
        ondelete="restrict",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        help="Empty for a printed card that waits for its member.",
    )
    partner_id = fields.Many2one(related="member_id.partner_id")
    company_id = fields.Many2one(
        related="scheme_id.company_id",
        store=True,
        index="btree_not_null",
    )
    state = fields.Selection(
        selection=[
            ("inactive", "Not in Use"),
            ("active", "Active"),
            ("blocked", "Blocked"),
            ("lost", "Lost"),
            ("replaced", "Replaced"),
        ],
        string="Status",
        default="inactive",
        required=True,
        copy=False,
        readonly=True,
        tracking=True,
    )
    issue_date = fields.Datetime(
        default=fields.Datetime.now,
        required=True,
        copy=False,
    )
    replaced_by_id = fields.Many2one(
        comodel_name="loyalty.member.card",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    qr_image = fields.Image(string="QR Code", compute="_compute_images")
    barcode_image = fields.Image(string="Barcode", compute="_compute_images")

    # === CONSTRAINTS AND INDEXES === #

    _number_uniq = models.Constraint(
        "UNIQUE (number)",
        "Another card already has this number.",
    )
    _active_needs_member = models.Constraint(
        "CHECK (state != 'active' OR member_id IS NOT NULL)",
        "Give the card to a member before putting it in use.",
    )
    _recent_idx = models.Index("(issue_date DESC, id DESC)")

    # === COMPUTE === #

    @api.depends("number", "symbology")
    def _compute_images(self):
        for card in self:
            image, barcode = card._get_qr_image(), card._get_barcode_image()
            card.qr_image = image and base64.b64encode(image)
            card.barcode_image = barcode and base64.b64encode(barcode)

    # === CONSTRAINS === #

    @api.constrains("number", "symbology")
    def _check_number(self):
        for card in self:
            if card.symbology == "ean13" and not card._is_ean13():
                raise ValidationError(
                    self.env._(
                        "%(number)s is not an EAN-13 number: thirteen digits, of "
                        "which the last one follows from the others.",
                        number=card.number,
                    )
                )
            if not card.number.isascii() or not card.number.isprintable():
                raise ValidationError(
                    self.env._(
                        "The card number %(number)s has characters that a scanner "
                        "cannot read.",
                        number=card.number,
                    )
                )

    @api.constrains("scheme_id", "member_id")
    def _check_scheme_of_member(self):
        for card in self:
            if card.member_id and card.member_id.scheme_id != card.scheme_id:
                raise ValidationError(
                    self.env._(
                        "Card %(number)s is of %(scheme)s, while %(member)s is a "
                        "member of %(other)s.",
                        number=card.number,
                        scheme=card.scheme_id.name,
                        member=card.member_id.display_name,
                        other=card.member_id.scheme_id.name,
                    )
                )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self._set_numbers(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._check_immutable(vals)
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_given(self):
        if any(card.member_id for card in self):
            raise UserError(
                self.env._(
                    "A card that a member has held cannot be deleted. Block it instead."
                )
            )

    # === ACTIONS === #

    def action_block(self):
        """Take cards out of use."""
        self._set_state("blocked", ("active", "inactive"))

    def action_lost(self):
        """Take cards out of use that their members have lost."""
        self._set_state("lost", ("active", "blocked"))

    def action_activate(self):
        """Put blocked or found cards back in use."""
        self._set_state("active", ("inactive", "blocked", "lost"))

    def action_replace(self):
        """Give the member a new card instead of this one, and open it.

        :raise UserError: when the card has no member or was replaced before
        """
        self.ensure_one()
        self.check_access("write")
        return self._replace().get_formview_action()

    # === BUSINESS: STATES === #

    def _set_state(self, state, from_states):
        self.filtered(lambda card: card.state in from_states).write({"state": state})

    def _replace(self):
        """Replace each card by a new one of the same member.

        :return: the new cards
        :rtype: loyalty.member.card
        """
        for card in self:
            if not card.member_id or card.state == "replaced":
                raise UserError(
                    self.env._(
                        "Card %(number)s cannot be replaced: %(reason)s",
                        number=card.number,
                        reason=self.env._("it was replaced before.")
                        if card.state == "replaced"
                        else self.env._("no member holds it."),
                    )
                )
        new_cards = self.member_id._create_cards()
        new_by_member = {card.member_id: card for card in new_cards}
        for card in self:
            card.write(
                {
                    "state": "replaced",
                    "replaced_by_id": new_by_member[card.member_id].id,
                }
            )
        return new_cards

    def _assign(self, member):
        """Give a printed card that nobody holds to a member.

        :param member: loyalty.member of the card's scheme
        :raise UserError: when the card is not free
        """
        self.ensure_one()
        if self.member_id == member and self.state == "active":
            return
        self._check_free(member)
        self.write({"member_id": member.id, "state": "active"})

    def _hand_over(self, member):
        """Let cards be another member's who is the same person, see ``_merge``."""
        # sudo: only the server may do what nobody may do by editing a card
        cards_sudo = self.sudo().with_context(loyalty_card_hand_over=True)
        return cards_sudo.write({"member_id": member.id})

    def _check_free(self, member=None):
        """Refuse a card that somebody holds, or that was taken out of use.

        :param member: loyalty.member who may already hold it
        :raise UserError: when the card cannot be given away
        """
        for card in self:
            is_taken = card.member_id and card.member_id != member
            if is_taken or card.state != "inactive":
                raise UserError(
                    self.env._(
                        "Card %(number)s is already in use. Take another card.",
                        number=card.number,
                    )
                )

    def _check_usable(self):
        """Refuse, in words for the person at the till, a card that is out of use.

        :raise UserError: when the card, its member or its scheme is not in order
        """
        for card in self:
            if card.state != "active":
                raise UserError(card._get_unusable_message())
            card.member_id._check_can_transact()

    def _get_unusable_message(self):
        self.ensure_one()
        messages = {
            "inactive": self.env._(
                "Card %(number)s belongs to nobody yet. Enrol the customer with it "
                "first.",
                number=self.number,
            ),
            "blocked": self.env._(
                "Card %(number)s is blocked. Look the customer up by phone, or give "
                "them a new card.",
                number=self.number,
            ),
            "lost": self.env._(
                "Card %(number)s was reported lost. Check who shows it before you "
                "go on.",
                number=self.number,
            ),
            "replaced": self.env._(
                "Card %(number)s was replaced by a newer one. Ask for the new card.",
                number=self.number,
            ),
        }
        return messages[self.state]

    def _get_immutable_fields(self):
        """Return the fields of this card that nobody may change any more."""
        self.ensure_one()
        identity = {"number", "scheme_id"}
        # A caller can send any context, but is not the superuser
        is_handed_over = self.env.su and self.env.context.get("loyalty_card_hand_over")
        if self.member_id and not is_handed_over:
            identity.add("member_id")
        return identity

    def _check_immutable(self, vals):
        """Refuse to make one card into another, or another member's, by editing it.

        :raise UserError: when its number, its scheme or its holder would change
        """
        if any(
            card._fields[name].convert_to_write(card[name], card) != vals[name]
            for card in self
            for name in card._get_immutable_fields() & vals.keys()
        ):
            raise UserError(
                self.env._(
                    "The number, the scheme and the holder of a card cannot be "
                    "changed. Replace the card instead."
                )
            )

    # === BUSINESS: NUMBERS === #

    @api.model
    def _set_numbers(self, vals_list):
        """Draw numbers for the cards that come without, one query a scheme."""
        schemes = self.env["loyalty.scheme"]
        default = self.default_get(["scheme_id"])
        vals_by_scheme = {}
        for vals in vals_list:
            if not vals.get("number"):
                scheme_id = vals.get("scheme_id") or default.get("scheme_id")
                vals_by_scheme.setdefault(scheme_id, []).append(vals)
        for scheme_id, scheme_vals_list in vals_by_scheme.items():
            numbers = self._generate_numbers(
                schemes.browse(scheme_id), len(scheme_vals_list)
            )
            for vals, number in zip(scheme_vals_list, numbers, strict=True):
                vals["number"] = number

    @api.model
    def _generate_numbers(self, scheme, count):
        """Return card numbers that no card has, and that nobody can guess.

        :param scheme: loyalty.scheme, whose prefix they begin with
        :param int count: how many
        :rtype: list[str]
        """
        return self._generate_unused(
            self, count, lambda: self._get_random_number(scheme.card_prefix)
        )

    @api.model
    def _get_random_number(self, prefix):
        free_digits = 12 - len(prefix)
        return self._get_number_with_check_digit(
            f"{prefix}{secrets.randbelow(10**free_digits):0{free_digits}d}"
        )

    @api.model
    def _get_number_with_check_digit(self, twelve_digits):
        return f"{twelve_digits}{get_barcode_check_digit(twelve_digits + '0')}"

    @api.model
    def _generate_unused(self, records, count, draw):
        """Draw distinct numbers until enough of them are free.

        One query a round, however many numbers; a second round is rare.

        :param records: any record of the model whose ``number`` must be new
        :param int count: how many numbers
        :param draw: function that returns one random number
        :raise UserError: when so many are taken that drawing does not help
        :rtype: list[str]
        """
        # sudo: a number counts as taken also where the user cannot see who has it
        records_sudo = records.sudo()
        numbers = set()
        for _round in range(MAX_GENERATION_ROUNDS):
            candidates = {draw() for _missing in range(count - len(numbers))} - numbers
            taken = records_sudo.search_fetch(
                [("number", "in", list(candidates))], ["number"]
            )
            numbers |= candidates - set(taken.mapped("number"))
            if len(numbers) == count:
                return list(numbers)
        raise UserError(
            self.env._(
                "No free numbers are left. Choose a shorter card prefix on the scheme."
            )
        )

    @api.model
    def _generate_batch(self, scheme, count, symbology=None):
        """Create cards that wait for their members, e.g. to have them printed.

        :param scheme: loyalty.scheme
        :param int count: how many, at most 10,000 at once
        :param str symbology: how they will be printed; the scheme's own by default
        :raise UserError: when the count is out of range or the scheme closed
        :rtype: loyalty.member.card
        """
        scheme._check_open()
        if not 0 < count <= MAX_CARDS_PER_BATCH:
            raise UserError(
                self.env._(
                    "Ask for 1 to %(maximum)s cards at a time.",
                    maximum=MAX_CARDS_PER_BATCH,
                )
            )
        vals = {
            "scheme_id": scheme.id,
            "symbology": symbology or scheme.card_symbology,
            "state": "inactive",
        }
        return self.create([dict(vals) for _card in range(count)])

    # === BUSINESS: IMAGES === #

    def _get_card_values(self, scheme=None, member=None):
        """Return what the picture of the card shows: see ``card_picture``.

        :param scheme: loyalty.scheme, where there is no card to tell it
        :param member: loyalty.member, where there is no card to tell it
        :rtype: dict
        """
        scheme, member = scheme or self.scheme_id, member or self.member_id
        return {
            **scheme._get_card_values(),
            "holder": member.display_name or "",
            "number": self.number or "",
            "qr": self and self._get_data_uri(self._get_qr_image()),
            "highlight": "",
        }

    def _get_qr_image(self, size=240):
        """Return the QR code of the card number.

        :param int size: about how many pixels wide
        :return: a PNG
        :rtype: bytes
        """
        self.ensure_one()
        return self._make_qr_image(self.number, size)

    def _get_barcode_image(self, width=480, height=240):
        """Return the card number as a barcode, EAN-13 where it can be one.

        :param int width: pixels
        :param int height: pixels
        :return: a PNG
        :rtype: bytes
        """
        self.ensure_one()
        if not self.number:
            return b""
        use_ean13 = self.symbology != "code128" and self._is_ean13()
        # Not ir.actions.report.barcode(): it draws no EAN-13 that begins with 0
        return createBarcodeDrawing(
            "EAN13" if use_ean13 else "Code128",
            value=self.number,
            format="png",
            width=width,
            height=height,
            humanReadable=True,
            fontName=get_barcode_font(),
        ).asString("png")

    def _is_ean13(self):
        """Tell whether the number is thirteen digits with the right check digit.

        Odoo's ``check_barcode_encoding`` takes no EAN-13 that begins with 0, and so
        none with the customer prefix 042 of its own Point of Sale.
        """
        self.ensure_one()
        number = self.number or ""
        return (
            len(number) == 13
            and number.isascii()
            and number.isdigit()
            and get_barcode_check_digit(number) == int(number[-1])
        )

    @api.model
    def _make_qr_image(self, text, size=240):
        if not text:
            return b""
        code = qrcode.QRCode(
            error_correction=qrcode.constants.ERROR_CORRECT_M, border=2
        )
        code.add_data(text)
        code.make(fit=True)
        code.box_size = max(1, round(size / (code.modules_count + 2 * code.border)))
        stream = io.BytesIO()
        code.make_image().save(stream)
        return stream.getvalue()

    @api.model
    def _get_data_uri(self, png):
        return f"data:image/png;base64,{base64.b64encode(png).decode()}"
