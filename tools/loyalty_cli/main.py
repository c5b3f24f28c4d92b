# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The command line."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys

from . import (
    benchmarking,
    browser,
    environment,
    linting,
    modules,
    serving,
    testing,
    venv,
)
from .console import Failure, say, step
from .databases import Databases
from .environment import Environment
from .paths import ARTIFACTS, ROOT, cache
from .postgres import Embedded

INTERRUPTED = 130


def main() -> int:
    """Run the command line and return the exit status."""
    options = _parse(sys.argv[1:])
    # A shell that starts us in the background has Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if options.db_host:
        os.environ["PGHOST"] = options.db_host
    os.chdir(ROOT)
    try:
        return options.run(options) or 0
    except Failure as failure:
        sys.stdout.flush()
        print(f"loyalty: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nloyalty: stopped.", file=sys.stderr)
        return INTERRUPTED


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; ``options.rest`` is what goes on to another program.

    That is all after ``--``, and for benchmarks, which have options of their own, all
    that is not ours.
    """
    if "--" in arguments:
        at = arguments.index("--")
        arguments, passed_on = arguments[:at], arguments[at + 1 :]
    else:
        passed_on = []
    parser = _get_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown and options.run not in (_bench, _load):
        parser.error(f"unknown arguments: {' '.join(unknown)}")
    options.rest = unknown + passed_on
    return options


def _setup(options: argparse.Namespace) -> None:
    env = _prepare(options)
    Databases(env).get_template()
    try:
        program = browser.get()
    except Failure as failure:
        program = f"{failure} Everything but the tests works without it."
    version = env.server.query("SHOW server_version")[0]
    say(f"Odoo       {env.odoo.package} ({env.odoo.version})")
    say(f"  addons   {env.odoo.addons}")
    say(f"Python     {env.venv.python}")
    say(f"PostgreSQL {version} at {env.server.host}, role {env.server.user}")
    say(f"Chromium   {program}")
    say(f"Cache      {cache()}")
    say("Ready: ./loyalty demo, ./loyalty test")


def _demo(options: argparse.Namespace) -> int:
    return serving.demo(_prepare(options), options.port)


def _serve(options: argparse.Namespace) -> int:
    return serving.serve(_prepare(options), options.port, options.dev, options.rest)


def _test(options: argparse.Namespace) -> int:
    if options.changed and options.targets:
        raise Failure("--changed selects the tests by itself: name no others with it.")
    browser.get()
    env = _prepare(options)
    if options.odoo_suites:
        return testing.run_odoo_suites(env, fast=options.odoo_suites == "fast")
    extra = [
        *(["-k", options.k] if options.k else []),
        *(["-x"] if options.x else []),
        *options.rest,
    ]
    if options.changed:
        return testing.run_changed(env, extra, workers=options.workers)
    return testing.run_tests(env, options.targets, extra, workers=options.workers)


def _lint(options: argparse.Namespace) -> int:
    return linting.lint(_prepare(options), fix=options.fix)


def _bench(options: argparse.Namespace) -> int:
    names = benchmarking.choose(options.name)
    return benchmarking.bench(_prepare(options), names, options.rest)


def _load(options: argparse.Namespace) -> int:
    return benchmarking.load(_prepare(options), options.rest)


def _shell(options: argparse.Namespace) -> int:
    return serving.shell(_prepare(options), options.database, options.rest)


def _reset(options: argparse.Namespace) -> None:
    if options.all:
        _destroy_server()
        with step(f"Deleting {cache()}"):
            shutil.rmtree(cache())
    elif os.environ.get("PGHOST"):
        databases = Databases(_prepare(options))
        with step("Dropping the databases of this suite"):
            for name in databases.find_own():
                databases.drop(name)
    else:
        _destroy_server()
        with step(
            "Deleting databases, filestores and logs; downloads stay (--all deletes "
            "them too)"
        ):
            for folder in ("data", "logs", "config"):
                shutil.rmtree(cache() / folder, ignore_errors=True)
    shutil.rmtree(ARTIFACTS, ignore_errors=True)


def _destroy_server() -> None:
    built = venv.get_built()
    if built:
        with step("Deleting the embedded PostgreSQL and its databases"):
            Embedded(built[0]).destroy()


def _prepare(options: argparse.Namespace) -> Environment:
    modules.discover()
    return environment.prepare(options.odoo)


def _get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loyalty",
        allow_abbrev=False,
        description="Everything that this repository needs is set up by itself, in a "
        "cache folder; any command can be run again.",
        epilog="Environment: ODOO_PATH (an Odoo 19), PGHOST, PGPORT, PGUSER and "
        "PGPASSWORD (a PostgreSQL), LOYALTY_CACHE (the cache folder).",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--odoo",
        metavar="PATH",
        help="the Odoo 19 to use (default: the Debian package, fetched)",
    )
    common.add_argument(
        "--db-host",
        metavar="HOST",
        help="the PostgreSQL to use (default: one of our own, on a socket)",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=about, description=about, parents=[common], allow_abbrev=False
        )
        command.set_defaults(run=run)
        return command

    add(
        "setup",
        _setup,
        "fetch Odoo, Python packages, PostgreSQL and Chromium, and build the database "
        "for the tests",
    )
    demo = add(
        "demo",
        _demo,
        "serve a database with demo data, and say where and with which logins",
    )
    demo.add_argument(
        "--port", type=int, default=serving.PORT, help="default: %(default)s"
    )
    serve = add(
        "serve", _serve, "serve a database for developing; options after -- go to Odoo"
    )
    serve.add_argument(
        "--port", type=int, default=serving.PORT, help="default: %(default)s"
    )
    serve.add_argument(
        "--dev",
        default="",
        metavar="FEATURES",
        help="Odoo's own --dev, for example xml,reload",
    )
    test = add("test", _test, "run the tests; options after -- go to pytest")
    test.add_argument(
        "targets",
        nargs="*",
        help="paths (addons/loyalty_ledger, …/test_x.py::TestX), or Odoo's test tags "
        "(/loyalty_ledger:TestX)",
    )
    test.add_argument(
        "-k", metavar="EXPRESSION", help="only the tests whose name matches"
    )
    test.add_argument("-x", action="store_true", help="stop at the first failure")
    test.add_argument(
        "--changed",
        action="store_true",
        help="only the tests of what has changed since 'main', and of what depends on "
        "it",
    )
    test.add_argument(
        "--workers",
        type=int,
        metavar="NUMBER",
        help="how many processes run the tests (default: one for each processor; 1 is "
        "for a debugger)",
    )
    test.add_argument(
        "--odoo-suites",
        nargs="?",
        const="all",
        choices=("all", "fast"),
        help="run Odoo's own tests of its loyalty modules with ours installed; "
        "'fast': those that need no browser",
    )
    lint = add("lint", _lint, "check the style of everything")
    lint.add_argument(
        "--fix", action="store_true", help="mend what can be mended by itself"
    )
    bench = add(
        "bench", _bench, "run the benchmarks, or one of them; further options go to it"
    )
    bench.add_argument(
        "name",
        nargs="?",
        help=f"one of: {', '.join(benchmarking.get_names()) or 'none yet'}",
    )
    bench.epilog = "The options of one benchmark: ./loyalty bench NAME -- --help"
    load = add(
        "load",
        _load,
        "post a real year of a grocery chain; further options go to the loader",
    )
    load.epilog = "The loader's own options: ./loyalty load -- --help"
    shell = add("shell", _shell, "open a Python prompt with Odoo's 'env' on a database")
    shell.add_argument(
        "database", nargs="?", default=serving.DEVELOPMENT, help="default: %(default)s"
    )
    reset = add(
        "reset", _reset, "delete all databases, so that the next run builds them anew"
    )
    reset.add_argument("--all", action="store_true", help="the downloads too")
    return parser
