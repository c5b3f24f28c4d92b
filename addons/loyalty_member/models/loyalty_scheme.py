# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math
import re
from decimal import Decimal, localcontext

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import get_lang
from odoo.tools.image import image_data_uri

from .loyalty_member_card import SYMBOLOGIES

DEFAULT_COLOR = "#714B67"
POINTS_DECIMALS = 4
# Digits of the greatest float, 1.8e308, with its decimals
LONGEST_NUMBER = 309 + POINTS_DECIMALS
UNKNOWN_NUMBER = "?"


class LoyaltyScheme(models.Model):
    _name = "loyalty.scheme"
    _description = "Loyalty Scheme"
    _inherit = ["mail.thread", "image.mixin"]
    _order = "sequence, name, id"

    # === FIELDS === #

    name = fields.Char(
        required=True,
        translate=True,
        tracking=True,
        help="The brand as members know it.",
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    state = fields.Selection(
        selection=[("open", "Open"), ("closed", "Closed")],
        string="Status",
        default="open",
        required=True,
        copy=False,
        readonly=True,
        tracking=True,
        help="A closed scheme takes no new members and moves no points.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        default=lambda self: self._default_company_id(),
        index=True,
        ondelete="restrict",
        help="Leave empty to share the scheme between all companies.",
    )
    currency_id = fields.Many2one(
        comodel_name="res.currency",
        default=lambda self: self._default_currency_id(),
        required=True,
        ondelete="restrict",
        help="The currency in which purchases are counted and points are worth.",
    )

    # Brand
    point_name = fields.Char(
        string="Name of One Point",
        default=lambda self: self._default_point_name(),
        required=True,
        translate=True,
    )
    point_name_plural = fields.Char(
        string="Name of Several Points",
        default=lambda self: self._default_point_name_plural(),
        required=True,
        translate=True,
    )
    color_primary = fields.Char(
        string="Brand Colour",
        default=DEFAULT_COLOR,
        required=True,
    )
    color_text = fields.Char(
        string="Text Colour",
        compute="_compute_color_text",
        help="Black or white, whichever reads better on the brand colour.",
    )
    card_preview = fields.Html(compute="_compute_card_preview", sanitize=False)

    # Cards
    card_prefix = fields.Char(
        default="042",
        required=True,
        help="First digits of new card numbers. 042 is what Odoo's Point of Sale "
        "recognises as a customer card.",
    )
    card_symbology = fields.Selection(
        selection=SYMBOLOGIES,
        string="Printed As",
        default="ean13",
        required=True,
    )

    # Members
    member_ids = fields.One2many(
        comodel_name="loyalty.member",
        inverse_name="scheme_id",
        string="Members",
    )
    member_count = fields.Integer(compute="_compute_member_count")
    card_count = fields.Integer(compute="_compute_card_count")

    # === CONSTRAINTS === #

    _color_primary_hex = models.Constraint(
        "CHECK (color_primary ~ '^#[0-9A-Fa-f]{6}$')",
        "Write the brand colour as # and six hexadecimal digits, e.g. #714B67.",
    )
    _card_prefix_digits = models.Constraint(
        "CHECK (card_prefix ~ '^[0-9]{1,6}$')",
        "The card prefix is one to six digits, e.g. 042.",
    )

    # === DEFAULTS === #

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.model
    def _default_currency_id(self):
        return self.env.company.currency_id

    @api.model
    def _default_point_name(self):
        return self.env._("point")

    @api.model
    def _default_point_name_plural(self):
        return self.env._("points")

    # === COMPUTE === #

    @api.depends("color_primary")
    def _compute_color_text(self):
        for scheme in self:
            scheme.color_text = self._get_contrast_color(scheme.color_primary)

    @api.depends(lambda self: self._get_card_preview_fields())
    def _compute_card_preview(self):
        for scheme in self:
            scheme.card_preview = scheme._render_card_preview()

    @api.depends("member_ids")
    def _compute_member_count(self):
        counts = dict(
            self.env["loyalty.member"]._read_group(
                [
                    ("scheme_id", "in", self.ids),
                    ("state", "not in", ("left", "merged")),
                ],
                ["scheme_id"],
                ["__count"],
            )
        )
        for scheme in self:
            scheme.member_count = counts.get(scheme._origin, 0)

    @api.depends("member_ids.card_ids")
    def _compute_card_count(self):
        counts = dict(
            self.env["loyalty.member.card"]._read_group(
                [("scheme_id", "in", self.ids)], ["scheme_id"], ["__count"]
            )
        )
        for scheme in self:
            scheme.card_count = counts.get(scheme._origin, 0)

    # === CONSTRAINS AND ONCHANGE === #

    @api.constrains("company_id")
    def _check_company_of_members(self):
        for scheme in self.filtered("company_id"):
            companies = [scheme.company_id.id, False]
            # sudo: members of other companies are just the ones to find
            misplaced_sudo = (
                self.env["loyalty.member"]
                .sudo()
                .search(
                    Domain("scheme_id", "=", scheme.id)
                    & (
                        Domain("partner_id.company_id", "not in", companies)
                        | Domain("store_id.company_id", "not in", companies)
                    ),
                    limit=1,
                )
            )
            misplaced_sudo._check_companies()

    # === CRUD === #

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        return [
            {**vals, "name": self.env._("%(name)s (copy)", name=scheme.name)}
            if "name" not in (default or {})
            else vals
            for scheme, vals in zip(self, vals_list, strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_has_members(self):
        if (
            self.env["loyalty.member"]
            .sudo()
            .search_count([("scheme_id", "in", self.ids)], limit=1)
        ):
            # sudo: members of companies that the user cannot see count as well
            raise UserError(
                self.env._(
                    "This scheme has members, so it cannot be deleted. "
                    "Close it or archive it instead."
                )
            )

    # === ACTIONS === #

    def action_close(self):
        """Close the scheme: no new members, no movement of points."""
        self.write({"state": "closed"})

    def action_reopen(self):
        """Open a closed scheme again."""
        self.write({"state": "open"})

    def action_view_members(self):
        """Open the members of this scheme."""
        self.ensure_one()
        return self._get_scheme_action("loyalty_member.loyalty_member_action")

    def action_view_cards(self):
        """Open the cards of this scheme."""
        self.ensure_one()
        return self._get_scheme_action("loyalty_member.loyalty_member_card_action")

    def _get_scheme_action(self, xmlid):
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        action["domain"] = [("scheme_id", "=", self.id)]
        action["context"] = {"default_scheme_id": self.id}
        return action

    # === BUSINESS === #

    def _check_open(self):
        """Refuse, in words for the person at the till, to use a closed scheme.

        :raise UserError: when the scheme is closed or archived
        """
        for scheme in self:
            if scheme.state != "open" or not scheme.active:
                raise UserError(
                    self.env._(
                        "%(scheme)s is closed: nobody can join, earn or spend "
                        "%(points)s at the moment.",
                        scheme=scheme.name,
                        points=scheme.point_name_plural,
                    )
                )

    def _format_points(self, points):
        """Say an amount of points to a human, in the user's language.

        :param points: an int, float or Decimal, in points
        :return: e.g. ``1,250.5 beans`` or ``1 bean``, with no more decimals
            than the amount needs; ``? beans`` for what is no number
        :rtype: str
        """
        self.ensure_one()
        is_one = abs(self._round_number(points) or 0) == 1
        unit = self.point_name if is_one else self.point_name_plural
        return f"{self._format_number(points)} {unit}"

    @api.model
    def _format_number(self, points):
        """Say an amount of points without their unit, as in a column of a table.

        :param points: see ``_format_points``
        :rtype: str
        """
        amount = self._round_number(points)
        if amount is None:
            # Nobody has as many; a refusal that quotes them must still be readable
            return UNKNOWN_NUMBER
        decimals = max(0, -amount.as_tuple().exponent)
        lang = self.env["res.lang"].browse(get_lang(self.env).id)
        return lang.format(f"%.{decimals}f", amount, grouping=True)

    @api.model
    def _round_number(self, points):
        """Return an amount of points as it is shown, without closing zeros.

        :return: a Decimal, or ``None`` for what is no number
        """
        amount = Decimal(str(points or 0))
        if not math.isfinite(amount):
            return None
        with localcontext(prec=LONGEST_NUMBER):
            # + 0 turns a rounded -0 into 0
            return round(amount, POINTS_DECIMALS).normalize() + 0

    @api.model
    def _get_contrast_color(self, color):
        """Return black or white, whichever has more contrast on the colour.

        The two contrasts multiply to 21 on any background, so the greater one is
        at least 4.58 and passes WCAG AA.

        :param str color: ``#rrggbb``; anything else counts as the default colour
        """
        luminance = self._get_luminance(self._get_safe_color(color))
        on_white = 1.05 / (luminance + 0.05)
        on_black = (luminance + 0.05) / 0.05
        return "#FFFFFF" if on_white >= on_black else "#000000"

    @api.model
    def _get_safe_color(self, color):
        # The value goes into a style attribute, also before it was validated
        if re.fullmatch(r"#[0-9A-Fa-f]{6}", color or ""):
            return color
        return DEFAULT_COLOR

    @api.model
    def _get_luminance(self, color):
        """Return the relative luminance (0 to 1) that WCAG 2 defines."""

        def linear(channel):
            value = int(channel, 16) / 255
            if value <= 0.04045:
                return value / 12.92
            return ((value + 0.055) / 1.055) ** 2.4

        red, green, blue = (linear(color[i : i + 2]) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    @api.model
    def _get_card_preview_fields(self):
        return [
            "name",
            "point_name_plural",
            "color_primary",
            "image_1920",
            "card_prefix",
        ]

    def _get_card_values(self):
        """Return what the picture of a member card needs to know of its brand."""
        self.ensure_one()
        image = self.with_context(bin_size=False).image_256
        color = self._get_safe_color(self.color_primary)
        return {
            "brand": self.name or "",
            "color": color,
            "color_text": self._get_contrast_color(color),
            "logo": image and image_data_uri(image),
        }

    def _get_card_preview_values(self):
        self.ensure_one()
        cards = self.env["loyalty.member.card"]
        prefix = re.sub(r"\D", "", self.card_prefix or "")[:6]
        number = cards._get_number_with_check_digit(prefix.ljust(12, "0"))
        return {
            **self._get_card_values(),
            "holder": self.env._("Jane Member"),
            "number": number,
            "qr": cards._get_data_uri(cards._make_qr_image(number)),
            "highlight": self._format_points(120),
        }

    def _render_card_preview(self):
        self.ensure_one()
        return self.env["ir.qweb"]._render(
            "loyalty_member.card_picture", {"picture": self._get_card_preview_values()}
        )
