# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Post the real grocery year into an Odoo database, as an outside sales system would.

Households become members, stores become stores, products become products in a tree of
categories (department, category, type), and baskets become transactions of the channel
``import``, in time order, through the same service as every other channel
(``loyalty.transaction._record_many``). What the data hold, and what is made of it, is
told in ``completejourney.py``.

Every batch is one database transaction, and a basket that is already posted is skipped:
an import that was interrupted, even killed, goes on where it stopped when it is started
again, and a finished one does nothing.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable

from odoo import api
from odoo.tools import split_every

from benchmarks import database
from benchmarks.completejourney import Basket, Year

MODULES = ("loyalty_ledger",)
CHANNEL = "import"
SCHEME = "Complete Journey"
# What the internal references of the imported records begin with
CODE = "CJ-"
RECORDS_AT_ONCE = 2000
BASKETS_AT_ONCE = 500
SECONDS_BETWEEN_LINES = 5


class YearImport:
    """Brings the baskets of a year into one scheme.

    :param env: environment of the superuser; the import commits
    :param year: the baskets to post
    """

    def __init__(self, env: api.Environment, year: Year):
        context = {"active_test": False, "tracking_disable": True}
        self.env = env(context=context)
        self.year = year
        self.scheme = self._get_scheme()
        self.stores: dict[int, int] = {}
        self.products: dict[int, int] = {}
        self.names: dict[int, str] = {}
        self.members: dict[int, int] = {}

    def prepare(self) -> None:
        """Create the stores, products and members that are not there yet."""
        for prepare in (self._add_stores, self._add_products, self._add_members):
            start = time.monotonic()
            say(f"{prepare()} ({time.monotonic() - start:.1f} s)")
            self.env.cr.commit()

    def posted(self) -> set[int]:
        """Numbers of the baskets that are in the database."""
        groups = self.env["loyalty.transaction"]._read_group(
            [("channel_id.code", "=", CHANNEL), ("scheme_id", "=", self.scheme.id)],
            ["reference"],
        )
        return {int(reference) for (reference,) in groups}

    def post(self, baskets: Iterable[Basket]) -> None:
        """Post baskets in one database transaction.

        :raise UserError: when the service refuses one; none of them is then posted
        """
        members = self.env["loyalty.member"]
        ids = {self.members[basket.household] for basket in baskets}
        by_id = {member.id: member for member in members.browse(ids)}
        self.env["loyalty.transaction"]._record_many(
            [
                (by_id[self.members[basket.household]], self._make_sale(basket))
                for basket in baskets
            ]
        )
        self.env.cr.commit()

    def _make_sale(self, basket: Basket):
        # Here, because Odoo finds the suite's addons only after it was configured
        from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine

        return Sale(
            channel=CHANNEL,
            reference=str(basket.number),
            date=basket.date,
            currency_id=self.scheme.currency_id.id,
            company_id=self.env.company.id,
            store_id=self.stores[basket.store],
            lines=tuple(
                SaleLine(
                    key=str(number),
                    name=self.names[number],
                    product_id=self.products[number],
                    quantity=quantity,
                    amount_incl=amount,
                    amount_excl=amount,
                )
                for number, quantity, amount in basket.lines
            ),
        )

    # What the sales refer to

    def _get_scheme(self):
        schemes = self.env["loyalty.scheme"]
        scheme = schemes.search([("name", "=", SCHEME)], limit=1)
        if not scheme:
            dollar = self.env.ref("base.USD")
            dollar.active = True
            scheme = schemes.create({"name": SCHEME, "currency_id": dollar.id})
            scheme.instant_channel_ids |= self.env.ref("loyalty_member.channel_import")
            self.env.cr.commit()
        return scheme

    def _add_stores(self) -> str:
        stores = self.env["loyalty.store"]
        self.stores = self._find_numbered(stores, "code")
        new = [number for number in self.year.stores if number not in self.stores]
        records = stores.create(
            [{"name": f"Store {number}", "code": f"{CODE}{number}"} for number in new]
        )
        self.stores.update(zip(new, records.ids, strict=True))
        return f"{len(self.year.stores):,} stores, {len(new):,} new"

    def _add_products(self) -> str:
        wanted = self.year.products
        self.names = {product.number: product.name for product in wanted}
        products = self.env["product.product"]
        self.products = self._find_numbered(products, "default_code")
        new = [product for product in wanted if product.number not in self.products]
        categories = self._get_categories({product.path for product in new})
        for some in split_every(RECORDS_AT_ONCE, new):
            records = products.create(
                [
                    {
                        "name": product.name,
                        "default_code": f"{CODE}{product.number}",
                        "categ_id": categories[product.path],
                        "taxes_id": False,
                        "supplier_taxes_id": False,
                    }
                    for product in some
                ]
            )
            numbers = (product.number for product in some)
            self.products.update(zip(numbers, records.ids, strict=True))
            self.env.cr.commit()
        return f"{len(wanted):,} products, {len(new):,} new"

    def _get_categories(self, paths: set[tuple[str, ...]]) -> dict[tuple, int | bool]:
        """Return the category of each path, created level by level where missing."""
        categories = self.env["product.category"]
        known = {
            (values["parent_id"] and values["parent_id"][0], values["name"]): values[
                "id"
            ]
            for values in categories.search_read([], ["parent_id", "name"])
        }
        found: dict[tuple[str, ...], int | bool] = {(): False}
        for depth in range(1, max(map(len, paths), default=0) + 1):
            level = sorted({path[:depth] for path in paths if len(path) >= depth})
            keys = {path: (found[path[:-1]], path[-1]) for path in level}
            new = [key for key in keys.values() if key not in known]
            records = categories.create(
                [{"parent_id": parent, "name": name} for parent, name in new]
            )
            known.update(zip(new, records.ids, strict=True))
            found.update({path: known[key] for path, key in keys.items()})
        return found

    def _add_members(self) -> str:
        partners = self.env["res.partner"]
        ids = self._find_numbered(partners, "ref")
        dates = self.year.households
        new = [number for number in dates if number not in ids]
        records = partners.create(
            [
                {"name": f"Household {number}", "ref": f"{CODE}{number}"}
                for number in new
            ]
        )
        ids.update(zip(new, records.ids, strict=True))
        before = self.scheme.member_count
        members = self.env["loyalty.member"]._enrol(
            partners.browse([ids[number] for number in dates]),
            self.scheme,
            channel_code=CHANNEL,
        )
        for member, date in zip(members, dates.values(), strict=True):
            member.enrol_date = min(member.enrol_date, date)
        self.members = dict(zip(dates, members.ids, strict=True))
        self.env.flush_all()
        self.scheme.invalidate_recordset(["member_count"])
        return f"{len(dates):,} members, {self.scheme.member_count - before:,} new"

    def _find_numbered(self, model, field: str) -> dict[int, int]:
        """Return the ids of imported records by the number in their reference."""
        rows = model.search_read([(field, "=like", f"{CODE}%")], [field])
        return {int(row[field].removeprefix(CODE)): row["id"] for row in rows}


def post_all(
    importer: YearImport,
    at_once: int = BASKETS_AT_ONCE,
    tell: Callable = lambda *_: None,
) -> tuple[int, float]:
    """Post every basket that is not posted yet.

    :param at_once: baskets in one database transaction
    :param tell: called after each batch with the number of baskets in the database
        and the baskets per second of this run
    :return: baskets posted by this run, and the seconds it took
    """
    posted = importer.posted()
    start, done = time.monotonic(), 0
    for baskets in split_every(at_once, importer.year.baskets(skip=posted)):
        importer.post(baskets)
        done += len(baskets)
        tell(len(posted) + done, done / (time.monotonic() - start))
    return done, time.monotonic() - start


class Progress:
    """Says every few seconds how far an import is."""

    def __init__(self, total: int):
        self.total = total
        self.last = 0.0

    def __call__(self, done: int, rate: float) -> None:
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES and done < self.total:
            return
        self.last = now
        left = time.strftime("%H:%M:%S", time.gmtime((self.total - done) / rate))
        say(
            f"{done:,} of {self.total:,} baskets ({done / self.total:.0%}), "
            f"{rate:,.0f} a second, {left} left"
        )


def say(text: str) -> None:
    print(text, flush=True)


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loyalty load",
        description="Post a real year of 155,848 grocery baskets. Start it again after "
        "an interruption: it goes on where it stopped.",
    )
    database.add_arguments(parser, default="loyalty_year")
    parser.add_argument(
        "--baskets", type=int, metavar="N", help="only the first N baskets of the year"
    )
    parser.add_argument(
        "--batch",
        type=int,
        default=BASKETS_AT_ONCE,
        metavar="N",
        help="baskets in one database transaction (default: %(default)s)",
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="only create the members, stores and products that the baskets need",
    )
    parser.add_argument(
        "--audit", action="store_true", help="audit the ledger at the end"
    )
    return parser


def main() -> None:
    parser = get_parser()
    options = parser.parse_args()
    if options.batch < 1 or (options.baskets is not None and options.baskets < 1):
        parser.error("--baskets and --batch take a number from 1")
    for stop in (signal.SIGINT, signal.SIGTERM):
        # also where the shell that started us has set it to be ignored
        signal.signal(stop, signal.default_int_handler)
    database.configure(options)
    year = Year(options.baskets)
    say(f"{len(year):,} baskets with {year.line_count:,} lines to {options.database}")
    with database.environment(options.database, MODULES) as env:
        importer = YearImport(env, year)
        try:
            importer.prepare()
            if options.prepare:
                return
            done, seconds = post_all(importer, options.batch, Progress(len(year)))
        except KeyboardInterrupt:
            sys.exit("Interrupted. The same command goes on where this one stopped.")
        say(f"{done:,} baskets posted in {seconds:.1f} s")
        if options.audit:
            audit(env)


def audit(env: api.Environment) -> None:
    """Audit the whole ledger; leave with 1 on the first findings."""
    findings = env["loyalty.ledger"]._audit()
    for finding in findings[:20]:
        say(str(finding))
    if findings:
        sys.exit(f"The audit found {len(findings):,} faults in the ledger.")
    say("The audit found no fault in the ledger.")


if __name__ == "__main__":
    main()
