# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from odoo.addons.loyalty_ledger.ledger.rows import to_array

from ..engine import Figures, State
from ..engine.window import Kind, add_months

CHANGE_FIELDS = (
    "member_id",
    "from_id",
    "from_until",
    "tier_id",
    "until",
    "cause",
    "transaction_id",
    "reason",
    "user_id",
)
STATE_COLUMNS = {
    "id": "int4",
    "tier_id": "int4",
    "tier_since": "date",
    "tier_until": "date",
    "tier_locked": "bool",
    "tier_lock_until": "date",
    "tier_lock_reason": "varchar",
}


class LoyaltyTierService(models.AbstractModel):
    """Counts what sales mean for tiers, and moves members.

    SQL counts and finds those who may have to move, whether it is for one sale or for a
    night; the rules of ``engine`` then decide for these alone.
    """

    _name = "loyalty.tier.service"
    _description = "Loyalty Tier Service"

    # === COUNT === #

    @api.model
    def _count_sales(self, scheme, settings, member_ids, first, last):
        """Count the months between two moments again, for some members.

        :param datetime first: moment of the earliest sale, UTC
        :param datetime last: moment of the latest sale, UTC
        """
        start = settings.to_local(first).replace(day=1)
        end = add_months(settings.to_local(last), 1)
        self._count(
            scheme,
            settings,
            SQL("= ANY(%s)", list(member_ids)),
            SQL(
                "AND sale.date >= %s AND sale.date < %s",
                settings.to_utc(start),
                settings.to_utc(end),
            ),
            SQL("AND month >= %s AND month < %s", start, end),
            live=True,
        )

    @api.model
    def _count(self, scheme, settings, members, dates=None, months=None, live=False):
        """Bring the figures of some members in line with their sales.

        One statement, whatever it finds: it writes the months that are not right. SQL,
        because a night counts millions of sales.

        :param SQL members: what a column of member ids is compared with
        :param SQL dates: which sales to look at; all if omitted
        :param SQL months: the months in which these lie
        :param bool live: somebody else may count the same members at this moment, and
            does not see these sales. Of two, the second one fails, is tried again by
            Odoo, and then sees all. A night does without, for to be ready for it makes
            writing half as dear again: it has another look by itself.
        """
        touched = conflict = SQL("")
        if live:
            touched = SQL(
                """
                , touched AS (
                    UPDATE loyalty_member SET write_date = write_date
                     WHERE id IN (SELECT member_id FROM wrong)
                )
                """
            )
            conflict = SQL(
                """
                ON CONFLICT (member_id, month) DO UPDATE
                   SET points = EXCLUDED.points, spend = EXCLUDED.spend,
                       visits = EXCLUDED.visits
                """
            )
        self.env.cr.execute(
            SQL(
                """
                WITH back AS (%(returns)s), fact AS (
                    SELECT sale.member_id,
                           date_trunc('month', %(local)s)::date AS month,
                           sum(GREATEST(
                               sale.points_earned - COALESCE(back.points, 0), 0
                           )) AS points,
                           sum(GREATEST(
                               sale.base_amount - COALESCE(back.spend, 0), 0
                           )) AS spend,
                           count(*) FILTER (
                               WHERE sale.base_amount > COALESCE(back.spend, 0)
                           ) AS visits
                      FROM loyalty_transaction sale
                      LEFT JOIN back ON back.origin_id = sale.id
                     WHERE sale.scheme_id = %(scheme)s AND sale.kind = 'sale'
                       AND sale.state = 'posted' AND sale.member_id %(members)s
                       %(dates)s
                     GROUP BY 1, 2
                ), known AS (
                    SELECT figure.member_id, figure.month, figure.points,
                           figure.spend, figure.visits
                      FROM loyalty_tier_figure figure
                      JOIN loyalty_member member ON member.id = figure.member_id
                     WHERE member.scheme_id = %(scheme)s AND member.id %(members)s
                       AND figure.member_id %(members)s %(months)s
                ), wrong AS MATERIALIZED (
                    SELECT member_id, month, COALESCE(fact.points, 0) AS points,
                           COALESCE(fact.spend, 0) AS spend,
                           COALESCE(fact.visits, 0) AS visits,
                           known.points IS NULL AS missing
                      FROM fact FULL JOIN known USING (member_id, month)
                     WHERE known.points IS NULL
                        OR (COALESCE(fact.points, 0), COALESCE(fact.spend, 0),
                            COALESCE(fact.visits, 0))
                           <> (known.points, known.spend, known.visits)
                ), corrected AS (
                    UPDATE loyalty_tier_figure figure
                       SET points = wrong.points, spend = wrong.spend,
                           visits = wrong.visits
                      FROM wrong
                     WHERE NOT wrong.missing AND figure.member_id %(members)s
                       AND figure.member_id = wrong.member_id
                       AND figure.month = wrong.month
                ) %(touched)s
                INSERT INTO loyalty_tier_figure
                            (member_id, month, points, spend, visits)
                SELECT member_id, month, points, spend, visits
                  FROM wrong WHERE missing
                %(conflict)s
                """,
                returns=self._get_returns_query(scheme, members),
                local=settings.get_local_sql(SQL("sale.date")),
                scheme=scheme.id,
                members=members,
                dates=dates or SQL(""),
                months=months or SQL(""),
                touched=touched,
                conflict=conflict,
            )
        )
        self.env["loyalty.tier.figure"].invalidate_model(flush=False)

    def _get_returns_query(self, scheme, members):
        """Return what has come back of each sale.

        A return has no amount of its own that earned: each line brings back its part
        of what the sold line was counted with.
        """
        return SQL(
            """
            SELECT origin_id, sum(points_earned) AS points,
                   sum((
                       SELECT sum(sold.base * LEAST(
                                  abs(line.amount_incl) / abs(sold.amount_incl), 1
                              ))
                         FROM loyalty_transaction_line line
                         JOIN loyalty_transaction_line sold
                           ON sold.id = line.origin_line_id
                        WHERE line.transaction_id = returned.id
                          AND sold.amount_incl <> 0
                   )) AS spend
              FROM loyalty_transaction returned
             WHERE scheme_id = %(scheme)s AND kind = 'return' AND state = 'posted'
               AND member_id %(members)s
             GROUP BY origin_id
            """,
            scheme=scheme.id,
            members=members,
        )

    # === DECIDE === #

    @api.model
    def _evaluate(self, scheme, settings, member_ids, transactions=None, cause=None):
        """Let members have the tiers that they deserve today.

        :param member_ids: ids of members of the scheme
        :param dict transactions: id of the sale that may be the cause, by member id
        :param str cause: instead of the one that the rules name
        :return: what was changed, see ``_apply``
        :rtype: list[dict]
        """
        return self._evaluate_some(
            scheme,
            settings,
            SQL("= ANY(%s)", list(member_ids)),
            transactions=transactions,
            cause=cause,
        )

    def _evaluate_some(self, scheme, settings, members, transactions=None, cause=None):
        """See ``_evaluate``.

        :param SQL members: what a column of member ids is compared with
        """
        day = settings.today()
        changes = []
        for state, now, kept, member_id in self._find_candidates(
            scheme, settings, members, day
        ):
            decision = settings.ladder.decide(state, now, kept, day)
            if not decision:
                continue
            moved = decision.tier != state.tier
            changes.append(
                {
                    "member_id": member_id,
                    "from_id": state.tier,
                    "from_until": state.until,
                    "tier_id": decision.tier,
                    "until": decision.until,
                    "cause": (cause or decision.cause) if moved else "kept",
                    "transaction_id": (transactions or {}).get(member_id),
                }
            )
        self._apply(scheme, changes, day)
        return changes

    def _find_candidates(self, scheme, settings, members, day):
        """Yield the members whom something may happen to, with their figures.

        :return: tuples (State, Figures now, Figures of the period, member id)
        """
        rows = self.env.execute_query(
            SQL(
                """
                WITH %(figures)s, %(ladder)s
                SELECT figure.*
                  FROM figure LEFT JOIN ladder own ON own.id = figure.tier_id
                 WHERE figure.locked OR figure.until < %(day)s
                    OR EXISTS (
                       SELECT FROM ladder step
                        WHERE step.rank > COALESCE(own.rank, -1) AND %(reached)s
                    )
                 ORDER BY figure.id
                """,
                figures=self._get_figures_query(scheme, settings, members, day),
                ladder=settings.get_ladder_sql(),
                reached=self._get_reached_sql("step", ""),
                day=day,
            )
        )
        for row in rows:
            yield (
                State(
                    tier=row[1],
                    until=row[2],
                    enrolled=row[5],
                    locked=row[3],
                    locked_until=row[4],
                ),
                Figures(*row[6:9]),
                Figures(*row[9:12]),
                row[0],
            )

    def _get_reached_sql(self, step, prefix, of_now=False):
        """Return ``Threshold.is_met`` in SQL, for ``figure`` and a row of the ladder.

        :param str step: alias of the row
        :param str prefix: empty to enter, ``keep_`` to stay
        :param bool of_now: by the figures of today, not by those of the period
        """
        own = "" if of_now else prefix

        def compare(name):
            return SQL(
                "%s >= %s",
                SQL.identifier("figure", own + name),
                SQL.identifier(step, prefix + name),
            )

        names = ("points", "spend", "visits")
        return SQL(
            "CASE WHEN %(any_of)s THEN %(either)s ELSE %(every)s END",
            any_of=SQL.identifier(step, f"{prefix}any_of"),
            either=SQL(" OR ").join(
                SQL(
                    "(%s > 0 AND %s)",
                    SQL.identifier(step, prefix + name),
                    compare(name),
                )
                for name in names
            ),
            every=SQL(" AND ").join(map(compare, names)),
        )

    def _get_figures_query(self, scheme, settings, members, day):
        """Return members and what they have done, as a common table expression.

        :return: ``figure`` with the columns id, tier_id, until, locked, locked_until,
            enrolled, then points, spend and visits of the window on ``day``, and the
            same of the period at whose end the tier is looked at
        """
        for name in ("loyalty.member", "loyalty.tier.figure"):
            self.env[name].flush_model()
        enrolled = SQL("%s::date", settings.get_local_sql(SQL("member.enrol_date")))
        until = SQL("member.tier_until")
        grace = settings.ladder.policy.grace_days
        return SQL(
            """
            state AS MATERIALIZED (
                SELECT member.id, member.tier_id, member.tier_until AS until,
                       COALESCE(member.tier_locked, FALSE) AS locked,
                       member.tier_lock_until AS locked_until,
                       %(enrolled)s AS enrolled,
                       %(now_from)s AS now_from, %(kept_from)s AS kept_from,
                       date_trunc('month', %(until)s + %(grace)s)::date AS kept_to
                  FROM loyalty_member member
                 WHERE member.scheme_id = %(scheme)s AND member.state = 'active'
                   AND member.id %(members)s
                   AND (member.tier_locked IS NOT TRUE
                        OR member.tier_lock_until < %(day)s)
            ), figure AS (
                SELECT state.id, state.tier_id, state.until, state.locked,
                       state.locked_until, state.enrolled,
                       COALESCE(own.points, 0) AS points,
                       COALESCE(own.spend, 0) AS spend,
                       COALESCE(own.visits, 0) AS visits,
                       COALESCE(own.keep_points, 0) AS keep_points,
                       COALESCE(own.keep_spend, 0) AS keep_spend,
                       COALESCE(own.keep_visits, 0) AS keep_visits
                  FROM state LEFT JOIN (
                    SELECT state.id,
                           sum(month.points) FILTER (WHERE %(is_now)s) AS points,
                           sum(month.spend) FILTER (WHERE %(is_now)s) AS spend,
                           sum(month.visits) FILTER (WHERE %(is_now)s) AS visits,
                           sum(month.points) FILTER (WHERE %(is_kept)s) AS keep_points,
                           sum(month.spend) FILTER (WHERE %(is_kept)s) AS keep_spend,
                           sum(month.visits) FILTER (WHERE %(is_kept)s) AS keep_visits
                      FROM state
                      JOIN loyalty_tier_figure month ON month.member_id = state.id
                       AND month.month >= LEAST(state.now_from, state.kept_from)
                     GROUP BY state.id
                  ) own ON own.id = state.id
            )
            """,
            enrolled=enrolled,
            now_from=self._get_first_month_sql(
                settings, SQL("%s::date", day), enrolled
            ),
            kept_from=self._get_first_month_sql(settings, until, enrolled),
            until=until,
            grace=grace,
            scheme=scheme.id,
            members=members,
            day=day,
            is_now=SQL("month.month >= state.now_from"),
            is_kept=SQL("month.month BETWEEN state.kept_from AND state.kept_to"),
        )

    def _get_first_month_sql(self, settings, day, enrolled):
        """Return ``Window.first_month`` in SQL, with the beginning of time for none."""
        window = settings.ladder.policy.window
        month = SQL("date_trunc('month', %s)", day)
        if window.kind == Kind.LIFETIME:
            return SQL("'-infinity'::date")
        if window.kind == Kind.CALENDAR:
            return SQL("date_trunc('year', %s)::date", day)
        back = SQL("%s", window.months - 1)
        if window.kind == Kind.MEMBERSHIP:
            back = SQL(
                "mod(12 + extract(month FROM %s)::int - extract(month FROM %s)::int,"
                " 12)",
                day,
                enrolled,
            )
        return SQL("(%s - make_interval(months => %s))::date", month, back)

    @api.model
    def _get_figures(self, members, since=None):
        """Return what members have done in the window of today.

        :param loyalty.member members: of one scheme, active or not
        :param date since: from its month on; that of the window if omitted
        :return: Figures by member
        :rtype: dict
        """
        settings = members.scheme_id._get_tier_settings()
        window = settings.ladder.policy.window
        day = since or settings.today()
        firsts = {
            member: window.first_month(day, settings.to_local(member.enrol_date))
            for member in members
        }
        self.env["loyalty.tier.figure"].flush_model()
        # One query for windows that begin in different months
        rows = self.env.execute_query(
            SQL(
                """
                SELECT own.id, COALESCE(sum(figure.points), 0),
                       COALESCE(sum(figure.spend), 0), COALESCE(sum(figure.visits), 0)
                  FROM UNNEST(%s, %s::date[]) AS own (id, first)
                  LEFT JOIN loyalty_tier_figure figure
                    ON figure.member_id = own.id
                   AND (own.first IS NULL OR figure.month >= own.first)
                 GROUP BY own.id
                """,
                members.ids,
                [firsts[member] for member in members],
            )
        )
        found = {row[0]: Figures(*map(Decimal, row[1:])) for row in rows}
        return {member: found[member.id] for member in members}

    # === TAKE BACK === #

    def _take_back(self, scheme, settings, members, transactions):
        """Undo upgrades that purchases led to which have come back since.

        An upgrade stands if what was bought from then until today makes up for it.

        :param dict transactions: id of the return, by member id
        """
        day = settings.today()
        for member in members:
            while change := self._find_undone_upgrade(settings, member, day):
                self._apply(
                    scheme,
                    [
                        {
                            "member_id": member.id,
                            "from_id": change.tier_id.id,
                            "from_until": change.until,
                            "tier_id": change.from_id.id,
                            "until": change.from_until,
                            "cause": "return",
                            "transaction_id": transactions.get(member.id),
                        }
                    ],
                    day,
                )

    def _find_undone_upgrade(self, settings, member, day):
        """Return the change by which a member has a tier without reason, or none."""
        changes = self.env["loyalty.tier.change"]
        step = settings.ladder.get_step(member.tier_id.id)
        if member.tier_locked or not step or not step.entry:
            return changes
        # The entry that stands is the last one that no return has undone already
        change = changes.search(
            [
                ("member_id", "=", member.id),
                ("tier_id", "=", member.tier_id.id),
                ("cause", "in", ("upgrade", "join")),
            ],
            limit=1,
        )
        if (
            not change
            or change.date != member.tier_since
            or (change.until or day) < day
            or step.entry.is_met(self._get_figures(member, change.date)[member])
        ):
            return changes.browse()
        return change

    # === APPLY === #

    def _apply(self, scheme, changes, day):
        """Move members, and keep record of it.

        :param changes: list of dict with the fields of loyalty.tier.change, and for a
            tier given by hand ``locked`` and ``locked_until``; cause ``kept`` moves the
            last day alone
        """
        if not changes:
            return
        members = self.env["loyalty.member"].browse(c["member_id"] for c in changes)
        self._write_states(changes, day)
        self._invalidate(members)
        moved = [change for change in changes if change["cause"] != "kept"]
        always = {
            "scheme_id": scheme.id,
            "company_id": scheme.company_id.id or None,
            "date": day,
        }
        records = self.env["loyalty.tier.change"]._record(
            [
                {name: change.get(name) or None for name in CHANGE_FIELDS} | always
                for change in moved
            ]
        )
        self._grant_benefits(scheme, records)

    def _invalidate(self, members):
        """Forget what the ORM knows of members who have moved, and of their tiers."""
        members.invalidate_recordset(
            [name for name in members._fields if name.startswith("tier_")], flush=False
        )
        for model, names in (
            ("loyalty.card", ["member_tier_id"]),
            ("loyalty.tier", ["member_ids", "member_count", "change_count"]),
        ):
            self.env[model].invalidate_model(names, flush=False)

    def _grant_benefits(self, scheme, changes):
        """Let members have what belongs to the tiers that they have come into.

        :param loyalty.tier.change changes: just made
        """
        settings = scheme._get_tier_settings()
        if settings and settings.has_pricelists:
            self.env["loyalty.member"]._follow_pricelists(
                scheme, SQL("= ANY(%s)", changes.member_id.ids)
            )
        self.env["loyalty.tier.gift"]._grant(changes)

    def _write_states(self, changes, day):
        """Write where members stand, by one statement."""
        self.env["loyalty.member"].flush_model()
        rows = [
            (
                change["member_id"],
                change["tier_id"] or None,
                None if change["cause"] == "kept" else day,
                change["until"] or None,
                change.get("locked", False),
                change.get("locked_until") or None,
                change.get("locked") and change["reason"] or None,
            )
            for change in changes
        ]
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_member member
                   SET tier_id = new.tier_id,
                       tier_since = COALESCE(new.tier_since, member.tier_since),
                       tier_until = new.tier_until, tier_locked = new.tier_locked,
                       tier_lock_until = new.tier_lock_until,
                       tier_lock_reason = new.tier_lock_reason,
                       write_date = now() AT TIME ZONE 'UTC', write_uid = %(uid)s
                  FROM UNNEST(%(values)s) AS new (%(names)s)
                 WHERE member.id = new.id
                """,
                uid=self.env.uid,
                names=SQL(", ").join(map(SQL.identifier, STATE_COLUMNS)),
                values=SQL(", ").join(
                    SQL("%s::%s[]", to_array(column, type_), SQL.identifier(type_))
                    for type_, column in zip(
                        STATE_COLUMNS.values(), zip(*rows, strict=True), strict=True
                    )
                ),
            )
        )
