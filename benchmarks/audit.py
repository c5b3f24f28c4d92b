# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long the audit takes as the ledger grows, next to the least that it must do.

The ledger is written by SQL, ten entries an account, of which every account's lie far
apart in the table, as they do where many members buy now and then. At each size the
whole audit is timed, and next to it one statement that only reads every entry and
computes its hash: nobody can verify the chain with less.
"""

import argparse
import time

from odoo import api
from odoo.tools import SQL

from benchmarks import database
from benchmarks.common import Bar, finish, print_table

MODULES = ("loyalty_ledger",)
ENTRIES_PER_ACCOUNT = 10
SMALLEST = 10_000
# How much dearer than its floor the largest audit may be, next to the one before
GROWTH = 1.5


def get_hash() -> str:
    """Return the SQL of the hash of an entry; Odoo finds the module when it runs."""
    from odoo.addons.loyalty_ledger.ledger.chain import SQL_ROW

    return f"encode(sha256(convert_to({SQL_ROW}, 'UTF8')), 'hex')"


class Fill:
    """Writes a ledger of a given size, whose books are in order."""

    def __init__(self, env: api.Environment):
        self.env = env
        self.scheme = env["loyalty.scheme"].create({"name": "Audit"})
        self.accounts = 0

    def grow_to(self, accounts: int) -> None:
        program = self.scheme.points_program_id
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO loyalty_card (program_id, company_id, code, active, points,
                                          ledger_managed, ledger_sequence, ledger_hash,
                                          ledger_pending, ledger_held)
                SELECT %(program)s, %(company)s, 'bench-' || number, TRUE, 0, TRUE, 0,
                       repeat('0', 64), 0, 0
                  FROM generate_series(%(first)s, %(last)s) AS number
                """,
                program=program.id,
                company=program.company_id.id or None,
                first=self.accounts + 1,
                last=accounts,
            )
        )
        self.accounts = accounts
        for place in range(1, ENTRIES_PER_ACCOUNT + 1):
            self._add_entries(place)
            self.env.cr.commit()
        # As autovacuum would have done by the night
        self.env.cr._cnx.autocommit = True
        self.env.cr.execute("VACUUM ANALYZE")
        self.env.cr._cnx.autocommit = False

    def _add_entries(self, place: int) -> None:
        """Give every account that lacks it its entry number ``place``, of 10 points."""
        self.env.cr.execute(
            SQL(
                f"""
                WITH row AS (
                    SELECT nextval('loyalty_ledger_entry_id_seq') AS id,
                           card.id AS account_id, %(scheme)s AS scheme_id,
                           %(place)s AS sequence, 'earn' AS kind, 10.0 AS amount,
                           0.0 AS pending, 10.0 AS requested, 0.0 AS shortfall,
                           %(place)s * 10.0 AS balance_after, 0.0 AS pending_after,
                           timestamp '2026-01-01' AS date, 'bench:' || %(place)s AS key,
                           NULL AS reason, NULL AS res_model,
                           NULL::int AS res_id, NULL::int AS transaction_id,
                           NULL::int AS source_transaction_id,
                           card.ledger_hash AS prev_hash
                      FROM loyalty_card card
                     WHERE card.ledger_sequence = %(place)s - 1
                       AND card.program_id = %(program)s
                ), entry AS (
                    INSERT INTO loyalty_ledger_entry (
                        id, account_id, scheme_id, sequence, kind, amount, pending,
                        requested, shortfall, balance_after, pending_after, date, key,
                        reason, res_model, res_id, transaction_id,
                        source_transaction_id, prev_hash, hash)
                    SELECT e.*, {get_hash()}
                      FROM row e
                    RETURNING id, account_id, scheme_id, amount, hash
                ), lot AS (
                    INSERT INTO loyalty_ledger_lot (
                        account_id, scheme_id, entry_id, amount, remaining, state)
                    SELECT account_id, scheme_id, id, amount, amount, 'available'
                      FROM entry
                    RETURNING id, entry_id, amount
                ), allocation AS (
                    INSERT INTO loyalty_ledger_allocation (entry_id, lot_id, amount)
                    SELECT entry_id, id, amount FROM lot
                )
                UPDATE loyalty_card card
                   SET points = %(place)s * 10, ledger_sequence = %(place)s,
                       ledger_hash = entry.hash
                  FROM entry WHERE entry.account_id = card.id
                """,
                scheme=self.scheme.id,
                program=self.scheme.points_program_id.id,
                place=place,
            )
        )


def time_floor(env: api.Environment) -> float:
    start = time.perf_counter()
    env.cr.execute(
        SQL(
            f"""
            SELECT count(*) FROM loyalty_ledger_entry e
             WHERE {get_hash()} <> e.hash
            """
        )
    )
    return time.perf_counter() - start


def time_audit(env: api.Environment) -> float:
    start = time.perf_counter()
    findings = env["loyalty.ledger"]._audit()
    seconds = time.perf_counter() - start
    if findings:
        raise SystemExit(f"The audit found fault with its own ledger: {findings[0]}")
    return seconds


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench audit", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_audit")
    parser.add_argument(
        "--entries",
        type=int,
        default=1_000_000,
        metavar="N",
        help="size of the largest ledger (default: %(default)s)",
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    if options.entries < SMALLEST:
        raise SystemExit(f"--entries takes a number from {SMALLEST}")
    database.configure(options)
    if database.exists(options.database):
        database.drop(options.database)
    rows, costs = [], []
    with database.environment(options.database, MODULES) as env:
        fill, size = Fill(env), SMALLEST
        while size <= options.entries:
            fill.grow_to(size // ENTRIES_PER_ACCOUNT)
            floor, seconds = time_floor(env), time_audit(env)
            costs.append(seconds / floor)
            rows.append(
                (
                    f"{size:,}",
                    f"{seconds:.2f}",
                    f"{floor:.2f}",
                    f"{floor / seconds:.2f}",
                    f"{seconds / size * 1e6:.1f}",
                )
            )
            print(f"{size:,} entries audited in {seconds:.1f} s", flush=True)
            size *= 10
    print_table(("entries", "audit s", "floor s", "ratio", "seconds a million"), rows)
    growth = costs[-1] / costs[-2] if len(costs) > 1 else 1.0
    finish(
        "audit",
        [
            Bar(
                "cost over the floor, against a tenth of the entries",
                growth,
                GROWTH,
                True,
            )
        ],
        options.check,
    )


if __name__ == "__main__":
    main()
