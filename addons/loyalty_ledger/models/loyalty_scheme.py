# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta
from decimal import Decimal
from math import isfinite

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL, format_amount, format_date

from odoo.addons.loyalty_member.models.loyalty_scheme import UNKNOWN_NUMBER

from ..engine import Cap, Period, Policy, Rule, RuleSet, round_to_step
from ..ledger.expiry import Expiry, ExpiryPolicy
from ..ledger.flow import POINTS
from ..ledger.move import Shortfall

#: key of what a scheme gives for each amount, whatever its rules
BASE = "base"
LAST = 1_000_000
CAPS = {
    "earn_cap_receipt": Period.RECEIPT,
    "earn_cap_day": Period.DAY,
    "earn_cap_week": Period.WEEK,
    "earn_cap_month": Period.MONTH,
}


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    points_program_id = fields.Many2one(
        comodel_name="loyalty.program",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Odoo's own program, through which tills and shops offer the points.",
    )

    # Earning
    earn_points = fields.Float(
        string="Points Earned",
        digits="Loyalty Points",
        default=1.0,
        tracking=True,
        help="Points for every amount below.",
    )
    earn_amount = fields.Monetary(
        string="For Each",
        default=1.0,
        tracking=True,
        help="The amount of a purchase that earns the points above.",
    )
    earn_tax = fields.Selection(
        selection=[("incl", "Tax included"), ("excl", "Tax excluded")],
        string="Counted On Prices",
        required=True,
        default="incl",
        tracking=True,
    )
    earn_before_discounts = fields.Boolean(
        string="Before Discounts",
        tracking=True,
        help="Points are counted on prices before discounts and rewards. Otherwise on"
        " what is really paid.",
    )
    earn_on_shipping = fields.Boolean(
        string="On Shipping Too",
        tracking=True,
        help="What shipping costs earns points as well.",
    )
    exclude_staff = fields.Boolean(
        string="Not for Staff",
        default=True,
        tracking=True,
        help="Members who are users of this Odoo earn nothing on purchases.",
    )
    excluded_tag_ids = fields.Many2many(
        comodel_name="res.partner.category",
        string="Not for Customers Tagged",
        help="Customers with one of these tags earn nothing on purchases, for instance"
        " resellers.",
    )
    earn_cap_receipt = fields.Float(
        string="Purchases a Receipt", digits="Loyalty Points", tracking=True
    )
    earn_cap_day = fields.Float(
        string="Purchases a Day", digits="Loyalty Points", tracking=True
    )
    earn_cap_week = fields.Float(
        string="Purchases a Week", digits="Loyalty Points", tracking=True
    )
    earn_cap_month = fields.Float(
        string="Purchases a Month", digits="Loyalty Points", tracking=True
    )
    earn_rule_ids = fields.One2many(
        comodel_name="loyalty.earn.rule", inverse_name="scheme_id", string="Rules"
    )
    earn_rule_count = fields.Integer(compute="_compute_earn_rule_count")
    points_rounding = fields.Float(
        string="Smallest Step",
        digits="Loyalty Points",
        required=True,
        default=1.0,
        help="1 gives whole points, 0.01 gives two decimals. Every channel rounds the"
        " points of a purchase once, in this way.",
    )
    points_rounding_method = fields.Selection(
        selection=[
            ("DOWN", "Down"),
            ("HALF-UP", "To the nearest"),
            ("UP", "Up"),
        ],
        string="Rounded",
        required=True,
        default="DOWN",
    )
    instant_channel_ids = fields.Many2many(
        comodel_name="loyalty.channel",
        relation="loyalty_scheme_instant_channel_rel",
        column1="scheme_id",
        column2="channel_id",
        string="Available at Once In",
        default=lambda self: self._default_instant_channel_ids(),
        help="Points earned in these channels can be spent at once. In the others"
        " they wait for what is said below.",
    )
    pending_days = fields.Integer(
        string="Waiting Days",
        default=14,
        help="Days before points become available, usually the time in which goods may"
        " be returned.",
    )

    # Spending
    redeem_points = fields.Float(
        string="Points Spent",
        digits="Loyalty Points",
        default=100.0,
        tracking=True,
        help="Points that pay for the amount below.",
    )
    redeem_value = fields.Monetary(
        string="Are Worth",
        default=1.0,
        tracking=True,
        help="What the points above pay for.",
    )
    redeem_minimum = fields.Float(
        string="At Least",
        digits="Loyalty Points",
        help="The fewest points that can be spent on one receipt.",
    )
    redeem_max_share = fields.Float(
        string="Up To",
        default=100.0,
        help="The largest part of a receipt, in percent, that points can pay.",
    )

    # Expiry and returns
    expiry_policy = fields.Selection(
        selection=[
            ("never", "Never"),
            ("term", "Some time after they were earned"),
            ("period", "At the end of a period, some time after they were earned"),
            ("activity", "When a member has neither earned nor spent for some time"),
        ],
        string="Points Expire",
        required=True,
        default="never",
        tracking=True,
    )
    expiry_term = fields.Integer(string="After", default=12, tracking=True)
    expiry_unit = fields.Selection(
        selection=[("day", "Days"), ("month", "Months"), ("year", "Years")],
        required=True,
        default="month",
        tracking=True,
    )
    expiry_period = fields.Selection(
        selection=[("month", "Month"), ("quarter", "Quarter"), ("year", "Year")],
        string="At the End of the",
        required=True,
        default="month",
        tracking=True,
    )
    expiry_example = fields.Char(compute="_compute_expiry_example")
    expiry_warning_days = fields.Integer(
        string="Warn",
        default=30,
        help="So many days before points expire, a warning is recorded for the member,"
        " which automation rules and campaigns can act on.",
    )
    restore_policy = fields.Selection(
        selection=[
            ("expire", "They expire at once"),
            ("grace", "They can be spent for some more days"),
        ],
        string="Expired Points of a Return",
        required=True,
        default="expire",
        tracking=True,
        help="Points that paid for returned goods are given back with the last day that"
        " they had. This is what happens when that day is over.",
    )
    restore_days = fields.Integer(
        string="Days to Spend Them",
        default=30,
        help="Days after the return on which the points can still be spent.",
    )
    shortfall_policy = fields.Selection(
        selection=[
            ("debt", "The member owes them"),
            ("cap", "They are given up, and somebody is told"),
            ("approval", "An administrator decides"),
        ],
        string="Spent Points of a Return",
        required=True,
        default="debt",
        help="What happens when goods come back, but the points they earned have been"
        " spent.",
    )

    outstanding_points = fields.Float(
        compute="_compute_outstanding", digits="Loyalty Points"
    )
    outstanding_value = fields.Monetary(compute="_compute_outstanding")
    example = fields.Char(compute="_compute_example")

    _earn_positive = models.Constraint(
        "CHECK (earn_points >= 0 AND earn_amount > 0)",
        "Say how many points are earned, for an amount above zero.",
    )
    _redeem_positive = models.Constraint(
        "CHECK (redeem_points > 0 AND redeem_value > 0 AND redeem_minimum >= 0)",
        "Say what points are worth, with numbers above zero.",
    )
    _redeem_share_range = models.Constraint(
        "CHECK (redeem_max_share > 0 AND redeem_max_share <= 100)",
        "The part of a receipt that points can pay is between 0 and 100 percent.",
    )
    _rounding_positive = models.Constraint(
        "CHECK (points_rounding >= 0.0001)",
        "The smallest step of points is at least 0.0001.",
    )
    _earn_caps_positive = models.Constraint(
        "CHECK (earn_cap_receipt >= 0 AND earn_cap_day >= 0 AND earn_cap_week >= 0"
        " AND earn_cap_month >= 0)",
        "The most that purchases give is zero (no limit) or more.",
    )
    _periods_positive = models.Constraint(
        "CHECK (pending_days >= 0)", "Waiting days cannot be negative."
    )
    _expiry_term_range = models.Constraint(
        "CHECK (expiry_term BETWEEN 0 AND 3660"
        " AND (expiry_term > 0 OR expiry_policy IN ('never', 'period')))",
        "Say after how many days, months or years points expire: a number from 1 to"
        " 3660. Only at the end of a period it may be 0.",
    )
    _expiry_warning_range = models.Constraint(
        "CHECK (expiry_warning_days BETWEEN 0 AND 3660)",
        "The days before expiry are a number from 0 to 3660.",
    )
    _restore_days_range = models.Constraint(
        "CHECK (restore_days BETWEEN 0 AND 3660)",
        "The days to spend the points of a return are a number from 0 to 3660.",
    )
    _points_program_unique = models.UniqueIndex(
        "(points_program_id) WHERE points_program_id IS NOT NULL",
        "This program belongs to another scheme.",
    )

    @api.model
    def _default_instant_channel_ids(self):
        return self.env["loyalty.channel"]._get_by_code("pos")

    def _compute_earn_rule_count(self):
        counts = dict(
            self.env["loyalty.earn.rule"]._read_group(
                [("scheme_id", "in", self.ids)], ["scheme_id"], ["__count"]
            )
        )
        for scheme in self:
            scheme.earn_rule_count = counts.get(scheme, 0)

    @api.depends("points_program_id", "redeem_points", "redeem_value")
    def _compute_outstanding(self):
        totals = dict(
            self.env["loyalty.card"]
            .sudo()  # the sum tells nothing about a single member
            ._read_group(
                [("program_id", "in", self.points_program_id.ids)],
                ["program_id"],
                ["points:sum"],
            )
        )
        for scheme in self:
            points = totals.get(scheme.points_program_id, 0.0)
            scheme.outstanding_points = points
            scheme.outstanding_value = scheme._points_to_money(points)

    @api.depends(
        "earn_points",
        "earn_amount",
        "points_rounding",
        "points_rounding_method",
        "redeem_points",
        "redeem_value",
        "pending_days",
        "pending_event",
        "instant_channel_ids",
        "point_name",
        "point_name_plural",
        "currency_id",
    )
    def _compute_example(self):
        for scheme in self:
            scheme.example = scheme._get_example()

    @api.depends(
        "expiry_policy",
        "expiry_term",
        "expiry_unit",
        "expiry_period",
        "point_name_plural",
    )
    @api.depends_context("lang")
    def _compute_expiry_example(self):
        for scheme in self:
            scheme.expiry_example = scheme._get_expiry_example()

    def _get_expiry_example(self):
        """Say what the expiry settings mean, in a sentence."""
        self.ensure_one()
        day = self._get_expiry_date(fields.Date.context_today(self))
        values = {
            "points": self.point_name_plural or self.env._("points"),
            "day": format_date(self.env, day),
        }
        if not day:
            return self.env._("What a member has earned never expires.")
        if self.expiry_policy == ExpiryPolicy.ACTIVITY:
            return self.env._(
                "A member who buys today keeps all %(points)s until %(day)s. Every"
                " purchase that earns or spends moves that day on.",
                **values,
            )
        return self.env._("Today's %(points)s can be spent until %(day)s.", **values)

    def _get_example(self):
        """Say what the settings mean, in a sentence."""
        self.ensure_one()
        if not (
            self.earn_amount > 0
            and self.redeem_points > 0
            and self.points_rounding > 0
            and self.currency_id
        ):
            return False
        purchase = 25.0
        points = self._round_points(
            Decimal(str(purchase * self.earn_points / self.earn_amount))
        )
        values = {
            "purchase": format_amount(self.env, purchase, self.currency_id),
            "points": self._format_points(points),
            "value": self._format_points_value(points),
            "waiting": self._get_waiting_text(),
            "channels": ", ".join(self.instant_channel_ids.mapped("name")),
        }
        if self.instant_channel_ids and self._has_wait():
            return self.env._(
                "A purchase of %(purchase)s gives %(points)s, worth %(value)s: at once"
                " in %(channels)s, elsewhere %(waiting)s.",
                **values,
            )
        if self._has_wait():
            return self.env._(
                "A purchase of %(purchase)s gives %(points)s, worth %(value)s,"
                " %(waiting)s.",
                **values,
            )
        return self.env._(
            "A purchase of %(purchase)s gives %(points)s, worth %(value)s.", **values
        )

    @api.constrains("company_id", "currency_id")
    def _check_program_company(self):
        for scheme in self:
            programs_sudo = scheme.sudo()._get_managed_programs()
            if any(
                program.company_id != scheme.company_id
                or program.currency_id != scheme.currency_id
                for program in programs_sudo
            ):
                raise ValidationError(
                    self.env._(
                        "The company and the currency of %(scheme)s cannot change any"
                        " more: accounts have been opened in them.",
                        scheme=scheme.name,
                    )
                )

    def _get_managed_programs(self):
        """Return the native programs of these schemes, one for each kind of account."""
        return self.points_program_id

    @api.model_create_multi
    def create(self, vals_list):
        schemes = super().create(vals_list)
        # Who sets the key gives the scheme a program later on
        if not self.env.context.get("loyalty_ledger_no_program"):
            schemes._create_points_program()
        return schemes

    def write(self, vals):
        result = super().write(vals)
        # The rules that sales follow are kept ready, and the scheme is one of them
        self.env.registry.clear_cache()
        if self._get_program_fields() & vals.keys():
            # Let the constraints speak before their fields are computed with
            self.flush_recordset()
            self._sync_points_program()
        return result

    def unlink(self):
        # The program refers to the scheme and the scheme to the program
        programs_sudo = self.sudo().points_program_id
        self.sudo().points_program_id = False
        programs_sudo.write({"scheme_id": False, "active": False})
        result = super().unlink()
        programs_sudo.unlink()
        return result

    def action_view_program(self):
        """Open the native program of this scheme."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "loyalty.program",
            "res_id": self._get_program().id,
            "views": [(False, "form")],
        }

    def action_create_program(self):
        """Create the native program of a scheme that has lost it."""
        self.check_access("write")
        self._create_points_program()

    def action_view_earn_rules(self):
        """Open the earning rules of this scheme."""
        return self._get_scheme_action("loyalty_ledger.loyalty_earn_rule_action")

    def action_view_transactions(self):
        """Open the transactions of this scheme."""
        return self._get_scheme_action("loyalty_ledger.loyalty_transaction_action")

    def action_check_books(self):
        """Check the accounts of this scheme and open what was found.

        :raise AccessError: unless the user is a loyalty auditor or manager
        """
        self.ensure_one()
        self.check_access("read")
        return self.env["loyalty.ledger.audit"]._check_books(scheme=self)

    def action_view_entries(self):
        """Open the ledger entries of this scheme."""
        return self._get_scheme_action("loyalty_ledger.loyalty_ledger_entry_action")

    def _set_up_points(self):
        """Bring schemes up to date that were made before the ledger was installed."""
        for scheme in self.filtered(lambda scheme: not scheme.points_program_id):
            scheme.instant_channel_ids |= scheme._default_instant_channel_ids()
        self._create_points_program()

    def _create_points_program(self):
        """Create the managed native program of the schemes that have none."""
        # sudo: who manages loyalty need not be a manager of sales or of tills, whom
        # Odoo gives its programs to
        Program = self.env["loyalty.program"].sudo()
        for scheme in self.filtered(lambda scheme: not scheme.points_program_id):
            scheme.points_program_id = Program.create(scheme._prepare_program_values())

    def _prepare_program_values(self):
        """Return the values of the native program that presents this scheme."""
        self.ensure_one()
        return {
            **self._prepare_program_sync_values(),
            "program_type": "loyalty",
            "applies_on": "both",
            "trigger": "auto",
            "portal_visible": True,
            "company_id": self.company_id.id,
            "currency_id": self.currency_id.id,
            "scheme_id": self.id,
            # Native screens show a program only if it has a rule; the engine's quote
            # takes the place of what the rule would give.
            "rule_ids": [
                Command.create({"reward_point_mode": "money", "minimum_qty": 0})
            ],
            "reward_ids": [Command.create(self._prepare_reward_values())],
        }

    def _prepare_program_sync_values(self):
        self.ensure_one()
        return {
            "name": self.name,
            "portal_point_name": self.point_name_plural,
            "active": self.active and self.state == "open",
        }

    def _prepare_reward_values(self):
        self.ensure_one()
        return {
            "reward_type": "discount",
            "discount_mode": "per_point",
            "discount": float(self._get_point_value()),
            "discount_applicability": "order",
            "required_points": self.points_rounding,
            "description": self.env._(
                "Pay with %(points)s", points=self.point_name_plural
            ),
        }

    @api.model
    def _get_program_fields(self):
        """Return the fields that the native program repeats."""
        return {
            "name",
            "active",
            "state",
            "point_name_plural",
            "redeem_points",
            "redeem_value",
            "points_rounding",
        }

    def _sync_points_program(self):
        """Bring the native programs in line with their schemes."""
        for scheme in self.filtered("points_program_id"):
            # sudo: see _create_points_program
            program_sudo = scheme.points_program_id.sudo().with_context(
                active_test=False
            )
            values = scheme._prepare_program_sync_values()
            if values["active"] == program_sudo.active:
                # Native fetches back all rewards that staff have archived
                del values["active"]
            program_sudo.write(values)
            # What staff have added to the program, like a free product, stays
            program_sudo.reward_ids.filtered(
                lambda reward: (
                    reward.reward_type == "discount"
                    and reward.discount_mode == "per_point"
                )
            ).write(scheme._prepare_reward_values())

    def _get_program(self, kind=POINTS):
        """Return the native program that presents the accounts of a kind.

        :raise UserError: if the scheme has none
        """
        self.ensure_one()
        # sudo: tills and shops read it whatever the rights of who is at them
        program_sudo = self.sudo().points_program_id
        if not program_sudo:
            raise UserError(
                self.env._(
                    "%(scheme)s has no points program yet, so nothing can be earned or"
                    " spent. Open the scheme and press Create Program.",
                    scheme=self.name,
                )
            )
        return program_sudo.sudo(self.env.su)

    def _get_account(self, member, kind=POINTS):
        """Return the account of a member, opening it if needed."""
        self.ensure_one()
        return self._get_accounts(member, kind).get(member.id)

    def _get_accounts(self, members, kind=POINTS):
        """Return the accounts of members, opening those that are missing.

        :param str kind: ``POINTS`` or ``WALLET``
        :raise UserError: if the scheme has no program for them
        :raise ConcurrencyError: if another transaction opens one right now; Odoo
            then runs the call again
        :return dict: loyalty.card by id of the member
        """
        self.ensure_one()
        program = self._get_program(kind)
        partners = {member: member._get_account_partner(kind) for member in members}
        holders = self.env["res.partner"].union(*partners.values())
        # sudo: nobody but the ledger opens accounts
        Card_sudo = self.env["loyalty.card"].sudo()
        accounts = Card_sudo.with_context(active_test=False).search_fetch(
            [
                ("program_id", "=", program.id),
                ("partner_id", "in", holders.ids),
                ("ledger_managed", "=", True),
            ],
            ["partner_id"],
        )
        by_partner = {account.partner_id: account for account in accounts}
        missing = holders.filtered(lambda partner: partner not in by_partner)
        for account in Card_sudo._open_accounts(program, missing):
            by_partner[account.partner_id] = account
        return {
            member.id: by_partner[partner].sudo(self.env.su)
            for member, partner in partners.items()
        }

    def _get_point_value(self):
        """Return what one point is worth, as Decimal in the scheme's currency."""
        self.ensure_one()
        return Decimal(str(self.redeem_value)) / Decimal(str(self.redeem_points))

    def _points_to_money(self, points):
        """Return what points are worth, rounded down to the currency's smallest coin.

        :param points: float or Decimal
        :return float: in the scheme's currency
        """
        self.ensure_one()
        if not self.redeem_points:
            return 0.0
        value = Decimal(str(points)) * self._get_point_value()
        coin = Decimal(str(self.currency_id.rounding or 0.01))
        return float(round_to_step(value, coin, "DOWN"))

    def _money_to_points(self, amount):
        """Return how many points pay for an amount, rounded up to whole steps.

        :param amount: float or Decimal, in the scheme's currency
        :return Decimal: points
        """
        self.ensure_one()
        points = Decimal(str(amount)) / self._get_point_value()
        return round_to_step(points, self._get_step(), "UP")

    def _get_step(self):
        """Return the smallest step of points as Decimal."""
        self.ensure_one()
        return Decimal(str(self.points_rounding)).quantize(Decimal("0.0001"))

    def _round_points(self, points):
        """Round a Decimal by the scheme's rule."""
        self.ensure_one()
        return round_to_step(points, self._get_step(), self.points_rounding_method)

    def _format_points_value(self, points):
        """Return what points are worth, for a human.

        :return: e.g. ``1.20 €``; ``? €`` for what is no number
        """
        self.ensure_one()
        if not isfinite(points or 0):
            return f"{UNKNOWN_NUMBER} {self.currency_id.symbol}"
        return self._format_money(self._points_to_money(points or 0))

    def _format_money(self, amount):
        """Write an amount in the scheme's currency for a human.

        :param amount: anything that ``float`` takes
        """
        self.ensure_one()
        return format_amount(self.env, float(amount), self.currency_id)

    def _get_policy(self):
        """Return the scheme's policy for the engine."""
        self.ensure_one()
        return Policy(
            step=self._get_step(),
            rounding=self.points_rounding_method,
            wallet_step=self._get_coin(),
            before_discounts=self.earn_before_discounts,
            caps=tuple(
                Cap(period, Decimal(str(self[name])))
                for name, period in CAPS.items()
                if self[name]
            ),
        )

    @tools.ormcache("self.id")
    def _get_rules(self):
        """Return the scheme's rules, compiled for the engine and kept ready.

        :rtype: ~..engine.RuleSet
        """
        return self._compile_rules()

    def _compile_rules(self):
        """Return the scheme's rules, compiled for the engine.

        For who shows them many more products than a shop sells, which the set would
        remember.

        :rtype: ~..engine.RuleSet
        """
        self.ensure_one()
        # sudo: sales follow the rules whoever makes them
        return RuleSet(self._get_prepared_rules(), self.sudo()._get_policy())

    @tools.ormcache("self.id")
    def _get_prepared_rules(self):
        """Return the rules of this scheme, the same for everybody, kept ready.

        Whoever changes what they are made of clears the registry's cache.
        """
        # sudo: sales follow the rules whoever makes them
        return tuple(self.sudo().with_context(lang=None)._prepare_rules())

    @tools.ormcache("self.id")
    def _get_excluded_tag_ids(self):
        """Return the ids of the tags whose customers earn nothing, kept ready."""
        # sudo: sales follow the scheme whoever makes them
        return frozenset(self.sudo().excluded_tag_ids.ids)

    def _prepare_rules(self):
        """Return the rules of this scheme; other modules add theirs.

        :return: list of :class:`~..engine.Rule`
        """
        self.ensure_one()
        rules = [
            rule._prepare_rule()
            for rule in self.earn_rule_ids
            if rule.trigger == "purchase"
        ]
        if self.earn_points:
            rules.append(
                Rule(
                    key=BASE,
                    name=self.name,
                    value=Decimal(str(self.earn_points)),
                    per=Decimal(str(self.earn_amount)),
                    # An exclusive rule stands above it
                    priority=LAST,
                )
            )
        return rules

    def _is_pending_channel(self, channel):
        """Return whether points earned in a channel wait for their release."""
        self.ensure_one()
        return channel.id not in self._get_instant_channel_ids()

    @tools.ormcache("self.id")
    def _get_instant_channel_ids(self):
        """Return the ids of the channels that ``_is_pending_channel`` asks about."""
        # sudo: sales follow the scheme whoever makes them
        return frozenset(
            self.sudo().with_context(active_test=False).instant_channel_ids.ids
        )

    def _get_expiry(self, account=None):
        """Return the rule for the last day of points.

        :param account: the loyalty.card that has them, if it is known; other modules
            may give some members more time
        :rtype: Expiry
        """
        self.ensure_one()
        return Expiry(
            ExpiryPolicy(self.expiry_policy or "never"),
            self.expiry_term,
            self.expiry_unit or "month",
            self.expiry_period or "month",
        )

    def _get_expiry_date(self, day, account=None):
        """Return the last day on which points earned on ``day`` can be spent.

        :param account: see ``_get_expiry``
        :return: a date, or ``None`` if points do not expire
        """
        return self._get_expiry(account).last_day(day)

    def _get_slide_date(self, day, account):
        """Return the last day that all points get by earning or spending on ``day``.

        :return: a date, or ``None`` if the points keep the days they have
        """
        expiry = self._get_expiry(account)
        if expiry.policy != ExpiryPolicy.ACTIVITY:
            return None
        return expiry.last_day(day)

    def _get_revival_date(self):
        """Return the last day of expired points that a return of today gives back.

        :return: a date, or ``None`` if they expire at once
        """
        self.ensure_one()
        if self.restore_policy != "grace":
            return None
        return fields.Date.today() + timedelta(days=self.restore_days)

    def _get_release_date(self, day):
        """Return when points become available whose wait began on ``day``."""
        self.ensure_one()
        return day + timedelta(days=self.pending_days)

    def _get_shortfall(self):
        """Return what taking back does when the points are spent."""
        self.ensure_one()
        if self._is_shortfall_decided():
            return Shortfall.CAP
        return Shortfall(self.shortfall_policy)

    def _is_shortfall_decided(self):
        """Return whether a person decides on points that cannot be taken back."""
        self.ensure_one()
        return self.shortfall_policy == "approval"

    def _is_used(self):
        """Return whether value has moved in this scheme; other modules add their say.

        Entries of cards that have left the ledger do not count.
        """
        self.ensure_one()
        self.env.flush_all()
        # The first of what may be many; the ORM would read archived accounts apart
        return bool(
            self.env.execute_query(
                SQL(
                    """
                    (SELECT 1
                       FROM loyalty_ledger_entry entry
                       JOIN loyalty_card card ON card.id = entry.account_id
                      WHERE entry.scheme_id = %(scheme)s AND card.ledger_managed
                      LIMIT 1)
                     UNION ALL
                    (SELECT 1
                       FROM loyalty_hold hold
                       JOIN loyalty_card card ON card.id = hold.account_id
                      WHERE hold.state = 'active' AND card.ledger_managed
                        AND card.program_id = ANY(%(programs)s)
                      LIMIT 1)
                    """,
                    scheme=self.id,
                    programs=self.sudo()._get_managed_programs().ids,
                )
            )
        )

    def _get_approvers(self):
        """Return the users who may decide on what this scheme leaves to a person."""
        self.ensure_one()
        # sudo: who asks need not see the other users
        group_sudo = self.env.ref("loyalty_member.loyalty_member_group_manager").sudo()
        return group_sudo.all_user_ids.filtered(
            lambda user: (
                user.active
                and (not self.company_id or self.company_id in user.company_ids)
            )
        )
