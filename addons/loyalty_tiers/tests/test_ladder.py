# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..engine import (
    Decision,
    Downgrade,
    Figures,
    Ladder,
    Policy,
    State,
    Step,
    Threshold,
    Window,
)
from ..engine.window import Kind

BRONZE, SILVER, GOLD, INVITED = 1, 2, 3, 4
ENROLLED = date(2025, 5, 15)


def points(number):
    return Figures(points=Decimal(number))


def step(id_, needed, keep=None, **values):
    threshold = Threshold(points=Decimal(needed), **values)
    return Step(id_, threshold, Threshold(points=Decimal(keep or needed)))


@tagged("post_install", "-at_install")
class TestLadder(BaseCase):
    """The rules of tiers, without a database."""

    def _ladder(self, **policy):
        return Ladder(
            [
                Step(BRONZE),
                step(SILVER, 100),
                Step(INVITED, None),
                step(GOLD, 300, 200),
            ],
            Policy(**policy),
        )

    def _state(self, tier, until=date(2026, 12, 31), **values):
        return State(tier, until, ENROLLED, **values)

    # === THRESHOLDS === #

    def test_all_or_any(self):
        figures = Figures(Decimal(100), Decimal(20), Decimal(3))
        every = Threshold(Decimal(100), Decimal(50), Decimal(0))
        self.assertFalse(every.is_met(figures))
        self.assertEqual(every.get_missing(figures), {"spend": 30})
        self.assertEqual(every.get_share(figures), Decimal("0.4"))
        either = Threshold(Decimal(200), Decimal(20), any_of=True)
        self.assertTrue(either.is_met(figures))
        self.assertEqual(either.get_missing(figures), {})
        neither = Threshold(Decimal(200), Decimal(80), any_of=True)
        self.assertEqual(neither.get_missing(figures), {"points": 100, "spend": 60})
        self.assertEqual(neither.get_share(figures), Decimal("0.5"))

    def test_without_thresholds_everybody_is_there(self):
        self.assertTrue(Threshold().is_met(Figures()))
        self.assertTrue(Threshold(any_of=True).is_met(Figures()))

    # === WINDOWS === #

    def test_first_month(self):
        day = date(2026, 3, 10)
        for kind, expected in (
            (Kind.CALENDAR, date(2026, 1, 1)),
            (Kind.MEMBERSHIP, date(2025, 5, 1)),
            (Kind.ROLLING, date(2025, 10, 1)),
            (Kind.LIFETIME, None),
        ):
            window = Window(kind, months=6)
            self.assertEqual(window.first_month(day, ENROLLED), expected, kind)
        anniversary = Window(Kind.MEMBERSHIP).first_month(date(2026, 5, 2), ENROLLED)
        self.assertEqual(anniversary, date(2026, 5, 1))

    def test_kept_until(self):
        day = date(2026, 3, 10)
        for kind, end, kept, after in (
            (Kind.CALENDAR, date(2026, 12, 31), date(2027, 12, 31), date(2028, 12, 31)),
            (Kind.MEMBERSHIP, date(2026, 4, 30), date(2027, 4, 30), date(2028, 4, 30)),
            (Kind.ROLLING, None, date(2026, 6, 30), date(2026, 9, 30)),
        ):
            window = Window(kind, keep_months=3)
            self.assertEqual(window.last_day(day, ENROLLED), end, kind)
            self.assertEqual(window.kept_until(day, ENROLLED), kept, kind)
            self.assertEqual(window.next_until(kept), after, kind)
        lifetime = Window(Kind.LIFETIME)
        self.assertIsNone(lifetime.last_day(day, ENROLLED))
        self.assertIsNone(lifetime.kept_until(day, ENROLLED))

    def test_end_of_february(self):
        window = Window(Kind.ROLLING, keep_months=1)
        self.assertEqual(
            window.kept_until(date(2028, 1, 31), ENROLLED), date(2028, 2, 29)
        )

    # === UP === #

    def test_upgrade(self):
        ladder, day = self._ladder(), date(2026, 3, 10)
        for tier, figures, expected in (
            (None, 0, Decision(BRONZE, None, "upgrade")),
            (BRONZE, 99, None),
            (BRONZE, 100, Decision(SILVER, date(2027, 12, 31), "upgrade")),
            (None, 500, Decision(GOLD, date(2027, 12, 31), "upgrade")),
            (GOLD, 100, None),
        ):
            decision = ladder.decide(
                self._state(tier), points(figures), points(figures), day
            )
            self.assertEqual(decision, expected, (tier, figures))

    def test_nobody_is_invited_by_figures(self):
        ladder = Ladder([Step(INVITED, None)])
        self.assertIsNone(ladder.get_earned(points(10**6)))
        self.assertEqual(self._ladder().get_next(SILVER).id, GOLD)

    # === DOWN === #

    def test_before_the_last_day_nothing_is_lost(self):
        for day in (date(2026, 12, 30), date(2026, 12, 31)):
            decision = self._ladder().decide(
                self._state(GOLD), points(0), points(0), day
            )
            self.assertIsNone(decision)

    def test_downgrade(self):
        day = date(2027, 1, 1)
        for downgrade, kept, expected in (
            (Downgrade.STEP, 0, Decision(SILVER, date(2027, 12, 31), "downgrade")),
            (Downgrade.FIT, 0, Decision(BRONZE, None, "downgrade")),
            (Downgrade.FIT, 150, Decision(SILVER, date(2027, 12, 31), "downgrade")),
            (Downgrade.FIT, 200, Decision(GOLD, date(2027, 12, 31), "kept")),
            (Downgrade.STEP, 200, Decision(GOLD, date(2027, 12, 31), "kept")),
        ):
            decision = self._ladder(downgrade=downgrade).decide(
                self._state(GOLD), points(0), points(kept), day
            )
            self.assertEqual(decision, expected, (downgrade, kept))

    def test_below_the_lowest(self):
        ladder = Ladder([step(SILVER, 100)])
        decision = ladder.decide(
            self._state(SILVER), points(0), points(0), date(2027, 1, 1)
        )
        self.assertEqual(decision, Decision(None, None, "downgrade"))

    def test_grace(self):
        ladder = self._ladder(grace_days=15)
        state = self._state(GOLD)
        self.assertIsNone(ladder.decide(state, points(0), points(0), date(2027, 1, 15)))
        self.assertEqual(
            ladder.decide(state, points(0), points(200), date(2027, 1, 15)).cause,
            "kept",
        )
        self.assertEqual(
            ladder.decide(state, points(0), points(0), date(2027, 1, 16)).tier, SILVER
        )

    def test_reached_again_is_kept(self):
        decision = self._ladder().decide(
            self._state(GOLD), points(300), points(0), date(2027, 1, 20)
        )
        self.assertEqual(decision, Decision(GOLD, date(2027, 12, 31), "kept"))

    # === BY HAND === #

    def test_locked(self):
        ladder, day = self._ladder(), date(2026, 3, 10)
        for until in (None, date(2026, 3, 10)):
            state = self._state(
                INVITED, until=date(2025, 12, 31), locked=True, locked_until=until
            )
            self.assertIsNone(ladder.decide(state, points(900), points(0), day))
        state = self._state(
            INVITED, until=None, locked=True, locked_until=date(2026, 3, 9)
        )
        self.assertEqual(
            ladder.decide(state, points(120), points(0), day),
            Decision(SILVER, date(2027, 12, 31), "manual_end"),
        )
