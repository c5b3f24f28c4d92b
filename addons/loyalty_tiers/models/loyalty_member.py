# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date
from odoo.tools.image import image_data_uri

NO_TIER_COLOR = "#E9ECEF"


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        domain="[('scheme_id', '=', scheme_id)]",
    )
    tier_since = fields.Date(readonly=True, copy=False)
    tier_until = fields.Date(
        string="Tier Kept Until",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Until then the tier is kept, whatever the member buys.",
    )
    tier_locked = fields.Boolean(
        string="Tier by Hand",
        readonly=True,
        copy=False,
        help="A person gave the tier: neither purchases nor the end of a period change"
        " it.",
    )
    tier_lock_until = fields.Date(
        string="Tier by Hand Until",
        readonly=True,
        copy=False,
        help="After this day the member has the tier that the figures deserve.",
    )
    tier_lock_reason = fields.Char(readonly=True, copy=False)
    tier_badge = fields.Html(compute="_compute_tier_badge", sanitize=False)
    tier_progress = fields.Char(compute="_compute_tier_progress", compute_sudo=True)
    tier_percent = fields.Float(
        string="Way to the Next Tier",
        compute="_compute_tier_progress",
        compute_sudo=True,
    )
    tier_warning = fields.Char(compute="_compute_tier_progress", compute_sudo=True)
    tier_change_ids = fields.One2many(
        comodel_name="loyalty.tier.change",
        inverse_name="member_id",
        string="Tier History",
        readonly=True,
    )
    tier_change_count = fields.Integer(compute="_compute_tier_change_count")

    # The night goes through the members of a scheme in their order
    _scheme_order_idx = models.Index("(scheme_id, id)")

    # === COMPUTE === #

    @api.depends("tier_id.name", "tier_id.color", "tier_id.icon", "tier_id.image_128")
    def _compute_tier_badge(self):
        for member in self:
            member.tier_badge = bool(member.tier_id) and member.env["ir.qweb"]._render(
                "loyalty_tiers.tier_badge", member._get_tier_look()
            )

    @api.depends("tier_id", "tier_until", "tier_locked", "tier_lock_until")
    @api.depends_context("lang")
    def _compute_tier_progress(self):
        for member in self:
            progress = member._get_tier_progress() if member.id else {}
            text = progress.get("text")
            # The badge says by itself which tier it is
            member.tier_progress = text if text != member.tier_id.name else False
            member.tier_percent = progress.get("percent", 0.0)
            member.tier_warning = progress.get("warning")

    def _compute_tier_change_count(self):
        counts = dict(
            self.env["loyalty.tier.change"]._read_group(
                [("member_id", "in", self.ids)], ["member_id"], ["__count"]
            )
        )
        for member in self:
            member.tier_change_count = counts.get(member, 0)

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_tier_values(vals)
        members = super().create(vals_list)
        members._find_tiers()
        return members

    def write(self, vals):
        self._check_tier_values(vals)
        back = self.filtered(lambda member: member.state == "left")
        result = super().write(vals)
        if "state" in vals:
            self.filtered(lambda member: member.state == "left")._leave_tiers()
            back.filtered(lambda member: member.state == "active")._find_tiers()
        return result

    def _check_tier_values(self, vals):
        """Refuse to change the tier past its history.

        :raise AccessError: unless the superuser does it
        """
        names = {name for name in vals if name.startswith("tier_")}
        if names and not self.env.su:
            raise AccessError(
                self.env._(
                    "The tier of a member is not edited. Press Set Tier, which asks for"
                    " the reason and keeps a record of it."
                )
            )

    # === ACTIONS === #

    def action_set_tier(self):
        """Ask for the tier that these members get by hand."""
        scheme = self.scheme_id
        if len(scheme) != 1:
            raise UserError(
                self.env._(
                    "Choose members of one scheme: each scheme has its own tiers."
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Set Tier"),
            "res_model": "loyalty.tier.assign",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_member_ids": self.ids},
        }

    def action_release_tier(self):
        """Let the rules decide again on members whose tier was given by hand."""
        self.check_access("write")
        for scheme, members in self.grouped("scheme_id").items():
            members._release_tiers(scheme)

    def action_view_tier_changes(self):
        """Open the tier history of these members."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_tiers.loyalty_tier_change_action"
        )
        action["domain"] = [("member_id", "in", self.ids)]
        return action

    # === BUSINESS === #

    def _find_tiers(self):
        """Give members who have just joined the tier that they deserve."""
        # sudo: who enrols need not see figures
        for scheme, members in self.sudo().grouped("scheme_id").items():
            settings = scheme._get_tier_settings()
            if settings:
                self.env["loyalty.tier.service"].sudo()._evaluate(
                    scheme, settings, members.ids, cause="join"
                )

    def _leave_tiers(self, cause="leave"):
        """Take the tier from members who have left, or are merged into others."""
        # sudo: who ends a membership need not have rights on tiers
        having_sudo = self.sudo().filtered("tier_id")
        for scheme, members in having_sudo.grouped("scheme_id").items():
            members._move(scheme, None, cause)

    def _set_tier(self, tier, reason, until=None):
        """Give members a tier by hand, which nothing automatic changes.

        :param loyalty.tier tier: empty for none
        :param str reason: for colleagues
        :param date until: last day; open if omitted
        """
        # sudo: the right to do so is the right to write members
        self.check_access("write")
        for scheme, members in self.sudo().grouped("scheme_id").items():
            members._move(
                scheme,
                tier.id,
                "manual",
                reason=reason,
                user_id=self.env.uid,
                locked=True,
                locked_until=until,
            )

    def _release_tiers(self, scheme):
        # sudo: see _set_tier
        settings = scheme._get_tier_settings()
        locked = self.sudo().filtered("tier_locked")
        if not settings or not locked:
            return
        figures = self.env["loyalty.tier.service"].sudo()._get_figures(locked)
        day = settings.today()
        for member in locked:
            earned = settings.ladder.get_earned(figures[member])
            until = None
            if earned and earned.keep:
                enrolled = settings.to_local(member.enrol_date)
                until = settings.ladder.policy.window.kept_until(day, enrolled)
            member._move(
                scheme,
                earned and earned.id,
                "manual_end",
                until=until,
                user_id=self.env.uid,
            )

    def _move(self, scheme, tier_id, cause, **values):
        """Put members into a tier, whatever they have bought."""
        settings = scheme._get_tier_settings()
        self.env["loyalty.tier.service"]._apply(
            scheme,
            [
                {
                    "member_id": member.id,
                    "from_id": member.tier_id.id,
                    "from_until": member.tier_until,
                    "tier_id": tier_id,
                    "until": None,
                    "cause": cause,
                    **values,
                }
                for member in self
            ],
            settings.today() if settings else fields.Date.today(),
        )

    def _get_tier_look(self):
        """Return how the tier looks.

        :return dict: ``tier`` (its name, ``False`` without one), ``color``,
            ``color_text``, ``icon``, ``image`` (a data URI or ``False``)
        """
        self.ensure_one()
        # sudo: who sees the member sees the badge
        tier_sudo = self.sudo().tier_id
        image = tier_sudo.with_context(bin_size=False).image_128
        return {
            "tier": tier_sudo.name or False,
            "color": tier_sudo.color or NO_TIER_COLOR,
            "color_text": tier_sudo.color_text or "#000000",
            "icon": tier_sudo.icon or False,
            "image": bool(image) and image_data_uri(image),
        }

    @api.model
    def _get_buyer_fields(self):
        own = ["tier_id", "tier_until", "tier_locked", "tier_lock_until"]
        return [*super()._get_buyer_fields(), *own]

    def _get_badge(self):
        progress = self._get_tier_progress()
        if not progress:
            return super()._get_badge()
        return {
            "name": progress["tier"],
            **{
                name: progress[name]
                for name in (
                    "color",
                    "color_text",
                    "icon",
                    "image",
                    "text",
                    "percent",
                    "next",
                    "warning",
                )
            },
        }

    def _get_tier_progress(self):
        """Return what a till, a receipt or the portal says about the tier.

        :return dict: as ``_get_tier_look``, and

            * ``next``: name of the next tier that purchases lead to, or ``False``
            * ``measure``: ``points``, ``spend`` or ``visits``, what is nearest to
              (or, where all are needed, farthest from) its threshold; or ``False``
            * ``missing``: float, how much of it
            * ``percent``: float from 0 to 100, the way to the next tier
            * ``until``: date by which it has to be reached, or ``False``
            * ``kept_until``: last day of the tier that the member has, or ``False``
            * ``keep_text``: what is missing to keep it longer, or ``False``
            * ``warning``: a sentence if the tier ends soon, otherwise ``False``
            * ``text``: a sentence, for instance "120 points to Gold by 31 December",
              or ``False`` where there is nothing to say

            Empty for a scheme without tiers.
        """
        self.ensure_one()
        scheme = self.sudo().scheme_id
        settings = scheme._get_tier_settings()
        if not settings:
            return {}
        member = self.sudo()
        policy, ladder = settings.ladder.policy, settings.ladder
        day, enrolled = settings.today(), settings.to_local(self.enrol_date)
        figures = self.env["loyalty.tier.service"].sudo()._get_figures(member)[member]
        above = ladder.get_next(member.tier_id.id)
        values = {
            **self._get_tier_look(),
            "next": False,
            "measure": False,
            "missing": 0.0,
            "percent": 100.0,
            "until": False,
            "kept_until": (
                member.tier_lock_until if member.tier_locked else member.tier_until
            )
            or False,
            "keep_text": member._get_tier_keep_text(settings, day),
            "text": False,
        }
        values["warning"] = member._get_tier_warning_text(
            settings, day, figures, values
        )
        missing = above.entry.get_missing(figures) if above else {}
        if missing and not member.tier_locked:
            values.update(
                next=self.env["loyalty.tier"].sudo().browse(above.id).name,
                percent=float(round(above.entry.get_share(figures) * 100, 1)),
                until=policy.window.last_day(day, enrolled) or False,
            )
            values.update(self._pick_missing(above.entry, missing))
            values["text"] = self._get_tier_way_text(above.entry, missing, values)
        elif values["tier"]:
            values["text"] = self._get_tier_stay_text(values)
        return values

    def _pick_missing(self, threshold, missing):
        """Return the measure that decides, and how much of it is missing."""
        shares = {
            name: amount / getattr(threshold, name) for name, amount in missing.items()
        }
        choose = min if threshold.any_of else max
        measure = choose(shares, key=shares.get)
        return {"measure": measure, "missing": float(missing[measure])}

    def _get_tier_way_text(self, threshold, missing, values):
        """Say what is missing to the next tier."""
        amounts = [
            self.scheme_id._format_tier_measure(name, amount)
            for name, amount in missing.items()
        ]
        joint = self.env._(" or ") if threshold.any_of else self.env._(" and ")
        words = {"missing": joint.join(amounts), "tier": values["next"]}
        if not values["until"]:
            return self.env._("%(missing)s to %(tier)s", **words)
        return self.env._(
            "%(missing)s to %(tier)s by %(day)s",
            day=self._format_tier_day(values["until"]),
            **words,
        )

    def _get_tier_stay_text(self, values):
        if not values["kept_until"]:
            return values["tier"]
        return self.env._(
            "%(tier)s until %(day)s",
            tier=values["tier"],
            day=self._format_tier_day(values["kept_until"], year=True),
        )

    def _get_tier_warning_text(self, settings, day, figures, values):
        """Say that the tier ends soon, ``False`` where it does not."""
        last_day = values["kept_until"]
        soon = day + timedelta(days=settings.warning_days)
        if not settings.warning_days or not last_day or last_day > soon:
            return False
        if not self.tier_locked:
            return values["keep_text"]
        if not self.tier_id or settings.ladder.is_earned(self.tier_id.id, figures):
            return False
        missing = settings.ladder.get_missing(self.tier_id.id, figures)
        if missing:
            entry = settings.ladder.get_step(self.tier_id.id).entry
            return self._get_tier_stay_longer_text(entry, missing, last_day)
        return self.env._(
            "%(tier)s ends on %(day)s. After that, purchases decide on the tier.",
            tier=values["tier"],
            day=self._format_tier_day(last_day, year=True),
        )

    def _format_tier_day(self, day, year=False):
        """Write a day as people say it, with the year where it is not the current."""
        is_far = year or day.year != fields.Date.context_today(self).year
        pattern = "d MMMM y" if is_far else "d MMMM"
        return format_date(self.env, day, date_format=pattern)

    def _get_tier_keep_text(self, settings, day):
        """Say what is missing to keep the tier, ``False`` where nothing is."""
        self.ensure_one()
        step = settings.ladder.get_step(self.tier_id.id)
        if not step or not step.keep or not self.tier_until or self.tier_locked:
            return False
        window, service = (
            settings.ladder.policy.window,
            self.env["loyalty.tier.service"],
        )
        enrolled = settings.to_local(self.enrol_date)
        if window.first_month(self.tier_until, enrolled) > day:
            # The period that decides has not begun
            return False
        missing = step.keep.get_missing(
            service._get_figures(self, self.tier_until)[self]
        )
        if not missing:
            return False
        return self._get_tier_stay_longer_text(step.keep, missing, self.tier_until)

    def _get_tier_stay_longer_text(self, threshold, missing, last_day):
        joint = self.env._(" or ") if threshold.any_of else self.env._(" and ")
        return self.env._(
            "%(missing)s to stay %(tier)s after %(day)s",
            missing=joint.join(
                self.scheme_id._format_tier_measure(name, amount)
                for name, amount in missing.items()
            ),
            tier=self.tier_id.name,
            day=self._format_tier_day(last_day, year=True),
        )
