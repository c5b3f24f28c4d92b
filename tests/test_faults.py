# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real workers race, repeat themselves and are killed, and the books add up.

The size that every run of the tests can afford; ``./loyalty bench faults`` is the large
one, which kills PostgreSQL, too.
"""

import subprocess
import sys

import pytest
from databases import copy_of_tests, execute

from odoo.tools import config

from benchmarks import faults

OPERATIONS = 150
WORKERS = 2
CLEAN = dict.fromkeys(("lost", "doubled", "overdrawn", "wrong"), 0)


class Database:
    """A copy of the tests' database with the module that posts over HTTP."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        paths = [*config["addons_path"], str(faults.PROBE_ADDONS)]
        self.options = [
            *(("-c", config["config"]) if config["config"] else ()),
            *("--addons-path", ",".join(paths), "--data-dir", str(folder)),
        ]

    def install(self):
        subprocess.run(
            [
                *(sys.executable, "-m", "odoo", "server", "-d", self.name),
                *("-i", faults.PROBE, "--stop-after-init", "--no-http"),
                *("--logfile", str(self.folder / "install.log"), *self.options),
            ],
            cwd=faults.ROOT,
            check=True,
            timeout=300,
        )

    def query(self, query):
        return execute(self.name, query)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with copy_of_tests("faults") as name:
        database = Database(name, tmp_path_factory.mktemp("faults"))
        database.install()
        yield database


@pytest.fixture(scope="module")
def server(database):
    with faults.Server(
        database.name, WORKERS, database.folder, database.options
    ) as server:
        yield server


@pytest.mark.parametrize("accounts", [1, 20])
def test_every_request_twice_and_a_worker_killed(database, server, accounts):
    operations = faults.make_operations(
        server.call("open", count=accounts), OPERATIONS, f"{accounts} accounts"
    )
    run = faults.Run(server, operations, 2 * WORKERS, server.kill_worker).start()
    assert run.answered == 2 * OPERATIONS
    assert sum(operation.refused > 0 for operation in operations), "no overdraft tried"
    assert faults.check(database.query, operations) == CLEAN
    assert not faults.replay(server, database.query, run)
    assert faults.check(database.query, operations) == CLEAN
    assert server.call("audit") == []


def test_the_check_sees_what_is_wrong(database, server):
    """The sums above would not notice themselves if they were blind."""
    account_id = server.call("open", count=1)[0]
    earned = faults.Operation(account_id, "a", "credit", 10)
    refused = faults.Operation(account_id, "b", "debit", 11)
    run = faults.Run(server, [earned, refused], 1).start()
    assert (len(earned.entries), refused.refused) == (1, 2)
    assert faults.check(database.query, run.operations) == CLEAN
    never_sent = faults.Operation(account_id, "c", "credit", 5, {-1})
    assert faults.check(database.query, [*run.operations, never_sent]) == {
        **CLEAN,
        "lost": 10,
        "wrong": 1,
    }
    assert faults.check(database.query, [refused])["wrong"] == 1
