# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How fast the earning engine computes, and what a quote costs a client.

* The core on one processor: baskets of one to a hundred lines against one to a hundred
  rules (see ``engine_mix.py``), and baskets of the real grocery year. Every basket is
  computed as for a sale: its points and what each line gets; then once more with the
  explanation. The bars say that ten times the rules, or twenty times the lines, cost
  no more than ten or twenty times as much; the times are information.
* A quote of five lines for a member, under thirty rules, asked for over HTTP by a till
  and by an outside system, next to an empty call of the same server; the three are
  timed in turn, on one connection that stays open, in several rounds.

What the core needs is the best of several rounds for every few baskets, and the quotes
that count are those of the quickest round, so that it is not the other work of the
machine that is timed.
"""

import argparse
import http.client
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.fields import Command

from benchmarks import database
from benchmarks.common import Bar, finish, print_table
from benchmarks.engine_mix import Mix
from benchmarks.faults import HOST, Server
from benchmarks.pos import MANAGED, Till

MODULES = ("loyalty_pos_bridge",)
BASKETS = 1000
REAL_BASKETS = 2000
TOGETHER = 10
ROUNDS = 10
LINES, RULES = 5, 30
FEW_RULES, MANY_LINES = 3, 100
SIZES = (
    (1, RULES),
    (LINES, FEW_RULES),
    (LINES, RULES),
    (LINES, 100),
    (20, RULES),
    (MANY_LINES, RULES),
    (MANY_LINES, 100),
)
QUOTES = 60
QUOTE_ROUNDS = 8
WARM_UP = 20
EMPTY = "an empty call"


def time_each(baskets: Sequence, compute: Callable, rounds: int = ROUNDS) -> float:
    """Return the seconds of processor that a basket takes."""
    parts = [baskets[i : i + TOGETHER] for i in range(0, len(baskets), TOGETHER)]
    best = [float("inf")] * len(parts)
    for _round in range(rounds):
        for number, part in enumerate(parts):
            start = time.process_time()
            for basket in part:
                compute(basket)
            best[number] = min(best[number], time.process_time() - start)
    return sum(best) / len(baskets)


class Core:
    """Times the engine, and keeps a row of the table for each measurement."""

    def __init__(self, engine):
        self.evaluate = engine.evaluate
        self.mix = Mix(engine)
        self.rows = []

    def measure(self, name: str, baskets: Sequence, count: int) -> float:
        """Return the seconds that a basket takes under ``count`` rules, with lines."""
        rules = self.mix.make_rules(count)
        evaluate = self.evaluate
        given = statistics.mean(
            len(evaluate(basket, rules).given) for basket in baskets
        )
        points = time_each(baskets, lambda basket: evaluate(basket, rules))
        sale = time_each(baskets, lambda basket: _compute(evaluate, basket, rules))
        told = time_each(baskets, lambda basket: evaluate(basket, rules).trace, 3)
        lines = statistics.mean(len(basket.lines) for basket in baskets)
        self.rows.append(
            (
                name,
                f"{lines:.1f}",
                count,
                f"{given:.1f}",
                *(f"{1 / seconds:,.0f}" for seconds in (points, sale, told)),
                f"{sale * 1e6:.1f}",
            )
        )
        return sale

    def print_table(self):
        print_table(
            (
                "baskets",
                "lines",
                "rules",
                "that give",
                "points/s",
                "with lines/s",
                "explained/s",
                "µs with lines",
            ),
            self.rows,
        )


def _compute(evaluate, basket, rules):
    result = evaluate(basket, rules)
    return result.points, result.lines, result.wallet, result.wallet_lines


def time_core(real_baskets: int) -> list[Bar]:
    # Here, because Odoo finds the suite's addons only after it was configured
    from odoo.addons.loyalty_ledger import engine

    core = Core(engine)
    seconds = {}
    for lines, rules in SIZES:
        count = BASKETS * LINES // max(lines, LINES)
        baskets = core.mix.make_baskets(count, lines)
        seconds[lines, rules] = core.measure("made up", baskets, rules)
    baskets = list(core.mix.make_real_baskets(real_baskets))
    core.measure("the real year's", baskets, RULES)
    core.print_table()
    usual = seconds[LINES, RULES]
    return [
        Bar(
            f"{LINES} lines: cost of {RULES} rules, times that of {FEW_RULES}",
            usual / seconds[LINES, FEW_RULES],
            RULES / FEW_RULES,
            True,
        ),
        Bar(
            f"{RULES} rules: cost of {MANY_LINES} lines, times that of {LINES}",
            seconds[MANY_LINES, RULES] / usual,
            MANY_LINES / LINES,
            True,
        ),
    ]


class Client:
    """An outside client with one connection that stays open."""

    def __init__(self, server: Server):
        self.connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
        self.cookie = server.cookie

    def call(self, model: str, method: str, *args: object) -> tuple[object, float]:
        """Return the answer and the seconds it took."""
        # As web clients and tills send it with every call
        context = {"lang": "en_US", "tz": "UTC", "allowed_company_ids": [1]}
        kwargs = {"context": context}
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params})
        headers = {"Content-Type": "application/json", "Cookie": self.cookie}
        path = f"/web/dataset/call_kw/{model}/{method}"
        start = time.perf_counter()
        self.connection.request("POST", path, body, headers)
        answer = json.loads(self.connection.getresponse().read())
        seconds = time.perf_counter() - start
        if "error" in answer:
            raise SystemExit(answer["error"]["data"]["message"])
        return answer["result"], seconds

    def close(self):
        self.connection.close()


def prepare_till(options: argparse.Namespace) -> Till:
    """Open a register whose scheme has thirty rules."""
    registry = database.get_registry(options.database, MODULES)
    till = Till(registry, MANAGED)
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        scheme = env["loyalty.program"].browse(till.program_id).scheme_id
        till.scheme_id = scheme.id
        till.numbers = {
            member.partner_id.id: member.number
            for member in env["loyalty.member"].search([("scheme_id", "=", scheme.id)])
        }
        category = env["product.category"].create({"name": "Goods"})
        env["product.product"].browse(till.product_ids[:2]).categ_id = category
        env["loyalty.earn.rule"].create(
            [
                _prepare_rule(scheme.id, category.id, number)
                for number in range(RULES - 1)
            ]
        )
    return till


def _prepare_rule(scheme_id, category_id, number):
    """Return a rule of the scheme; of six rules four give on the basket."""
    kinds = (
        {
            "effect": "amount",
            "value": 0.5,
            "product_category_ids": [Command.set([category_id])],
        },
        {"effect": "receipt", "value": 5, "minimum_amount": 20 + number},
        {"effect": "multiplier", "value": 1.1, "best_of": "multiplier"},
        {"effect": "unit", "value": 1, "cap_day": 1000},
        {"effect": "amount", "value": 1, "mon": True, "date_to": "2020-12-31"},
        {"effect": "receipt", "value": 9, "minimum_amount": 5000},
    )
    return {
        "scheme_id": scheme_id,
        "name": f"Rule {number}",
        **kinds[number % len(kinds)],
    }


def time_quotes(options: argparse.Namespace) -> list[Bar]:
    till = prepare_till(options)
    calls = {
        "a till's quote": lambda number: (
            "pos.config",
            "loyalty_quote",
            [till.config_id],
            _prepare_order(till, number),
        ),
        "an outside system's quote": lambda number: (
            "loyalty.scheme",
            "quote",
            [till.scheme_id],
            _prepare_purchase(till, number),
        ),
        EMPTY: lambda _number: ("res.users", "context_get"),
    }
    rounds = []
    settings = ["-c", options.config] if options.config else []
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(options.database, 0, Path(folder), settings) as server,
        closing(Client(server)) as client,
    ):
        _call_in_turn(client, calls, WARM_UP)
        for _round in range(QUOTE_ROUNDS):
            load = os.getloadavg()[0]
            spent = _call_in_turn(client, calls, QUOTES)
            medians = {
                name: statistics.median(seconds) * 1e3
                for name, seconds in spent.items()
            }
            rounds.append((medians, load))
    print_table(
        ("median ms over HTTP", *calls, "load of the machine"),
        [
            (
                f"round {number}",
                *(f"{median:.2f}" for median in medians.values()),
                f"{load:.1f} on {os.cpu_count()} cores",
            )
            for number, (medians, load) in enumerate(rounds, start=1)
        ],
    )
    medians, _load = min(rounds, key=lambda each: sum(each[0].values()))
    empty = medians.pop(EMPTY)
    return [
        Bar(f"ms that {name} takes more than {EMPTY}", median - empty, 10, True)
        for name, median in medians.items()
    ]


def _call_in_turn(client, calls, count):
    """Return the seconds that each call took, by its name."""
    spent = {name: [] for name in calls}
    for number in range(count):
        answers = {}
        for name, prepare in calls.items():
            answers[name], seconds = client.call(*prepare(number))
            spent[name].append(seconds)
        _check_answers(answers)
    return spent


def _check_answers(answers):
    """Make sure that both quotes are about the same, and that something is earned."""
    till, system, _empty = answers.values()
    points = till[-1]["points"]
    if not points > 0 or system["points"] != points:
        raise SystemExit(f"The quotes do not agree: {till[-1]}, {system}")


def _prepare_order(till, number):
    partner_id, _card_id = till.cards[number % len(till.cards)]
    return {
        "uuid": f"quote-{number}",
        "partner_id": partner_id,
        "lines": [
            {
                **till._prepare_line(
                    till.product_ids[line % len(till.product_ids)], 10 + line
                ),
                "tax_ids": [],
            }
            for line in range(LINES)
        ],
    }


def _prepare_purchase(till, number):
    """Return the same purchase as an outside system describes it."""
    partner_id, _card_id = till.cards[number % len(till.cards)]
    return {
        "member": till.numbers[partner_id],
        "channel": "pos",
        "lines": [
            {
                "product": till.product_ids[line % len(till.product_ids)],
                "amount": 10 + line,
            }
            for line in range(LINES)
        ],
    }


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench engine", description=__doc__)
    database.add_arguments(parser, default="loyalty_bench_engine")
    parser.add_argument(
        "--baskets",
        type=int,
        default=REAL_BASKETS,
        metavar="N",
        help="baskets of the real year (default: %(default)s)",
    )
    parser.add_argument(
        "--core", action="store_true", help="only the core, without a database"
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    database.configure(options)
    bars = time_core(options.baskets)
    if not options.core:
        bars += time_quotes(options)
    finish("engine", bars, options.check)


if __name__ == "__main__":
    main()
