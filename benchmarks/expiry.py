# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long the night takes to expire many points, next to the least that it must write.

All lots of a ledger have ended, ten an account. The nightly job expires them as it
always does: accounts locked in batches, what is on hold left alone, one entry an
account sealed into its chain, each batch committed. The raw floor has copies of the
tables with their indexes, checks and foreign keys. One statement empties the lots there
(``UPDATE … RETURNING``) and inserts as many entries and allocations, with no lock, no
order, no chain and no balance.
"""

import argparse
import datetime as dt
import time

from odoo import api

from benchmarks import database
from benchmarks.audit import ENTRIES_PER_ACCOUNT, MODULES, Fill
from benchmarks.common import Bar, finish, print_table
from benchmarks.load import Floor

RATIO = 3.0
SMALLEST = 10_000
LAST_DAY = dt.date(2026, 1, 31)
TABLES = ("loyalty_ledger_entry", "loyalty_ledger_lot", "loyalty_ledger_allocation")


class ExpiryFloor(Floor):
    """Expires the same lots by the plainest means."""

    def __init__(self, database: str):
        super().__init__(database, "_floor", foreign_keys=True)
        self.add_accounts()
        for table in TABLES:
            self.cursor.execute(
                f"INSERT INTO {table}{self.twin} SELECT * FROM {table} ORDER BY id"
            )
        self.connection.commit()
        self.connection.autocommit = True
        for table in TABLES:
            self.cursor.execute(f"VACUUM ANALYZE {table}{self.twin}")
        self.connection.autocommit = False

    def expire(self) -> tuple[int, float]:
        """Return the number of lots, and the seconds."""
        start = time.perf_counter()
        self.cursor.execute(
            """
            WITH taken AS (
                UPDATE loyalty_ledger_lot_floor SET remaining = 0
                 WHERE remaining > 0 AND state = 'available' AND expiry_date < %s
                RETURNING account_id, scheme_id, id, amount
            ), entry AS (
                INSERT INTO loyalty_ledger_entry_floor (
                    account_id, scheme_id, sequence, kind, amount, pending, requested,
                    shortfall, balance_after, pending_after, date, key, prev_hash, hash)
                SELECT account_id, scheme_id, 0, 'expire', -sum(amount), 0, sum(amount),
                       0, 0, 0, now(), 'floor', repeat('0', 64), repeat('0', 64)
                  FROM taken GROUP BY account_id, scheme_id
                RETURNING id, account_id
            )
            INSERT INTO loyalty_ledger_allocation_floor (entry_id, lot_id, amount)
            SELECT entry.id, taken.id, -taken.amount
              FROM taken JOIN entry ON entry.account_id = taken.account_id
            """,
            (LAST_DAY + dt.timedelta(days=1),),
        )
        count = self.cursor.rowcount
        self.connection.commit()
        return count, time.perf_counter() - start


def end_all_lots(env: api.Environment) -> None:
    env.cr.execute(
        "UPDATE loyalty_ledger_lot SET expiry_date = %s WHERE remaining > 0",
        (LAST_DAY,),
    )
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr.execute("VACUUM ANALYZE loyalty_ledger_lot")
    env.cr._cnx.autocommit = False


def time_job(env: api.Environment) -> float:
    start = time.perf_counter()
    env["loyalty.ledger.due"]._expire(LAST_DAY + dt.timedelta(days=1))
    env.cr.commit()
    return time.perf_counter() - start


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench expiry", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_expiry")
    parser.add_argument(
        "--lots",
        type=int,
        default=1_000_000,
        metavar="N",
        help="lots to expire at the end (default: %(default)s)",
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def measure(fill: Fill, name: str, size: int) -> tuple[float, float]:
    """Expire ``size`` lots of new accounts; return the seconds of floor and job."""
    env = fill.env
    fill.grow_to(fill.accounts + size // ENTRIES_PER_ACCOUNT)
    end_all_lots(env)
    floor = ExpiryFloor(name)
    count, least = floor.expire()
    floor.close()
    seconds = time_job(env)
    if count != size or env["loyalty.ledger.lot"].search_count([("remaining", ">", 0)]):
        raise SystemExit(f"{count:,} of {size:,} lots expired in the floor.")
    return least, seconds


def main() -> None:
    options = get_parser().parse_args()
    if options.lots < SMALLEST:
        raise SystemExit(f"--lots takes a number from {SMALLEST}")
    database.configure(options)
    if database.exists(options.database):
        database.drop(options.database)
    rows, size = [], SMALLEST
    with database.environment(options.database, MODULES) as env:
        fill = Fill(env)
        while size <= options.lots:
            least, seconds = measure(fill, options.database, size)
            print(f"{size:,} lots expired in {seconds:.1f} s", flush=True)
            rows.append(
                (
                    f"{size:,}",
                    f"{seconds:.2f}",
                    f"{least:.2f}",
                    f"{seconds / least:.2f}",
                    f"{size / seconds:,.0f}",
                )
            )
            size *= 10
        findings = env["loyalty.ledger"]._audit()
    if findings:
        raise SystemExit(f"The audit found a fault: {findings[0]}")
    print_table(("lots", "night s", "floor s", "times", "lots/s"), rows)
    finish(
        "expiry",
        [Bar("times the raw floor", seconds / least, RATIO, at_most=True)],
        options.check,
    )


if __name__ == "__main__":
    main()
