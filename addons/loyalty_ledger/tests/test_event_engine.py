# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..engine import (
    Cap,
    Conditions,
    Effect,
    Event,
    Facts,
    Operator,
    PayloadTest,
    Period,
    Rule,
    RuleSet,
    Target,
    evaluate_event,
)


def rule(key="gift", value="50", *tests, **values):
    conditions = values.pop("conditions", {})
    return Rule(
        key,
        key.title(),
        Decimal(value),
        effect=Effect.RECEIPT,
        conditions=Conditions(payload=tests, **conditions),
        **values,
    )


def give(*rules, **event):
    return evaluate_event(Event(**event), RuleSet(rules))


@tagged("post_install", "-at_install")
class TestEventEngine(BaseCase):
    def assertMet(self, expected, payload, operator, value=""):
        test = PayloadTest("x", Operator(operator), value)
        with self.subTest(payload=payload, operator=operator, value=value):
            self.assertIs(test.is_met(payload), expected)

    def test_texts(self):
        for expected, found, operator, value in (
            (True, "Amsterdam", "=", "amsterdam"),
            (False, "Amsterdam", "=", "Rotterdam"),
            (True, "Amsterdam", "!=", "Rotterdam"),
            (False, "Amsterdam", "!=", "AMSTERDAM"),
            (True, "Amsterdam", "contains", "Dam"),
            (False, "Amsterdam", "contains", "dan"),
            (True, "b", ">", "A"),
            (False, "b", "<", "a"),
            # As numbers, if both are numbers
            (True, "10", ">", "9"),
            (True, "2026-03-01", "<", "2026-10-01"),
            # Codes are texts
            (False, "007", "=", "7"),
            (True, "x", "set", ""),
            (False, "", "set", ""),
        ):
            self.assertMet(expected, {"x": found}, operator, value)

    def test_numbers(self):
        for expected, found, operator, value in (
            (True, 4, "=", "4"),
            (True, 4.0, "=", "4.00"),
            (False, 4.1, "=", "4"),
            (True, 4.1, "!=", "4"),
            (True, 4, "!=", "four"),
            (False, 4, "=", "four"),
            (True, 4, ">=", "4"),
            (False, 4, ">", "4"),
            (True, 0.1, "<=", "0.1"),
            (False, 10, "<", "9"),
            (False, 4, "<", "many"),
            (False, 4, ">", "nan"),
            (True, 404, "contains", "04"),
            (True, 0, "set", ""),
        ):
            self.assertMet(expected, {"x": found}, operator, value)

    def test_booleans(self):
        for expected, found, operator, value in (
            (True, True, "=", "yes"),
            (True, False, "=", "No"),
            (False, True, "=", "no"),
            (True, True, "!=", "false"),
            (False, True, ">", "0"),
            (True, False, "set", ""),
        ):
            self.assertMet(expected, {"x": found}, operator, value)

    def test_what_did_not_come_meets_nothing(self):
        for operator in Operator:
            self.assertMet(False, {"y": 1}, operator, "1")

    def test_all_tests_have_to_be_met(self):
        offer = rule(
            "review",
            "20",
            PayloadTest("stars", Operator.GREATER_EQUAL, "4"),
            PayloadTest("text", Operator.SET),
        )
        self.assertEqual(give(offer, payload={"stars": 5, "text": "Good"}).points, 20)
        result = give(offer, payload={"stars": 5})
        self.assertEqual(result.points, 0)
        self.assertEqual(
            result.trace, ({"code": "skipped", "rules": {"payload": ["review"]}},)
        )

    def test_rules_add_up_and_are_rounded_once(self):
        result = give(
            rule("a", "1.5"),
            rule("b", "2.5"),
            rule("c", "3.456", target=Target.WALLET),
        )
        self.assertEqual((result.points, result.wallet), (4, Decimal("3.45")))
        self.assertEqual(sum(result.awards[key] for key in ("a", "b")), 4)
        self.assertEqual(result.awards["c"], Decimal("3.45"))
        self.assertEqual(result.lines, {})

    def test_the_better_of_a_group_and_exclusive_rules(self):
        result = give(
            rule("a", "5", group="g"),
            rule("b", "8", group="g", exclusive=True),
            rule("c", "100", priority=20),
        )
        self.assertEqual(result.awards, {"b": 8})
        self.assertEqual(
            result.trace[-1]["rules"], {"group": ["a"], "exclusive": ["c"]}
        )

    def test_conditions_of_the_moment_and_the_member(self):
        facts = Facts(
            channel="api",
            store=1,
            tier=2,
            segments=frozenset((3,)),
            moment=datetime(2026, 3, 10, 22, 0),
            birthday=date(1990, 3, 10),
            balance=Decimal(100),
        )
        for why, met, refused in (
            ("channel", {"channels": frozenset(["api"])}, {"channels": {"pos"}}),
            ("store", {"stores": {1}}, {"stores": {2}}),
            ("tier", {"tiers": {2}}, {"tiers": {1}}),
            ("segment", {"segments": {3}}, {"segments": {4}}),
            ("weekday", {"weekdays": {1}}, {"weekdays": {2}}),
            ("hour", {"hours": (22, 2)}, {"hours": (8, 22)}),
            ("date", {"date_to": date(2026, 3, 10)}, {"date_to": date(2026, 3, 9)}),
            ("birthday", {"birthday": (0, 0)}, None),
            (
                "minimum_points",
                {"minimum_points": Decimal(100)},
                {"minimum_points": Decimal(101)},
            ),
        ):
            with self.subTest(why=why):
                self.assertEqual(give(rule(conditions=met), facts=facts).points, 50)
                if refused:
                    result = give(rule(conditions=refused), facts=facts)
                    self.assertEqual(result.points, 0)
                    self.assertEqual(result.trace[0]["rules"], {why: ["gift"]})

    def test_caps(self):
        offer = rule(
            caps=(Cap(Period.DAY, Decimal(80)), Cap(Period.TOTAL, Decimal(90)))
        )
        used = {("gift", Period.DAY): Decimal(50), ("gift", Period.TOTAL): Decimal(75)}
        result = give(offer, facts=Facts(used=used))
        self.assertEqual(result.points, 15)
        self.assertEqual(result.trace[0]["cap"], {"period": "total", "amount": "90"})

    def test_refused_altogether(self):
        result = give(rule(), refusal="member_blocked")
        self.assertEqual(result.points, 0)
        self.assertEqual(result.trace, ({"code": "member_blocked"},))

    def test_only_rules_that_give_once(self):
        with self.assertRaisesRegex(ValueError, "gives once"):
            evaluate_event(Event(), RuleSet([Rule("base", "Base", Decimal(1))]))

    def test_no_rule(self):
        result = give()
        self.assertEqual((result.points, result.wallet, result.trace), (0, 0, ()))
