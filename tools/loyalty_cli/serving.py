# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo for people: the demo, the server for developing, the prompt."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import time
from collections.abc import Sequence

from . import modules
from .console import Failure, end, run_in_foreground, say, step
from .databases import PREFIX, TEMPLATES_KEPT, Databases
from .environment import HOST, Environment
from .paths import locked, logs

PORT = 8069
DEVELOPMENT = f"{PREFIX}_dev"
DEMO = f"{PREFIX}_demo_live_"
LOGINS = ("admin / admin", "demo / demo", "portal / portal")
PATIENCE = 120
JOBS = {"ODOO_QUEUE_JOB_CHANNELS": "root:2"}
NO_JOBS = {"ODOO_QUEUE_JOB_CHANNELS": "root:0"}
"""How many jobs of queue_job run at once: with 0, its runner does not start."""
SERVER_WIDE = "base,rpc,web,queue_job"
"""queue_job's runner starts with the server, if the server loads it before all else."""


def demo(env: Environment, port: int) -> int:
    """Serve a database with demo data until it is stopped."""
    _check_port(port)
    databases = Databases(env)
    template = databases.get_template(demo=True)
    name = DEMO + template.rpartition("_")[2]
    with locked("demo"):
        if not databases.exists(name):
            databases.copy_template(template, name)
            for old in databases.find_own(DEMO)[TEMPLATES_KEPT:]:
                databases.drop(old)
    log = logs() / "demo.log"
    command = env.get_odoo_command("server", *get_options(name, port))
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=env.variables | JOBS,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        with step("Starting Odoo"):
            _wait_until_served(process, port)
        say("")
        say(f"  Odoo with the loyalty suite   http://{HOST}:{port}")
        say(f"  Logins (name / password)      {',  '.join(LOGINS)}")
        say(f"  Log                           {log}")
        say(
            "  Stop with Ctrl-C. What you change stays until the modules change; "
            "./loyalty reset begins anew."
        )
        process.wait()
    except KeyboardInterrupt:
        say("")
        with step("Stopping"):
            end(process)
        return 0
    finally:
        end(process)
    raise Failure(f"Odoo has ended by itself; its log says why: {log}.")


def serve(env: Environment, port: int, dev: str, extra: Sequence[str]) -> int:
    """Serve the developer's database, brought up to date first, with the log shown."""
    _check_port(port)
    name = get_development_database(env)
    say(f"http://{HOST}:{port}  database {name}  logins: {', '.join(LOGINS)}")
    options = get_options(name, port)
    if dev:
        options.append(f"--dev={dev}")
    return run_in_foreground(
        env.get_odoo_command("server", *options, *extra), env.variables | JOBS
    )


def shell(env: Environment, name: str, extra: Sequence[str]) -> int:
    if name == DEVELOPMENT:
        get_development_database(env)
    elif not Databases(env).exists(name):
        raise Failure(
            f"There is no database {name}; there are: "
            f"{', '.join(Databases(env).find_own()) or 'none'}."
        )
    return run_in_foreground(
        env.get_odoo_command("shell", "-d", name, "--no-http", *extra), env.variables
    )


def get_development_database(env: Environment) -> str:
    """Return the developer's database: a copy of the demo, kept, updated if need be."""
    databases = Databases(env)
    manifests = modules.discover()
    state = modules.get_content_key(manifests)
    if not databases.exists(DEVELOPMENT):
        databases.copy_template(databases.get_template(demo=True), DEVELOPMENT)
    elif databases.get_note(DEVELOPMENT) != state:
        databases.update(DEVELOPMENT, manifests)
    databases.set_note(DEVELOPMENT, state)
    return DEVELOPMENT


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def get_options(name: str, port: int) -> list[str]:
    """Return the options of a server that serves one database and runs its jobs."""
    return [
        "--load",
        SERVER_WIDE,
        "-d",
        name,
        f"--db-filter=^{re.escape(name)}$",
        "--http-port",
        str(port),
        "--max-cron-threads",
        "1",
    ]


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Failure(
                f"Port {port} is taken on this machine: stop what uses it, or name "
                "another with --port."
            ) from error


def _wait_until_served(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(
                f"Odoo did not start; its log says why: {logs() / 'demo.log'}."
            )
        connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        try:
            connection.request("GET", "/web/login")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass  # not listening yet
        finally:
            connection.close()
        time.sleep(0.2)
    raise Failure(
        f"Odoo did not answer within {PATIENCE} seconds; its log: "
        f"{logs() / 'demo.log'}."
    )
