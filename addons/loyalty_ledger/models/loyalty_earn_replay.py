# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_date

from .loyalty_transaction import exact

#: fewer sales are replayed while the person waits
SALES_AT_ONCE = 2000
CHOICES = {
    "scheme_id",
    "company_id",
    "date_from",
    "date_to",
    "removed_rule_ids",
    "added_rule_ids",
    "has_base",
    "earn_points",
    "earn_amount",
}
# What the steps write, and no person
STEP_DEFAULTS = {
    "state": "draft",
    "user_id": False,
    "problem": False,
    "total_count": 0,
    "done_count": 0,
    "progress_state": False,
    "start_date": False,
    "end_date": False,
    "points_before": 0.0,
    "points_after": 0.0,
    "points_change": 0.0,
    "wallet_before": 0.0,
    "wallet_after": 0.0,
    "cost_before": 0.0,
    "cost_after": 0.0,
    "cost_change": 0.0,
    "points_today": 0.0,
    "wallet_today": 0.0,
    "differing_count": 0,
    "more_count": 0,
    "less_count": 0,
    "same_count": 0,
}


class LoyaltyEarnReplay(models.Model):
    """What other rules would have given for the sales of a period.

    Nothing of the ledger is written. Before is what the ledger gave, after what the
    rules tried would have given; of both, what came back later is taken off.
    """

    _name = "loyalty.earn.replay"
    _description = "Replay of Earning Rules"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["loyalty.earn.rule"]._default_scheme_id(),
        check_company=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        ondelete="cascade",
        help="The company whose sales are counted. Limits of a scheme that several"
        " companies share are followed over the sales of all of them.",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    unit = fields.Char(related="scheme_id.point_name_plural", string="Unit")
    has_wallet = fields.Boolean(related="scheme_id.has_wallet")
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: fields.Date.today() - relativedelta(months=3),
    )
    date_to = fields.Date(
        string="Until",
        required=True,
        default=lambda self: fields.Date.today() - timedelta(days=1),
    )
    removed_rule_ids = fields.Many2many(
        comodel_name="loyalty.earn.rule",
        relation="loyalty_earn_replay_removed_rel",
        column1="replay_id",
        column2="rule_id",
        string="Without the Rules",
        context={"active_test": False},
        domain="[('scheme_id', '=', scheme_id), ('active', '=', True),"
        " ('trigger', '=', 'purchase')]",
        check_company=True,
    )
    added_rule_ids = fields.Many2many(
        comodel_name="loyalty.earn.rule",
        relation="loyalty_earn_replay_added_rel",
        column1="replay_id",
        column2="rule_id",
        string="With the Archived Rules",
        context={"active_test": False},
        domain="[('scheme_id', '=', scheme_id), ('active', '=', False),"
        " ('trigger', '=', 'purchase')]",
        check_company=True,
    )
    has_base = fields.Boolean(string="Other Points for Each Amount")
    earn_points = fields.Float(
        string="Members Earn",
        digits="Loyalty Points",
        compute="_compute_base",
        store=True,
        readonly=False,
        precompute=True,
    )
    earn_amount = fields.Monetary(
        string="For Each",
        compute="_compute_base",
        store=True,
        readonly=False,
        precompute=True,
    )
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        required=True,
        default="draft",
        copy=False,
        readonly=True,
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Started By",
        copy=False,
        readonly=True,
        ondelete="set null",
    )
    problem = fields.Text(copy=False, readonly=True)
    total_count = fields.Integer(string="Sales", copy=False, readonly=True)
    done_count = fields.Integer(string="Sales Done", copy=False, readonly=True)
    progress = fields.Float(compute="_compute_progress")
    progress_state = fields.Json(copy=False, readonly=True)
    start_date = fields.Datetime(string="Started On", copy=False, readonly=True)
    end_date = fields.Datetime(string="Ended On", copy=False, readonly=True)

    # What it comes to
    points_before = fields.Float(
        digits="Loyalty Points", aggregator=None, copy=False, readonly=True
    )
    points_after = fields.Float(
        digits="Loyalty Points", aggregator=None, copy=False, readonly=True
    )
    points_change = fields.Float(
        string="Change of Points",
        digits="Loyalty Points",
        aggregator=None,
        copy=False,
        readonly=True,
    )
    wallet_before = fields.Monetary(
        string="Cashback Before", aggregator=None, copy=False, readonly=True
    )
    wallet_after = fields.Monetary(
        string="Cashback After", aggregator=None, copy=False, readonly=True
    )
    cost_before = fields.Monetary(
        aggregator=None,
        copy=False,
        readonly=True,
        help="What the points are worth, and the cashback.",
    )
    cost_after = fields.Monetary(aggregator=None, copy=False, readonly=True)
    cost_change = fields.Monetary(
        string="Change of Cost", aggregator=None, copy=False, readonly=True
    )
    points_today = fields.Float(
        string="By Today's Rules",
        digits="Loyalty Points",
        aggregator=None,
        copy=False,
        readonly=True,
        help="What the rules that are active now give for the same sales. It is what"
        " was given then, unless rules have been changed since.",
    )
    wallet_today = fields.Monetary(
        string="Cashback by Today's Rules",
        aggregator=None,
        copy=False,
        readonly=True,
    )
    differing_count = fields.Integer(
        string="Sales That Gave Something Else", copy=False, readonly=True
    )
    more_count = fields.Integer(string="Get More", copy=False, readonly=True)
    less_count = fields.Integer(string="Get Less", copy=False, readonly=True)
    same_count = fields.Integer(string="Get the Same", copy=False, readonly=True)
    summary = fields.Char(compute="_compute_summary")
    control = fields.Char(compute="_compute_summary")
    line_ids = fields.One2many(
        comodel_name="loyalty.earn.replay.line",
        inverse_name="replay_id",
        string="Results",
        readonly=True,
    )

    _period_order = models.Constraint(
        "CHECK (date_from <= date_to)", "The last day is before the first."
    )
    _base_positive = models.Constraint(
        "CHECK (earn_points >= 0 AND earn_points < 1000000000"
        " AND (earn_amount > 0 OR NOT COALESCE(has_base, false)))",
        "Say how many points are earned, for an amount above zero.",
    )

    # === COMPUTE === #

    @api.depends("scheme_id", "date_from", "date_to")
    def _compute_name(self):
        for replay in self:
            period = self.env._(
                "%(start)s – %(end)s",
                start=format_date(self.env, replay.date_from),
                end=format_date(self.env, replay.date_to),
            )
            replay.name = ", ".join(filter(None, (replay.scheme_id.name, period)))

    @api.depends("scheme_id")
    def _compute_company_id(self):
        for replay in self:
            replay.company_id = (
                replay.scheme_id.company_id or replay.company_id or self.env.company
            )

    @api.depends("scheme_id")
    def _compute_base(self):
        for replay in self:
            replay.earn_points = replay.scheme_id.earn_points
            replay.earn_amount = replay.scheme_id.earn_amount

    @api.depends("state", "total_count", "done_count")
    def _compute_progress(self):
        for replay in self:
            total = replay.total_count
            replay.progress = (
                100 * min(replay.done_count / total, 1)
                if total
                else 100.0 * (replay.state == "done")
            )

    @api.depends("state", "points_before", "points_after", "cost_before", "cost_after")
    @api.depends_context("lang")
    def _compute_summary(self):
        for replay in self:
            is_done = replay.state == "done"
            replay.summary = is_done and replay._get_summary()
            replay.control = is_done and replay._get_control()

    def _get_summary(self):
        scheme = self.scheme_id
        amount = scheme._format_money(abs(self.cost_change))
        change = self.currency_id.compare_amounts(self.cost_after, self.cost_before)
        if change > 0:
            text = self.env._("It would have cost %(amount)s more.", amount=amount)
        elif change < 0:
            text = self.env._("It would have cost %(amount)s less.", amount=amount)
        else:
            text = self.env._("It would have cost the same.")
        return self.env._(
            "%(text)s %(more)s members get more, %(less)s get less, %(same)s the same.",
            text=text,
            more=self.more_count,
            less=self.less_count,
            same=self.same_count,
        )

    def _get_control(self):
        scheme = self.scheme_id
        if not self.differing_count:
            return self.env._(
                "By the rules that are active now, every sale gives what it gave then."
            )
        return self.env._(
            "By the rules that are active now, %(count)s sales give something else than"
            " they gave then: %(points)s instead of %(before)s. Rules have been changed"
            " since.",
            count=self.differing_count,
            points=scheme._format_points(self.points_today),
            before=scheme._format_points(self.points_before),
        )

    # === CONSTRAINS === #

    @api.constrains("scheme_id", "removed_rule_ids", "added_rule_ids")
    def _check_rules(self):
        for replay in self:
            try:
                replay._get_rules_to_try()
            except UserError as error:
                raise ValidationError(str(error)) from error

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Start every replay as a draft, whatever the values say."""
        if not self.env.su:
            vals_list = [{**vals, **STEP_DEFAULTS} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Leave the steps to the buttons, and the choices as they were run.

        :raise AccessError: for a field that the steps write
        :raise UserError: if the choices are no longer open
        """
        if not self.env.su and vals.keys() & STEP_DEFAULTS.keys():
            raise AccessError(
                self.env._("The steps of a replay are taken by its buttons.")
            )
        if CHOICES & vals.keys() and any(replay.state != "draft" for replay in self):
            raise UserError(
                self.env._(
                    "What has been run stays as it is. Duplicate the replay instead."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if any(replay.state == "running" for replay in self):
            raise UserError(self.env._("Cancel a running replay before deleting it."))

    # === ACTIONS === #

    def action_run(self):
        """Replay the sales, those of a longer period in the background.

        :raise UserError: if there is nothing to replay
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "cancelled", "failed")
        # sudo: the steps write what nobody may write by hand
        self.sudo()._begin()
        if self.total_count > SALES_AT_ONCE:
            self.env.ref("loyalty_ledger.ir_cron_run_replays").sudo()._trigger()
            return
        self.sudo()._run_at_once()

    def action_cancel(self):
        """Stop a replay that is running."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("running")
        # sudo: the steps write what nobody may write by hand
        self.sudo()._end("cancelled")

    def action_view_lines(self):
        """Open the results, by the dimension that the button stands for."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_earn_replay_line_action"
        )
        action["domain"] = [("replay_id", "=", self.id)]
        action["context"] = {
            name: value
            for name, value in self.env.context.items()
            if name.startswith("search_default_")
        }
        return action

    # === BUSINESS === #

    @api.model
    def _open(self, scheme, rule=None):
        """Return the action that opens a new replay.

        :param rule: a loyalty.earn.rule: tried if it is archived, else left out
        """
        self.check_access("create")
        context = {"default_scheme_id": scheme.id}
        if rule:
            field = "removed_rule_ids" if rule.active else "added_rule_ids"
            context[f"default_{field}"] = rule.ids
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Replay"),
            "res_model": self._name,
            "views": [(False, "form")],
            "context": context,
        }

    def _check_state(self, *states):
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "This replay is “%(state)s”; the step is not open to it.",
                    state=labels[self.state],
                )
            )

    def _get_rules_to_try(self):
        """Return the rules that the sales are replayed by.

        :rtype: ~..engine.RuleSet
        """
        self.ensure_one()
        base = (exact(self.earn_points), exact(self.earn_amount))
        return self.scheme_id._get_draft_rules(
            self.removed_rule_ids, self.added_rule_ids, base if self.has_base else None
        )

    def _get_period(self):
        """Return the first moment of the period and the first after it, naive UTC.

        Days begin at midnight on the clock of the company.
        """
        self.ensure_one()
        # sudo: the clock on the wall is no secret
        zone = ZoneInfo(self.company_id.sudo().partner_id.tz or "UTC")
        return tuple(
            datetime.combine(day, time.min, zone).astimezone(UTC).replace(tzinfo=None)
            for day in (self.date_from, self.date_to + timedelta(days=1))
        )

    def _tell(self, text):
        """Leave word, and let it find who started the replay."""
        user_sudo = self.sudo().user_id
        others_sudo = user_sudo.partner_id - self.env.user.partner_id
        self.sudo().message_post(
            body=text, partner_ids=others_sudo.ids, subtype_xmlid="mail.mt_note"
        )
        if others_sudo:
            user_sudo._bus_send(
                "simple_notification",
                {"title": self.name, "message": text, "type": "info", "sticky": True},
            )
