# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long the night takes to look at the tiers of many members.

Each member has ten sales, far apart in the table as they are where many buy now and
then. The first night counts all of them, and gives a tier to every fourth member; the
next one is a night like all others: it proves the figures and finds nothing to do.

The raw floor of the first night is one statement a table: it groups the sales by member
and month into a copy of the table of figures, then writes the tier into a copy of the
members and a line into a copy of the history, with the same indexes and checks, but
without ranges, commits or rules. The raw floor of the next night groups the sales
again, compares what it finds with the figures, and adds these up for each member.

Before all this, where members are fewest, a night is stopped again and again, and has
to end as one that was not.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import psycopg2

from odoo import api
from odoo.sql_db import connection_info_for
from odoo.tools import SQL

from benchmarks import database
from benchmarks.common import Bar, finish, print_table

MODULES = ("loyalty_tiers",)
SALES_PER_MEMBER = 10
SMALLEST = 10_000
MILLION = 1_000_000
RATIO = 3.0
SECONDS_A_MILLION = 120.0
# Of members, in the night that is stopped, and after how many of these
STOPPED_RANGE, STOPPED_AFTER = 700, 3
# How much dearer a member may be than where there is a tenth of them
GROWTH = 1.5
SILVER, GOLD = 200, 900
TABLES = ("loyalty_tier_figure", "loyalty_member", "loyalty_tier_change")


class StopNightError(Exception):
    """Ends a night in the middle, as a lost connection would."""


@contextmanager
def without_guards(env: api.Environment, *tables: str) -> Iterator[None]:
    """Take indexes and foreign keys off tables, to fill these, and put them back."""
    restore = []
    for table in tables:
        env.cr.execute(
            """
            SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', %(table)s, conname),
                   format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', %(table)s, conname,
                          pg_get_constraintdef(oid))
              FROM pg_constraint
             WHERE conrelid = %(table)s::regclass AND contype = 'f'
             UNION ALL
            SELECT format('DROP INDEX %%I', indexname), indexdef
              FROM pg_indexes
             WHERE tablename = %(table)s AND NOT EXISTS (
                   SELECT FROM pg_constraint
                    WHERE conindid = format('%%I', indexname)::regclass
             )
            """,
            {"table": table},
        )
        for drop, create in env.cr.fetchall():
            env.cr.execute(drop)
            restore.append(create)
    yield
    for create in restore:
        env.cr.execute(create)


class Fill:
    """Writes members and their sales."""

    def __init__(self, env: api.Environment):
        self.env = env
        self.scheme = env["loyalty.scheme"].create({"name": "Tiers"})
        partner = env["res.partner"].create({"name": "Everybody's account"})
        self.account = (
            env["loyalty.card"]
            .sudo()
            ._open_accounts(self.scheme.points_program_id, partner)
        )
        self.channel = env["loyalty.channel"]._get_by_code("manual")
        env["loyalty.tier"].create(
            [
                {
                    "name": name,
                    "scheme_id": self.scheme.id,
                    "sequence": points,
                    "entry_points": points,
                }
                for name, points in (("Silver", SILVER), ("Gold", GOLD))
            ]
        )
        self.members = self.last_id = 0
        env.cr.commit()

    def grow_to(self, members: int) -> None:
        """Add members, who have no tier yet, and take the tiers of the others."""
        self.env.cr.execute("SELECT COALESCE(max(id), 0) FROM loyalty_member")
        (self.last_id,) = self.env.cr.fetchone()
        tables = ("res_partner", "loyalty_member", "loyalty_transaction")
        with without_guards(self.env, *tables):
            self._add_members(members)
            for place in range(SALES_PER_MEMBER):
                self._add_sales(place)
        self.members = members
        self.forget_tiers()

    def forget_tiers(self) -> None:
        """Let no night have been."""
        self.env.cr.execute(
            """
            UPDATE loyalty_member SET tier_id = NULL, tier_since = NULL,
                   tier_until = NULL WHERE tier_id IS NOT NULL
            """
        )
        self.env.cr.execute(
            "TRUNCATE loyalty_tier_change, loyalty_tier_figure, loyalty_tier_run"
            " CASCADE"
        )
        self.vacuum()

    def vacuum(self) -> None:
        """Do what autovacuum has done until the night."""
        self.env.cr.commit()
        self.env.cr._cnx.autocommit = True
        self.env.cr.execute("VACUUM ANALYZE")
        self.env.cr._cnx.autocommit = False
        self.env.invalidate_all()

    def _add_members(self, members: int) -> None:
        self.env.cr.execute(
            SQL(
                """
                WITH partner AS (
                    INSERT INTO res_partner (name, complete_name, active, type,
                                             autopost_bills)
                    SELECT 'Member ' || number, 'Member ' || number, TRUE, 'contact',
                           'ask'
                      FROM generate_series(%(first)s, %(last)s) AS number
                    RETURNING id
                )
                INSERT INTO loyalty_member (scheme_id, partner_id, company_id, number,
                                            state, enrol_date)
                SELECT %(scheme)s, id, %(company)s, 'B' || id, 'active',
                       date_trunc('year', now())
                  FROM partner
                """,
                first=self.members + 1,
                last=members,
                scheme=self.scheme.id,
                company=self.scheme.company_id.id,
            )
        )

    def _add_sales(self, place: int) -> None:
        """Give the members who were added a sale in the month number ``place``."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO loyalty_transaction (
                    name, kind, state, scheme_id, member_id, account_id, company_id,
                    channel_id, reference, date, currency_id, amount_total, base_amount,
                    points_earned, points_redeemed, revision)
                SELECT 'Sale', 'sale', 'posted', scheme_id, id, %(account)s, company_id,
                       %(channel)s, id || '-' || %(place)s,
                       date_trunc('year', now()) + make_interval(months => %(place)s,
                                                                 days => 9),
                       %(currency)s, points, points, points, 0, 0
                  FROM (
                    SELECT member.*, CASE WHEN mod(id, 20) = 0 THEN 100
                                          WHEN mod(id, 4) = 0 THEN 30
                                          ELSE 5 END AS points
                      FROM loyalty_member member
                     WHERE scheme_id = %(scheme)s AND id > %(last_id)s
                  ) member
                 ORDER BY id
                """,
                account=self.account.id,
                channel=self.channel.id,
                place=place,
                currency=self.scheme.currency_id.id,
                scheme=self.scheme.id,
                last_id=self.last_id,
            )
        )


class Floor:
    """Does what the first night does by the plainest means."""

    def __init__(self, fill: Fill, name: str):
        _name, info = connection_info_for(name)
        self.connection = psycopg2.connect(**info)
        self.cursor = self.connection.cursor()
        tiers = fill.scheme.tier_ids.sorted()
        self.values = {
            "scheme": fill.scheme.id,
            "silver": tiers[0].id,
            "gold": tiers[1].id,
            "silver_points": SILVER,
            "gold_points": GOLD,
        }
        for table in TABLES:
            self.cursor.execute(
                f"CREATE TABLE {table}_floor (LIKE {table} INCLUDING ALL)"
            )
        self.cursor.execute(
            "INSERT INTO loyalty_member_floor SELECT * FROM loyalty_member"
        )
        self.connection.commit()
        self.connection.autocommit = True
        self.cursor.execute("VACUUM ANALYZE loyalty_member_floor")
        self.connection.autocommit = False

    def run(self) -> float:
        """Return the seconds."""
        start = time.perf_counter()
        self.cursor.execute(
            """
            INSERT INTO loyalty_tier_figure_floor
                        (member_id, month, points, spend, visits)
            SELECT member_id, date_trunc('month', date)::date, sum(points_earned),
                   sum(base_amount), count(*)
              FROM loyalty_transaction
             WHERE scheme_id = %(scheme)s AND kind = 'sale' AND state = 'posted'
             GROUP BY 1, 2
            """,
            self.values,
        )
        self.cursor.execute(
            """
            WITH total AS (
                SELECT member_id, sum(points) AS points
                  FROM loyalty_tier_figure_floor
                 WHERE month >= date_trunc('year', now()) GROUP BY 1
            ), moved AS (
                UPDATE loyalty_member_floor member
                   SET tier_id = CASE WHEN total.points >= %(gold_points)s
                                      THEN %(gold)s ELSE %(silver)s END,
                       tier_since = now()
                  FROM total
                 WHERE total.member_id = member.id AND total.points >= %(silver_points)s
                RETURNING member.id, member.tier_id
            )
            INSERT INTO loyalty_tier_change_floor
                        (member_id, scheme_id, tier_id, date, cause)
            SELECT id, %(scheme)s, tier_id, now(), 'upgrade' FROM moved
            """,
            self.values,
        )
        self.connection.commit()
        return time.perf_counter() - start

    def run_next(self) -> float:
        """Do what a night does that finds nothing, from the figures as they are.

        :return: seconds
        """
        start = time.perf_counter()
        self.cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT member_id, date_trunc('month', date)::date AS month,
                       sum(points_earned) AS points, sum(base_amount) AS spend,
                       count(*) AS visits
                  FROM loyalty_transaction
                 WHERE scheme_id = %(scheme)s AND kind = 'sale' AND state = 'posted'
                 GROUP BY 1, 2
            ) sale FULL JOIN loyalty_tier_figure figure USING (member_id, month)
             WHERE (sale.points, sale.spend, sale.visits)
                   IS DISTINCT FROM (figure.points, figure.spend, figure.visits)
            """,
            self.values,
        )
        self.cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT member_id FROM loyalty_tier_figure
                 WHERE month >= date_trunc('year', now())
                 GROUP BY member_id HAVING sum(points) >= %(silver_points)s
            ) member
            """,
            self.values,
        )
        self.connection.rollback()
        return time.perf_counter() - start

    def close(self) -> int:
        """Remove the copies, once the first night is timed.

        :return: how many members have moved there
        """
        self.cursor.execute("SELECT count(*) FROM loyalty_tier_change_floor")
        count = self.cursor.fetchone()[0]
        for table in TABLES:
            self.cursor.execute(f"DROP TABLE {table}_floor CASCADE")
        self.connection.commit()
        return count


def time_night(fill: Fill) -> float:
    """Return the seconds of a whole night."""
    env = fill.env
    env["loyalty.tier.run"].search([]).unlink()
    env.cr.commit()
    start = time.perf_counter()
    env["loyalty.tier.run"]._cron_evaluate()
    env.cr.commit()
    return time.perf_counter() - start


def prove_stopping(fill: Fill) -> None:
    """Stop nights again and again, and compare the end with that of one night.

    :raise SystemExit: if they differ
    """
    env = fill.env
    time_night(fill)
    expected = read_tiers(env)
    fill.forget_tiers()
    Run = env.registry["loyalty.tier.run"]
    evaluate, left = Run._evaluate_range, [0]

    def stop(run, *args):
        left[0] -= 1
        evaluate(run, *args)
        if not left[0]:
            raise StopNightError

    nights = 0
    with patch.object(Run, "_evaluate_range", stop):
        while True:
            nights, left[0] = nights + 1, STOPPED_AFTER
            try:
                env["loyalty.tier.run"]._open_run(fill.scheme)._continue(STOPPED_RANGE)
                break
            except StopNightError:
                env.cr.rollback()
                env.invalidate_all()
    env.cr.commit()
    if read_tiers(env) != expected:
        raise SystemExit("A night that was stopped and run again ended differently.")
    print(f"Stopped {nights - 1} times: ends as the night that was not.", flush=True)
    fill.forget_tiers()


def read_tiers(env: api.Environment) -> list[tuple]:
    """Return a print of all that nights write."""
    env.cr.execute(
        """
        SELECT count(*), md5(string_agg(line, ',' ORDER BY line)) FROM (
            SELECT concat_ws('|', id, tier_id, tier_since, tier_until)
              FROM loyalty_member
             UNION ALL
            SELECT concat_ws('|', member_id, from_id, tier_id, date, until, cause)
              FROM loyalty_tier_change
             UNION ALL
            SELECT concat_ws('|', member_id, month, points, spend, visits)
              FROM loyalty_tier_figure
        ) lines (line)
        """
    )
    return env.cr.fetchall()


def measure(fill: Fill, name: str) -> tuple[float, float, float, float]:
    """Return the seconds of the first night and its floor, and of the next one."""
    env = fill.env
    floor = Floor(fill, name)
    first_floor = floor.run()
    expected = floor.close()
    first = time_night(fill)
    moved = env["loyalty.tier.change"].search_count([])
    if moved != expected:
        raise SystemExit(f"{moved:,} members moved, but {expected:,} in the floor.")
    fill.vacuum()
    next_floor = floor.run_next()
    floor.connection.close()
    following = time_night(fill)
    if env["loyalty.tier.change"].search_count([]) != expected:
        raise SystemExit("The next night moved members.")
    return first, first_floor, following, next_floor


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench tiers", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_tiers")
    parser.add_argument(
        "--members",
        type=int,
        default=100_000,
        metavar="N",
        help="members at the end, ten sales each (default: %(default)s)",
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    if options.members < SMALLEST:
        raise SystemExit(f"--members takes a number from {SMALLEST}")
    database.configure(options)
    if database.exists(options.database):
        database.drop(options.database)
    rows, costs, members = [], [], SMALLEST
    with database.environment(options.database, MODULES) as env:
        fill = Fill(env)
        while members <= options.members:
            fill.grow_to(members)
            if members == SMALLEST:
                prove_stopping(fill)
            times = measure(fill, options.database)
            print(f"{members:,} members in {times[0]:.1f} s", flush=True)
            for night, own, floor in (
                ("first", *times[:2]),
                ("next", *times[2:]),
            ):
                rows.append((members, night, own, floor))
            costs.append(tuple(time / members * MILLION for time in times))
            members *= 10
    print_table(
        ("members", "night", "seconds", "raw floor", "times", "s a million"),
        [
            (
                f"{count:,}",
                night,
                f"{own:.2f}",
                f"{floor:.2f}",
                f"{own / floor:.2f}",
                f"{own / count * MILLION:.1f}",
            )
            for count, night, own, floor in rows
        ],
    )
    finish("tiers", list(get_bars(costs)), options.check)


def get_bars(costs: list[tuple[float, float, float, float]]) -> Iterator[Bar]:
    """Judge the nights of the most members.

    :param costs: what ``measure`` returns, for a million members, by size
    """
    # The first one, which counts all there ever was, comes once for a scheme
    following = costs[-1][2]
    yield Bar(
        "next night, seconds a million members", following, SECONDS_A_MILLION, True
    )
    for place, night in ((0, "first"), (2, "next")):
        own, floor = costs[-1][place], costs[-1][place + 1]
        for what, value, limit in (
            (f"{night} night, times the raw floor", own / floor, RATIO),
            (
                f"{night} night, cost of a member against a tenth of them",
                own / costs[-2][place] if len(costs) > 1 else 1.0,
                GROWTH,
            ),
        ):
            yield Bar(what, value, limit, at_most=True)


if __name__ == "__main__":
    main()
