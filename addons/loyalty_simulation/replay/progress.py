# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from .history import Totals

#: keys of what is no rule, in the results by rule
RETURNED, CONTROL = "returned", "control"
ZERO = Decimal(0)


class Progress:
    """How far a replay is: its rules, the last sale, the sums so far.

    :param int company_id: whose sales are counted
    :param current: :class:`Side` of today's rules
    :param draft: :class:`Side` of the draft rules
    :param frozenset asks: names of the facts that rules or breakdowns need
    :param dict stored: what ``dump`` returned after the batch before
    """

    def __init__(self, company_id, current, draft, asks, stored):
        self.company_id = company_id
        self.current = current
        self.draft = draft
        self.asks = asks
        self.rules = (*current.rules.rules, *draft.rules.rules)
        self.targets = {rule.key: rule.target for rule in self.rules}
        self.last_id = stored["last_id"]
        date, id_ = stored["position"]
        self.position = (datetime.fromisoformat(date), id_)
        self.total = Totals.load(stored["total"])
        self.points_today, self.wallet_today = map(Decimal, stored["today"])
        self.differing = stored["differing"]
        self.totals = defaultdict(lambda: defaultdict(Totals))
        for dimension, key, sums in stored["totals"]:
            self.totals[dimension][key] = Totals.load(sums)
        #: the members of this batch: :class:`MemberState` by id
        self.members = {}
        #: what is read once per batch, by names of the methods that read it
        self.cache = defaultdict(dict)

    @staticmethod
    def start(last_id, budgets):
        """Return what is stored before the first batch.

        :param int last_id: the last transaction to replay
        :param budgets: what today's rules and the draft rules gave to all members
            before the period: two dictionaries by rule key
        """
        return {
            "last_id": last_id,
            "position": [datetime.min.isoformat(), 0],
            "total": Totals().dump(),
            "today": ["0", "0"],
            "differing": 0,
            "totals": [],
            "budgets": [
                {key: str(given) for key, given in side.items()} for side in budgets
            ],
        }

    def dump(self):
        """Return what the next batch needs, fit for JSON."""
        date, id_ = self.position
        return {
            "last_id": self.last_id,
            "position": [date.isoformat(), id_],
            "total": self.total.dump(),
            "today": [str(self.points_today), str(self.wallet_today)],
            "differing": self.differing,
            "totals": [
                [dimension, key, totals.dump()]
                for dimension, found in self.totals.items()
                for key, totals in found.items()
            ],
            "budgets": [
                {key: str(given) for key, given in side.budgets.items()}
                for side in (self.current, self.draft)
            ],
        }

    def evaluate(self, sale, lines, facts, parts=None, policy=None):
        """Evaluate a sale by both rule sets, and count it for limits and conditions.

        :param dict facts: arguments of the engine's ``Facts``
        :param dict parts: the returned part of each line, Decimal by line key
        :param Policy policy: how to round what returns take back
        :return: the :class:`Outcome` of today's rules and that of the draft rules
        """
        member = self.members[sale.member_id]
        given_today, given_draft = member.given
        today = self.current.evaluate(lines, facts, sale.refusal, given_today)
        if member.gain:
            facts = {**facts, "balance": facts["balance"] + member.gain}
        draft = self.draft.evaluate(lines, facts, sale.refusal, given_draft)
        member.purchases += 1
        if "balance" in self.asks:
            member.gain += draft.points - today.points
        if parts:
            return today.take_back(parts, policy), draft.take_back(parts, policy)
        return today, draft

    def add(self, sale, keys, today, draft):
        """Add what a sale gives to the sums.

        :param dict keys: the sale's key in each breakdown, by dimension
        :param Outcome today: what today's rules give
        :param Outcome draft: what the draft rules give
        """
        share = (sale.points, draft.net_points, sale.wallet, draft.net_wallet)
        self.total.add(*share)
        self.points_today += today.net_points
        self.wallet_today += today.net_wallet
        self.differing += sale.gross != (today.points, today.wallet)
        self.members[sale.member_id].totals.add(*share)
        for dimension, key in keys.items():
            self.totals[dimension][key].add(*share)
        self._add_rules(today.awards, draft.awards)
        by_rule = self.totals["rule"]
        if today.has_returns:
            by_rule[RETURNED].add(
                today.net_points - today.points,
                draft.net_points - draft.points,
                today.net_wallet - today.wallet,
                draft.net_wallet - draft.wallet,
            )
        points, wallet = sale.points - today.net_points, sale.wallet - today.net_wallet
        if points or wallet:
            by_rule[CONTROL].add(points, ZERO, wallet, ZERO)

    def _add_rules(self, today, draft):
        """Add what each rule gives, before returns."""
        by_rule = self.totals["rule"]
        for key in today.keys() | draft.keys():
            before, after = today.get(key, ZERO), draft.get(key, ZERO)
            if self.targets[key] == "wallet":
                by_rule[key].add(ZERO, ZERO, before, after)
            else:
                by_rule[key].add(before, after, ZERO, ZERO)
