# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rules of a scheme, in the order in which they are applied."""

from .rules import HISTORY, Period, Policy

PLAIN = Policy()


class RuleSet:
    """The rules of a scheme and its policy; used for any number of baskets.

    :ivar tuple rules: by priority, then by key
    :ivar tuple groups: tuples of rules of which at most one gives: those of a group,
        or a single rule. A group stands where its first rule is
    :ivar frozenset asks: names of the facts that the rules look at
    :param rules: iterable of :class:`~.rules.Rule`
    :param Policy policy: how to round, and on which prices to earn
    :raise ValueError: a group that mixes multipliers with other rules, or accounts
    """

    def __init__(self, rules, policy=PLAIN):
        self.policy = policy
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.priority, rule.key)))
        self.groups = self._get_groups()
        self.asks = self._get_asks()

    @property
    def asks_history(self):
        """Whether earlier sales of a member change what the next one gives."""
        return bool(HISTORY & self.asks)

    def _get_groups(self):
        groups = {}
        for rule in self.rules:
            name = ("rule", rule.key) if rule.group is None else ("group", rule.group)
            groups.setdefault(name, []).append(rule)
        for group in groups.values():
            if len({(rule.target, rule.is_multiplier) for rule in group}) > 1:
                raise ValueError(
                    "A group compares rules of one kind:"
                    f" {', '.join(rule.name for rule in group)}"
                )
        return tuple(map(tuple, groups.values()))

    def _get_asks(self):
        asked = frozenset().union(*(rule.conditions.asks for rule in self.rules))
        caps = [*self.policy.caps, *(cap for rule in self.rules for cap in rule.caps)]
        if any(cap.period is not Period.RECEIPT for cap in caps):
            asked |= {"used", "moment"}
        return asked
