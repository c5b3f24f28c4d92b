# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import Period
from .loyalty_scheme import BASE

ZERO = Decimal(0)
#: the key under which all rules together are counted, for the caps of a scheme
TOGETHER = "scheme"
#: by the field that shows it, the target of what is given
PARTS = {"points": "points", "cashback": "wallet"}
#: periods of caps that count for each member alone
PERSONAL = frozenset((Period.DAY, Period.WEEK, Period.MONTH, Period.TOTAL))


class LoyaltyEarnAward(models.Model):
    """What a rule gave for a sale or an event; caps and budgets are counted from it.

    Rows are only ever added: a sale that changes or is cancelled adds the difference.
    Goods that come back do not, so that nobody earns again what a cap had stopped.
    """

    _name = "loyalty.earn.award"
    _description = "Loyalty Earning Award"
    _order = "id desc"
    _rec_name = "rule_key"
    # The transaction says who recorded it
    _log_access = False

    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    member_event_id = fields.Many2one(
        comodel_name="loyalty.member.event",
        string="Event",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        comodel_name="res.company", readonly=True, ondelete="restrict"
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member", required=True, readonly=True, ondelete="restrict"
    )
    store_id = fields.Many2one(related="transaction_id.store_id")
    rule_key = fields.Char(required=True, readonly=True)
    rule_id = fields.Many2one(
        comodel_name="loyalty.earn.rule", readonly=True, ondelete="restrict"
    )
    target = fields.Selection(
        selection=[("points", "Points"), ("wallet", "Wallet")],
        required=True,
        readonly=True,
    )
    amount = fields.Float(
        string="Given",
        digits="Loyalty Points",
        readonly=True,
        aggregator=None,
        help="Points, or money where the rule gives cashback.",
    )
    points = fields.Float(
        digits="Loyalty Points",
        compute="_compute_parts",
        help="What rules gave in points.",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    cashback = fields.Monetary(
        compute="_compute_parts",
        help="What rules gave into the wallet.",
    )
    day = fields.Date(
        required=True,
        readonly=True,
        help="The day of the sale, on the clock of its store.",
    )
    posted_at = fields.Datetime(required=True, readonly=True)

    _one_origin = models.Constraint(
        "CHECK (num_nonnulls(transaction_id, member_event_id) = 1)",
        "What a rule gave comes from a sale or from an event.",
    )
    _member_idx = models.Index("(member_id, rule_key, day)")
    _rule_idx = models.Index("(rule_id, posted_at) WHERE rule_id IS NOT NULL")

    @api.depends("target", "amount")
    def _compute_parts(self):
        for award in self:
            for name, target in PARTS.items():
                award[name] = award.amount if award.target == target else 0.0

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        raise UserError(self.env._("What rules have given is kept for ever."))

    def _field_to_sql(self, alias, fname, query=None):
        """Let the database add up points and money, each for itself."""
        if fname not in PARTS:
            return super()._field_to_sql(alias, fname, query)
        return SQL(
            "CASE WHEN %s = %s THEN %s ELSE 0 END",
            self._field_to_sql(alias, "target", query),
            PARTS[fname],
            self._field_to_sql(alias, "amount", query),
        )

    # === BUSINESS === #

    @api.model
    def _add(self, scheme, sales, origin_ids, results, origin="transaction_id"):
        """Keep what each rule gave for new sales, or for events.

        What the scheme itself gives for each amount is not kept: it is what is left
        of the points of a transaction.

        :param sales: list of (loyalty.member, Sale)
        :param origin_ids: id of what was recorded for each
        :param results: what the engine gave for each
        :param origin: the field that names it; events count for no cap of the scheme
        """
        is_sale = origin == "transaction_id"
        counts_together = is_sale and self._counts_together(scheme)
        rows = []
        for (member, sale), id_, result in zip(sales, origin_ids, results, strict=True):
            if counted := self._get_counted(result, counts_together):
                values = {
                    "transaction_id": None,
                    "member_event_id": None,
                    origin: id_,
                    "scheme_id": scheme.id,
                    "company_id": sale.company_id,
                    "member_id": member.id,
                    "day": self._get_day(scheme, sale),
                }
                rows += self._prepare_rows(values, counted)
        self._insert(rows)

    @api.model
    def _change(self, transaction, sale, result):
        """Keep what has changed in what rules gave for a sale."""
        scheme = transaction.scheme_id
        now = self._get_counted(result, self._counts_together(scheme))
        before = self._get_kept(transaction)
        values = {
            "transaction_id": transaction.id,
            "member_event_id": None,
            "scheme_id": scheme.id,
            "company_id": transaction.company_id.id,
            "member_id": transaction.member_id.id,
            "day": self._get_day(scheme, sale),
        }
        self._insert(
            self._prepare_rows(
                values,
                {
                    what: now.get(what, ZERO) - before.get(what, ZERO)
                    for what in {**before, **now}
                },
            )
        )

    @api.model
    def _take_out(self, transactions):
        """Let cancelled sales count for no cap and no budget."""
        self.flush_model()
        # SQL: as many rows as are there, in one statement, and exact
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO loyalty_earn_award (
                       transaction_id, scheme_id, company_id, member_id, rule_key,
                       rule_id, target, amount, day, posted_at)
                SELECT transaction_id, scheme_id, company_id, member_id, rule_key,
                       rule_id, target, -sum(amount), min(day), %(now)s
                  FROM loyalty_earn_award
                 WHERE transaction_id = ANY(%(ids)s)
                 GROUP BY transaction_id, scheme_id, company_id, member_id, rule_key,
                       rule_id, target
                HAVING sum(amount) <> 0
                """,
                now=fields.Datetime.now(),
                ids=transactions.ids,
            )
        )

    @api.model
    def _count_events_for(self, member, holder):
        """Let what events have given to a member count for the caps of another.

        With what they have given to those merged into that member.

        :param member: loyalty.member to whom they happened
        :param holder: loyalty.member who is the same person for now
        """
        persons = self.env["loyalty.member"].search([("id", "child_of", member.id)])
        self.flush_model()
        # SQL: the ORM would read every row of years of visits
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_earn_award award SET member_id = %s
                  FROM loyalty_member_event event
                 WHERE award.member_event_id = event.id AND event.member_id = ANY(%s)
                """,
                holder.id,
                persons.ids,
            )
        )
        self.invalidate_model(["member_id"])

    def _counts_together(self, scheme):
        """Return whether what all rules give together has to be counted."""
        return any(
            cap.period is not Period.RECEIPT for cap in scheme._get_policy().caps
        )

    def _get_day(self, scheme, sale):
        return self.env["loyalty.transaction"]._get_moment(scheme, sale).date()

    def _get_counted(self, result, counts_together):
        """Return what is kept of a result.

        :return: Decimal by (rule key, rule id, target)
        :rtype: dict
        """
        counted = {
            (rule.key, rule.record, rule.target.value): amount
            for rule, amount in result.given
            if rule.key != BASE and amount
        }
        if counts_together and result.points:
            counted[TOGETHER, None, "points"] = result.points
        return counted

    def _get_kept(self, transaction):
        """Return what was kept of a sale, as ``_get_counted`` has it."""
        self.flush_model()
        # SQL: sums of numeric columns come as float from the ORM
        return {
            (key, rule_id, target): Decimal(amount)
            for key, rule_id, target, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT rule_key, rule_id, target, sum(amount)::text
                      FROM loyalty_earn_award
                     WHERE transaction_id = %s
                     GROUP BY rule_key, rule_id, target
                    """,
                    transaction.id,
                )
            )
        }

    def _prepare_rows(self, values, counted):
        posted_at = fields.Datetime.now()
        return [
            {
                **values,
                "rule_key": key,
                "rule_id": rule_id,
                "target": target,
                "amount": amount,
                "posted_at": posted_at,
            }
            for (key, rule_id, target), amount in counted.items()
            if amount
        ]

    def _insert(self, rows):
        if not rows:
            return
        self.env["loyalty.ledger"]._insert_dicts(
            self,
            {
                "transaction_id": "int4",
                "member_event_id": "int4",
                "scheme_id": "int4",
                "company_id": "int4",
                "member_id": "int4",
                "rule_key": "varchar",
                "rule_id": "int4",
                "target": "varchar",
                "amount": "numeric",
                "day": "date",
                "posted_at": "timestamp",
            },
            rows,
        )

    # === WHAT CAPS ARE COUNTED FROM === #

    @api.model
    def _get_used(self, rules, occasions, own):
        """Return what rules have given before, as :attr:`Facts.used` wants it.

        :param RuleSet rules: whose caps are asked for
        :param occasions: list of (loyalty.member, date), a member at most once; an
            empty member is a guest, who has been given nothing
        :param own: transactions to leave out
        :return: for each occasion a dict, Decimal by (rule key, period)
        :rtype: list[dict]
        """
        periods = defaultdict(set)
        records = {}
        for rule in rules.rules:
            records[rule.key] = rule.record
            periods[rule.key] |= {cap.period for cap in rule.caps}
        periods[None] = {cap.period for cap in rules.policy.caps}
        budgets = self._get_budgets_used(periods, records, own)
        given = self._get_given_to(periods, occasions, own)
        used = []
        for member, day in occasions:
            found = dict(budgets)
            for (key, given_on), amount in given[member.id].items():
                for period in periods[key]:
                    if _is_within(period, given_on, day):
                        spot = (key, period)
                        found[spot] = found.get(spot, ZERO) + amount
            used.append(found)
        return used

    def _get_budgets_used(self, periods, records, own):
        keys = [key for key, asked in periods.items() if Period.BUDGET in asked]
        if not keys:
            return {}
        given = self.env["loyalty.earn.budget"]._get_given(
            [records[key] for key in keys]
        )
        kept = defaultdict(Decimal)
        for transaction in own:
            for (key, _record, _target), amount in self._get_kept(transaction).items():
                kept[key] += amount
        return {
            (key, Period.BUDGET): given.get(records[key], ZERO) - kept[key]
            for key in keys
        }

    def _get_given_to(self, periods, occasions, own):
        """Return what rules have given to members, day by day.

        What was given before the first month that matters comes without a day.

        :return: by member id, then Decimal by (rule key, date or ``None``)
        """
        given = defaultdict(dict)
        keys = [
            TOGETHER if key is None else key
            for key, asked in periods.items()
            if asked & PERSONAL
        ]
        members = [member.id for member, _day in occasions if member]
        if not keys or not members:
            return given
        first = min(_get_first_day(day) for _member, day in occasions)
        self.flush_model()
        # SQL: the ORM can neither fold the past into one row nor read exact sums
        for member_id, key, day, amount in self.env.execute_query(
            SQL(
                """
                SELECT member_id, rule_key, CASE WHEN day >= %(first)s THEN day END,
                       sum(amount)::text
                  FROM loyalty_earn_award
                 WHERE member_id = ANY(%(members)s) AND rule_key = ANY(%(keys)s)
                   AND (transaction_id IS NULL OR transaction_id <> ALL(%(own)s))
                 GROUP BY 1, 2, 3
                """,
                first=first,
                members=members,
                keys=keys,
                own=own.ids,
            )
        ):
            spot = (None if key == TOGETHER else key, day)
            given[member_id][spot] = Decimal(amount)
        return given


def _get_first_day(day):
    """Return the first day of the month or of the week of ``day``, the earlier one."""
    return min(day.replace(day=1), day - timedelta(days=day.weekday()))


def _is_within(period, given_on, day):
    """Return whether what was given on a day counts in the period of another."""
    if period is Period.TOTAL:
        return True
    if given_on is None:
        return False
    if period is Period.DAY:
        return given_on == day
    if period is Period.WEEK:
        return given_on.isocalendar()[:2] == day.isocalendar()[:2]
    if period is Period.MONTH:
        return (given_on.year, given_on.month) == (day.year, day.month)
    return False
