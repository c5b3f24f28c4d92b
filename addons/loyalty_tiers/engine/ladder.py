# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The tiers of a scheme in their order, and who moves on it."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from .window import Window

MEASURES = ("points", "spend", "visits")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a member has done in some months.

    :param points: earned, less what returns took back
    :param spend: in the scheme's currency, less what came back
    :param visits: purchases of which something was kept
    """

    points: Decimal = Decimal(0)
    spend: Decimal = Decimal(0)
    visits: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What has to be reached; 0 is not asked for.

    :param any_of: one of them is enough; otherwise all are needed
    """

    points: Decimal = Decimal(0)
    spend: Decimal = Decimal(0)
    visits: Decimal = Decimal(0)
    any_of: bool = False

    @property
    def asked(self):
        """The names of the measures that are asked for."""
        return tuple(name for name in MEASURES if getattr(self, name))

    def is_met(self, figures):
        asked = self.asked
        reached = (getattr(figures, name) >= getattr(self, name) for name in asked)
        return not asked or (any(reached) if self.any_of else all(reached))

    def get_missing(self, figures):
        """Return what is missing for each measure asked, by name; empty if met."""
        if self.is_met(figures):
            return {}
        missing = {
            name: getattr(self, name) - getattr(figures, name) for name in self.asked
        }
        return {name: value for name, value in missing.items() if value > 0}

    def get_share(self, figures):
        """Return which part of the way is behind the member, from 0 to 1."""
        asked = self.asked
        if self.is_met(figures):
            return Decimal(1)
        shares = [
            min(max(getattr(figures, name) / getattr(self, name), Decimal(0)), 1)
            for name in asked
        ]
        return max(shares) if self.any_of else min(shares)


@dataclass(frozen=True, slots=True)
class Step:
    """A tier as a step of the ladder.

    :param id: of the tier
    :param Threshold entry: what leads there; ``None`` if only people put members there
    :param Threshold keep: what keeps members there; ``None`` if they stay
    """

    id: int
    entry: Threshold | None = Threshold()
    keep: Threshold | None = None


class Downgrade(StrEnum):
    STEP = "step"
    FIT = "fit"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all tiers of a scheme.

    :param grace_days: after the last day, in which a member can still make up
    :param Downgrade downgrade: one step, or to the tier that the figures deserve
    """

    window: Window = Window()
    grace_days: int = 0
    downgrade: Downgrade = Downgrade.STEP

    def grace_end(self, until):
        return until + dt.timedelta(days=self.grace_days)


@dataclass(frozen=True, slots=True)
class State:
    """Where a member stands.

    :param tier: id of the tier, or ``None``
    :param until: last day of the tier; ``None`` if it has no end
    :param enrolled: day on which the member joined
    :param locked: put there by a person
    :param locked_until: last day of that; ``None`` if it has no end
    """

    tier: int | None
    until: dt.date | None
    enrolled: dt.date
    locked: bool = False
    locked_until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a member is to stand.

    :param cause: ``upgrade``, ``downgrade``, ``manual_end``, or ``kept`` if only the
        last day changes
    """

    tier: int | None
    until: dt.date | None
    cause: str


class Ladder:
    """The tiers of a scheme, the lowest first.

    :param steps: iterable of :class:`Step`
    """

    def __init__(self, steps, policy=Policy()):
        self.policy = policy
        self.steps = tuple(steps)
        self.ranks = {step.id: rank for rank, step in enumerate(self.steps)}

    def get_rank(self, tier):
        """Return the place of a tier, -1 for none."""
        return self.ranks.get(tier, -1)

    def get_step(self, tier):
        rank = self.get_rank(tier)
        return self.steps[rank] if rank >= 0 else None

    def get_earned(self, figures):
        """Return the highest step that figures lead to, or ``None``."""
        for step in reversed(self.steps):
            if step.entry is not None and step.entry.is_met(figures):
                return step
        return None

    def is_earned(self, tier, figures):
        """Return whether figures lead to a tier or to a higher one."""
        earned = self.get_earned(figures)
        return bool(earned) and self.get_rank(earned.id) >= self.get_rank(tier)

    def get_missing(self, tier, figures):
        """Return what is missing to come into a tier, by name.

        Empty if nothing is, or if only people put members there.
        """
        step = self.get_step(tier)
        return step.entry.get_missing(figures) if step and step.entry else {}

    def get_next(self, tier):
        """Return the next step up that figures can lead to, or ``None``."""
        for step in self.steps[self.get_rank(tier) + 1 :]:
            if step.entry is not None:
                return step
        return None

    def decide(self, state, now, kept, day):
        """Say where a member belongs.

        :param State state: where the member stands
        :param Figures now: of the window on ``day``
        :param Figures kept: of the window on the last day of the tier, to which what
            was done in the days of grace is added
        :return: :class:`Decision`, or ``None`` if nothing changes
        """
        earned = self.get_earned(now)
        if state.locked:
            if state.locked_until is None or day <= state.locked_until:
                return None
            return self._enter(earned, state, day, "manual_end")
        rank = self.get_rank(state.tier)
        if earned and self.get_rank(earned.id) > rank:
            return self._enter(earned, state, day, "upgrade")
        if rank < 0 or state.until is None or day <= state.until:
            return None
        return self._review(state, earned, kept, day)

    def _review(self, state, earned, kept, day):
        """Say what becomes of a tier whose last day is over."""
        rank = self.get_rank(state.tier)
        step = self.steps[rank]
        deserved = bool(earned) and self.get_rank(earned.id) >= rank
        if step.keep is None or step.keep.is_met(kept) or deserved:
            return Decision(step.id, self._get_next_until(step, state.until), "kept")
        if day <= self.policy.grace_end(state.until):
            return None
        lower = self._get_lower(rank, kept)
        until = self._get_next_until(lower, state.until)
        return Decision(lower and lower.id, until, "downgrade")

    def _get_lower(self, rank, kept):
        """Return the step to which a member falls, or ``None``."""
        below = [step for step in reversed(self.steps[:rank]) if step.entry is not None]
        if self.policy.downgrade is Downgrade.FIT:
            below = [step for step in below if (step.keep or step.entry).is_met(kept)]
        return below[0] if below else None

    def _enter(self, step, state, day, cause):
        if not step:
            return Decision(None, None, cause)
        until = None
        if step.keep is not None:
            until = self.policy.window.kept_until(day, state.enrolled)
        return Decision(step.id, until, cause)

    def _get_next_until(self, step, until):
        if step is None or step.keep is None:
            return None
        return self.policy.window.next_until(until)
