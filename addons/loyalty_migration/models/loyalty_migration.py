# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL, float_repr

# Larger programs are taken over in the background
LINES_AT_ONCE = 500
CHOICES = {"program_id", "scheme_id"}
# What the steps write, and no person
STEP_DEFAULTS = {
    "state": "draft",
    "problems": False,
    "native_values": False,
    "own_program_id": False,
    "check_date": False,
    "run_date": False,
    "undo_date": False,
    "card_count": 0,
    "account_count": 0,
    "newcomer_count": 0,
    "duplicate_count": 0,
    "anonymous_count": 0,
    "out_count": 0,
    "negative_count": 0,
    "rounded_count": 0,
    "expired_count": 0,
    "phone_count": 0,
    "problem_count": 0,
    "points_before": 0.0,
    "points_after": 0.0,
    "points_difference": 0.0,
}


class LoyaltyMigration(models.Model):
    """A native loyalty program on its way into the ledger, and perhaps back.

    The scheme takes over the program itself: it keeps its id, so that what tills,
    shops and orders refer to stays valid, and its cards keep their codes.
    """

    _name = "loyalty.migration"
    _description = "Migration of a Loyalty Program"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _rec_name = "program_id"

    # === FIELDS === #

    program_id = fields.Many2one(
        comodel_name="loyalty.program",
        required=True,
        domain="[('program_type', '=', 'loyalty'), ('applies_on', '=', 'both'),"
        " ('ledger_managed', '=', False)]",
        index=True,
        ondelete="restrict",
        help="A program of Odoo's type Loyalty Cards whose points are for current and"
        " future orders. Coupons, gift cards, promotions and wallets keep no points of"
        " a member from one order to the next, so they cannot be taken over.",
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        domain="[('state', '=', 'open')]",
        index="btree_not_null",
        ondelete="restrict",
        help="The scheme that will keep the points: one in which nothing has been"
        " earned or spent yet. Or make one from what the program says.",
    )
    company_id = fields.Many2one(
        related="program_id.company_id",
        store=True,
        precompute=True,
        index="btree_not_null",
    )
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("checked", "Dry Run"),
            ("running", "Running"),
            ("done", "Taken Over"),
            ("undone", "Undone"),
        ],
        string="Status",
        required=True,
        default="draft",
        copy=False,
        readonly=True,
        tracking=True,
    )
    line_ids = fields.One2many(
        comodel_name="loyalty.migration.line",
        inverse_name="migration_id",
        string="Lines",
        readonly=True,
    )
    plan = fields.Html(compute="_compute_plan", sanitize=False)
    problems = fields.Text(string="What Stands in the Way", copy=False, readonly=True)
    waiting_count = fields.Integer(
        string="Contacts to Enrol", compute="_compute_waiting_count"
    )
    check_date = fields.Datetime(string="Dry Run On", copy=False, readonly=True)
    run_date = fields.Datetime(string="Taken Over On", copy=False, readonly=True)
    undo_date = fields.Datetime(string="Undone On", copy=False, readonly=True)

    # To go back
    own_program_id = fields.Many2one(
        comodel_name="loyalty.program",
        string="Program Replaced",
        copy=False,
        readonly=True,
        ondelete="restrict",
        help="The program that the scheme had before.",
    )
    native_values = fields.Json(copy=False, readonly=True)

    # What the dry run has counted
    card_count = fields.Integer(string="Cards", copy=False, readonly=True)
    account_count = fields.Integer(string="Accounts", copy=False, readonly=True)
    newcomer_count = fields.Integer(string="New Members", copy=False, readonly=True)
    duplicate_count = fields.Integer(string="Duplicates", copy=False, readonly=True)
    anonymous_count = fields.Integer(
        string="Without Contact", copy=False, readonly=True
    )
    out_count = fields.Integer(string="Left Out", copy=False, readonly=True)
    negative_count = fields.Integer(string="Below Zero", copy=False, readonly=True)
    rounded_count = fields.Integer(string="Rounded", copy=False, readonly=True)
    expired_count = fields.Integer(string="Expired", copy=False, readonly=True)
    phone_count = fields.Integer(string="Unreadable Phones", copy=False, readonly=True)
    problem_count = fields.Integer(string="Problems", copy=False, readonly=True)
    points_before = fields.Float(
        digits="Loyalty Points", aggregator=None, copy=False, readonly=True
    )
    points_after = fields.Float(
        digits="Loyalty Points", aggregator=None, copy=False, readonly=True
    )
    points_difference = fields.Float(
        string="Difference",
        digits="Loyalty Points",
        aggregator=None,
        copy=False,
        readonly=True,
    )

    # === CONSTRAINTS === #

    _one_at_a_time = models.UniqueIndex(
        "(program_id) WHERE state IN ('running', 'done')",
        "This program is being taken over already.",
    )

    # === COMPUTE === #

    @api.depends("program_id", "scheme_id", "state")
    @api.depends_context("lang")
    def _compute_plan(self):
        for migration in self:
            migration.plan = migration._render_plan()

    @api.depends("state", "program_id", "scheme_id")
    def _compute_waiting_count(self):
        for migration in self:
            running = migration.state == "running"
            migration.waiting_count = running and migration._count_waiting()

    # === CONSTRAINS === #

    @api.constrains("program_id")
    def _check_program(self):
        for migration in self:
            # sudo: what kind of program it is does not depend on who asks
            program_sudo = migration.sudo().program_id
            if (program_sudo.program_type, program_sudo.applies_on) != (
                "loyalty",
                "both",
            ):
                raise ValidationError(
                    self.env._(
                        "%(program)s cannot be taken over: only loyalty cards keep"
                        " points of a member from one order to the next. Coupons, gift"
                        " cards, promotions and wallets stay with Odoo.",
                        program=program_sudo.name,
                    )
                )
            if program_sudo.ledger_managed and migration.state in ("draft", "checked"):
                raise ValidationError(
                    self.env._(
                        "%(program)s belongs to %(scheme)s already.",
                        program=program_sudo.name,
                        scheme=program_sudo.scheme_id.name,
                    )
                )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Start every migration as a draft, whatever the values say."""
        if not self.env.su:
            vals_list = [{**vals, **STEP_DEFAULTS} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Leave the steps to the buttons, and the choices as they were run.

        :raise AccessError: for a field that the steps write
        :raise UserError: if the choices are no longer open
        """
        if vals.keys() & STEP_DEFAULTS.keys() and not self.env.su:
            raise AccessError(
                self.env._("The steps of a migration are taken by its buttons.")
            )
        if not CHOICES & vals.keys():
            return super().write(vals)
        if any(migration.state not in ("draft", "checked") for migration in self):
            raise UserError(
                self.env._(
                    "What has been run stays as it is. Make a new migration instead."
                )
            )
        result = super().write(vals)
        self.sudo()._reset()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_run(self):
        if any(migration.state not in ("draft", "checked") for migration in self):
            raise UserError(
                self.env._(
                    "A migration that has been run is kept, also when it was undone."
                )
            )

    # === ACTIONS === #

    def action_make_scheme(self):
        """Make a scheme from what the program says, to be completed by a person.

        It gets no program of its own, since it is there to take this one over.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "checked")
        if self.scheme_id:
            raise UserError(
                self.env._("%(scheme)s is chosen already.", scheme=self.scheme_id.name)
            )
        Scheme = self.env["loyalty.scheme"]
        Scheme.check_access("create")
        self.scheme_id = Scheme.with_context(loyalty_ledger_no_program=True).create(
            self._prepare_scheme_values()
        )

    def action_check(self):
        """Do a dry run: list what would become of every card, and change nothing."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "checked")
        # sudo: the steps write what nobody may write by hand
        self.sudo()._check()

    def action_view_lines(self):
        """Open the cards, by the filter that the button stands for."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_migration_line_action"
        )
        action["domain"] = [("migration_id", "=", self.id)]
        action["context"] = {
            name: value
            for name, value in self.env.context.items()
            if name.startswith("search_default_")
        }
        return action

    # === THE SCHEME === #

    def _prepare_scheme_values(self):
        """Return what a scheme takes over from the program.

        What the program says in another way than a scheme, like points per order,
        is left at the scheme's defaults; the plan says so.
        """
        self.ensure_one()
        # sudo: reading a program, its rules and its rewards takes no right of sales
        program_sudo = self.program_id.sudo()
        company = program_sudo.company_id
        unit = program_sudo.portal_point_name or self.env._("points")
        return {
            "name": program_sudo.name,
            "point_name": unit,
            "point_name_plural": unit,
            "company_id": company.id,
            "currency_id": program_sudo.currency_id.id,
            "points_rounding": self._get_native_step(),
            **self._prepare_earn_values(),
            **self._prepare_redeem_values(),
        }

    def _get_native_rules(self):
        # sudo: see _prepare_scheme_values
        return self.program_id.sudo().rule_ids

    def _get_money_rule(self):
        """Return the rule that gives points for money, if there is one."""
        rules = self._get_native_rules()
        return rules.filtered(lambda rule: rule.reward_point_mode == "money")[:1]

    def _get_money_rewards(self):
        """Return the rewards by which points pay, archived ones too."""
        # sudo: see _prepare_scheme_values
        program_sudo = self.program_id.sudo().with_context(active_test=False)
        return program_sudo.reward_ids.filtered(
            lambda reward: (
                reward.reward_type == "discount" and reward.discount_mode == "per_point"
            )
        )

    def _get_money_reward(self):
        """Return the reward by which points pay now, if there is one."""
        return self._get_money_rewards().filtered("active")[:1]

    def _prepare_earn_values(self):
        rule = self._get_money_rule()
        if not rule:
            return {}
        return {
            "earn_points": rule.reward_point_amount,
            "earn_amount": 1.0,
            "earn_tax": rule.minimum_amount_tax_mode,
        }

    def _prepare_redeem_values(self):
        reward = self._get_money_reward()
        if not reward:
            return {}
        value = Decimal(str(reward.discount))
        coin = Decimal(str(self.program_id.currency_id.rounding))
        # A point is often worth less than the smallest coin
        points = next(
            (size for size in (1, 10, 100, 1000) if not value * size % coin), 10_000
        )
        return {
            "redeem_points": points,
            "redeem_value": float(value * points),
            "redeem_minimum": max(reward.required_points, 0),
        }

    def _get_native_step(self):
        """Return the coarsest step in which every balance can be written."""
        [[step]] = self.env.execute_query(
            SQL(
                """
                SELECT CASE max(scale(trim_scale(round(points::numeric, 4))))
                       WHEN 1 THEN 0.1 WHEN 2 THEN 0.01
                       WHEN 3 THEN 0.001 WHEN 4 THEN 0.0001 ELSE 1 END::float8
                  FROM loyalty_card
                 WHERE program_id = %s AND active
                   AND abs(points) < 1e11
                """,
                self.program_id.id,
            )
        )
        return step

    # === THE DRY RUN === #

    def _check_state(self, *states):
        """Lock a migration and check where it stands.

        :raise UserError: if somebody has been faster
        """
        self.ensure_one()
        self.lock_for_update()
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is in the state %(state)s.",
                    name=self.display_name,
                    state=labels[self.state],
                )
            )

    def _reset(self):
        """Forget a dry run whose premises have changed."""
        self.line_ids.unlink()
        self.write(STEP_DEFAULTS)

    def _check(self):
        self._check_scheme_chosen()
        self.line_ids.unlink()
        self.env["loyalty.migration.line"]._make_lines(self)
        self._count_lines()
        self.write(
            {
                "state": "checked",
                "check_date": fields.Datetime.now(),
                "problems": "\n".join(self._get_problems()) or False,
            }
        )

    def _check_scheme_chosen(self):
        if not self.scheme_id:
            raise UserError(
                self.env._(
                    "Choose a scheme, or press Make a Scheme to have one made from the"
                    " program."
                )
            )

    def _count_lines(self):
        """Note the totals of the lines."""
        self.env["loyalty.migration.line"].flush_model()
        # One reading of what may be many lines, and exact sums
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT count(*),
                       count(*) FILTER (WHERE action IN ('open', 'anonymous')),
                       count(*) FILTER (WHERE is_newcomer AND action <> 'merge'),
                       count(*) FILTER (WHERE action = 'merge'),
                       count(*) FILTER (WHERE action = 'anonymous'),
                       count(*) FILTER (WHERE action = 'out'),
                       count(*) FILTER (WHERE is_negative),
                       count(*) FILTER (WHERE difference <> 0),
                       count(*) FILTER (WHERE is_expired),
                       count(*) FILTER (WHERE is_phone_bad),
                       count(*) FILTER (WHERE problem IS NOT NULL),
                       COALESCE(sum(points - difference), 0)::text,
                       COALESCE(sum(points), 0)::text,
                       COALESCE(sum(difference), 0)::text
                  FROM loyalty_migration_line
                 WHERE migration_id = %s
                """,
                self.id,
            )
        )
        names = (
            "card_count",
            "account_count",
            "newcomer_count",
            "duplicate_count",
            "anonymous_count",
            "out_count",
            "negative_count",
            "rounded_count",
            "expired_count",
            "phone_count",
            "problem_count",
        )
        totals = ("points_before", "points_after", "points_difference")
        self.write(
            {
                **dict(zip(names, row, strict=False)),
                **dict(zip(totals, map(float, row[len(names) :]), strict=True)),
            }
        )

    def _get_problems(self):
        """Return what stands in the way, as sentences; other modules add theirs."""
        self.ensure_one()
        scheme = self.scheme_id.sudo()
        program = self.program_id.sudo()
        problems = []
        if scheme.state != "open" or not scheme.active:
            problems.append(
                self.env._("%(scheme)s is closed. Open it first.", scheme=scheme.name)
            )
        if (scheme.company_id, scheme.currency_id) != (
            program.company_id,
            program.currency_id,
        ):
            problems.append(
                self.env._(
                    "%(scheme)s and %(program)s are of different companies or in"
                    " different currencies.",
                    scheme=scheme.name,
                    program=program.name,
                )
            )
        if program.ledger_managed:
            problems.append(
                self.env._("%(program)s has a scheme already.", program=program.name)
            )
        if self._is_scheme_used():
            problems.append(
                self.env._(
                    "%(scheme)s has sales, points or households already. Choose a"
                    " scheme that nobody has used, or make one.",
                    scheme=scheme.name,
                )
            )
        if self.problem_count:
            problems.append(
                self.env._(
                    "%(count)s cards have a problem that somebody has to look into.",
                    count=self.problem_count,
                )
            )
        return problems

    def _is_scheme_used(self):
        """Return whether value has moved in the scheme, or accounts are shared.

        What an undone migration has posted there and taken back does not count.
        """
        self.env.flush_all()
        return bool(
            self.env.execute_query(
                SQL(
                    """
                    SELECT 1 FROM loyalty_transaction WHERE scheme_id = %(scheme)s
                     UNION ALL
                    SELECT 1 FROM loyalty_member
                     WHERE scheme_id = %(scheme)s AND household_id IS NOT NULL
                     UNION ALL
                    (SELECT 1
                       FROM loyalty_ledger_entry entry
                       JOIN loyalty_card card ON card.id = entry.account_id
                      WHERE entry.scheme_id = %(scheme)s AND card.ledger_managed
                      LIMIT 1)
                     UNION ALL
                    SELECT 1
                      FROM loyalty_hold hold
                      JOIN loyalty_card card ON card.id = hold.account_id
                     WHERE hold.state = 'active' AND card.ledger_managed
                       AND card.program_id = %(program)s
                     LIMIT 1
                    """,
                    scheme=self.scheme_id.id,
                    program=self.scheme_id.sudo().points_program_id.id or 0,
                )
            )
        )

    # === THE PLAN, IN WORDS === #

    def _render_plan(self):
        if not self.program_id or not self.scheme_id:
            return False
        return Markup("<ul>%s</ul>") % Markup().join(
            Markup("<li>%s</li>") % text for text in self._get_plan()
        )

    def _get_plan(self):
        """Return what changes for staff and members, as sentences."""
        scheme = self.scheme_id
        names = {"program": self.program_id.sudo().name, "scheme": scheme.name}
        plan = [
            self.env._(
                "%(scheme)s takes over the program %(program)s itself: it stays the"
                " same program at tills and in shops, and cards keep their codes.",
                **names,
            ),
            self._explain_earning(),
            self._explain_spending(),
            self.env._(
                "Several cards of one contact become one account: the oldest card stays"
                " and gets the points of all. The others are archived and lead to it."
            ),
            self.env._(
                "A card without a contact that has points becomes the account of an"
                " anonymous member. An empty one is left out and archived."
            ),
            self.env._(
                "A balance below zero is carried over as a debt, which the next points"
                " pay off."
            ),
            self._explain_expiry(),
            self.env._(
                "Archived cards stay as they are. The history that Odoo has kept stays"
                " readable on every card."
            ),
            self.env._(
                "Tills that are open show the change after they have been reloaded."
            ),
        ]
        own_program = scheme.sudo().points_program_id
        if own_program and own_program != self.program_id:
            plan.append(
                self.env._(
                    "The program that %(scheme)s has now, without any points, is"
                    " archived.",
                    scheme=scheme.name,
                )
            )
        return plan

    def _explain_earning(self):
        rules = self._get_native_rules()
        scheme = self.scheme_id
        values = {
            "points": scheme._format_points(scheme.earn_points),
            "amount": scheme._format_money(scheme.earn_amount),
            "count": len(rules),
        }
        rule = self._get_money_rule()
        if not rules:
            return self.env._(
                "The scheme decides what is earned: %(points)s for each %(amount)s.",
                **values,
            )
        if len(rules) == 1 and rule:
            return self.env._(
                "Odoo's rule gave %(native)s for each %(unit)s. From now on the scheme"
                " decides: %(points)s for each %(amount)s.",
                native=scheme._format_points(rule.reward_point_amount),
                unit=scheme._format_money(1),
                **values,
            )
        return self.env._(
            "Odoo's rules (%(count)s, by order, by product or by money) no longer"
            " count. From now on the scheme decides: %(points)s for each %(amount)s."
            " Check that rate.",
            **values,
        )

    def _explain_spending(self):
        scheme = self.scheme_id
        # sudo: see _prepare_scheme_values
        others = self.program_id.sudo().reward_ids - self._get_money_reward()
        worth = self.env._(
            "%(points)s pay %(value)s.",
            points=scheme._format_points(scheme.redeem_points),
            value=scheme._format_money(scheme.redeem_value),
        )
        if not others:
            return worth
        return self.env._(
            "%(worth)s These rewards stay as they are: %(rewards)s.",
            worth=worth,
            rewards=", ".join(reward.description or "?" for reward in others),
        )

    def _explain_expiry(self):
        day = self.scheme_id._get_expiry_date(fields.Date.context_today(self))
        if not day:
            return self.env._(
                "Points keep the last day that is on their card; those of other cards"
                " never expire."
            )
        return self.env._(
            "Points keep the last day that is on their card; those of other cards can"
            " be spent until %(day)s.",
            day=fields.Date.to_string(day),
        )

    def _format_total(self, points):
        """Return points in full, for the record."""
        return float_repr(points, 4).rstrip("0").rstrip(".")
