# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from odoo import fields, models, tools
from odoo.tools import SQL

from odoo.addons.loyalty_ledger.ledger.expiry import ExpiryPolicy

from ..engine import Downgrade, Ladder, Policy, Window
from ..engine.window import Kind


@dataclass(frozen=True)
class Settings:
    """What sales and nights ask about the tiers of a scheme.

    :param str tz: name of the time zone in which months begin
    :param bool takes_back: returns undo upgrades
    :param int warning_days: before the last day of a tier
    :param dict terms: (number, unit) after which points end, by id of the tiers with a
        term of their own
    :param bool has_pricelists: some tier has one
    """

    ladder: Ladder
    tz: str
    takes_back: bool
    warning_days: int
    terms: dict
    has_pricelists: bool

    def today(self):
        return self.to_local(fields.Datetime.now())

    def to_local(self, moment):
        """Return the day of a moment in UTC on the scheme's clock."""
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.tz)).date()

    def to_utc(self, day):
        """Return the moment in UTC at which a day begins on the scheme's clock."""
        start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.tz))
        return start.astimezone(UTC).replace(tzinfo=None)

    def get_local_sql(self, column):
        """Return a column of moments in UTC on the scheme's clock."""
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)", column, self.tz)

    def get_ladder_sql(self):
        """Return the steps as the common table expression ``ladder``.

        Of id, rank and what is needed to enter and to stay: points, spend, visits, and
        whether one of them is enough. A tier that only people give needs no figures to
        enter, one that is kept for ever none to stay: these are empty.
        """
        rows = [
            SQL(
                "(%s, %s, %s, %s)",
                step.id,
                rank,
                self._get_threshold_sql(step.entry),
                self._get_threshold_sql(step.keep),
            )
            for rank, step in enumerate(self.ladder.steps)
        ]
        return SQL(
            "ladder (id, rank, points, spend, visits, any_of,"
            " keep_points, keep_spend, keep_visits, keep_any_of) AS (VALUES %s)",
            SQL(", ").join(rows),
        )

    def _get_threshold_sql(self, threshold):
        if threshold is None:
            return SQL("NULL::numeric, NULL::numeric, NULL::numeric, FALSE")
        return SQL(
            "%s::numeric, %s::numeric, %s::numeric, %s",
            threshold.points,
            threshold.spend,
            threshold.visits,
            threshold.any_of and bool(threshold.asked),
        )


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    tier_ids = fields.One2many(
        comodel_name="loyalty.tier", inverse_name="scheme_id", string="Tiers"
    )
    tier_count = fields.Integer(compute="_compute_tier_count")
    tier_window = fields.Selection(
        selection=[
            ("calendar", "In a calendar year"),
            ("membership", "In a year of membership"),
            ("rolling", "In the last months"),
            ("lifetime", "Since joining"),
        ],
        string="Thresholds Are Reached",
        required=True,
        default="calendar",
        tracking=True,
        help="Whole months count. A year of membership begins with the month in which"
        " the member joined.",
    )
    tier_months = fields.Integer(
        string="Months Counted",
        default=12,
        tracking=True,
        help="How many of the last months count, the current one included.",
    )
    tier_keep_months = fields.Integer(
        string="Kept for Months",
        default=12,
        tracking=True,
        help="For how many months a tier is kept before it is looked at again. 1 looks"
        " at it at the end of every month.",
    )
    tier_downgrade = fields.Selection(
        selection=[
            ("step", "One tier down"),
            ("fit", "The tier that the figures deserve"),
        ],
        string="Who Misses It Gets",
        required=True,
        default="step",
        tracking=True,
    )
    tier_grace_days = fields.Integer(
        string="Days of Grace",
        tracking=True,
        help="After the last day of a tier, in which members can still make up for what"
        " they miss.",
    )
    tier_warning_days = fields.Integer(
        string="Warn of Tiers",
        default=30,
        help="So many days before members lose their tier, a warning is recorded, which"
        " automation rules and campaigns can act on.",
    )
    tier_return_policy = fields.Selection(
        selection=[
            ("keep", "Members keep the tier"),
            ("take_back", "The tier goes back as well"),
        ],
        string="If Purchases Come Back",
        required=True,
        default="take_back",
        tracking=True,
        help="What happens to a tier that was reached by purchases which are returned"
        " or cancelled later.",
    )

    _tier_months_range = models.Constraint(
        "CHECK (tier_months BETWEEN 1 AND 120 AND tier_keep_months BETWEEN 1 AND 120)",
        "Tiers count and are kept for 1 to 120 months.",
    )
    _tier_days_range = models.Constraint(
        "CHECK (tier_grace_days BETWEEN 0 AND 366"
        " AND tier_warning_days BETWEEN 0 AND 366)",
        "Days of grace and of warning are a number from 0 to 366.",
    )

    def _compute_tier_count(self):
        counts = dict(
            self.env["loyalty.tier"]._read_group(
                [("scheme_id", "in", self.ids)], ["scheme_id"], ["__count"]
            )
        )
        for scheme in self:
            scheme.tier_count = counts.get(scheme, 0)

    def action_view_tiers(self):
        """Open the tiers of this scheme."""
        self.ensure_one()
        return self._get_scheme_action("loyalty_tiers.loyalty_tier_action")

    @tools.ormcache("self.id")
    def _get_tier_settings(self):
        """Return what is asked about tiers, kept ready; ``None`` without tiers.

        Whoever changes what it is made of clears the registry's cache.

        :rtype: Settings
        """
        # sudo: sales follow the tiers whoever makes them
        scheme_sudo = self.sudo()
        if not scheme_sudo.tier_ids:
            return None
        return Settings(
            ladder=Ladder(
                [tier._prepare_step() for tier in scheme_sudo.tier_ids.sorted()],
                Policy(
                    window=Window(
                        kind=Kind(scheme_sudo.tier_window),
                        months=scheme_sudo.tier_months,
                        keep_months=scheme_sudo.tier_keep_months,
                    ),
                    grace_days=scheme_sudo.tier_grace_days,
                    downgrade=Downgrade(scheme_sudo.tier_downgrade),
                ),
            ),
            tz=self._get_tz(),
            takes_back=scheme_sudo.tier_return_policy == "take_back",
            warning_days=scheme_sudo.tier_warning_days,
            terms={
                tier.id: (tier.expiry_term, tier.expiry_unit)
                for tier in scheme_sudo.tier_ids
                if tier.has_expiry
            },
            has_pricelists=bool(scheme_sudo.tier_ids.pricelist_id),
        )

    def _prepare_rules(self):
        rules = super()._prepare_rules()
        multipliers = (tier._prepare_rule() for tier in self.tier_ids)
        return [*rules, *filter(None, multipliers)]

    def _get_expiry(self, account=None):
        """Give members the term of their tier."""
        expiry = super()._get_expiry(account)
        settings = self._get_tier_settings()
        if not account or not settings or not settings.terms:
            return expiry
        # sudo: who sells need not see the tier, only what it gives
        tier_sudo = account.sudo().member_tier_id
        if tier_sudo.id not in settings.terms or expiry.policy == ExpiryPolicy.NEVER:
            return expiry
        term, unit = settings.terms[tier_sudo.id]
        return replace(expiry, term=term, unit=unit)

    def _format_tier_measure(self, measure, amount):
        """Write an amount of what tiers count for a human.

        :param str measure: ``points``, ``spend`` or ``visits``
        :param amount: anything that ``float`` takes
        """
        self.ensure_one()
        if measure == "points":
            return self._format_points(amount)
        if measure == "spend":
            return self._format_money(amount)
        if float(amount) == 1:
            return self.env._("1 visit")
        return self.env._("%(number)s visits", number=self._format_number(amount))
