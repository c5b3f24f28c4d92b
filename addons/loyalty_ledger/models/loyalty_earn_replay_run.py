# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How past sales are replayed: batch by batch, to be stopped and taken up again."""

import json
import logging
from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from hashlib import sha256

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL, format_date

from ..ledger.replay import Buyer, Side, Tally, take_back
from .loyalty_scheme import BASE

_logger = logging.getLogger(__name__)

ZERO = Decimal(0)
SALES_IN_BATCH = 5000
BUYERS_KEPT = 100_000
PRODUCTS_KEPT = 200_000
MOST_AFFECTED = 50
NUMBERS_KEPT = 100_000
ATTEMPTS = 5
#: keys of what is no rule, in the results by rule
RETURNED, CONTROL = "returned", "control"


class Course:
    """A replay under way: its rules, where it is, and its sums so far.

    :param company_id: whose sales are counted
    :param sides: today's rules and the rules tried
    :param dict stored: as ``dump`` returns it
    """

    def __init__(self, company_id, sides, asks, stored):
        self.company_id = company_id
        self.sides = sides
        self.rules = tuple(rule for side in sides for rule in side.rules.rules)
        self.targets = {rule.key: rule.target for rule in self.rules}
        self.asks = asks
        self.last_id = stored["last_id"]
        date, id_ = stored["position"]
        self.position = (datetime.fromisoformat(date), id_)
        self.total = Tally.load(stored["total"])
        self.today = [Decimal(amount) for amount in stored["today"]]
        self.differing = stored["differing"]
        self.tallies = defaultdict(lambda: defaultdict(Tally))
        for dimension, key, sums in stored["tallies"]:
            self.tallies[dimension][key] = Tally.load(sums)
        self.buyers = {}
        self.products = {}
        self.rates = {}
        self.zones = {}
        #: what other modules need to know, by names of theirs
        self.known = {}
        # Amounts and quantities repeat
        self.number = lru_cache(NUMBERS_KEPT)(Decimal)
        self.get_payments = cache(
            lambda codes: frozenset(codes.split(",")) if codes else frozenset()
        )

    make_tally = staticmethod(
        lambda sales, *amounts: Tally(sales, *map(Decimal, amounts))
    )

    def make_buyer(self, id_):
        self.buyers[id_] = buyer = Buyer(id_)
        return buyer

    def dump(self):
        """Return where the replay is, and its sums so far, fit for JSON."""
        date, id_ = self.position
        return {
            "last_id": self.last_id,
            "position": [date.isoformat(), id_],
            "total": self.total.dump(),
            "today": [str(amount) for amount in self.today],
            "differing": self.differing,
            "tallies": [
                [dimension, key, tally.dump()]
                for dimension, found in self.tallies.items()
                for key, tally in found.items()
            ],
            "budgets": [
                {key: str(given) for key, given in side.budgets.items()}
                for side in self.sides
            ],
        }

    def forget(self):
        """Let go of what can be read again, where it has grown large."""
        if len(self.buyers) > BUYERS_KEPT:
            self.buyers.clear()
        if len(self.products) > PRODUCTS_KEPT:
            self.products.clear()


def _write_plainly(value):
    return sorted(map(str, value)) if isinstance(value, frozenset) else str(value)


class LoyaltyEarnReplay(models.Model):
    _inherit = "loyalty.earn.replay"

    # === BEGIN AND END === #

    def _begin(self):
        """Make the replay ready to run, from its first sale."""
        rules = self.scheme_id._compile_rules(), self._get_rules_to_try()
        self.line_ids.unlink()
        self._forget_members()
        count, last_id = self._count_sales()
        if not count:
            raise UserError(
                self.env._(
                    "%(scheme)s has no sales from %(start)s to %(end)s. Choose another"
                    " period.",
                    scheme=self.scheme_id.name,
                    start=format_date(self.env, self.date_from),
                    end=format_date(self.env, self.date_to),
                )
            )
        budgets = [
            {key: str(given) for key, given in self._read_budgets(side).items()}
            for side in rules
        ]
        self.write(
            {
                "state": "running",
                "user_id": self.env.uid,
                "problem": False,
                "total_count": count,
                "done_count": 0,
                "start_date": fields.Datetime.now(),
                "end_date": False,
                "progress_state": {
                    "last_id": last_id,
                    "position": [datetime.min.isoformat(), 0],
                    "total": Tally().dump(),
                    "today": ["0", "0"],
                    "differing": 0,
                    "tallies": [],
                    "budgets": budgets,
                    "version": self._get_version(*rules),
                },
            }
        )

    def _end(self, state, problem=False):
        self._forget_members()
        self.write(
            {
                "state": state,
                "problem": problem,
                "end_date": fields.Datetime.now(),
                "progress_state": False,
            }
        )

    def _fail(self, why):
        self._end("failed", why)
        self._tell(self.env._("The replay has failed: %(why)s", why=why))

    def _forget_members(self):
        # SQL: as many rows as there are members, which no record needs to be
        self.env.cr.execute(
            SQL("DELETE FROM loyalty_earn_replay_member WHERE replay_id = %s", self.id)
        )

    def _get_version(self, *rule_sets):
        """Return a fingerprint of all that decides on what sales give."""
        rules = [rule for one in rule_sets for rule in one.rules]
        content = [
            self.scheme_id.earn_tax,
            [asdict(rule) for rule in rules],
            [asdict(one.policy) for one in rule_sets],
            [
                self.env["loyalty.earn.rule"]._get_product_filter(rule.record)
                for rule in rules
                if rule.conditions.domain
            ],
        ]
        text = json.dumps(content, default=_write_plainly, sort_keys=True)
        return sha256(text.encode()).hexdigest()

    # === BACKGROUND === #

    @api.model
    def _cron_run(self, batch_size=SALES_IN_BATCH):
        """Go on with the replays that are running. Safe to stop and to run again."""
        for replay in self.search([("state", "=", "running")], order="id"):
            try:
                if not replay._run_in_batches(batch_size):
                    return
            except (UserError, ValidationError) as error:
                # One that cannot go on must not keep the others waiting
                self.env.cr.rollback()
                _logger.info("Replay %s cannot go on: %s", replay.id, error)
                replay._fail(str(error))
                self.env["ir.cron"]._commit_progress()

    def _run_in_batches(self, batch_size):
        """Replay and commit, batch after batch.

        :return bool: whether there is time for more
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.total_count - self.done_count + 1)
        course, attempts = None, 0
        while True:
            try:
                self.invalidate_recordset()
                if self.exists().state != "running":
                    return True
                course = course or self._get_course()
                count = self._run_batch(course, batch_size)
                if not count:
                    self._finish(course)
                self.env.flush_all()
            except SerializationFailure:
                # Somebody cancels it in this very moment
                attempts += 1
                if attempts == ATTEMPTS:
                    raise
                self.env.cr.rollback()
                course = None
                continue
            if not commit_progress(count or 1):
                return bool(not count)
            if not count:
                return True

    def _run_at_once(self, batch_size=SALES_IN_BATCH):
        course = self._get_course()
        while self._run_batch(course, batch_size):
            continue
        self._finish(course)

    # === A BATCH === #

    def _get_course(self):
        """Return the replay as it was left.

        :raise UserError: if its rules have been changed meanwhile
        """
        stored = self.progress_state
        rules = self.scheme_id._compile_rules(), self._get_rules_to_try()
        if stored["version"] != self._get_version(*rules):
            raise UserError(
                self.env._(
                    "The rules were changed while the replay was running. Run it again."
                )
            )
        sides = tuple(
            Side(one, {key: Decimal(amount) for key, amount in budgets.items()})
            for one, budgets in zip(rules, stored["budgets"], strict=True)
        )
        asks = sides[0].rules.asks | sides[1].rules.asks
        asks |= self._get_replay_facts()
        return Course(self.company_id.id, sides, asks, stored)

    def _run_batch(self, course, limit):
        """Replay the next sales.

        :return int: how many they were; 0 at the end
        """
        self = self.with_company(self.company_id)
        self.env.flush_all()
        sales = self._read_sales(course, limit)
        if not sales:
            return 0
        course.forget()
        self._add_buyers(course, sales)
        course.rates = self._read_rates(sales)
        lines = self._read_lines(course, sales)
        parts = self._read_returned_parts(sales)
        dimensions = self._get_replay_dimensions()
        for sale in sales:
            self._replay_sale(
                course, sale, lines.get(sale.id, ()), parts.get(sale.id), dimensions
            )
        course.position = (sales[-1].date, sales[-1].id)
        self._save_buyers({sale.member_id for sale in sales}, course)
        version = self.progress_state["version"]
        self.write(
            {
                "done_count": self.done_count + len(sales),
                "progress_state": {**course.dump(), "version": version},
            }
        )
        return len(sales)

    def _replay_sale(self, course, sale, lines, parts, dimensions):
        buyer = course.buyers[sale.member_id]
        facts = self._get_sale_facts(course, sale, buyer)
        results = []
        for side, given, gain in zip(
            course.sides, buyer.given, (ZERO, buyer.gain), strict=True
        ):
            if gain:
                facts = {**facts, "balance": facts["balance"] + gain}
            results.append(side.play(lines, facts, sale.refusal, given))
        (today, today_awards), (tried, tried_awards) = results
        buyer.purchases += 1
        if "balance" in course.asks:
            buyer.gain += tried.points - today.points
        if sale.company_id != course.company_id:
            # It counts for limits, but is not for the eyes of this company
            return
        taken_today, taken_tried = (
            self._take_back(result, parts) if parts else (ZERO, ZERO)
            for result in (today, tried)
        )
        points_today = today.points - taken_today[0]
        wallet_today = today.wallet - taken_today[1]
        share = (
            sale.points,
            tried.points - taken_tried[0],
            sale.wallet,
            tried.wallet - taken_tried[1],
        )
        course.total.add(*share)
        course.today[0] += points_today
        course.today[1] += wallet_today
        course.differing += sale.gross != (today.points, today.wallet)
        buyer.tally.add(*share)
        for dimension, get_key in dimensions.items():
            course.tallies[dimension][get_key(sale, facts)].add(*share)
        self._count_rules(course, today_awards, tried_awards)
        by_rule = course.tallies["rule"]
        if parts:
            by_rule[RETURNED].add(
                -taken_today[0], -taken_tried[0], -taken_today[1], -taken_tried[1]
            )
        if sale.points != points_today or sale.wallet != wallet_today:
            by_rule[CONTROL].add(
                sale.points - points_today, ZERO, sale.wallet - wallet_today, ZERO
            )

    def _get_sale_facts(self, course, sale, buyer):
        """Return the arguments of :class:`~..engine.Facts` for a sale."""
        facts = {
            **buyer.facts,
            "channel": sale.channel,
            "store": sale.store_id,
            "payments": sale.payments,
        }
        if "moment" in course.asks:
            moment = sale.date.replace(tzinfo=UTC)
            zone = self._get_zone(course, sale.store_id)
            facts["moment"] = moment.astimezone(zone).replace(tzinfo=None)
        if "purchases" in course.asks:
            facts["purchases"] = buyer.purchases
        if "balance" in course.asks:
            facts["balance"] = sale.balance
        return facts

    def _get_zone(self, course, store_id):
        if store_id not in course.zones:
            course.zones[store_id] = self.env["loyalty.transaction"]._get_zone(
                self.scheme_id, store_id
            )
        return course.zones[store_id]

    def _take_back(self, result, parts):
        """Return the points and the cashback that returns take back."""
        policy = self.scheme_id._get_policy()
        return (
            take_back(result.lines, parts, policy.step),
            take_back(result.wallet_lines, parts, policy.wallet_step),
        )

    def _count_rules(self, course, today, tried):
        """Add what each rule gives, before returns."""
        by_rule, targets = course.tallies["rule"], course.targets
        for key in today.keys() | tried.keys():
            before, after = today.get(key, ZERO), tried.get(key, ZERO)
            if targets[key] == "wallet":
                by_rule[key].add(ZERO, ZERO, before, after)
            else:
                by_rule[key].add(before, after, ZERO, ZERO)

    def _save_buyers(self, ids, course):
        """Keep how far the replay is with the members of a batch."""
        buyers = [course.buyers[id_] for id_ in sorted(ids)]
        self.env["loyalty.ledger"]._insert_dicts(
            self.env["loyalty.earn.replay.member"],
            {
                "replay_id": "int4",
                "member_id": "int4",
                "sale_count": "int4",
                "points_before": "numeric",
                "points_after": "numeric",
                "wallet_before": "numeric",
                "wallet_after": "numeric",
                "history": "jsonb",
            },
            [
                {
                    "replay_id": self.id,
                    "member_id": buyer.id,
                    "sale_count": buyer.tally.sales,
                    "points_before": buyer.tally.points_before,
                    "points_after": buyer.tally.points_after,
                    "wallet_before": buyer.tally.wallet_before,
                    "wallet_after": buyer.tally.wallet_after,
                    "history": buyer.dump(),
                }
                for buyer in buyers
            ],
            SQL(
                """
                ON CONFLICT (replay_id, member_id) DO UPDATE
                   SET sale_count = EXCLUDED.sale_count,
                       points_before = EXCLUDED.points_before,
                       points_after = EXCLUDED.points_after,
                       wallet_before = EXCLUDED.wallet_before,
                       wallet_after = EXCLUDED.wallet_after,
                       history = EXCLUDED.history
                """
            ),
        )

    # === DIMENSIONS === #

    def _get_replay_dimensions(self):
        """Return by what the results are broken down; other modules add theirs.

        :return: by the value of ``dimension`` of the result lines, a function that
            takes a :class:`~..ledger.replay.PastSale` and the arguments of its
            :class:`~..engine.Facts`, and returns a key, ``None`` where there is none
        :rtype: dict
        """
        return {
            "store": lambda sale, _facts: sale.store_id,
            "channel": lambda sale, _facts: sale.channel_id,
            "month": lambda sale, _facts: sale.date.isoformat()[:7],
        }

    def _get_replay_facts(self):
        """Return the names of the facts that dimensions need, whatever rules ask.

        :rtype: frozenset
        """
        return frozenset()

    def _get_dimension_model(self, dimension):
        """Return the name of the model of whose records the keys are, or ``None``."""
        return {
            "store": "loyalty.store",
            "channel": "loyalty.channel",
            "member": "loyalty.member",
        }.get(dimension)

    def _get_key_labels(self, dimension, keys):
        """Return what the keys of a dimension are called, and their records.

        :return: (name, model name or ``None``, id or ``None``) by key
        :rtype: dict
        """
        if dimension == "rule":
            return {key: self._get_rule_label(key) for key in keys}
        if dimension == "month":
            return {
                key: (
                    format_date(self.env, f"{key}-01", date_format="MMMM yyyy"),
                    None,
                    None,
                )
                for key in keys
            }
        model = self._get_dimension_model(dimension)
        records = self.env[model].browse(keys).exists()
        return {
            record.id: (record.display_name, model, record.id) for record in records
        }

    def _get_rule_label(self, key):
        if key == RETURNED:
            return self.env._("Taken back for goods that came back"), None, None
        if key == CONTROL:
            return self.env._("Otherwise than by today's rules"), None, None
        if key == BASE:
            text = self.env._("For each amount")
            return text, "loyalty.scheme", self.scheme_id.id
        sale = self.env["loyalty.transaction"].new({"scheme_id": self.scheme_id.id})
        kind, _colon, id_ = key.partition(":")
        if kind == "rule" and id_.isdecimal():
            return sale._get_rule_name(key), "loyalty.earn.rule", int(id_)
        return sale._get_rule_name(key), None, None

    # === RESULTS === #

    def _finish(self, course):
        """Write down what the replay comes to, and tell who started it."""
        self = self.with_context(lang=self.user_id.lang or self.env.lang)
        values = [
            values
            for dimension, tallies in course.tallies.items()
            for values in self._prepare_lines(dimension, tallies)
        ]
        values += self._prepare_lines("member", self._find_most_affected())
        self.write(
            {
                **self._prepare_results(course),
                "line_ids": [Command.create(line) for line in values],
            }
        )
        self._end("done")
        self._tell(self.env._("The replay is done. %(summary)s", summary=self.summary))

    def _prepare_results(self, course):
        total = course.total
        sums = self._prepare_sums(total)
        del sums["sale_count"]
        more, less, same = self._count_members()
        return {
            **sums,
            "wallet_before": float(total.wallet_before),
            "wallet_after": float(total.wallet_after),
            "points_today": float(course.today[0]),
            "wallet_today": float(course.today[1]),
            "differing_count": course.differing,
            "more_count": more,
            "less_count": less,
            "same_count": same,
        }

    def _prepare_sums(self, tally):
        """Return sums as the fields of the results have them."""
        scheme = self.scheme_id
        before = Decimal(str(scheme._points_to_money(tally.points_before)))
        after = Decimal(str(scheme._points_to_money(tally.points_after)))
        before += tally.wallet_before
        after += tally.wallet_after
        return {
            "sale_count": tally.sales,
            "points_before": float(tally.points_before),
            "points_after": float(tally.points_after),
            "points_change": float(tally.points_after - tally.points_before),
            "cost_before": float(before),
            "cost_after": float(after),
            "cost_change": float(after - before),
        }

    def _prepare_lines(self, dimension, tallies):
        labels = self._get_key_labels(
            dimension, [key for key in tallies if key is not None]
        )
        labels[None] = self.env._("None"), None, None
        gone = self.env._("Deleted meanwhile"), None, None
        lines = []
        for key, tally in tallies.items():
            name, model, id_ = labels.get(key, gone)
            lines.append(
                {
                    "dimension": dimension,
                    "name": name,
                    "res_model": model,
                    "res_id": id_,
                    **self._prepare_sums(tally),
                }
            )
        if dimension == "month":
            order = dict(zip(tallies, lines, strict=True))
            lines = [order[key] for key in sorted(order)]
        else:
            lines.sort(key=lambda line: -abs(line["cost_change"]))
        for sequence, line in enumerate(lines):
            line["sequence"] = sequence
        return lines

    def _get_change_query(self):
        """Return by how much money a member's points and cashback change, as SQL."""
        return SQL(
            "((points_after - points_before) * %s + wallet_after - wallet_before)",
            self.scheme_id._get_point_value(),
        )

    def _find_most_affected(self):
        """Return the members who get the most more, and those who get the most less.

        :return: Tally by member id
        """
        tallies = {}
        for comparison, order in ((SQL("> 0"), SQL("DESC")), (SQL("< 0"), SQL("ASC"))):
            for id_, *sums in self.env.execute_query(
                SQL(
                    """
                    SELECT member_id, sale_count, points_before::text,
                           points_after::text, wallet_before::text, wallet_after::text
                      FROM loyalty_earn_replay_member
                     WHERE replay_id = %(id)s AND %(change)s %(comparison)s
                     ORDER BY %(change)s %(order)s, member_id
                     LIMIT %(limit)s
                    """,
                    id=self.id,
                    change=self._get_change_query(),
                    comparison=comparison,
                    order=order,
                    limit=MOST_AFFECTED,
                )
            ):
                tallies[id_] = Course.make_tally(*sums)
        return tallies

    def _count_members(self):
        """Return how many members get more, less and the same."""
        [counts] = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE change > 0),
                       count(*) FILTER (WHERE change < 0),
                       count(*) FILTER (WHERE change = 0)
                  FROM (SELECT %s AS change FROM loyalty_earn_replay_member
                         WHERE replay_id = %s AND sale_count > 0) AS member
                """,
                self._get_change_query(),
                self.id,
            )
        )
        return counts
