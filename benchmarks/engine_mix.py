# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rules and the baskets that the benchmark of the engine computes.

Thirty rules as a grocery chain might have them: what the scheme gives for each amount,
bonuses on goods, stores, days, hours and groups of customers, steps of the size of a
basket of which the best counts, one of three multipliers for the tier, cashback, caps
and a budget, and a clearance sale that excludes all others.
"""

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from benchmarks.completejourney import Year

POINTS, WALLET = "points", "wallet"
#: categories, tags, stores, tiers and segments are numbers, 1 to …
CATEGORIES, TAGS, STORES, TIERS, SEGMENTS = 12, 7, 40, 3, 5
PRODUCTS = 5000
SPRING = {"date_from": dt.date(2026, 3, 20), "date_to": dt.date(2026, 6, 20)}


def some(*values):
    return frozenset(values)


#: key, effect, value, conditions, and what else the rule has
RULES = (
    ("base", "amount", "1", {}, {"priority": 1000}),
    ("own brand", "amount", "0.5", {"tags": some(1)}, {}),
    ("fruit", "amount", "1", {"categories": some(1)}, {}),
    ("dairy", "percent", "20", {"categories": some(2)}, {}),
    ("tuesday", "amount", "1", {"weekdays": some(1), "categories": some(3)}, {}),
    ("e-shop", "amount", "0.5", {"channels": some("eshop")}, {}),
    ("opening", "amount", "1", {"stores": some(3, 4), **SPRING}, {}),
    ("morning", "amount", "0.5", {"hours": (8.0, 11.0)}, {}),
    ("night", "amount", "0.5", {"hours": (22.0, 2.0)}, {}),
    ("spring", "amount", "0.5", SPRING, {}),
    ("app", "percent", "10", {"payments": some("app")}, {}),
    ("family", "amount", "0.5", {"segments": some(1), "categories": some(4)}, {}),
    ("back again", "receipt", "20", {"segments": some(2)}, {}),
    ("weekend", "receipt", "5", {"weekdays": some(5, 6)}, {}),
    ("first", "receipt", "100", {"purchases": (0, 0)}, {}),
    ("tenth", "receipt", "30", {"purchases": (9, 9)}, {}),
    ("birthday", "receipt", "50", {"birthday": (3, 3)}, {"caps": {"month": "50"}}),
    ("from 50", "receipt", "10", {"minimum_amount": Decimal(50)}, {"group": "size"}),
    ("from 100", "receipt", "25", {"minimum_amount": Decimal(100)}, {"group": "size"}),
    ("from 200", "receipt", "60", {"minimum_amount": Decimal(200)}, {"group": "size"}),
    ("three", "receipt", "15", {"tags": some(2), "minimum_quantity": Decimal(3)}, {}),
    (
        "coffee",
        "unit",
        "2",
        {"products": frozenset(range(0, PRODUCTS, 25))},
        {"caps": {"receipt": "20"}},
    ),
    ("wine", "step", "5", {"categories": some(5)}, {"per": 20, "caps": {"day": "100"}}),
    (
        "supplier",
        "unit",
        "3",
        {"categories": some(6), "tags": some(3)},
        {"caps": {"budget": "100000"}},
    ),
    (
        "lunch",
        "amount",
        "2",
        {
            "channels": some("pos"),
            "stores": frozenset(range(1, 11)),
            "hours": (11.5, 14.0),
            "categories": some(7),
        },
        {"caps": {"month": "500"}},
    ),
    (
        "cashback",
        "percent",
        "2",
        {"tiers": some(2, 3)},
        {"target": WALLET, "caps": {"month": "50"}},
    ),
    (
        "clearance",
        "amount",
        "3",
        {"stores": some(7), "date_from": dt.date(2026, 11, 1)},
        {"priority": 1, "exclusive": True},
    ),
    ("silver", "multiplier", "1.2", {"tiers": some(1)}, {"group": "tier"}),
    ("gold", "multiplier", "1.5", {"tiers": some(2)}, {"group": "tier"}),
    ("platinum", "multiplier", "2", {"tiers": some(3)}, {"group": "tier"}),
)


class Mix:
    """Makes rules and baskets of the engine.

    :param engine: the package of the engine
    """

    def __init__(self, engine):
        self.engine = engine

    def make_rules(self, count: int):
        """Return the first ``count`` rules, the thirty again where there are more."""
        return self.engine.RuleSet(
            self._make_rule(number // len(RULES), *RULES[number % len(RULES)])
            for number in range(count)
        )

    def _make_rule(self, copy, key, effect, value, conditions, others):
        engine = self.engine
        others = dict(others)
        caps = tuple(
            engine.Cap(engine.Period(period), Decimal(amount))
            for period, amount in others.pop("caps", {}).items()
        )
        group = others.pop("group", None)
        return engine.Rule(
            key=f"{key} {copy}",
            name=key.title(),
            effect=engine.Effect(effect),
            value=Decimal(value),
            per=Decimal(others.pop("per", 1)),
            target=engine.Target(others.pop("target", POINTS)),
            group=group and f"{group} {copy}",
            conditions=engine.Conditions(**conditions),
            caps=caps,
            **others,
        )

    def make_baskets(self, count: int, lines: int) -> list:
        """Return made-up baskets, always the same."""
        chance = random.Random(2026)
        products = [self._make_product(number) for number in range(PRODUCTS)]
        return [
            self.engine.Basket(
                tuple(
                    self.engine.BasketLine(
                        key=str(number),
                        amount=Decimal(chance.randint(50, 3000)) / 100,
                        quantity=Decimal(chance.choice((1, 1, 1, 2, 3))),
                        product=chance.choice(products),
                    )
                    for number in range(lines)
                ),
                self._make_facts(
                    chance,
                    chance.randint(1, STORES),
                    dt.datetime(2026, 1, 1)
                    + dt.timedelta(minutes=chance.randrange(365 * 24 * 60)),
                ),
            )
            for _basket in range(count)
        ]

    def make_real_baskets(self, count: int) -> Iterator:
        """Return the first baskets of the real year, as if it were 2026."""
        year = Year(count)
        chance = random.Random(2017)
        baskets = list(year.baskets())
        catalogue = {product.number: product for product in year.products}
        sold = Counter(
            catalogue[number].path[1:2]
            for basket in baskets
            for number, _quantity, _amount in basket.lines
        )
        ranks = {path: rank for rank, (path, _n) in enumerate(sold.most_common(), 1)}
        products = {
            number: self._make_product(number, ranks[product.path[1:2]])
            for number, product in catalogue.items()
        }
        stores = {number: rank for rank, number in enumerate(year.stores, 1)}
        for basket in baskets:
            lines = tuple(
                self.engine.BasketLine(
                    key=str(number),
                    amount=Decimal(str(amount)),
                    quantity=Decimal(quantity),
                    product=products[number],
                )
                for number, quantity, amount in basket.lines
            )
            moment = basket.date.replace(year=2026)
            store = 1 + stores[basket.store] % STORES
            facts = self._make_facts(chance, store, moment)
            yield self.engine.Basket(lines, facts)

    def _make_product(self, number, category=None):
        category = category or 1 + number % CATEGORIES
        return self.engine.Product(
            id=number,
            categories=frozenset((category, 1000 + number % 40, 2000)),
            tags=some(1 + number % TAGS),
        )

    def _make_facts(self, chance, store, moment):
        engine = self.engine
        return engine.Facts(
            channel=chance.choice(("pos", "pos", "eshop")),
            store=store,
            tier=chance.choice((None, *range(1, TIERS + 1))),
            segments=some(chance.randint(1, SEGMENTS)),
            payments=some(chance.choice(("cash", "card", "app"))),
            moment=moment,
            birthday=dt.date(1980, chance.randint(1, 12), chance.randint(1, 28)),
            purchases=chance.randint(0, 30),
            used={
                ("wine 0", engine.Period.DAY): Decimal(10),
                ("cashback 0", engine.Period.MONTH): Decimal(4),
            },
        )
