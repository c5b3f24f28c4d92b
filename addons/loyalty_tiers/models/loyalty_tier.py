# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import Step, Threshold

DEFAULT_ICON = "fa-star"
THRESHOLD_FIELDS = (
    "match",
    "entry_points",
    "entry_spend",
    "entry_visits",
    "keep",
    "keep_points",
    "keep_spend",
    "keep_visits",
)


class LoyaltyTier(models.Model):
    """A step that members of a scheme reach, and what they get there."""

    _name = "loyalty.tier"
    _description = "Loyalty Tier"
    _order = "scheme_id, sequence, id"
    _inherit = ["mail.thread", "image.mixin", "loyalty.kept.mixin"]

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10, help="The lowest tier comes first.")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["loyalty.member"]._default_scheme_id(),
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    unit = fields.Char(related="scheme_id.point_name_plural", string="Unit")
    window = fields.Selection(related="scheme_id.tier_window")
    color = fields.Char(string="Colour", default="#C0C0C0", required=True)
    color_text = fields.Char(
        string="Text Colour",
        compute="_compute_color_text",
        help="Black or white, whichever reads better on the colour of the tier.",
    )
    icon = fields.Char(
        default=DEFAULT_ICON,
        required=True,
        help="The name of a Font Awesome icon, for instance fa-star. An image, if there"
        " is one, takes its place.",
    )
    benefits = fields.Html(
        translate=True, help="What members of the tier get, in words for them."
    )

    # How to get there
    entry = fields.Selection(
        selection=[
            ("figures", "By what they buy"),
            ("manual", "By hand: it is paid for, or members are invited"),
        ],
        string="Members Get There",
        required=True,
        default="figures",
        tracking=True,
    )
    entry_points = fields.Float(
        string="Points to Enter", digits="Loyalty Points", tracking=True
    )
    entry_spend = fields.Monetary(string="Spend to Enter", tracking=True)
    entry_visits = fields.Integer(string="Visits to Enter", tracking=True)
    match = fields.Selection(
        selection=[("all", "All of these"), ("any", "One of these")],
        string="Needed",
        required=True,
        default="all",
        tracking=True,
    )
    keep = fields.Selection(
        selection=[
            ("entry", "The same as to enter"),
            ("own", "Other thresholds"),
            ("always", "Nothing, it is kept for ever"),
        ],
        string="To Stay",
        required=True,
        default="entry",
        tracking=True,
    )
    keep_points = fields.Float(
        string="Points to Stay", digits="Loyalty Points", tracking=True
    )
    keep_spend = fields.Monetary(string="Spend to Stay", tracking=True)
    keep_visits = fields.Integer(string="Visits to Stay", tracking=True)
    summary = fields.Char(compute="_compute_summary")

    member_ids = fields.One2many(
        comodel_name="loyalty.member", inverse_name="tier_id", string="Members"
    )
    member_count = fields.Integer(compute="_compute_member_count")
    change_count = fields.Integer(compute="_compute_change_count")

    _color_hex = models.Constraint(
        "CHECK (color ~ '^#[0-9A-Fa-f]{6}$')",
        "Write the colour as # and six hexadecimal digits, e.g. #C0C0C0.",
    )
    _icon_name = models.Constraint(
        "CHECK (icon ~ '^fa-[a-z0-9-]+$')",
        "Write the icon as Font Awesome calls it, e.g. fa-star.",
    )
    _thresholds_positive = models.Constraint(
        "CHECK (entry_points >= 0 AND entry_spend >= 0 AND entry_visits >= 0"
        " AND keep_points >= 0 AND keep_spend >= 0 AND keep_visits >= 0)",
        "Thresholds are zero (not asked for) or more.",
    )

    # === COMPUTE === #

    @api.depends("color")
    def _compute_color_text(self):
        for tier in self:
            tier.color_text = self.env["loyalty.scheme"]._get_contrast_color(tier.color)

    @api.depends(lambda self: self._get_summary_fields())
    @api.depends_context("lang")
    def _compute_summary(self):
        for tier in self:
            tier.summary = tier.scheme_id and tier._get_summary()

    @api.depends("member_ids")
    def _compute_member_count(self):
        counts = dict(
            self.env["loyalty.member"]._read_group(
                [("tier_id", "in", self.ids)], ["tier_id"], ["__count"]
            )
        )
        for tier in self:
            tier.member_count = counts.get(tier._origin, 0)

    def _compute_change_count(self):
        counts = dict(
            self.env["loyalty.tier.change"]._read_group(
                [("tier_id", "in", self.ids)], ["tier_id"], ["__count"]
            )
        )
        for tier in self:
            tier.change_count = counts.get(tier._origin, 0)

    @api.model
    def _get_summary_fields(self):
        """Return the fields on which the summary depends."""
        return ["scheme_id", "entry", *THRESHOLD_FIELDS]

    def _get_summary(self):
        """Say how members get there and stay, in a sentence."""
        self.ensure_one()
        if self.entry == "manual":
            return self.env._("Given by hand, until a day or for ever.")
        entry = self._describe_threshold(self._get_threshold("entry"))
        if not entry:
            return self.env._("Every member has it from the first day.")
        if self.keep == "always":
            return self.env._("%(entry)s to enter; kept for ever.", entry=entry)
        keep = self._describe_threshold(self._get_keep_threshold())
        if self.keep == "entry" or keep == entry:
            return self.env._("%(entry)s to enter and to stay.", entry=entry)
        return self.env._(
            "%(entry)s to enter, %(keep)s to stay.",
            entry=entry,
            keep=keep or self.env._("nothing"),
        )

    def _describe_threshold(self, threshold):
        amounts = [
            self.scheme_id._format_tier_measure(name, getattr(threshold, name))
            for name in threshold.asked
        ]
        joint = self.env._(" or ") if threshold.any_of else self.env._(" and ")
        return joint.join(amounts)

    # === CONSTRAINS === #

    @api.constrains("active", "scheme_id")
    def _check_members(self):
        """Members are never left in a tier that is not there any more."""
        # sudo: members of companies that the user cannot see count as well
        for tier_sudo in self.sudo():
            astray = tier_sudo.member_ids.filtered(
                lambda member, tier=tier_sudo: (
                    not tier.active or member.scheme_id != tier.scheme_id
                )
            )
            if astray:
                raise ValidationError(
                    self.env._(
                        "%(tier)s still has members, %(count)s in all. Move them to"
                        " another tier first.",
                        count=len(astray),
                        tier=tier_sudo.name,
                    )
                )

    # === CRUD === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: members of companies that the user cannot see count as well
        for tier_sudo in self.sudo():
            if tier_sudo.member_ids or self.env["loyalty.tier.change"].sudo().search(
                ["|", ("tier_id", "=", tier_sudo.id), ("from_id", "=", tier_sudo.id)],
                limit=1,
            ):
                raise UserError(
                    self.env._(
                        "Members are or were in %(tier)s, and their history stays."
                        " Archive the tier instead of deleting it.",
                        tier=tier_sudo.name,
                    )
                )

    def copy_data(self, default=None):
        return [
            {"name": self.env._("%(name)s (copy)", name=tier.name), **values}
            if not (default and "name" in default)
            else values
            for tier, values in zip(self, super().copy_data(default), strict=True)
        ]

    # === ACTIONS === #

    def action_view_members(self):
        """Open the members of this tier."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_member.loyalty_member_action"
        )
        action["domain"] = [("tier_id", "=", self.id)]
        return action

    def action_view_changes(self):
        """Open the history of this tier: who came and who left."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_tiers.loyalty_tier_change_action"
        )
        action["domain"] = ["|", ("tier_id", "=", self.id), ("from_id", "=", self.id)]
        return action

    # === BUSINESS === #

    def _get_thresholds(self):
        """Return what is needed to enter and to stay, as values of fields."""
        self.ensure_one()
        return {name: self[name] for name in THRESHOLD_FIELDS}

    def _get_threshold(self, prefix):
        """Return the thresholds to enter or to keep the tier.

        :param str prefix: ``entry`` or ``keep``
        :rtype: ~..engine.Threshold
        """
        self.ensure_one()
        return Threshold(
            points=Decimal(str(round(self[f"{prefix}_points"], 4))),
            spend=Decimal(str(round(self[f"{prefix}_spend"], 4))),
            visits=Decimal(self[f"{prefix}_visits"]),
            any_of=self.match == "any",
        )

    def _get_keep_threshold(self):
        """Return what keeps members in the tier, ``None`` if they stay anyway."""
        self.ensure_one()
        if self.keep == "always":
            return None
        threshold = self._get_threshold(self.keep == "own" and "keep" or "entry")
        return threshold if threshold.asked else None

    def _prepare_step(self):
        """Return the tier as the rules take it.

        :rtype: ~..engine.Step
        """
        self.ensure_one()
        if self.entry == "manual":
            return Step(id=self._origin.id, entry=None, keep=None)
        return Step(
            id=self._origin.id,
            entry=self._get_threshold("entry"),
            keep=self._get_keep_threshold(),
        )
