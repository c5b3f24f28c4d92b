# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import (
    AccessError,
    ConcurrencyError,
    UserError,
    ValidationError,
)
from odoo.tools import SQL, float_repr, split_every

from odoo.addons.loyalty_ledger.ledger.move import (
    MIGRATE,
    MIGRATE_UNDO,
    Move,
    Op,
    Shortfall,
)
from odoo.addons.queue_job.exception import RetryableJobError

# Programs with more cards are migrated by background jobs
LINES_AT_ONCE = 500
PARTNERS_AT_ONCE = 500
MOVES_AT_ONCE = 5000
JOB_ATTEMPTS = 20
JOB_RETRY_SECONDS = 5
CHOICES = {"program_id", "scheme_id"}
# Only the buttons and the jobs write these fields
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
    """The migration of a native loyalty program into the ledger, and its undo.

    The program becomes the points program of a scheme and keeps its id, so that
    references from tills, shops and orders stay valid; its cards keep their codes.

    First the contacts become members, batch by batch, while tills go on selling: that
    moves no points. Then the program is migrated in one transaction, under lock.
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
        " a member from one order to the next, so they cannot be migrated.",
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        domain="[('state', '=', 'open')]",
        index="btree_not_null",
        ondelete="restrict",
        help="The scheme that receives the program. Choose one in which nobody has"
        " earned or spent points yet, or create one from the settings of the program.",
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
            ("done", "Migrated"),
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
    problems = fields.Text(string="Blocking Problems", copy=False, readonly=True)
    waiting_count = fields.Integer(
        string="Contacts to Enroll", compute="_compute_waiting_count"
    )
    check_date = fields.Datetime(string="Dry Run Date", copy=False, readonly=True)
    run_date = fields.Datetime(string="Migration Date", copy=False, readonly=True)
    undo_date = fields.Datetime(copy=False, readonly=True)

    # For the undo
    own_program_id = fields.Many2one(
        comodel_name="loyalty.program",
        string="Replaced Program",
        copy=False,
        readonly=True,
        ondelete="restrict",
        help="The points program of the scheme before the migration.",
    )
    native_values = fields.Json(copy=False, readonly=True)

    # Totals of the dry run
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
        "This program is being migrated already.",
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
            # sudo: the kind of a program does not depend on the user
            program_sudo = migration.sudo().program_id
            if (program_sudo.program_type, program_sudo.applies_on) != (
                "loyalty",
                "both",
            ):
                raise ValidationError(
                    self.env._(
                        "%(program)s cannot be migrated: only loyalty cards keep points"
                        " of a member from one order to the next. Coupons, gift cards,"
                        " promotions and wallets stay with Odoo.",
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
        """Refuse to change what the buttons write, and the choices of a past run.

        :raise AccessError: for a field that only the buttons write
        :raise UserError: for the program or the scheme once the migration has run
        """
        if vals.keys() & STEP_DEFAULTS.keys() and not self.env.su:
            raise AccessError(
                self.env._("Use the buttons to move a migration to its next step.")
            )
        if not CHOICES & vals.keys():
            return super().write(vals)
        if any(migration.state not in ("draft", "checked") for migration in self):
            raise UserError(
                self.env._(
                    "A migration that has run cannot be changed. Create a new migration"
                    " instead."
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
                    "A migration that has run cannot be deleted, even if it was undone."
                )
            )

    # === ACTIONS === #

    def action_make_scheme(self):
        """Create a scheme from the settings of the program, for a person to complete.

        The scheme gets no program of its own: the migration gives it this one.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "checked")
        if self.scheme_id:
            raise UserError(
                self.env._(
                    "This migration already has a scheme: %(scheme)s. Remove it first"
                    " to create another one.",
                    scheme=self.scheme_id.name,
                )
            )
        Scheme = self.env["loyalty.scheme"]
        Scheme.check_access("create")
        self.scheme_id = Scheme.with_context(loyalty_ledger_no_program=True).create(
            self._prepare_scheme_values()
        )

    def action_check(self):
        """List what would happen to every card, without changing anything."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "checked")
        # sudo: nobody may write the state by hand
        self.sudo()._check()

    def action_run(self):
        """Migrate the program, a large one by background jobs.

        :raise UserError: with the problems that block the migration
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("checked")
        self._refuse(self._get_problems())
        # sudo: nobody may write the state by hand
        self_sudo = self.sudo()
        self_sudo.state = "running"
        if self.card_count > LINES_AT_ONCE:
            self_sudo._delay_enrolment()
            return
        self_sudo._enrol_all()
        self_sudo._migrate()

    def action_stop(self):
        """Stop a running migration, before the program itself is migrated.

        Jobs that still wait find that the migration is not running and do nothing.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("running")
        # sudo: nobody may write the state by hand
        self.sudo()._leave_members()
        self.sudo().state = "checked"

    def action_undo(self):
        """Turn the accounts back into native cards, exactly as they were.

        The entries stay; an opposite entry follows each of them.

        :raise UserError: if value has moved since
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("done")
        # sudo: nobody may write the state by hand
        self.sudo()._undo()

    def action_view_lines(self):
        """Open the lines, with the filter of the button."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_migration.loyalty_migration_line_action"
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
        """Return the values of a scheme that follow from the program.

        Settings that a scheme does not have, like points per order, are left at the
        scheme's defaults; the plan says so.
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
        """Lock a migration and check its state.

        :raise UserError: if it has another state, for instance because of another user
        """
        self._lock()
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is in the state %(state)s. Reload the page to see which"
                    " steps are possible now.",
                    name=self.display_name,
                    state=labels[self.state],
                )
            )

    def _lock(self):
        """Lock a migration until the transaction ends.

        ``lock_for_update`` would not wait: whoever stops a migration while a job is
        running would get an error. A job that waited for somebody who changed the
        migration gets a serialization failure, and the queue runs it again.
        """
        self.ensure_one()
        self.env.cr.execute(
            SQL(
                "SELECT id FROM loyalty_migration WHERE id = %s FOR NO KEY UPDATE",
                self.id,
            )
        )

    def _refuse(self, problems):
        if problems:
            raise UserError("\n".join(problems))

    def _reset(self):
        """Discard the dry run after the program or the scheme has changed."""
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
                    "Choose a scheme, or press Create Scheme to create one from the"
                    " program."
                )
            )

    def _count_lines(self):
        """Store the totals of the lines."""
        self.env["loyalty.migration.line"].flush_model()
        # One statement for all lines, with exact sums
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
        """Return the problems that block the migration, as sentences."""
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
                    "%(scheme)s and %(program)s belong to different companies or use"
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
                    "%(scheme)s already has sales, points or shared accounts. Choose an"
                    " unused scheme, or create one.",
                    scheme=scheme.name,
                )
            )
        if self.problem_count:
            problems.append(
                self.env._(
                    "%(count)s cards have a problem. Open them and solve it, then do"
                    " the dry run again.",
                    count=self.problem_count,
                )
            )
        return problems

    def _is_scheme_used(self):
        """Return whether the scheme has sales, or value has moved in it."""
        # sudo: whether there are any is no secret to who may migrate
        scheme_sudo = self.scheme_id.sudo()
        return scheme_sudo._is_used() or bool(
            self.env["loyalty.transaction"]
            .sudo()
            .search_count([("scheme_id", "=", scheme_sudo.id)], limit=1)
        )

    # === THE PLAN === #

    def _render_plan(self):
        if not self.program_id or not self.scheme_id:
            return False
        return Markup("<ul>%s</ul>") % Markup().join(
            Markup("<li>%s</li>") % text for text in self._get_plan()
        )

    def _get_plan(self):
        """Return the changes for staff and members, as sentences."""
        scheme = self.scheme_id
        names = {"program": self.program_id.sudo().name, "scheme": scheme.name}
        plan = [
            self.env._(
                "%(program)s becomes the points program of %(scheme)s. It stays the"
                " same program at tills and in shops, and cards keep their codes.",
                **names,
            ),
            self._explain_earning(),
            self._explain_spending(),
            self.env._(
                "Several cards of one contact become one account: the oldest card"
                " receives the points of all of them. The others are archived; their"
                " codes still find the member."
            ),
            self.env._(
                "A card without a contact that has points becomes the account of an"
                " anonymous member. An empty one is left out and archived."
            ),
            self.env._(
                "A balance below zero becomes a debt, which the next points pay off."
            ),
            self._explain_expiry(),
            self.env._(
                "Archived cards stay as they are. Odoo's history of each card stays"
                " readable on the card."
            ),
            self.env._("Open tills show the change after you reload them."),
        ]
        own_program = scheme.sudo().points_program_id
        if own_program and own_program != self.program_id:
            plan.append(
                self.env._(
                    "The present program of %(scheme)s, which has no points, is"
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
                "The scheme decides what members earn: %(points)s for each %(amount)s.",
                **values,
            )
        if len(rules) == 1 and rule:
            return self.env._(
                "Odoo's rule gives %(native)s for each %(unit)s. After the migration"
                " the scheme decides: %(points)s for each %(amount)s.",
                native=scheme._format_points(rule.reward_point_amount),
                unit=scheme._format_money(1),
                **values,
            )
        return self.env._(
            "Odoo's rules (%(count)s, per order, per product or per amount) no longer"
            " count. After the migration the scheme decides: %(points)s for each"
            " %(amount)s. Check that rate.",
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
                "Points of a card with an expiration date expire on that date. Points"
                " of other cards never expire."
            )
        return self.env._(
            "Points of a card with an expiration date expire on that date. Points of"
            " other cards can be spent until %(day)s.",
            day=fields.Date.to_string(day),
        )

    def _format_total(self, points):
        """Return points with all decimals, for the chatter."""
        return float_repr(points, 4).rstrip("0").rstrip(".")

    # === JOBS === #

    def _delay_enrolment(self):
        """Queue the job that enrolls the next contacts, unless it is queued already."""
        self.with_delay(
            identity_key=f"loyalty_migration:enrol:{self.id}",
            description=self.env._(
                "Enroll the contacts of %(program)s", program=self.program_id.name
            ),
            max_retries=JOB_ATTEMPTS,
        )._job_enrol()

    def _delay_migration(self):
        """Queue the job that migrates the program, unless it is queued already."""
        self.with_delay(
            identity_key=f"loyalty_migration:migrate:{self.id}",
            description=self.env._("Migrate %(program)s", program=self.program_id.name),
            max_retries=JOB_ATTEMPTS,
        )._job_migrate()

    def _job_enrol(self, batch_size=PARTNERS_AT_ONCE):
        """Enroll one batch of contacts and queue the next job. Safe to run twice."""
        return self._run_job_step(self._enrol_and_continue, batch_size)

    def _job_migrate(self):
        """Migrate the program. A job of its own, so that its view is fresh when it
        locks the program. Safe to run twice.
        """
        return self._run_job_step(self._migrate)

    def _enrol_and_continue(self, batch_size):
        if self._enrol_batch(batch_size):
            self._delay_enrolment()
        else:
            self._delay_migration()

    def _run_job_step(self, step, *args):
        """Do a step of a migration, as long as the migration is running.

        :return str: the reason why the step was not done, for the list of jobs
        :raise RetryableJobError: if a concurrent sale got in the way
        """
        self._lock()
        if self.state != "running":
            return self.env._("The migration was stopped.")
        try:
            with self.env.cr.savepoint():
                step(*args)
        except ConcurrencyError as error:
            raise RetryableJobError(str(error), seconds=JOB_RETRY_SECONDS) from error
        except UserError as error:
            self._give_up(str(error))
            return str(error)
        return None

    def _on_job_failed(self, exc_message=None, **_values):
        """Stop a migration whose job has failed for good.

        :param str exc_message: the error, as the queue passes it
        """
        if self.state == "running":
            self._give_up(
                self.env._(
                    "A background job failed, and nothing was migrated. Solve the"
                    " problem, then do the dry run again: %(error)s",
                    error=exc_message,
                )
            )

    def _give_up(self, why):
        self.write({"state": "checked", "problems": why})
        self.message_post(body=why, subtype_xmlid="mail.mt_note")

    # === MEMBERS === #

    def _enrol_all(self):
        while self._enrol_batch():
            continue

    def _enrol_batch(self, limit=PARTNERS_AT_ONCE):
        """Enroll the next contacts.

        A member who has left the scheme stays so; a member whom an undone migration
        had enrolled comes back with the same number.

        :return int: how many contacts were enrolled
        """
        self._create_anonymous_contacts(limit)
        partner_ids = self._find_waiting(limit)
        partners = self.env["res.partner"].browse(partner_ids)
        if not partners:
            return 0
        Member = self.env["loyalty.member"].with_context(
            tracking_disable=True, loyalty_no_mail=True, loyalty_migration_enrol=True
        )
        members = Member._enrol(partners, self.scheme_id)
        members.migration_id = self
        members.flush_recordset()
        return len(partners)

    def _get_waiting_query(self, columns):
        """Return the query for contacts with a card who are not members yet."""
        return SQL(
            """
            SELECT %(columns)s
              FROM loyalty_card card
              LEFT JOIN loyalty_member member
                ON member.partner_id = card.partner_id
               AND member.scheme_id = %(scheme)s
             WHERE card.program_id = %(program)s
               AND card.active AND card.partner_id IS NOT NULL
               AND (member.id IS NULL
                    OR (member.state = 'left' AND member.migration_id IS NOT NULL))
            """,
            columns=columns,
            scheme=self.scheme_id.id,
            program=self.program_id.id,
        )

    def _find_waiting(self, limit):
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "%s GROUP BY card.partner_id ORDER BY card.partner_id LIMIT %s",
                self._get_waiting_query(SQL("card.partner_id")),
                limit,
            )
        )
        return [row[0] for row in rows]

    def _count_waiting(self):
        self.env.flush_all()
        [[count]] = self.env.execute_query(
            self._get_waiting_query(SQL("count(DISTINCT card.partner_id)"))
        )
        return count

    def _create_anonymous_contacts(self, limit):
        """Create an anonymous contact for cards with points but without a contact."""
        cards = self.env["loyalty.card"].search(
            [
                ("program_id", "=", self.program_id.id),
                ("partner_id", "=", False),
                ("points", "!=", 0),
            ],
            order="id",
            limit=limit,
        )
        if not cards:
            return
        partners = self.env["res.partner"].create(
            [
                {
                    "name": card.code,
                    "is_anonymous_member": True,
                    "company_id": self.scheme_id.company_id.id,
                }
                for card in cards
            ]
        )
        # One statement for all cards; the ORM would write them one by one
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card SET partner_id = new.partner_id
                  FROM UNNEST(%s::int[], %s::int[]) AS new (id, partner_id)
                 WHERE card.id = new.id
                """,
                cards.ids,
                partners.ids,
            )
        )
        cards.invalidate_recordset(["partner_id"], flush=False)

    # === THE MIGRATION === #

    def _migrate(self):
        """Migrate the program, within this one transaction.

        A concurrent sale waits for the lock, then gets a serialization failure; Odoo
        runs it again and it uses the ledger.

        :raise UserError: with the problems that block the migration
        :raise ConcurrencyError: see ``_lock_native``
        """
        self._lock_native(self.scheme_id.sudo().points_program_id | self.program_id)
        self._enrol_all()
        self.env["loyalty.migration.line"]._replace_lines(self)
        self._count_lines()
        self._refuse(self._get_problems())
        self._link_program()
        self._convert_cards()
        self._post_balances()
        self.write(
            {"state": "done", "run_date": fields.Datetime.now(), "problems": False}
        )
        self.message_post(
            body=self.env._(
                "Migrated: %(cards)s cards with %(before)s points are now %(accounts)s"
                " accounts with %(after)s points. Rounding: %(difference)s.",
                cards=self.card_count,
                accounts=self.account_count,
                before=self._format_total(self.points_before),
                after=self._format_total(self.points_after),
                difference=self._format_total(self.points_difference),
            ),
            subtype_xmlid="mail.mt_note",
        )

    def _lock_native(self, programs):
        """Lock programs and their cards against concurrent sales.

        FOR UPDATE also blocks new cards, because a card refers to its program. The
        change of the program that follows makes PostgreSQL refuse a card to a
        transaction that has waited. A second transaction finds cards from before the
        lock that this one cannot see yet.

        :raise ConcurrencyError: if there are any; Odoo then runs the call again
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "SELECT id FROM loyalty_program WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                programs.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                "SELECT id FROM loyalty_card WHERE program_id = ANY(%s)"
                " ORDER BY id FOR NO KEY UPDATE",
                programs.ids,
            )
        )
        newest = SQL(
            """
            SELECT (SELECT max(id) FROM loyalty_card WHERE program_id = ANY(%s)),
                   (SELECT max(id) FROM loyalty_ledger_entry WHERE scheme_id = %s)
            """,
            programs.ids,
            self.scheme_id.id,
        )
        self.env.cr.execute(newest)
        seen = self.env.cr.fetchone()
        with self.env.registry.cursor() as cr:
            cr.execute(newest)
            if cr.fetchone() != seen:
                raise ConcurrencyError(
                    self.env._("A card was created at the same time. Try again.")
                )

    def _link_program(self):
        """Make the program the one of the scheme, and store how it was."""
        scheme_sudo = self.scheme_id.sudo()
        program_sudo = self.program_id.sudo()
        own_sudo = scheme_sudo.points_program_id
        self.write(
            {
                "own_program_id": own_sudo.id,
                "native_values": self._prepare_native_values(),
            }
        )
        if own_sudo:
            self._set_own_accounts(own_sudo, managed=False)
            own_sudo.write({"scheme_id": False, "active": False})
        program_sudo.scheme_id = scheme_sudo
        scheme_sudo.points_program_id = program_sudo
        if not self._get_money_reward():
            self._add_money_reward()
        scheme_sudo._sync_points_program()
        self.env.flush_all()

    def _add_money_reward(self):
        """Add the reward that spends points as money to a program without one."""
        scheme_sudo = self.scheme_id.sudo()
        reward = self.env["loyalty.reward"].create(
            {**scheme_sudo._prepare_reward_values(), "program_id": self.program_id.id}
        )
        self.native_values = {**self.native_values, "new_reward_id": reward.id}

    def _prepare_native_values(self):
        """Return how the program was, for the undo."""
        program_sudo = self.program_id.sudo()
        return {
            "active": program_sudo.active,
            "name": self._get_translations(program_sudo, "name"),
            "portal_point_name": self._get_translations(
                program_sudo, "portal_point_name"
            ),
            "rewards": [
                {
                    "id": reward.id,
                    "values": {
                        "discount": reward.discount,
                        "discount_applicability": reward.discount_applicability,
                        "required_points": reward.required_points,
                    },
                    "description": self._get_translations(reward, "description"),
                }
                for reward in self._get_money_rewards()
            ],
        }

    @api.model
    def _get_translations(self, record, name):
        """Return a field in every language."""
        values, _context = record.get_field_translations(name)
        return {value["lang"]: value["value"] for value in values}

    def _set_own_accounts(self, program, managed):
        """Archive the empty accounts of a scheme's own program, or restore them.

        SQL, because the ORM refuses to turn an account into a card.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET ledger_managed = %(managed)s,"
                " active = %(managed)s WHERE program_id = %(program)s",
                managed=managed,
                program=program.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(flush=False)

    def _convert_cards(self):
        """Turn the cards into accounts without points, and archive the other cards.

        An expiration date on the card would end the account; the points get it
        instead. SQL, for the reason of ``_set_own_accounts``.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card
                   SET points = 0, ledger_pending = 0, ledger_held = 0,
                       ledger_managed = line.card_id = line.account_id
                                        AND line.action <> 'out',
                       active = line.card_id = line.account_id
                                AND line.action <> 'out',
                       merged_into_id = NULLIF(line.account_id, line.card_id),
                       expiration_date = NULL
                  FROM loyalty_migration_line line
                 WHERE line.migration_id = %s AND card.id = line.card_id
                """,
                self.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(flush=False)

    def _post_balances(self):
        """Post one entry for each card that had points."""
        Ledger = self.env["loyalty.ledger"].with_context(loyalty_no_mail=True)
        Line = self.env["loyalty.migration.line"]
        for rows in split_every(MOVES_AT_ONCE, self._read_balances(), list):
            entries = Ledger._post([self._prepare_move(*row) for row in rows])
            # One statement for all lines; the ORM would write them one by one
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE loyalty_migration_line line SET entry_id = new.entry_id
                      FROM UNNEST(%s::int[], %s::int[]) AS new (card_id, entry_id)
                     WHERE line.migration_id = %s AND line.card_id = new.card_id
                    """,
                    [card_id for _account_id, card_id, *_row in rows],
                    entries.ids,
                    self.id,
                )
            )
        Line.invalidate_model(["entry_id"], flush=False)

    def _read_balances(self):
        """Return the balances to post, by account, debts last so that they are paid.

        :return: one tuple per card: account, card, code, points, expiry date
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT line.account_id, line.card_id, card.code, line.points::text,
                       line.expiry_date
                  FROM loyalty_migration_line line
                  JOIN loyalty_card card ON card.id = line.card_id
                 WHERE line.migration_id = %s AND line.points <> 0
                 ORDER BY line.account_id, line.points < 0, line.card_id
                """,
                self.id,
            )
        )

    def _prepare_move(self, account_id, card_id, code, points, expiry_date):
        points = Decimal(points)
        return Move(
            account_id=account_id,
            key=f"migration:{self.id}:{card_id}",
            kind=MIGRATE,
            op=Op.CREDIT if points > 0 else Op.DEBIT,
            points=abs(points),
            res_model=self._name,
            res_id=self.id,
            expiry_date=expiry_date,
            shortfall=Shortfall.DEBT,
            reason=self.env._("Migrated from card %(code)s", code=code),
        )

    # === UNDO === #

    def _undo(self):
        programs = self.program_id | self.own_program_id
        self._lock_native(programs)
        self._check_nothing_moved()
        self._reverse_entries()
        self._unlink_program()
        self._restore_cards()
        self._leave_members()
        self.write({"state": "undone", "undo_date": fields.Datetime.now()})
        self.message_post(
            body=self.env._(
                "Undone: %(program)s is a native program again, with %(before)s points"
                " on %(cards)s cards.",
                program=self.program_id.name,
                before=self._format_total(self.points_before),
                cards=self.card_count,
            ),
            subtype_xmlid="mail.mt_note",
        )

    def _check_nothing_moved(self):
        """Refuse to undo a migration if value has moved since.

        Points that have expired meanwhile do not count: the undo restores them.

        :raise UserError: with the movement
        """
        # The ORM cannot stop at the first row of three tables; each part has an index
        rows = self.env.execute_query(
            SQL(
                """
                (SELECT 'sale', member_partner.name, sale.date
                   FROM loyalty_transaction sale
                   JOIN loyalty_member member ON member.id = sale.member_id
                   JOIN res_partner member_partner
                     ON member_partner.id = member.partner_id
                  WHERE sale.scheme_id = %(scheme)s LIMIT 1)
                 UNION ALL
                (SELECT entry.kind, COALESCE(partner.name, card.code), entry.date
                   FROM loyalty_ledger_entry entry
                   JOIN loyalty_card card ON card.id = entry.account_id
                   LEFT JOIN res_partner partner ON partner.id = card.partner_id
                  WHERE card.program_id = %(program)s AND card.ledger_managed
                    AND entry.kind <> ALL(%(ignored)s)
                  ORDER BY entry.id LIMIT 1)
                 UNION ALL
                (SELECT 'hold', COALESCE(partner.name, card.code), hold.date::timestamp
                   FROM loyalty_hold hold
                   JOIN loyalty_card card ON card.id = hold.account_id
                   LEFT JOIN res_partner partner ON partner.id = card.partner_id
                  WHERE card.program_id = %(program)s AND hold.state = 'active' LIMIT 1)
                """,
                scheme=self.scheme_id.id,
                program=self.program_id.id,
                ignored=["expire", MIGRATE, MIGRATE_UNDO],
            )
        )
        if not rows:
            return
        kind, name, date = rows[0]
        kinds = dict(
            self.env["loyalty.ledger.entry"]
            ._fields["kind"]
            ._description_selection(self.env)
        )
        kinds |= {"sale": self.env._("Sale"), "hold": self.env._("Points on hold")}
        raise UserError(
            self.env._(
                "%(scheme)s is in use: %(what)s of %(name)s on %(date)s. You can undo a"
                " migration only until somebody earns, spends or adjusts points.",
                scheme=self.scheme_id.name,
                what=kinds[kind],
                name=name,
                date=fields.Date.to_string(date),
            )
        )

    def _reverse_entries(self):
        """Post the opposite of each entry, the last one first.

        Points that expired meanwhile go back to their lot before the lot is emptied.
        """
        Ledger = self.env["loyalty.ledger"].with_context(loyalty_no_mail=True)
        for rows in split_every(MOVES_AT_ONCE, self._read_entries(), list):
            Ledger._post([self._prepare_reversal(*row) for row in rows])

    def _read_entries(self):
        """Return the entries since the migration, the last one first.

        :return: one tuple per entry: id, account, amount
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT entry.id, entry.account_id, entry.amount::text
                  FROM loyalty_ledger_entry entry
                  JOIN loyalty_card card ON card.id = entry.account_id
                 WHERE card.program_id = %(program)s AND card.ledger_managed
                   AND entry.sequence >= (
                       SELECT min(own.sequence) FROM loyalty_ledger_entry own
                        WHERE own.account_id = entry.account_id
                          AND own.kind = %(kind)s
                          AND own.res_model = %(model)s AND own.res_id = %(id)s)
                 ORDER BY entry.account_id, entry.sequence DESC
                """,
                program=self.program_id.id,
                kind=MIGRATE,
                model=self._name,
                id=self.id,
            )
        )

    def _prepare_reversal(self, entry_id, account_id, amount):
        amount = Decimal(amount)
        return Move(
            account_id=account_id,
            key=f"migration-undo:{self.id}:{entry_id}",
            kind=MIGRATE_UNDO,
            op=Op.TAKE_BACK if amount > 0 else Op.RESTORE,
            points=abs(amount),
            res_model=self._name,
            res_id=self.id,
            undo=(entry_id,),
            shortfall=Shortfall.DEBT,
            reason=self.env._("Migration undone"),
        )

    def _unlink_program(self):
        """Make the program a native one, and give the scheme its own program back."""
        scheme_sudo = self.scheme_id.sudo()
        program_sudo = self.program_id.sudo()
        own_sudo = self.own_program_id.sudo().with_context(active_test=False)
        scheme_sudo.points_program_id = own_sudo
        program_sudo.scheme_id = False
        if own_sudo:
            own_sudo.scheme_id = scheme_sudo
            self.env.flush_all()
            self._set_own_accounts(own_sudo, managed=True)
            scheme_sudo._sync_points_program()
        self._restore_program(program_sudo)
        self.env.flush_all()

    def _restore_program(self, program):
        values = self.native_values
        Reward = self.env["loyalty.reward"]
        if values.get("new_reward_id"):
            # Orders may refer to it: archived, never deleted
            Reward.browse(values["new_reward_id"]).exists().active = False
        if program.active != values["active"]:
            program.active = values["active"]
        for name in ("name", "portal_point_name"):
            program.update_field_translations(name, values[name])
        for was in values["rewards"]:
            reward = Reward.browse(was["id"]).exists()
            reward.write(was["values"])
            if reward:
                reward.update_field_translations("description", was["description"])

    def _restore_cards(self):
        """Turn all accounts of the program into native cards, as they were.

        SQL, for the reason of ``_set_own_accounts``.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET ledger_managed = FALSE WHERE program_id = %s",
                self.program_id.id,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card
                   SET points = line.native_points, active = TRUE,
                       expiration_date = line.native_expiry, merged_into_id = NULL
                  FROM loyalty_migration_line line
                 WHERE line.migration_id = %s AND card.id = line.card_id
                """,
                self.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(flush=False)

    def _leave_members(self):
        """End the memberships that this migration has created.

        Their numbers and cards are kept: enrolling again revives them. Cards that had
        no contact lose the anonymous one, which has the code of its card as its name.
        """
        members = self.env["loyalty.member"].search(
            [("migration_id", "=", self.id), ("state", "=", "active")]
        )
        members.with_context(tracking_disable=True).action_leave()
        self.env.flush_all()
        # One statement for all cards; the ORM would write them one by one
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE loyalty_card card SET partner_id = NULL
                  FROM res_partner partner, loyalty_member member
                 WHERE card.program_id = %s AND partner.id = card.partner_id
                   AND partner.is_anonymous_member AND partner.name = card.code
                   AND member.partner_id = partner.id AND member.migration_id = %s
                RETURNING partner.id
                """,
                self.program_id.id,
                self.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(["partner_id"], flush=False)
        anonymous = self.env["res.partner"].browse(row[0] for row in rows)
        anonymous.with_context(tracking_disable=True).active = False
