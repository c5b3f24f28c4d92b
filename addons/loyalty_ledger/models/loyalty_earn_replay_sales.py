# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a replay reads: sales, what came back of them, members and products.

Plain SQL, a few statements a batch: records of a million sales would take hours and
come as floats.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from ..engine import UNKNOWN, BasketLine, Product
from ..ledger.replay import Given, PastSale
from ..ledger.sale import Sale
from .loyalty_earn_award import TOGETHER
from .loyalty_transaction_line import get_returned_amount

ZERO = Decimal(0)
#: facts of a sale itself, or that a replay counts by itself
OWN_FACTS = frozenset(
    (
        "balance",
        "channel",
        "moment",
        "payments",
        "products",
        "purchases",
        "store",
        "used",
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about members, as a rule set says it."""

    asks: frozenset
    rules: tuple = ()


class LoyaltyEarnReplay(models.Model):
    _inherit = "loyalty.earn.replay"

    # === SALES === #

    def _get_sales_condition(self, last_id):
        """Return which transactions are replayed, as SQL.

        :param int last_id: the last transaction that there was at the start
        """
        start, end = self._get_period()
        return SQL(
            """
            sale.scheme_id = %(scheme)s AND sale.kind = 'sale'
            AND sale.state = 'posted' AND sale.date >= %(start)s
            AND sale.date < %(end)s AND sale.id <= %(last_id)s
            """,
            scheme=self.scheme_id.id,
            start=start,
            end=end,
            last_id=last_id,
        )

    def _count_sales(self):
        """Return how many sales are to be replayed, and the id of the last of them."""
        self.env.flush_all()
        [[count, last_id]] = self.env.execute_query(
            SQL(
                "SELECT count(*), COALESCE(max(id), 0) FROM loyalty_transaction sale"
                " WHERE %s",
                self._get_sales_condition(2**31 - 1),
            )
        )
        return count, last_id

    def _read_sales(self, course, limit):
        """Return the next sales, in the order of time.

        :rtype: list[PastSale]
        """
        returns = SQL(
            """
            SELECT COALESCE(sum(back.points_earned), 0) AS points,
                   COALESCE(sum(back.wallet_cashback), 0) AS wallet
              FROM loyalty_transaction back
             WHERE back.origin_id = sale.id AND back.kind = 'return'
               AND back.state = 'posted'
            """
        )
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sale.id, sale.date, sale.member_id, sale.company_id,
                       sale.store_id, sale.channel_id, channel.code, sale.currency_id,
                       sale.payments,
                       (COALESCE(sale.points_earned, 0) - back.points)::text,
                       (COALESCE(sale.wallet_cashback, 0) - back.wallet)::text,
                       COALESCE(sale.points_earned, 0)::text,
                       COALESCE(sale.wallet_cashback, 0)::text,
                       CASE WHEN sale.base_amount = 0 THEN sale.trace->0->>'code' END,
                       %(balance)s
                  FROM loyalty_transaction sale
                  JOIN loyalty_channel channel ON channel.id = sale.channel_id
                 CROSS JOIN LATERAL (%(returns)s) back
                 WHERE %(condition)s
                   AND (sale.date, sale.id) > (%(date)s, %(id)s)
                 ORDER BY sale.date, sale.id
                 LIMIT %(limit)s
                """,
                balance=self._get_balance_query(course),
                returns=returns,
                condition=self._get_sales_condition(course.last_id),
                date=course.position[0],
                id=course.position[1],
                limit=limit,
            )
        )
        return [self._make_sale(course, *row) for row in rows]

    def _get_balance_query(self, course):
        """Return what the account had just before a sale, if a rule asks for it."""
        if "balance" not in course.asks:
            return SQL("'0'")
        return SQL(
            """
            COALESCE((
                SELECT entry.balance_after FROM loyalty_ledger_entry entry
                 WHERE entry.account_id = sale.account_id AND entry.date <= sale.date
                   AND entry.transaction_id IS DISTINCT FROM sale.id
                 ORDER BY entry.sequence DESC LIMIT 1), 0)::text
            """
        )

    def _make_sale(self, course, *row):
        *head, payments, points, wallet, earned, cashback, code, balance = row
        return PastSale(
            *head,
            payments=course.get_payments(payments),
            points=Decimal(points),
            wallet=Decimal(wallet),
            gross=(Decimal(earned), Decimal(cashback)),
            refusal=code if code and self._is_refusal(code) else None,
            balance=Decimal(balance),
        )

    def _is_refusal(self, code):
        """Return whether a code of the explanation says that nothing can be earned.

        A sale that was refused then, to a blocked member for instance, gives nothing
        by other rules either.
        """
        return code == "scheme_closed" or code.startswith("member_")

    def _read_lines(self, course, sales):
        """Return the lines of sales as the engine takes them, by id of the sale."""
        by_id = {sale.id: sale for sale in sales}
        incl = self.scheme_id.earn_tax == "incl"
        rows = self.env.execute_query(
            SQL(
                """
                SELECT transaction_id, external_id, COALESCE(%(amount)s, 0)::text,
                       COALESCE(quantity, 0)::text, product_id, category_id,
                       COALESCE(eligible, false), COALESCE(is_reward, false),
                       COALESCE(%(discount)s, 0)::text
                  FROM loyalty_transaction_line
                 WHERE transaction_id = ANY(%(ids)s)
                """,
                amount=SQL.identifier("amount_incl" if incl else "amount_excl"),
                discount=SQL.identifier("discount_incl" if incl else "discount_excl"),
                ids=list(by_id),
            )
        )
        products = self._get_products(course, {(row[4], row[5]) for row in rows})
        number = course.number
        lines = defaultdict(list)
        for id_, key, amount, quantity, product, category, *flags, off in rows:
            rate = course.rates[id_] if course.rates else None
            lines[id_].append(
                BasketLine(
                    key,
                    number(amount) * rate if rate else number(amount),
                    number(quantity),
                    products.get((product, category), UNKNOWN),
                    *flags,
                    number(off) * rate if rate else number(off),
                )
            )
        return {id_: tuple(own) for id_, own in lines.items()}

    def _read_rates(self, sales):
        """Return by what the amounts of sales in other currencies are multiplied."""
        currency = self.scheme_id.currency_id
        if all(sale.currency_id == currency.id for sale in sales):
            return {}
        Transaction = self.env["loyalty.transaction"]
        known = {}
        rates = {}
        for sale in sales:
            spot = (sale.currency_id, sale.company_id, sale.date.date())
            if spot not in known:
                known[spot] = Transaction._get_rate(sale, currency)
            rates[sale.id] = known[spot]
        return rates

    def _read_returned_parts(self, sales):
        """Return which part of each line has come back, by sale and line key.

        Measured as a return measures it.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sold.transaction_id, sold.external_id, sold.quantity::text,
                       sold.amount_incl::text, sum(abs(line.quantity))::text,
                       sum(abs(line.amount_incl))::text, back.currency_id
                  FROM loyalty_transaction back
                  JOIN loyalty_transaction_line line ON line.transaction_id = back.id
                  JOIN loyalty_transaction_line sold ON sold.id = line.origin_line_id
                 WHERE back.origin_id = ANY(%s) AND back.kind = 'return'
                   AND back.state = 'posted'
                 GROUP BY sold.id, back.currency_id
                """,
                [sale.id for sale in sales],
            )
        )
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        parts = defaultdict(dict)
        for id_, key, quantity, amount, back, money, currency_id in rows:
            coin = self.env["res.currency"].browse(currency_id).rounding
            total = abs(Decimal(amount))
            returned = get_returned_amount(
                (abs(Decimal(quantity)), total),
                (Decimal(back), Decimal(money)),
                Decimal(str(coin)),
                digits,
            )
            parts[id_][key] = returned / total if total else Decimal(1)
        return parts

    # === MEMBERS === #

    def _add_buyers(self, course, sales):
        """Let the course know the members of sales whom it does not know yet."""
        new = {sale.member_id for sale in sales} - course.buyers.keys()
        if not new:
            return
        met = self._load_buyers(course, new)
        fresh = [id_ for id_ in new if id_ not in met]
        purchases = self._read_purchases(course, fresh)
        given = self._read_given(course, fresh)
        facts = self._read_member_facts(course, new)
        for id_ in new:
            buyer = course.make_buyer(id_)
            if id_ in met:
                buyer.tally, history = met[id_]
                buyer.load(history)
            else:
                buyer.purchases = purchases.get(id_, 0)
                buyer.given = tuple(
                    self._sum_given(side, given.get(id_, ())) for side in course.sides
                )
            buyer.facts = facts.get(id_, {})

    def _load_buyers(self, course, ids):
        """Return what earlier batches have counted for members, by member id."""
        return {
            id_: (course.make_tally(*sums), history)
            for id_, history, *sums in self.env.execute_query(
                SQL(
                    """
                    SELECT member_id, history, sale_count, points_before::text,
                           points_after::text, wallet_before::text, wallet_after::text
                      FROM loyalty_earn_replay_member
                     WHERE replay_id = %s AND member_id = ANY(%s)
                    """,
                    self.id,
                    list(ids),
                )
            )
        }

    def _read_purchases(self, course, ids):
        """Return how many purchases members made before the period."""
        if "purchases" not in course.asks or not ids:
            return {}
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT member_id, count(*) FROM loyalty_transaction
                     WHERE member_id = ANY(%s) AND kind = 'sale' AND state = 'posted'
                       AND date < %s
                     GROUP BY member_id
                    """,
                    ids,
                    self._get_period()[0],
                )
            )
        )

    def _read_given(self, course, ids):
        """Return what rules gave to members before the period, for their limits.

        :return: lists of (rule key, day, Decimal) by member id
        """
        keys = {key for side in course.sides for key in side.periods}
        if not keys or not ids:
            return {}
        given = defaultdict(list)
        for member_id, key, day, amount in self.env.execute_query(
            SQL(
                """
                SELECT award.member_id, award.rule_key, award.day,
                       sum(award.amount)::text
                  FROM loyalty_earn_award award
                  JOIN loyalty_transaction sale ON sale.id = award.transaction_id
                 WHERE award.member_id = ANY(%s) AND award.rule_key = ANY(%s)
                   AND sale.date < %s
                 GROUP BY 1, 2, 3
                """,
                ids,
                [TOGETHER if key is None else key for key in keys],
                self._get_period()[0],
            )
        ):
            spot = None if key == TOGETHER else key
            given[member_id].append((spot, day, Decimal(amount)))
        return given

    def _sum_given(self, side, awards):
        given = Given()
        for key, day, amount in awards:
            for period in side.periods.get(key, ()):
                given.add(key, period, day, amount)
        return given

    def _read_budgets(self, rules):
        """Return what rules gave to all members before the period, by key."""
        records = {rule.record: rule.key for rule in rules.rules if rule.record}
        return {
            records[record]: Decimal(amount)
            for record, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT award.rule_id, sum(award.amount)::text
                      FROM loyalty_earn_award award
                      JOIN loyalty_transaction sale ON sale.id = award.transaction_id
                     WHERE award.rule_id = ANY(%s) AND sale.date < %s
                     GROUP BY award.rule_id
                    """,
                    list(records),
                    self._get_period()[0],
                )
            )
        }

    def _read_member_facts(self, course, ids):
        """Return what rules ask about members, as it is now.

        Other modules that know how it was then say so here.

        :return: arguments of :class:`~..engine.Facts`, by member id
        :rtype: dict[int, dict]
        """
        asked = course.asks - OWN_FACTS
        if not asked:
            return {}
        members = self.env["loyalty.member"].browse(ids)
        occasion = Sale(
            channel="",
            reference="",
            date=self._get_period()[0],
            currency_id=self.scheme_id.currency_id.id,
            company_id=self.company_id.id,
            lines=(),
        )
        found = self.env["loyalty.transaction"]._get_facts(
            self.scheme_id, [(member, occasion) for member in members], Asked(asked)
        )
        return {
            member.id: {
                name: value for name, value in facts.items() if name not in OWN_FACTS
            }
            for member, facts in zip(members, found, strict=True)
        }

    # === PRODUCTS === #

    def _get_products(self, course, spots):
        """Return what the rules ask about products, each of them read once.

        The category is the one in which a product was sold then.

        :param set spots: (product id, category id) of lines
        :return: :class:`~..engine.Product` by spot
        """
        if "products" not in course.asks:
            return {}
        new = spots - course.products.keys()
        if not new:
            return course.products
        Transaction = self.env["loyalty.transaction"]
        ids = list({product_id for product_id, _category_id in new if product_id})
        conditions = [rule.conditions for rule in course.rules]
        parents = Transaction._get_category_parents({spot[1] for spot in new})
        tags = (
            Transaction._get_product_tags(ids)
            if any(wanted.tags for wanted in conditions)
            else {}
        )
        domains = (
            Transaction._get_product_domains(ids, Asked(frozenset(), course.rules))
            if any(wanted.domain for wanted in conditions)
            else {}
        )
        for product_id, category_id in new:
            course.products[product_id, category_id] = Product(
                id=product_id,
                categories=parents.get(category_id, frozenset()),
                tags=tags.get(product_id, frozenset()),
                domains=domains.get(product_id, frozenset()),
            )
        return course.products
