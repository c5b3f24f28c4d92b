# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the engine has to compute, as data: ``vectors/*.json``.

A vector has rules, lines and what is expected of them; amounts are text. Whoever
writes another engine, or another client, can check it by the same files.
"""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

from odoo.tests import BaseCase, tagged

from ..engine import (
    Basket,
    BasketLine,
    Cap,
    Conditions,
    Effect,
    Event,
    Facts,
    Operator,
    PayloadTest,
    Period,
    Policy,
    Product,
    Rule,
    RuleSet,
    Target,
    evaluate,
    evaluate_event,
    reverse,
)

FOLDER = Path(__file__).parent / "vectors"
SETS = {"channels", "stores", "tiers", "segments", "payments", "categories"}
SETS |= {"products", "tags", "weekdays", "domains"}
NUMBERS = {"minimum_quantity", "minimum_amount", "minimum_points", "balance", "step"}
NUMBERS |= {"wallet_step", "value", "per", "amount", "quantity", "discount"}


def load(name):
    vectors = json.loads((FOLDER / f"{name}.json").read_text())["vectors"]
    return [(vector["name"], vector) for vector in vectors]


def read(values):
    """Turn the values of a vector into those that the engine takes."""
    result = {}
    for name, value in values.items():
        if name in SETS:
            value = frozenset(value)
        elif name in NUMBERS:
            value = Decimal(value)
        elif name in ("date_from", "date_to"):
            value = dt.date.fromisoformat(value)
        elif name == "moment":
            value = dt.datetime.fromisoformat(value)
        elif name == "caps":
            value = tuple(Cap(Period(period), Decimal(most)) for period, most in value)
        elif name == "payload":
            value = tuple(PayloadTest(key, Operator(op), n) for key, op, n in value)
        elif name == "effect":
            value = Effect(value)
        elif name == "target":
            value = Target(value)
        elif name == "conditions":
            value = Conditions(**read(value))
        elif name == "product":
            value = Product(**read(value))
        elif name == "used":
            value = {(key, Period(period)): Decimal(n) for key, period, n in value}
        elif isinstance(value, list):
            value = tuple(value)
        result[name] = value
    return result


def read_facts(values):
    facts = read(values)
    if "birthday" in facts:
        facts["birthday"] = dt.date.fromisoformat(facts["birthday"])
    return Facts(**facts)


def read_rules(vector, **defaults):
    rules = [
        Rule(**{"name": rule["key"], **defaults, **read(rule)})
        for rule in vector["rules"]
    ]
    return RuleSet(rules, Policy(**read(vector.get("policy", {}))))


def read_line(values, rate):
    line = read(values)
    line["is_reward"] = line.pop("reward", False)
    line["amount"] *= rate
    return BasketLine(**line)


@tagged("post_install", "-at_install")
class TestEngineVectors(BaseCase):
    def _check(self, vector):
        rate = Decimal(vector.get("rate", "1"))
        rules = read_rules(vector)
        basket = Basket(
            tuple(read_line(line, rate) for line in vector["lines"]),
            read_facts(vector.get("facts", {})),
            vector.get("refusal"),
        )
        self._check_result(evaluate(basket, rules), vector["expect"])

    def _check_event(self, vector):
        event = Event(
            vector.get("payload", {}),
            read_facts(vector.get("facts", {})),
            vector.get("refusal"),
        )
        result = evaluate_event(event, read_rules(vector, effect=Effect.RECEIPT))
        self._check_result(result, vector["expect"], has_lines=False)

    def _check_result(self, result, expect, has_lines=True):
        for name in ("points", "wallet", "base"):
            if name in expect:
                self.assertEqual(getattr(result, name), Decimal(expect[name]), name)
        for name in ("lines", "wallet_lines", "awards"):
            if name in expect:
                found = getattr(result, name)
                wanted = {key: Decimal(part) for key, part in expect[name].items()}
                self.assertEqual(found, wanted, name)
        trace = result.trace
        skipped = next((s["rules"] for s in trace if s["code"] == "skipped"), {})
        if "skipped" in expect:
            self.assertEqual(skipped, expect["skipped"])
        if "codes" in expect:
            codes = [step["code"] for step in trace if step["code"] != "skipped"]
            self.assertEqual(codes, expect["codes"])
        # What anybody may rely on
        if has_lines:
            self.assertEqual(sum(result.lines.values()), result.points)
            self.assertEqual(sum(result.wallet_lines.values()), result.wallet)
        self.assertEqual(sum(result.awards.values()), result.points + result.wallet)
        json.dumps(trace)

    def _check_file(self, file):
        for name, vector in load(file):
            with self.subTest(name):
                self._check(vector)

    def test_amounts(self):
        self._check_file("amounts")

    def test_rounding(self):
        self._check_file("rounding")

    def test_discounts(self):
        self._check_file("discounts")

    def test_conditions(self):
        self._check_file("conditions")

    def test_stacking(self):
        self._check_file("stacking")

    def test_caps(self):
        self._check_file("caps")

    def test_wallet(self):
        self._check_file("wallet")

    def test_currencies(self):
        self._check_file("currencies")

    def test_events(self):
        for name, vector in load("events"):
            with self.subTest(name):
                self._check_event(vector)

    def test_returns(self):
        for name, vector in load("returns"):
            with self.subTest(name):
                reversed_, before = [], Decimal(0)
                for part in vector["parts"]:
                    points = reverse(
                        Decimal(vector["total"]),
                        Decimal(part),
                        before,
                        Decimal(vector["step"]),
                    )
                    before += points
                    reversed_.append(points)
                self.assertEqual(reversed_, [Decimal(n) for n in vector["expect"]])

    def test_every_file_is_used(self):
        """No vector lies about unread."""
        files = {file.stem for file in FOLDER.glob("*.json")}
        tested = {name.removeprefix("test_") for name in dir(self)}
        self.assertLessEqual(files, tested)
        self.assertGreaterEqual(sum(len(load(file)) for file in files), 60)
