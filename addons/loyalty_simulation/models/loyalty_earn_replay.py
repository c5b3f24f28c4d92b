# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL, format_date

from odoo.addons.loyalty_ledger.engine import UNKNOWN, BasketLine, Product
from odoo.addons.loyalty_ledger.ledger.sale import Sale
from odoo.addons.loyalty_ledger.models.loyalty_earn_award import TOGETHER
from odoo.addons.loyalty_ledger.models.loyalty_scheme import BASE
from odoo.addons.loyalty_ledger.models.loyalty_transaction import exact
from odoo.addons.loyalty_ledger.models.loyalty_transaction_line import (
    get_returned_amount,
)

from ..replay import (
    CONTROL,
    RETURNED,
    Given,
    MemberState,
    PastSale,
    Progress,
    Side,
    Totals,
)

#: a replay of fewer sales runs while the user waits
SALES_IN_BATCH = 5000
MOST_AFFECTED = 50
#: facts of a sale itself, or that a replay counts by itself
OWN_FACTS = frozenset(
    (
        "balance",
        "channel",
        "moment",
        "payments",
        "products",
        "purchases",
        "store",
        "used",
    )
)
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
# Written by the steps of a replay, never by a user
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about members and products, as a rule set says it."""

    asks: frozenset
    rules: tuple = ()


def _to_json(value):
    return sorted(map(str, value)) if isinstance(value, frozenset) else str(value)


class LoyaltyEarnReplay(models.Model):
    """Computes what other rules would have given for the sales of a period.

    A replay writes nothing to the ledger. Before: what the ledger gave. After: what the
    draft rules would have given. Returns are taken off both.
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
        help="The company whose sales are counted. If several companies share the"
        " scheme, the sales of all of them count for its limits.",
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
        string="Rules Left Out",
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
        string="Archived Rules Added",
        context={"active_test": False},
        domain="[('scheme_id', '=', scheme_id), ('active', '=', False),"
        " ('trigger', '=', 'purchase')]",
        check_company=True,
    )
    has_base = fields.Boolean(string="Change Points per Amount")
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

    # Results
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
        help="The value of the points plus the cashback.",
    )
    cost_after = fields.Monetary(aggregator=None, copy=False, readonly=True)
    cost_change = fields.Monetary(
        string="Change of Cost", aggregator=None, copy=False, readonly=True
    )
    points_today = fields.Float(
        string="Points under Today's Rules",
        digits="Loyalty Points",
        aggregator=None,
        copy=False,
        readonly=True,
        help="What the rules that are active now give for the same sales. It equals"
        " the points before, unless rules have changed since.",
    )
    wallet_today = fields.Monetary(
        string="Cashback under Today's Rules",
        aggregator=None,
        copy=False,
        readonly=True,
    )
    differing_count = fields.Integer(
        string="Sales with a Different Result", copy=False, readonly=True
    )
    more_count = fields.Integer(string="Members with More", copy=False, readonly=True)
    less_count = fields.Integer(string="Members with Less", copy=False, readonly=True)
    same_count = fields.Integer(
        string="Members with the Same", copy=False, readonly=True
    )
    summary = fields.Char(compute="_compute_summary")
    control = fields.Char(compute="_compute_summary")
    line_ids = fields.One2many(
        comodel_name="loyalty.earn.replay.line",
        inverse_name="replay_id",
        string="Results",
        readonly=True,
    )

    _period_order = models.Constraint(
        "CHECK (date_from <= date_to)",
        "The period ends before it starts. Enter a later end.",
    )
    _base_positive = models.Constraint(
        "CHECK (earn_points >= 0 AND earn_points < 1000000000"
        " AND (earn_amount > 0 OR NOT COALESCE(has_base, false)))",
        "Enter the points earned and an amount greater than zero.",
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
                "Under today's rules, every sale earns what it earned then."
            )
        return self.env._(
            "Under today's rules, %(count)s sales earn something else than they did:"
            " %(points)s instead of %(before)s. Rules have changed since.",
            count=self.differing_count,
            points=scheme._format_points(self.points_today),
            before=scheme._format_points(self.points_before),
        )

    # === CONSTRAINS === #

    @api.constrains("scheme_id", "removed_rule_ids", "added_rule_ids")
    def _check_rules(self):
        for replay in self:
            try:
                replay._get_draft_rules()
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
        """Protect what the steps write, and the settings of a replay that has run.

        :raise AccessError: for a field that the steps write
        :raise UserError: for a setting of a replay that is not a draft
        """
        if not self.env.su and vals.keys() & STEP_DEFAULTS.keys():
            raise AccessError(self.env._("Use the buttons to run or cancel a replay."))
        if CHOICES & vals.keys() and any(replay.state != "draft" for replay in self):
            raise UserError(
                self.env._(
                    "This replay has run, so its settings cannot change. Duplicate it"
                    " to try others."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if any(replay.state == "running" for replay in self):
            raise UserError(self.env._("Cancel a running replay before deleting it."))

    # === ACTIONS === #

    def action_run(self):
        """Replay the sales; in the background if there are more than one batch.

        :raise UserError: if there is nothing to replay
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "cancelled", "failed")
        # sudo: the steps write fields that no user may write
        replay_sudo = self.sudo()
        replay_sudo._begin()
        if self.total_count > SALES_IN_BATCH:
            replay_sudo._enqueue_batch()
        else:
            replay_sudo._run_batch(0)

    def action_cancel(self):
        """Stop a replay that is running."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("running")
        # sudo: the steps write fields that no user may write
        self.sudo()._end("cancelled")

    def action_view_lines(self):
        """Open the results in the breakdown that the button names."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_simulation.loyalty_earn_replay_line_action"
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

        :param rule: a loyalty.earn.rule: added if it is archived, else left out
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
                    "This replay is “%(state)s”, so this step is not possible.",
                    state=labels[self.state],
                )
            )

    def _get_draft_rules(self):
        """Return the rules as they would be after the change.

        :rtype: ~odoo.addons.loyalty_ledger.engine.RuleSet
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
        # sudo: an auditor may not be allowed to read the company's partner
        zone = ZoneInfo(self.company_id.sudo().partner_id.tz or "UTC")
        return tuple(
            datetime.combine(day, time.min, zone).astimezone(UTC).replace(tzinfo=None)
            for day in (self.date_from, self.date_to + timedelta(days=1))
        )

    def _notify(self, text):
        """Log a note, and notify the user who started the replay.

        A user who runs the replay in this very request needs no notification.
        """
        partner_sudo = self.sudo().user_id.partner_id - self.env.user.partner_id
        self.sudo().message_post(
            body=text, partner_ids=partner_sudo.ids, subtype_xmlid="mail.mt_note"
        )
        if partner_sudo:
            self.sudo().user_id._bus_send(
                "simple_notification",
                {"title": self.name, "message": text, "type": "info", "sticky": True},
            )

    # === STEPS === #

    def _begin(self):
        """Make the replay ready to run from its first sale.

        :raise UserError: if there are no sales in the period
        """
        rules = self.scheme_id._compile_rules(), self._get_draft_rules()
        self.line_ids.unlink()
        self._delete_members()
        count, last_id = self._count_sales()
        if not count:
            raise UserError(
                self.env._(
                    "%(scheme)s has no sales from %(start)s to %(end)s. Choose another"
                    " period.",
                    scheme=self.scheme_id.name,
                    start=format_date(self.env, self.date_from),
                    end=format_date(self.env, self.date_to),
                )
            )
        budgets = [self._read_budgets(side) for side in rules]
        self.write(
            {
                "state": "running",
                "user_id": self.env.uid,
                "problem": False,
                "total_count": count,
                "done_count": 0,
                "start_date": fields.Datetime.now(),
                "end_date": False,
                "progress_state": {
                    **Progress.start(last_id, budgets),
                    "version": self._get_version(*rules),
                },
            }
        )

    def _enqueue_batch(self):
        """Enqueue the job that replays the next batch."""
        # As OdooBot, whose message notifies the user who started the replay
        self.with_user(SUPERUSER_ID).with_delay(
            description=self.env._(
                "%(name)s: sales from %(number)s",
                name=self.name,
                number=self.done_count + 1,
            ),
            identity_key=f"{self._name}-{self.id}-{self.done_count}",
        )._run_batch(self.done_count)

    def _run_batch(self, done_count):
        """Replay the next batch of sales, then enqueue the one after it or finish.

        Safe to run twice: a batch that is done, or whose replay does not run any more,
        is skipped. If somebody cancels the replay meanwhile, PostgreSQL refuses the
        batch, and queue_job runs it again, to be skipped.

        :param int done_count: the number of sales replayed before this batch
        """
        replay = self.exists()
        if replay.state != "running" or replay.done_count != done_count:
            return
        try:
            progress = replay._load_progress()
        except UserError as error:
            replay._fail(str(error))
            return
        if replay._replay_batch(progress, SALES_IN_BATCH) == SALES_IN_BATCH:
            replay._enqueue_batch()
        else:
            replay._finish(progress)

    def _on_batch_failed(self, exc_message="", **_values):
        """Stop a replay whose job has failed; called by queue_job."""
        if self.exists().state == "running":
            self._fail(str(exc_message))

    def _finish(self, progress):
        """Write the results, and notify the user who started the replay."""
        self = self.with_context(lang=self.user_id.lang or self.env.lang)
        values = [
            values
            for dimension, totals in progress.totals.items()
            for values in self._prepare_lines(dimension, totals)
        ]
        values += self._prepare_lines("member", self._find_most_affected())
        self.write(
            {
                **self._prepare_results(progress),
                "line_ids": [Command.create(line) for line in values],
            }
        )
        self._end("done")
        self._notify(
            self.env._("The replay is done. %(summary)s", summary=self.summary)
        )

    def _fail(self, why):
        self._end("failed", why)
        self._notify(self.env._("The replay has failed: %(why)s", why=why))

    def _end(self, state, problem=False):
        self._delete_members()
        self.write(
            {
                "state": state,
                "problem": problem,
                "end_date": fields.Datetime.now(),
                "progress_state": False,
            }
        )

    def _delete_members(self):
        # SQL: as many rows as there are members, without loading them as records
        self.env.cr.execute(
            SQL("DELETE FROM loyalty_earn_replay_member WHERE replay_id = %s", self.id)
        )

    # === A BATCH === #

    def _load_progress(self):
        """Return how far the replay is.

        :raise UserError: if its rules have changed since it started
        """
        stored = self.progress_state
        rules = self.scheme_id._compile_rules(), self._get_draft_rules()
        if stored["version"] != self._get_version(*rules):
            raise UserError(
                self.env._(
                    "The rules have changed since the replay started. Run it again."
                )
            )
        sides = [
            Side(one, {key: Decimal(amount) for key, amount in budgets.items()})
            for one, budgets in zip(rules, stored["budgets"], strict=True)
        ]
        # Results are broken down by tier, whether or not a rule asks for it
        asks = rules[0].asks | rules[1].asks | {"tier"}
        return Progress(self.company_id.id, *sides, asks, stored)

    def _get_version(self, *rule_sets):
        """Return a fingerprint of all that decides on what sales give."""
        rules = [rule for one in rule_sets for rule in one.rules]
        content = [
            self.scheme_id.earn_tax,
            [asdict(rule) for rule in rules],
            [asdict(one.policy) for one in rule_sets],
            [
                self.env["loyalty.earn.rule"]._get_product_filter(rule.record)
                for rule in rules
                if rule.conditions.domain
            ],
        ]
        text = json.dumps(content, default=_to_json, sort_keys=True)
        return sha256(text.encode()).hexdigest()

    def _replay_batch(self, progress, limit):
        """Replay the next sales.

        :return int: the number of sales; less than ``limit`` at the end
        """
        self = self.with_company(self.company_id)
        self.env.flush_all()
        sales = self._read_sales(progress, limit)
        if not sales:
            return 0
        progress.members = self._load_members(progress, sales)
        lines = self._read_lines(progress, sales)
        parts = self._read_returned_parts(sales)
        dimensions = self._get_replay_dimensions()
        for sale in sales:
            self._replay_sale(
                progress, sale, lines.get(sale.id, ()), parts.get(sale.id), dimensions
            )
        progress.position = (sales[-1].date, sales[-1].id)
        self._save_members(progress)
        self.write(
            {
                "done_count": self.done_count + len(sales),
                "progress_state": {**self.progress_state, **progress.dump()},
            }
        )
        return len(sales)

    def _replay_sale(self, progress, sale, lines, parts, dimensions):
        facts = self._get_sale_facts(progress, sale)
        today, draft = progress.evaluate(
            sale, lines, facts, parts, self.scheme_id._get_policy() if parts else None
        )
        # Sales of other companies count for limits only
        if sale.company_id == progress.company_id:
            keys = {
                dimension: get_key(sale, facts)
                for dimension, get_key in dimensions.items()
            }
            progress.add(sale, keys, today, draft)

    def _get_sale_facts(self, progress, sale):
        """Return the arguments of :class:`~odoo.addons.loyalty_ledger.engine.Facts`."""
        member = progress.members[sale.member_id]
        facts = {
            **member.facts,
            "channel": sale.channel,
            "store": sale.store_id,
            "payments": sale.payments,
        }
        if "moment" in progress.asks:
            moment = sale.date.replace(tzinfo=UTC)
            zone = self._get_zone(progress, sale.store_id)
            facts["moment"] = moment.astimezone(zone).replace(tzinfo=None)
        if "purchases" in progress.asks:
            facts["purchases"] = member.purchases
        if "balance" in progress.asks:
            facts["balance"] = sale.balance
        changes = progress.cache["tiers"].get(sale.member_id)
        if changes:
            facts["tier"] = changes[0][2]
            for moment, sale_id, _before, tier_id in changes:
                if (moment, sale_id) >= (sale.date, sale.id):
                    break
                facts["tier"] = tier_id
        return facts

    def _get_zone(self, progress, store_id):
        zones = progress.cache["zones"]
        if store_id not in zones:
            zones[store_id] = self.env["loyalty.transaction"]._get_zone(
                self.scheme_id, store_id
            )
        return zones[store_id]

    # === SALES === #

    def _get_sales_condition(self, last_id):
        """Return the condition for the sales to replay, as SQL.

        :param int last_id: the last transaction at the start of the replay
        """
        start, end = self._get_period()
        return SQL(
            """
            sale.scheme_id = %(scheme)s AND sale.kind = 'sale'
            AND sale.state = 'posted' AND sale.date >= %(start)s
            AND sale.date < %(end)s AND sale.id <= %(last_id)s
            """,
            scheme=self.scheme_id.id,
            start=start,
            end=end,
            last_id=last_id,
        )

    def _count_sales(self):
        """Return the number of sales to replay, and the id of the last of them."""
        self.env.flush_all()
        [[count, last_id]] = self.env.execute_query(
            SQL(
                "SELECT count(*), COALESCE(max(id), 0) FROM loyalty_transaction sale"
                " WHERE %s",
                self._get_sales_condition(2**31 - 1),
            )
        )
        return count, last_id

    def _read_sales(self, progress, limit):
        """Return the next sales, in the order of time.

        SQL here and below: records of a million sales take hours, and have floats.

        :rtype: list[PastSale]
        """
        returns = SQL(
            """
            SELECT COALESCE(sum(back.points_earned), 0) AS points,
                   COALESCE(sum(back.wallet_cashback), 0) AS wallet
              FROM loyalty_transaction back
             WHERE back.origin_id = sale.id AND back.kind = 'return'
               AND back.state = 'posted'
            """
        )
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sale.id, sale.date, sale.member_id, sale.company_id,
                       sale.store_id, sale.channel_id, channel.code, sale.currency_id,
                       sale.payments,
                       (COALESCE(sale.points_earned, 0) - back.points)::text,
                       (COALESCE(sale.wallet_cashback, 0) - back.wallet)::text,
                       COALESCE(sale.points_earned, 0)::text,
                       COALESCE(sale.wallet_cashback, 0)::text,
                       CASE WHEN sale.base_amount = 0 THEN sale.trace->0->>'code' END,
                       %(balance)s
                  FROM loyalty_transaction sale
                  JOIN loyalty_channel channel ON channel.id = sale.channel_id
                 CROSS JOIN LATERAL (%(returns)s) back
                 WHERE %(condition)s
                   AND (sale.date, sale.id) > (%(date)s, %(id)s)
                 ORDER BY sale.date, sale.id
                 LIMIT %(limit)s
                """,
                balance=self._get_balance_query(progress),
                returns=returns,
                condition=self._get_sales_condition(progress.last_id),
                date=progress.position[0],
                id=progress.position[1],
                limit=limit,
            )
        )
        return [self._make_sale(row) for row in rows]

    def _get_balance_query(self, progress):
        """Return what the account had just before a sale, if a rule asks for it."""
        if "balance" not in progress.asks:
            return SQL("'0'")
        return SQL(
            """
            COALESCE((
                SELECT entry.balance_after FROM loyalty_ledger_entry entry
                 WHERE entry.account_id = sale.account_id AND entry.date <= sale.date
                   AND entry.transaction_id IS DISTINCT FROM sale.id
                 ORDER BY entry.sequence DESC LIMIT 1), 0)::text
            """
        )

    def _make_sale(self, row):
        *head, payments, points, wallet, earned, cashback, code, balance = row
        return PastSale(
            *head,
            payments=frozenset(payments.split(",")) if payments else frozenset(),
            points=Decimal(points),
            wallet=Decimal(wallet),
            gross=(Decimal(earned), Decimal(cashback)),
            refusal=code if code and self._is_refusal(code) else None,
            balance=Decimal(balance),
        )

    def _is_refusal(self, code):
        """Return whether a code of the explanation says that nothing can be earned.

        A sale that was refused then, to a blocked member for instance, gives nothing
        by other rules either.
        """
        return code == "scheme_closed" or code.startswith("member_")

    def _read_lines(self, progress, sales):
        """Return the lines of sales as the engine takes them, by id of the sale."""
        by_id = {sale.id: sale for sale in sales}
        incl = self.scheme_id.earn_tax == "incl"
        rows = self.env.execute_query(
            SQL(
                """
                SELECT transaction_id, external_id, COALESCE(%(amount)s, 0)::text,
                       COALESCE(quantity, 0)::text, product_id, category_id,
                       COALESCE(eligible, false), COALESCE(is_reward, false),
                       COALESCE(%(discount)s, 0)::text
                  FROM loyalty_transaction_line
                 WHERE transaction_id = ANY(%(ids)s)
                """,
                amount=SQL.identifier("amount_incl" if incl else "amount_excl"),
                discount=SQL.identifier("discount_incl" if incl else "discount_excl"),
                ids=list(by_id),
            )
        )
        products = self._get_products(progress, {(row[4], row[5]) for row in rows})
        rates = self._read_rates(sales)
        lines = defaultdict(list)
        for id_, key, amount, quantity, product, category, *flags, off in rows:
            rate = rates[id_] if rates else 1
            lines[id_].append(
                BasketLine(
                    key,
                    Decimal(amount) * rate,
                    Decimal(quantity),
                    products.get((product, category), UNKNOWN),
                    *flags,
                    Decimal(off) * rate,
                )
            )
        return {id_: tuple(own) for id_, own in lines.items()}

    def _read_rates(self, sales):
        """Return exchange rates, empty if all sales have the scheme's currency.

        :return: Decimal by sale id
        """
        currency = self.scheme_id.currency_id
        if all(sale.currency_id == currency.id for sale in sales):
            return {}
        Transaction = self.env["loyalty.transaction"]
        found, rates = {}, {}
        for sale in sales:
            key = (sale.currency_id, sale.company_id, sale.date.date())
            if key not in found:
                found[key] = Transaction._get_rate(sale, currency)
            rates[sale.id] = found[key]
        return rates

    def _read_returned_parts(self, sales):
        """Return the returned part of each line, by sale and line key.

        Computed as a return computes it.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sold.transaction_id, sold.external_id, sold.quantity::text,
                       sold.amount_incl::text, sum(abs(line.quantity))::text,
                       sum(abs(line.amount_incl))::text, back.currency_id
                  FROM loyalty_transaction back
                  JOIN loyalty_transaction_line line ON line.transaction_id = back.id
                  JOIN loyalty_transaction_line sold ON sold.id = line.origin_line_id
                 WHERE back.origin_id = ANY(%s) AND back.kind = 'return'
                   AND back.state = 'posted'
                 GROUP BY sold.id, back.currency_id
                """,
                [sale.id for sale in sales],
            )
        )
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        parts = defaultdict(dict)
        for id_, key, quantity, amount, back, money, currency_id in rows:
            coin = self.env["res.currency"].browse(currency_id).rounding
            total = abs(Decimal(amount))
            returned = get_returned_amount(
                (abs(Decimal(quantity)), total),
                (Decimal(back), Decimal(money)),
                Decimal(str(coin)),
                digits,
            )
            parts[id_][key] = returned / total if total else Decimal(1)
        return parts

    # === PRODUCTS === #

    def _get_products(self, progress, keys):
        """Return what the rules ask about products.

        :param set keys: (product id, category id) of lines; the category is the one in
            which the product was sold then
        :return: :class:`~odoo.addons.loyalty_ledger.engine.Product` by key
        """
        if "products" not in progress.asks:
            return {}
        Transaction = self.env["loyalty.transaction"]
        ids = list({product_id for product_id, _category_id in keys if product_id})
        conditions = [rule.conditions for rule in progress.rules]
        parents = Transaction._get_category_parents(
            {category_id for _product_id, category_id in keys}
        )
        has_tags = any(wanted.tags for wanted in conditions)
        tags = Transaction._get_product_tags(ids) if has_tags else {}
        domains = Transaction._get_product_domains(
            ids, Asked(frozenset(), progress.rules)
        )
        return {
            (product_id, category_id): Product(
                id=product_id,
                categories=parents.get(category_id, frozenset()),
                tags=tags.get(product_id, frozenset()),
                domains=domains.get(product_id, frozenset()),
            )
            for product_id, category_id in keys
        }

    # === MEMBERS === #

    def _load_members(self, progress, sales):
        """Return the members of sales, as the batch before left them.

        :return: :class:`MemberState` by member id
        """
        ids = sorted({sale.member_id for sale in sales})
        members = self._read_members(ids)
        new_ids = [id_ for id_ in ids if id_ not in members]
        purchases = self._read_purchases(progress, new_ids)
        given = self._read_given(progress, new_ids)
        for id_ in new_ids:
            members[id_] = MemberState(
                id_,
                purchases=purchases.get(id_, 0),
                given=tuple(
                    self._sum_given(side, given.get(id_, ()))
                    for side in (progress.current, progress.draft)
                ),
            )
        facts = self._read_member_facts(progress, ids)
        for id_, member in members.items():
            member.facts = facts.get(id_, {})
        return members

    def _read_members(self, ids):
        """Return what earlier batches have counted for members, by member id."""
        return {
            id_: MemberState.load(id_, history, Totals.load(sums))
            for id_, history, *sums in self.env.execute_query(
                SQL(
                    """
                    SELECT member_id, history, sale_count, points_before::text,
                           points_after::text, wallet_before::text, wallet_after::text
                      FROM loyalty_earn_replay_member
                     WHERE replay_id = %s AND member_id = ANY(%s)
                    """,
                    self.id,
                    ids,
                )
            )
        }

    def _read_purchases(self, progress, ids):
        """Return how many purchases members made before the period."""
        if "purchases" not in progress.asks or not ids:
            return {}
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT member_id, count(*) FROM loyalty_transaction
                     WHERE member_id = ANY(%s) AND kind = 'sale' AND state = 'posted'
                       AND date < %s
                     GROUP BY member_id
                    """,
                    ids,
                    self._get_period()[0],
                )
            )
        )

    def _read_given(self, progress, ids):
        """Return what rules gave to members before the period, for their limits.

        :return: lists of (rule key, day, Decimal) by member id
        """
        keys = {*progress.current.periods, *progress.draft.periods}
        if not keys or not ids:
            return {}
        given = defaultdict(list)
        for member_id, key, day, amount in self.env.execute_query(
            SQL(
                """
                SELECT award.member_id, award.rule_key, award.day,
                       sum(award.amount)::text
                  FROM loyalty_earn_award award
                  JOIN loyalty_transaction sale ON sale.id = award.transaction_id
                 WHERE award.member_id = ANY(%s) AND award.rule_key = ANY(%s)
                   AND sale.date < %s
                 GROUP BY 1, 2, 3
                """,
                ids,
                [TOGETHER if key is None else key for key in keys],
                self._get_period()[0],
            )
        ):
            rule_key = None if key == TOGETHER else key
            given[member_id].append((rule_key, day, Decimal(amount)))
        return given

    def _sum_given(self, side, awards):
        given = Given()
        for key, day, amount in awards:
            for period in side.periods.get(key, ()):
                given.add(key, period, day, amount)
        return given

    def _read_budgets(self, rules):
        """Return what rules gave to all members before the period, by key."""
        records = {rule.record: rule.key for rule in rules.rules if rule.record}
        return {
            records[record]: Decimal(amount)
            for record, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT award.rule_id, sum(award.amount)::text
                      FROM loyalty_earn_award award
                      JOIN loyalty_transaction sale ON sale.id = award.transaction_id
                     WHERE award.rule_id = ANY(%s) AND sale.date < %s
                     GROUP BY award.rule_id
                    """,
                    list(records),
                    self._get_period()[0],
                )
            )
        }

    def _read_member_facts(self, progress, ids):
        """Return what rules ask about members.

        Tiers are those of then, all else is as of now. Override to add facts from the
        past.

        :return: arguments of :class:`~odoo.addons.loyalty_ledger.engine.Facts`, by
            member id
        :rtype: dict[int, dict]
        """
        progress.cache["tiers"] = self._read_tier_changes(ids)
        members = self.env["loyalty.member"].browse(ids)
        sale = Sale(
            channel="",
            reference="",
            date=self._get_period()[0],
            currency_id=self.scheme_id.currency_id.id,
            company_id=self.company_id.id,
            lines=(),
        )
        asked = Asked(progress.asks - OWN_FACTS)
        found = self.env["loyalty.transaction"]._get_facts(
            self.scheme_id, [(member, sale) for member in members], asked
        )
        return {
            member.id: {
                name: value for name, value in facts.items() if name not in OWN_FACTS
            }
            for member, facts in zip(members, found, strict=True)
        }

    def _read_tier_changes(self, ids):
        """Return the changes of members in the order of time, by member id.

        A tier that a sale has reached counts from the next sale on; any other change
        from the moment at which it was made.

        :return: lists of (moment, id of the last sale before, tier before, tier after)
        """
        changes = defaultdict(list)
        # SQL: as many rows as there are changes, as plain values
        for member_id, *change in self.env.execute_query(
            SQL(
                """
                SELECT change.member_id,
                       COALESCE(sale.date, LEAST(change.create_date, change.date + 1)),
                       COALESCE(sale.id, 0), change.from_id, change.tier_id
                  FROM loyalty_tier_change change
                  LEFT JOIN loyalty_transaction sale ON sale.id = change.transaction_id
                 WHERE change.member_id = ANY(%s)
                 ORDER BY 1, 2, 3, change.id
                """,
                list(ids),
            )
        ):
            changes[member_id].append(change)
        return changes

    def _save_members(self, progress):
        """Save the members of a batch for the next one."""
        self.env["loyalty.ledger"]._insert_dicts(
            self.env["loyalty.earn.replay.member"],
            {
                "replay_id": "int4",
                "member_id": "int4",
                "sale_count": "int4",
                "points_before": "numeric",
                "points_after": "numeric",
                "wallet_before": "numeric",
                "wallet_after": "numeric",
                "history": "jsonb",
            },
            [
                {
                    "replay_id": self.id,
                    "member_id": member.id,
                    "sale_count": member.totals.sales,
                    "points_before": member.totals.points_before,
                    "points_after": member.totals.points_after,
                    "wallet_before": member.totals.wallet_before,
                    "wallet_after": member.totals.wallet_after,
                    "history": member.dump(),
                }
                for _id, member in sorted(progress.members.items())
            ],
            SQL(
                """
                ON CONFLICT (replay_id, member_id) DO UPDATE
                   SET sale_count = EXCLUDED.sale_count,
                       points_before = EXCLUDED.points_before,
                       points_after = EXCLUDED.points_after,
                       wallet_before = EXCLUDED.wallet_before,
                       wallet_after = EXCLUDED.wallet_after,
                       history = EXCLUDED.history
                """
            ),
        )

    # === BREAKDOWNS === #

    def _get_replay_dimensions(self):
        """Return the breakdowns of the results; override to add one.

        :return: functions by ``dimension`` of the result lines; each takes a
            :class:`PastSale` and the arguments of its facts, and returns a key or
            ``None``
        :rtype: dict
        """
        return {
            "store": lambda sale, _facts: sale.store_id,
            "channel": lambda sale, _facts: sale.channel_id,
            "month": lambda sale, _facts: sale.date.isoformat()[:7],
            "tier": lambda _sale, facts: facts["tier"],
        }

    def _get_dimension_model(self, dimension):
        """Return the name of the model whose ids are the keys, or ``None``."""
        return {
            "store": "loyalty.store",
            "channel": "loyalty.channel",
            "tier": "loyalty.tier",
            "member": "loyalty.member",
        }.get(dimension)

    def _get_key_labels(self, dimension, keys):
        """Return the names of the keys of a breakdown, and their records.

        :return: (name, model name or ``None``, id or ``None``) by key
        :rtype: dict
        """
        if dimension == "rule":
            return self._get_rule_labels(keys)
        if dimension == "month":
            return {
                key: (
                    format_date(self.env, f"{key}-01", date_format="MMMM yyyy"),
                    None,
                    None,
                )
                for key in keys
            }
        model = self._get_dimension_model(dimension)
        records = self.env[model].browse(keys).exists()
        return {
            record.id: (record.display_name, model, record.id) for record in records
        }

    def _get_rule_labels(self, keys):
        sale = self.env["loyalty.transaction"].new({"scheme_id": self.scheme_id.id})
        rules = self.scheme_id._compile_rules().rules + self._get_draft_rules().rules
        records = {rule.key: rule.record for rule in rules}
        labels = {
            RETURNED: (self.env._("Returned Goods"), None, None),
            CONTROL: (self.env._("Difference to Today's Rules"), None, None),
            BASE: (
                self.env._("Points per Amount"),
                "loyalty.scheme",
                self.scheme_id.id,
            ),
        }
        for key in keys - labels.keys():
            record_id = records[key]
            model = "loyalty.earn.rule" if record_id else None
            labels[key] = sale._get_rule_name(key), model, record_id
        return labels

    # === RESULTS === #

    def _prepare_results(self, progress):
        total = progress.total
        sums = self._prepare_sums(total)
        del sums["sale_count"]
        more, less, same = self._count_members()
        return {
            **sums,
            "wallet_before": float(total.wallet_before),
            "wallet_after": float(total.wallet_after),
            "points_today": float(progress.points_today),
            "wallet_today": float(progress.wallet_today),
            "differing_count": progress.differing,
            "more_count": more,
            "less_count": less,
            "same_count": same,
        }

    def _prepare_sums(self, totals):
        """Return sums as the fields of the results have them."""
        scheme = self.scheme_id
        before = Decimal(str(scheme._points_to_money(totals.points_before)))
        after = Decimal(str(scheme._points_to_money(totals.points_after)))
        before += totals.wallet_before
        after += totals.wallet_after
        return {
            "sale_count": totals.sales,
            "points_before": float(totals.points_before),
            "points_after": float(totals.points_after),
            "points_change": float(totals.points_after - totals.points_before),
            "cost_before": float(before),
            "cost_after": float(after),
            "cost_change": float(after - before),
        }

    def _prepare_lines(self, dimension, totals):
        labels = self._get_key_labels(
            dimension, {key for key in totals if key is not None}
        )
        labels[None] = self.env._("None"), None, None
        gone = self.env._("Deleted"), None, None
        lines = []
        for key, sums in totals.items():
            name, model, id_ = labels.get(key, gone)
            lines.append(
                {
                    "dimension": dimension,
                    "name": name,
                    "res_model": model,
                    "res_id": id_,
                    **self._prepare_sums(sums),
                }
            )
        if dimension == "month":
            order = dict(zip(totals, lines, strict=True))
            lines = [order[key] for key in sorted(order)]
        else:
            lines.sort(key=lambda line: -abs(line["cost_change"]))
        for sequence, line in enumerate(lines):
            line["sequence"] = sequence
        return lines

    def _get_change_query(self):
        """Return the change of a member's points and cashback in money, as SQL."""
        return SQL(
            "((points_after - points_before) * %s + wallet_after - wallet_before)",
            self.scheme_id._get_point_value(),
        )

    def _find_most_affected(self):
        """Return the members who gain most and those who lose most.

        :return: Totals by member id
        """
        totals = {}
        for comparison, order in ((SQL("> 0"), SQL("DESC")), (SQL("< 0"), SQL("ASC"))):
            for id_, *sums in self.env.execute_query(
                SQL(
                    """
                    SELECT member_id, sale_count, points_before::text,
                           points_after::text, wallet_before::text, wallet_after::text
                      FROM loyalty_earn_replay_member
                     WHERE replay_id = %(id)s AND %(change)s %(comparison)s
                     ORDER BY %(change)s %(order)s, member_id
                     LIMIT %(limit)s
                    """,
                    id=self.id,
                    change=self._get_change_query(),
                    comparison=comparison,
                    order=order,
                    limit=MOST_AFFECTED,
                )
            ):
                totals[id_] = Totals.load(sums)
        return totals

    def _count_members(self):
        """Return how many members get more, less and the same."""
        [counts] = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE change > 0),
                       count(*) FILTER (WHERE change < 0),
                       count(*) FILTER (WHERE change = 0)
                  FROM (SELECT %s AS change FROM loyalty_earn_replay_member
                         WHERE replay_id = %s AND sale_count > 0) AS member
                """,
                self._get_change_query(),
                self.id,
            )
        )
        return counts
