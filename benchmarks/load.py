# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast sales from outside are posted, next to the least that PostgreSQL needs.

After each batch that the transaction service has posted, the very rows that it wrote
are copied by ``COPY`` into twins of the tables with the same columns, checks, indexes
and foreign keys, the balances of the accounts are written by one statement, and that is
committed: the raw floor. A second set of twins has no foreign keys; it is information.
All are timed batch by batch in turn, so that whatever else the machine does slows them
down alike. Creating the members, products and stores is not part of any.

Odoo itself has no counterpart to measure: its loyalty knows no sale but its own orders.
"""

import argparse
import io
import re
import time
from collections.abc import Sequence

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tools import split_every

from benchmarks import database
from benchmarks.common import Bar, finish, print_table
from benchmarks.completejourney import Year
from benchmarks.import_year import BASKETS_AT_ONCE, MODULES, Progress, YearImport, say

RATIO = 0.35
# In the order in which a writer has to fill them
TABLES = (
    "loyalty_transaction",
    "loyalty_transaction_line",
    "loyalty_ledger_entry",
    "loyalty_ledger_lot",
    "loyalty_ledger_allocation",
)
ACCOUNTS = "loyalty_card"


class Floor:
    """Writes again, by the plainest means, what the service has written.

    :param database: its name
    :param twin: what the names of the twins of the tables end with
    :param foreign_keys: whether the twins have them
    """

    def __init__(self, database: str, twin: str, foreign_keys: bool):
        _name, info = connection_info_for(database)
        self.connection = psycopg2.connect(**info)
        self.cursor = self.connection.cursor()
        self.twin = twin
        self.last = dict.fromkeys(TABLES, 0)
        self.rows = dict.fromkeys((*TABLES, ACCOUNTS), 0)
        self.seconds = dict.fromkeys((*TABLES, ACCOUNTS, "commit"), 0.0)
        for table in (*TABLES, ACCOUNTS):
            self.cursor.execute(
                f"CREATE TABLE {table}{twin} (LIKE {table} INCLUDING ALL)"
            )
        if foreign_keys:
            self._add_foreign_keys()
        for table in TABLES:
            self.last[table] = self._read_last(table)
        self.connection.commit()

    def _add_foreign_keys(self) -> None:
        """Give the twins the foreign keys of the tables, to twins where there are."""
        names = "|".join((*TABLES, ACCOUNTS))
        self.cursor.execute(
            """
            SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
              FROM pg_constraint
             WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)
            """,
            ([*TABLES, ACCOUNTS],),
        )
        for table, definition in self.cursor.fetchall():
            definition = re.sub(
                rf"REFERENCES ({names})\(", rf"REFERENCES \1{self.twin}(", definition
            )
            self.cursor.execute(f"ALTER TABLE {table}{self.twin} ADD {definition}")

    def _read_last(self, table: str) -> int:
        self.cursor.execute(f"SELECT COALESCE(max(id), 0) FROM {table}")
        return self.cursor.fetchone()[0]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def add_accounts(self) -> None:
        """Give the floor the accounts that it lacks; they are not timed."""
        self.cursor.execute(
            f"INSERT INTO {ACCOUNTS}{self.twin} SELECT * FROM {ACCOUNTS} "
            "ON CONFLICT (id) DO NOTHING"
        )
        self.connection.commit()

    def repeat(self) -> None:
        """Write the rows that came since the last call, and the balances after them."""
        self.add_accounts()
        copies = [(table, self._read(table)) for table in TABLES]
        balances = self._read_balances(self.last["loyalty_ledger_entry"])
        for table, data in copies:
            start = time.perf_counter()
            self.cursor.copy_expert(f"COPY {table}{self.twin} FROM STDIN", data)
            self.seconds[table] += time.perf_counter() - start
            self.rows[table] += self.cursor.rowcount
            self.last[table] = self._read_last(table)
        start = time.perf_counter()
        self._update_accounts(balances)
        self.seconds[ACCOUNTS] += time.perf_counter() - start
        self.rows[ACCOUNTS] += len(balances)
        start = time.perf_counter()
        self.connection.commit()
        self.seconds["commit"] += time.perf_counter() - start

    def _read(self, table: str) -> io.BytesIO:
        data = io.BytesIO()
        query = f"SELECT * FROM {table} WHERE id > {self.last[table]:d} ORDER BY id"
        self.cursor.copy_expert(f"COPY ({query}) TO STDOUT", data)
        data.seek(0)
        return data

    def _read_balances(self, after: int) -> list[tuple]:
        self.cursor.execute(
            """
            SELECT DISTINCT ON (account_id)
                   account_id, balance_after, pending_after, sequence, hash
              FROM loyalty_ledger_entry WHERE id > %s
             ORDER BY account_id, id DESC
            """,
            (after,),
        )
        return self.cursor.fetchall()

    def _update_accounts(self, balances: Sequence[tuple]) -> None:
        if not balances:
            return
        self.cursor.execute(
            f"""
            UPDATE {ACCOUNTS}{self.twin} account
               SET points = new.points, ledger_pending = new.pending,
                   ledger_sequence = new.sequence, ledger_hash = new.hash
              FROM UNNEST(%s::int[], %s::numeric[], %s::numeric[], %s::int[],
                          %s::varchar[]) AS new (id, points, pending, sequence, hash)
             WHERE account.id = new.id
            """,
            [list(column) for column in zip(*balances, strict=True)],
        )

    def close(self) -> None:
        for table in (*TABLES, ACCOUNTS):
            self.cursor.execute(f"DROP TABLE {table}{self.twin} CASCADE")
        self.connection.commit()
        self.connection.close()


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench load", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_load")
    parser.add_argument(
        "--baskets", type=int, metavar="N", help="only the first N baskets of the year"
    )
    parser.add_argument(
        "--batch",
        type=int,
        default=BASKETS_AT_ONCE,
        metavar="N",
        help="baskets a commit",
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    database.configure(options)
    if database.exists(options.database):
        database.drop(options.database)
    year = Year(options.baskets)
    with database.environment(options.database, MODULES) as env:
        importer = YearImport(env, year)
        importer.prepare()
        floors = [
            Floor(options.database, "_floor", foreign_keys=True),
            Floor(options.database, "_bare", foreign_keys=False),
        ]
        seconds = run(importer, floors, options.batch)
        for floor in floors:
            floor.close()
    report(year, *floors, seconds, options.check)


def run(importer: YearImport, floors: Sequence[Floor], at_once: int) -> float:
    """Post the whole year, each batch followed by its floors.

    :return: the seconds that the service took
    """
    seconds, done, tell = 0.0, 0, Progress(len(importer.year))
    for baskets in split_every(at_once, importer.year.baskets()):
        start = time.perf_counter()
        importer.post(baskets)
        seconds += time.perf_counter() - start
        for floor in floors:
            floor.repeat()
        done += len(baskets)
        tell(done, done / seconds)
    return seconds


def report(year: Year, floor: Floor, bare: Floor, seconds: float, check: bool) -> None:
    say("")
    print_table(
        ("raw floor", "rows", "seconds", "without foreign keys"),
        [
            (
                what,
                f"{floor.rows.get(what, 0):,}",
                f"{spent:.2f}",
                f"{bare.seconds[what]:.2f}",
            )
            for what, spent in floor.seconds.items()
        ],
    )
    say("")
    print_table(
        (f"{len(year):,} baskets", "seconds", "baskets/s", "lines/s", "ratio"),
        [
            (
                name,
                f"{spent:.1f}",
                f"{len(year) / spent:,.0f}",
                f"{year.line_count / spent:,.0f}",
                f"{spent / seconds:.3f}",
            )
            for name, spent in (
                ("transaction service", seconds),
                ("raw floor", floor.total),
                ("raw floor without foreign keys", bare.total),
            )
        ],
    )
    finish("load", [Bar("ratio to the raw floor", floor.total / seconds, RATIO)], check)


if __name__ == "__main__":
    main()
