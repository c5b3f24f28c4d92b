# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast the ledger moves, reads, expires and proves points.

* Posting: movements in batches of a thousand, next to the same rows copied into twins
  of the tables with the same indexes and foreign keys (see ``load.py``), and next to
  what Odoo does for each of them: ``points +=`` and a row of history.
* One redemption, committed: next to the same of Odoo.
* What a page shows of an account with ten thousand entries.
* The night: lots that expire, next to the raw statement (see ``expiry.py``).
* The audit of a growing ledger (see ``audit.py``).
"""

import argparse
import statistics
import time
from decimal import Decimal

from odoo import api

from benchmarks import audit, database, expiry
from benchmarks.common import Bar, finish, print_table
from benchmarks.load import Floor

MODULES = ("loyalty_ledger",)
BATCH = 1000
ACCOUNTS = 2000
SMALLEST = 10_000
NATIVE_MOVES = 1000
REDEMPTIONS = 200
LONG = 10_000
READS = 50


class Bench:
    """A scheme with members, and a native program with as many cards."""

    def __init__(self, env: api.Environment):
        from odoo.addons.loyalty_ledger.ledger.move import Move, Op

        self.env, self.Move, self.Op = env, Move, Op
        self.ledger = env["loyalty.ledger"]
        scheme = env["loyalty.scheme"].create({"name": "Posting"})
        partners = env["res.partner"].create(
            [{"name": f"Member {number}"} for number in range(ACCOUNTS)]
        )
        self.accounts = env["loyalty.card"]._open_accounts(
            scheme.points_program_id, partners
        )
        native = env["loyalty.program"].create(
            {"name": "Native", "program_type": "loyalty", "applies_on": "both"}
        )
        self.cards = env["loyalty.card"].create(
            [
                {"program_id": native.id, "partner_id": partner.id, "points": 10_000}
                for partner in partners
            ]
        )
        self.posted = 0
        env.cr.commit()

    def post(self) -> float:
        """Post a batch of movements, one in four a debit; return the seconds."""
        moves = [self._get_move(self.posted + number) for number in range(BATCH)]
        self.posted += BATCH
        start = time.perf_counter()
        self.ledger._post(moves)
        self.env.cr.commit()
        return time.perf_counter() - start

    def _get_move(self, number):
        takes = number % 4 == 3
        return self.Move(
            # The debit of an account follows the credit of the same batch
            account_id=self.accounts[(number - takes) % ACCOUNTS].id,
            key=f"bench:{number}",
            kind="redeem" if takes else "earn",
            op=self.Op.DEBIT if takes else self.Op.CREDIT,
            points=Decimal(5 if takes else 10),
        )

    def post_native(self, count: int) -> float:
        """Return the seconds that Odoo takes for as many movements."""
        start = time.perf_counter()
        for number in range(count):
            self._move_native(self.cards[number % ACCOUNTS], 10)
            if number % BATCH == BATCH - 1:
                self.env.cr.commit()
        self.env.cr.commit()
        return time.perf_counter() - start

    def _move_native(self, card, points):
        card.points += points
        self.env["loyalty.history"].create(
            {
                "card_id": card.id,
                "description": "Order",
                "used": max(-points, 0),
                "issued": max(points, 0),
            }
        )

    def redeem(self) -> tuple[float, float, int]:
        """Return the median seconds of one redemption, ours and Odoo's, and our
        number of queries; both are timed in turn.
        """
        ours, native, queries = [], [], 0
        self._give_points(self.accounts[:REDEMPTIONS], "start")
        for number in range(REDEMPTIONS):
            account, card = self.accounts[number], self.cards[number]
            self.env.invalidate_all()
            start, before = time.perf_counter(), self.env.cr.sql_log_count
            self.ledger._post(
                [
                    self.Move(
                        account_id=account.id,
                        key=f"redeem:{number}",
                        kind="redeem",
                        op=self.Op.DEBIT,
                        points=Decimal(1),
                    )
                ]
            )
            self.env.flush_all()
            queries = max(queries, self.env.cr.sql_log_count - before)
            self.env.cr.commit()
            ours.append(time.perf_counter() - start)
            self.env.invalidate_all()
            start = time.perf_counter()
            self._move_native(card, -1)
            self.env.cr.commit()
            native.append(time.perf_counter() - start)
        return statistics.median(ours), statistics.median(native), queries

    def _give_points(self, accounts, key):
        self.ledger._post(
            self.Move(
                account_id=account.id,
                key=f"{key}:{number}",
                kind="earn",
                op=self.Op.CREDIT,
                points=Decimal(10),
            )
            for number, account in enumerate(accounts)
        )
        self.env.cr.commit()

    def read(self) -> float:
        """Return the median seconds to read balance and last 20 entries of an account
        with many, as its page does.
        """
        account = self.accounts[-1]
        for number in range(LONG // BATCH):
            self._give_points([account] * BATCH, f"long:{number}")
        seconds = []
        for _time in range(READS):
            self.env.invalidate_all()
            start = time.perf_counter()
            account.read(["points", "ledger_pending"])
            self.env["loyalty.ledger.entry"].search_read(
                [("account_id", "=", account.id)],
                ["date", "kind", "amount", "balance_after"],
                order="sequence desc",
                limit=20,
            )
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)


def time_posting(bench: Bench, name: str, largest: int) -> list[Bar]:
    native = bench.post_native(NATIVE_MOVES) / NATIVE_MOVES
    floor = Floor(name, "_floor", foreign_keys=True)
    rows, size = [], SMALLEST
    while size <= largest:
        fresh, before, seconds = size - bench.posted, floor.total, 0.0
        while bench.posted < size:
            seconds += bench.post()
            floor.repeat()
        ours, least = seconds / fresh, (floor.total - before) / fresh
        rows.append(
            (
                f"{size:,}",
                f"{1 / ours:,.0f}",
                f"{1 / least:,.0f}",
                f"{least / ours:.3f}",
                f"{native / ours:.1f}",
            )
        )
        print(f"{size:,} movements posted", flush=True)
        size *= 10
    floor.close()
    print_table(
        ("movements", "a second", "floor", "ratio", "times native"),
        rows,
    )
    return [
        Bar("posting, ratio to the raw floor", least / ours, 0.35),
        Bar("posting, times Odoo's own", native / ours, 10),
    ]


def time_one(bench: Bench) -> list[Bar]:
    ours, native, queries = bench.redeem()
    reading = bench.read()
    print_table(
        ("one at a time", "ms"),
        [
            ("redemption", f"{ours * 1e3:.2f}"),
            ("redemption, Odoo's own", f"{native * 1e3:.2f}"),
            (f"balance and 20 of {LONG:,} entries", f"{reading * 1e3:.2f}"),
        ],
    )
    return [
        Bar("redemption, queries", queries, 12, at_most=True),
        Bar("redemption, against Odoo's own", ours / native, 1.0, at_most=True),
        Bar(f"ms to read an account of {LONG:,} entries", reading * 1e3, 5, True),
    ]


def time_expiry(options) -> list[Bar]:
    name = f"{options.database}_expiry"
    rows, size = [], SMALLEST
    start_anew(name)
    with database.environment(name, MODULES) as env:
        fill = audit.Fill(env)
        while size <= options.size:
            least, seconds = expiry.measure(fill, name, size)
            rows.append(
                (
                    f"{size:,}",
                    f"{seconds:.2f}",
                    f"{least:.2f}",
                    f"{seconds / least:.2f}",
                )
            )
            print(f"{size:,} lots expired", flush=True)
            size *= 10
    print_table(("lots", "night s", "floor s", "times"), rows)
    return [Bar("expiry, times the raw statement", seconds / least, expiry.RATIO, True)]


def time_audits(options) -> list[Bar]:
    name = f"{options.database}_audit"
    rows, costs, size = [], [], SMALLEST
    start_anew(name)
    with database.environment(name, MODULES) as env:
        fill = audit.Fill(env)
        while size <= (options.entries or options.size):
            fill.grow_to(size // audit.ENTRIES_PER_ACCOUNT)
            seconds = audit.time_audit(env)
            costs.append(seconds / size)
            rows.append((f"{size:,}", f"{seconds:.2f}", f"{costs[-1] * 1e6:.1f}"))
            print(f"{size:,} entries audited", flush=True)
            size *= 10
    print_table(("entries", "audit s", "s a million"), rows)
    growth = costs[-1] / costs[-2] if len(costs) > 1 else 1.0
    return [Bar("audit, cost of an entry against a tenth of them", growth, 1.5, True)]


def start_anew(name: str) -> None:
    if database.exists(name):
        database.drop(name)


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench ledger", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_ledger")
    parser.add_argument(
        "--size",
        type=int,
        default=1_000_000,
        metavar="N",
        help="movements, lots and entries at the end (default: %(default)s)",
    )
    parser.add_argument(
        "--entries", type=int, metavar="N", help="entries of the audit, if not as many"
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    if options.size < SMALLEST:
        raise SystemExit(f"--size takes a number from {SMALLEST}")
    database.configure(options)
    start_anew(options.database)
    with database.environment(options.database, MODULES) as env:
        bench = Bench(env)
        bars = time_posting(bench, options.database, options.size)
        bars += time_one(bench)
        findings = env["loyalty.ledger"]._audit()
    if findings:
        raise SystemExit(f"The audit found a fault: {findings[0]}")
    bars += time_expiry(options) + time_audits(options)
    finish("ledger", bars, options.check)


if __name__ == "__main__":
    main()
