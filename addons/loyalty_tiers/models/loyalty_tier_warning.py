# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..engine.ladder import MEASURES, Figures

YEARS_KEPT = 2


class LoyaltyTierWarning(models.Model):
    """The event that a member is about to lose a tier, once for a last day.

    Made by the nightly job. Automation rules act on it, and other modules by
    ``_after_record``; nothing is sent from here.
    """

    _name = "loyalty.tier.warning"
    _description = "Loyalty Tier Warning"
    _inherit = "loyalty.tier.record.mixin"
    _order = "until desc, id desc"

    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(related="member_id.partner_id")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    until = fields.Date(
        string="Last Day",
        required=True,
        readonly=True,
        index=True,
        help="The last day on which the member has the tier for sure.",
    )
    by_hand = fields.Boolean(
        readonly=True,
        help="A person gave the tier until this day. After it purchases decide.",
    )
    reason = fields.Char(
        string="Given Because", readonly=True, help="Why the tier was given by hand."
    )
    missing_points = fields.Float(digits="Loyalty Points", readonly=True)
    missing_spend = fields.Monetary(readonly=True)
    missing_visits = fields.Integer(readonly=True)
    missing = fields.Char(compute="_compute_missing")

    _once = models.UniqueIndex(
        "(member_id, until)", "The member has been warned of this day already."
    )

    @api.depends("tier_id", "until")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for warning in self:
            warning.display_name = self.env._(
                "%(tier)s ends on %(date)s",
                tier=warning.tier_id.name,
                date=format_date(self.env, warning.until),
            )

    @api.depends("missing_points", "missing_spend", "missing_visits", "scheme_id")
    @api.depends_context("lang")
    def _compute_missing(self):
        for warning in self:
            warning.missing = ", ".join(
                warning.scheme_id._format_tier_measure(name, amount)
                for name in MEASURES
                if (amount := warning[f"missing_{name}"])
            )

    @api.model
    def _warn(self, scheme, settings, members):
        """Warn members whose tier ends soon: by the rules, or as it was given by hand.

        :param Settings settings: of the scheme
        :param SQL members: what a column of member ids is compared with
        :return: number of warnings
        """
        if not settings.warning_days:
            return 0
        self.flush_model()
        rows = self._find_endangered(scheme, settings, members)
        return len(
            self._record(
                [self._prepare_warning(scheme, settings, *row) for row in rows]
                + self._prepare_warnings_by_hand(scheme, settings, members)
            )
        )

    def _find_endangered(self, scheme, settings, members):
        """Return member id, tier id, last day and figures of those to be warned."""
        service = self.env["loyalty.tier.service"]
        day = settings.today()
        # Next to nobody's tier ends soon: count for these alone
        ending = SQL(
            "%s AND member.tier_until BETWEEN %s::date AND %s::date + %s",
            members,
            day,
            day,
            settings.warning_days,
        )
        return self.env.execute_query(
            SQL(
                """
                WITH %(figures)s, %(ladder)s
                SELECT figure.id, figure.tier_id, figure.until, figure.keep_points,
                       figure.keep_spend, figure.keep_visits
                  FROM figure JOIN ladder own ON own.id = figure.tier_id
                 WHERE NOT figure.locked
                   AND own.keep_points IS NOT NULL AND NOT %(kept)s
                   AND NOT EXISTS (
                       SELECT FROM loyalty_tier_warning warning
                        WHERE warning.member_id = figure.id
                          AND warning.until = figure.until
                   )
                 ORDER BY figure.id
                """,
                figures=service._get_figures_query(scheme, settings, ending, day),
                ladder=settings.get_ladder_sql(),
                kept=service._get_reached_sql("own", "keep_"),
            )
        )

    def _prepare_warning(self, scheme, settings, member_id, tier_id, until, *figures):
        step = settings.ladder.get_step(tier_id)
        missing = step.keep.get_missing(Figures(*map(Decimal, figures)))
        return self._prepare_values(scheme, member_id, tier_id, until, missing)

    def _prepare_warnings_by_hand(self, scheme, settings, members):
        """Return warnings for members whose tier was given until a day soon.

        Not for those whose purchases have made up for it.
        """
        rows = self._find_ending_by_hand(scheme, settings, members)
        found = self.env["loyalty.member"].browse(row[0] for row in rows)
        figures = found and self.env["loyalty.tier.service"]._get_figures(found)
        warnings = []
        for member, row in zip(found, rows, strict=True):
            _id, tier_id, until, reason = row
            if settings.ladder.is_earned(tier_id, figures[member]):
                continue
            missing = settings.ladder.get_missing(tier_id, figures[member])
            values = self._prepare_values(scheme, member.id, tier_id, until, missing)
            warnings.append({**values, "by_hand": True, "reason": reason})
        return warnings

    def _find_ending_by_hand(self, scheme, settings, members):
        """Return member id, tier id, last day and reason of tiers given by hand."""
        day = settings.today()
        # SQL, because a night asks this of all members, and next to nobody is found
        return self.env.execute_query(
            SQL(
                """
                SELECT member.id, member.tier_id, member.tier_lock_until,
                       member.tier_lock_reason
                  FROM loyalty_member member
                 WHERE member.scheme_id = %(scheme)s AND member.state = 'active'
                   AND member.id %(members)s AND member.tier_locked
                   AND member.tier_id IS NOT NULL
                   AND member.tier_lock_until BETWEEN %(day)s::date
                                                  AND %(day)s::date + %(days)s
                   AND NOT EXISTS (
                       SELECT FROM loyalty_tier_warning warning
                        WHERE warning.member_id = member.id
                          AND warning.until = member.tier_lock_until
                   )
                 ORDER BY member.id
                """,
                scheme=scheme.id,
                members=members,
                day=day,
                days=settings.warning_days,
            )
        )

    def _prepare_values(self, scheme, member_id, tier_id, until, missing):
        return {
            "member_id": member_id,
            "scheme_id": scheme.id,
            "company_id": scheme.company_id.id or None,
            "tier_id": tier_id,
            "until": until,
            "by_hand": False,
            "reason": None,
            **{f"missing_{name}": missing.get(name, 0) for name in MEASURES},
        }

    @api.autovacuum
    def _gc_past(self, limit=10_000):
        """Forget warnings of days that are long over.

        :return: (number deleted, whether more are left)
        """
        day = fields.Date.subtract(fields.Date.today(), years=YEARS_KEPT)
        warnings = self.search([("until", "<", day)], limit=limit)
        warnings.unlink()
        return len(warnings), len(warnings) == limit
