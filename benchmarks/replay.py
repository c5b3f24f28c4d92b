# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast past sales are replayed by other rules, next to reading their rows.

The real year is posted first, unless the database holds it already: that takes some
minutes, and is not timed. Then a replay with eleven more rules (categories, weekdays,
hours, the first purchase, limits) computes all of it twice, under today's rules and
under the draft rules, in committed batches as its jobs do; the queue itself is left
out. The floor is a plain cursor that reads the same columns of the same rows and does
nothing with them.
"""

import argparse
import time
from contextlib import closing
from unittest.mock import patch

import psycopg2

from odoo import api
from odoo.sql_db import connection_info_for

from benchmarks import database
from benchmarks.common import Bar, finish, print_table
from benchmarks.completejourney import BASKETS, Year
from benchmarks.import_year import Progress, YearImport, post_all, say

MODULES = ("loyalty_simulation",)
MILLION = 1_000_000
ROWS_AT_ONCE = 10_000
SECONDS_A_YEAR = 120
SECONDS_A_MILLION = 600
FLOOR_TIMES = 15
SALES = """
    SELECT id, date, member_id, company_id, store_id, channel_id, currency_id, payments,
           points_earned::text, wallet_cashback::text
      FROM loyalty_transaction WHERE scheme_id = %s ORDER BY date, id
"""
LINES = """
    SELECT line.transaction_id, line.external_id, line.amount_incl::text,
           line.quantity::text, line.product_id, line.category_id, line.eligible,
           line.is_reward, line.discount_incl::text
      FROM loyalty_transaction_line line
      JOIN loyalty_transaction sale ON sale.id = line.transaction_id
     WHERE sale.scheme_id = %s
"""


def read_rows(name: str, scheme_id: int) -> tuple[float, int]:
    """Read what a replay reads; return the seconds and the number of rows."""
    _name, info = connection_info_for(name)
    start, count = time.perf_counter(), 0
    with closing(psycopg2.connect(**info)) as connection:
        for number, query in enumerate((SALES, LINES)):
            with connection.cursor(f"rows{number}") as cursor:
                cursor.itersize = ROWS_AT_ONCE
                cursor.execute(query, (scheme_id,))
                while rows := cursor.fetchmany(ROWS_AT_ONCE):
                    count += len(rows)
    return time.perf_counter() - start, count


def get_rules(env: api.Environment, scheme):
    """Return the archived rules that are tried, made once."""
    rules = env["loyalty.earn.rule"].with_context(active_test=False)
    found = rules.search([("scheme_id", "=", scheme.id), ("active", "=", False)])
    if found:
        return found
    categories = env["product.category"].search([("parent_id", "=", False)], limit=8)
    values = [
        {
            "name": f"More on {category.name}",
            "effect": "multiplier" if number % 2 else "amount",
            "value": 2 if number % 2 else 1,
            "product_category_ids": category.ids,
        }
        for number, category in enumerate(categories)
    ]
    values += [
        {"name": "Tuesday", "effect": "receipt", "value": 5, "tue": 1, "cap_month": 15},
        {"name": "First purchase", "effect": "receipt", "value": 50, "purchase_to": 1},
        {
            "name": "Mornings",
            "has_hours": True,
            "hour_from": 7,
            "hour_to": 10,
            "cap_day": 20,
        },
    ]
    made = rules.create(
        [{**one, "scheme_id": scheme.id, "active": False} for one in values]
    )
    env.cr.commit()
    return made


def replay(env: api.Environment, scheme) -> tuple[float, object]:
    """Replay all sales; return the seconds and the replay."""
    dates = env["loyalty.transaction"]._read_group(
        [("scheme_id", "=", scheme.id)], aggregates=["date:min", "date:max"]
    )
    [(first, last)] = dates
    record = env["loyalty.earn.replay"].create(
        {
            "scheme_id": scheme.id,
            "date_from": first.date(),
            "date_to": last.date(),
            "added_rule_ids": get_rules(env, scheme).ids,
        }
    )
    env.cr.commit()
    start = time.perf_counter()
    record._begin()
    with patch.object(type(record), "_enqueue_batch"):
        while record.state == "running":
            record._run_batch(record.done_count)
            env.cr.commit()
            env.invalidate_all()
    seconds = time.perf_counter() - start
    if record.state != "done":
        raise SystemExit(f"The replay is {record.state}: {record.problem}")
    return seconds, record


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench replay", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_replay")
    parser.add_argument(
        "--baskets", type=int, metavar="N", help="only the first N baskets of the year"
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    database.configure(options)
    year = Year(options.baskets)
    with database.environment(options.database, MODULES) as env:
        importer = YearImport(env, year)
        importer.prepare()
        post_all(importer, tell=Progress(len(year)))
        least, rows = read_rows(options.database, importer.scheme.id)
        seconds, record = replay(env, importer.scheme)
        report(record, rows, least, seconds, options.check)


def report(record, rows: int, least: float, seconds: float, check: bool) -> None:
    baskets = record.total_count
    say("")
    print_table(
        (f"{baskets:,} baskets, {rows - baskets:,} lines", "seconds", "baskets/s"),
        [
            (
                "replay, by two sets of rules",
                f"{seconds:.1f}",
                f"{baskets / seconds:,.0f}",
            ),
            ("raw floor: reading the rows", f"{least:.1f}", f"{baskets / least:,.0f}"),
        ],
    )
    say(
        f"Points {record.points_before:,.0f} before, {record.points_after:,.0f} after;"
        f" {record.differing_count:,} sales differ by today's rules."
    )
    if record.differing_count:
        raise SystemExit("The replay does not give what the ledger gave.")
    each = seconds / baskets
    finish(
        "replay",
        [
            Bar(f"seconds for {BASKETS:,}", each * BASKETS, SECONDS_A_YEAR, True),
            Bar(f"seconds for {MILLION:,}", each * MILLION, SECONDS_A_MILLION, True),
            Bar("times the raw floor", seconds / least, FLOOR_TIMES, True),
        ],
        check,
    )


if __name__ == "__main__":
    main()
