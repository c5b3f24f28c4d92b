# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long the night takes to look at the tiers of many members.

Each member has ten sales, far apart in the table as they are where many buy now and
then. The first night counts all of them, and gives a tier to every fourth member; the
second one proves the figures and finds nothing to do. The raw floor does what the first
night does by one statement a table: it groups the sales by member and month into a copy
of the table of figures, then writes the tier into a copy of the members and a line into
a copy of the history, with the same indexes and checks, but without ranges, commits or
rules.
"""

import argparse
import time

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
# How much dearer a member may be than where there is a tenth of them
GROWTH = 1.5
SILVER, GOLD = 200, 900
TABLES = ("loyalty_tier_figure", "loyalty_member", "loyalty_tier_change")


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
        self.members = 0
        env.cr.commit()

    def grow_to(self, members: int) -> None:
        """Add members, who have no tier yet, and take the tiers of the others."""
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
        for place in range(SALES_PER_MEMBER):
            self._add_sales(place)
            self.env.cr.commit()
        self.env.cr.execute("UPDATE loyalty_member SET tier_id = NULL")
        self.env.cr.execute("DELETE FROM loyalty_tier_change")
        self.env.cr.execute("DELETE FROM loyalty_tier_figure")
        self.env.cr.execute("DELETE FROM loyalty_tier_run")
        self.env.cr.commit()
        self.members = members
        # As autovacuum would have done by the night
        self.env.cr._cnx.autocommit = True
        self.env.cr.execute("VACUUM ANALYZE")
        self.env.cr._cnx.autocommit = False
        self.env.invalidate_all()

    def _add_sales(self, place: int) -> None:
        """Give every member who lacks it a sale in the month number ``place``."""
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
                     WHERE scheme_id = %(scheme)s
                  ) member
                 WHERE NOT EXISTS (
                       SELECT FROM loyalty_transaction sale
                        WHERE sale.channel_id = %(channel)s
                          AND sale.reference = member.id || '-' || %(place)s
                 )
                 ORDER BY id
                """,
                account=self.account.id,
                channel=self.channel.id,
                place=place,
                currency=self.scheme.currency_id.id,
                scheme=self.scheme.id,
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

    def close(self) -> int:
        """Remove the copies.

        :return: how many members have moved there
        """
        self.cursor.execute("SELECT count(*) FROM loyalty_tier_change_floor")
        count = self.cursor.fetchone()[0]
        for table in TABLES:
            self.cursor.execute(f"DROP TABLE {table}_floor CASCADE")
        self.connection.commit()
        self.connection.close()
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


def measure(fill: Fill, name: str, members: int) -> tuple[float, float, float]:
    """Return the seconds of the floor, of the first night and of the second."""
    env = fill.env
    fill.grow_to(members)
    floor = Floor(fill, name)
    least = floor.run()
    expected = floor.close()
    first = time_night(fill)
    moved = env["loyalty.tier.change"].search_count([])
    if moved != expected:
        raise SystemExit(f"{moved:,} members moved, but {expected:,} in the floor.")
    second = time_night(fill)
    if env["loyalty.tier.change"].search_count([]) != expected:
        raise SystemExit("The second night moved members.")
    return least, first, second


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
            least, first, second = measure(fill, options.database, members)
            costs.append(first / members)
            print(f"{members:,} members in {first:.1f} s", flush=True)
            rows.append(
                (
                    f"{members:,}",
                    f"{first:.2f}",
                    f"{second:.2f}",
                    f"{least:.2f}",
                    f"{first / least:.2f}",
                    f"{first / members * MILLION:.1f}",
                )
            )
            members *= 10
    print_table(
        ("members", "night s", "next s", "floor s", "times", "s a million"), rows
    )
    finish(
        "tiers",
        [
            Bar("times the raw floor", first / least, RATIO, at_most=True),
            Bar(
                "seconds a million members",
                costs[-1] * MILLION,
                SECONDS_A_MILLION,
                at_most=True,
            ),
            Bar(
                "cost of a member, against a tenth of them",
                costs[-1] / costs[-2] if len(costs) > 1 else 1.0,
                GROWTH,
                at_most=True,
            ),
        ],
        options.check,
    )


if __name__ == "__main__":
    main()
