# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the tests: ours by pytest or, where tags select them, by Odoo; and its own."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import changes, modules
from .browser import has_tours
from .console import Failure, Step, run, run_in_foreground, say, step
from .databases import Databases, get_cause, say_install_warnings
from .environment import Environment
from .paths import ADDONS, ARTIFACTS, ROOT
from .serving import NO_JOBS, find_free_port

RUNS_KEPT = 5
NATIVE_SUITES = (
    "loyalty",
    "sale_loyalty",
    "sale_loyalty_delivery",
    "website_sale_loyalty",
    "pos_loyalty",
    "pos_sale_loyalty",
)
# What drives a browser in them.
NATIVE_TOURS = (
    "pos_loyalty:TestUi",
    "pos_loyalty:TestPOSLoyaltyHistory.test_pos_loyalty_history",
    "pos_sale_loyalty",
    "website_sale_loyalty:WebsiteSaleLoyaltyTestUi",
    "website_sale_loyalty:TestWebsiteSaleCoupon.test_02_apply_discount_code_program_multi_rewards",
    "website_sale_loyalty:TestWebsiteSaleDelivery.test_shop_sale_gift_card_keep_delivery",
    "website_sale_loyalty:TestWebsiteSaleDelivery.test_shipping_discount",
    "website_sale_loyalty:TestWebsiteSaleDelivery.test_update_shipping_after_discount",
)

NATIVE_TESTS = 244
NATIVE_TESTS_FAST = 155
"""How many tests Odoo 19.0 has to start at least, as its runner counts them, with and
without a browser: fewer would look like success, too."""


def run_tests(
    env: Environment,
    targets: Sequence[str],
    extra: Sequence[str],
    *,
    workers: int | None = None,
) -> int:
    """Run the tests that paths or Odoo's tags select; all of ours when there are none.

    :param extra: further options, for pytest or for Odoo
    :param workers: how many processes pytest runs (default: one for each processor)
    :return: the exit status
    """
    paths = [
        target for target in targets if (ROOT / target.partition("::")[0]).exists()
    ]
    tags = [target for target in targets if target not in paths]
    for tag in tags:
        if not re.fullmatch(r"[-+]?(/[\w/.]+)?(:\w+)?(\.\w+)?(\[.*\])?", tag):
            raise Failure(
                f"{tag} is neither a path in this repository nor a test tag like "
                "/loyalty_ledger:TestX."
            )
    if tags and paths:
        raise Failure(
            "Paths are run by pytest and tags by Odoo's own runner: name only one of "
            "the two kinds."
        )
    if tags:
        return _run_tags(env, tags, extra)
    return _run_pytest(env, paths or _get_all_paths(), extra, workers=workers)


def run_changed(
    env: Environment, extra: Sequence[str], *, workers: int | None = None
) -> int:
    """Run the tests of what has changed since ``main``, and of what depends on it."""
    paths = changes.find_tests(changes.get_changed_files(), modules.discover())
    if not paths:
        say(f"Nothing that a test covers has changed since {changes.MAIN}.")
        return 0
    say(f"Changed since {changes.MAIN}: {' '.join(paths)}")
    return _run_pytest(env, paths, extra, workers=workers)


def run_odoo_suites(env: Environment, *, fast: bool) -> int:
    """Run Odoo's own tests of its loyalty modules with all of ours installed.

    :param fast: only those that need no browser
    """
    tags = [f"/{name}" for name in NATIVE_SUITES]
    if fast:
        tags += [f"-/{name}" for name in NATIVE_TOURS]
    what = (
        "Running Odoo's own tests that need no browser"
        if fast
        else "Running Odoo's own tests (about 20 minutes)"
    )
    report = _run_odoo(env, what, tags, update=NATIVE_SUITES[:1])
    check_complete(report, fast=fast)
    return 1 if report.failed else 0


def check_complete(report: Report, *, fast: bool) -> None:
    """Refuse a run of Odoo's own tests in which some are missing."""
    # With a browser, a few skip themselves for want of modules that are not ours.
    if fast and report.skipped:
        raise Failure(
            f"{report.skipped} of Odoo's own tests were skipped: the lines with "
            "'skipped' in its log say why."
        )
    least = NATIVE_TESTS_FAST if fast else NATIVE_TESTS
    if report.tests < least:
        raise Failure(
            f"Only {report.tests} of Odoo's own tests ran, {least} were expected: see "
            "in its log which module lacks some; where Odoo itself has dropped them, "
            "lower the number in tools/loyalty_cli/testing.py."
        )


def _get_all_paths() -> list[str]:
    folders = [*sorted(ADDONS.glob("*/tests")), ROOT / "tests"]
    return [
        str(folder.relative_to(ROOT))
        for folder in folders
        if any(folder.glob("**/test_*.py"))
    ]


def _get_files(paths: Sequence[str]) -> set[Path]:
    """Return the files of tests in ``paths``."""
    files: set[Path] = set()
    for path in paths:
        place = ROOT / path.partition("::")[0]
        files.update(place.rglob("test_*.py") if place.is_dir() else [place])
    return files


def _run_pytest(
    env: Environment,
    paths: Sequence[str],
    extra: Sequence[str],
    *,
    workers: int | None,
) -> int:
    databases = Databases(env)
    files = _get_files(paths)
    template = databases.get_template(bundled=any(map(has_tours, files)))
    warnings = databases.get_install_warnings(template)
    artifacts = _make_artifacts()
    workers = workers or min(os.cpu_count() or 1, len(files))
    with databases.copy_of(template, "test") as name:
        say_install_warnings(warnings)
        status = run_in_foreground(
            [
                *(env.venv.python, "-m", "pytest", "-p", "loyalty_cli.pytest_plugin"),
                *(
                    f"--odoo-config={env.config}",
                    f"--odoo-database={name}",
                    "--odoo-http",
                ),
                *("--odoo-log-level=warn", "--odoo-extra", f"screenshots={artifacts}"),
                *("--odoo-extra", f"logfile={artifacts / 'odoo.log'}"),
                *_get_worker_options(workers),
                *extra,
                *paths,
            ],
            # A runner of jobs would hold the database that a test wants to copy.
            env.variables | NO_JOBS,
            cwd=ROOT,
        )
    if not status and warnings:
        raise Failure(
            "The tests pass, but Odoo complained while our modules were installed: see "
            "the lines marked '!' above."
        )
    return status


def _get_worker_options(workers: int) -> list[str]:
    """Return what makes pytest run several processes.

    pytest-odoo gives each a copy of the database and a port; the plugin says which
    tests stay together, and in which order.
    """
    if workers == 1:
        return []
    return [f"--numprocesses={workers}", "--dist=loadscope", "--no-loadscope-reorder"]


def _run_tags(env: Environment, tags: Sequence[str], extra: Sequence[str]) -> int:
    manifests = modules.discover()
    named = {found[1] for tag in tags if (found := re.match(r"\+?/(\w+)", tag))}
    report = _run_odoo(
        env,
        f"Running {','.join(tags)}",
        tags,
        update=sorted(named) or list(manifests),
        extra=extra,
    )
    return 1 if report.failed else 0


@dataclass
class Report:
    """What Odoo's runner says of its tests, read from its log line by line."""

    current: Step
    started: int = 0
    skipped: int = 0
    tests: int | None = None
    failed: int = 0
    names: list[str] = field(default_factory=list)
    screenshots: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        if re.search(r": Starting \w+\.\w+ \.\.\.", line):
            self.started += 1
            self.current.note = f"{self.started} tests" + (
                f", {len(self.names)} failed" if self.names else ""
            )
        elif found := re.search(r": (?:FAIL|ERROR): (.+)$", line):
            self.names.append(found[1].rstrip(" ."))
            self.current.say(f"✗ {found[1]}")
        elif re.search(r"\bskipped\b.* : ", line):
            self.skipped += 1
            if re.search(r"[Cc]hrome|websocket", line):
                self.names.append(
                    "a tour was skipped because the browser could not be used"
                )
                self.current.say(f"✗ {line.split(' ', 5)[-1]}")
        elif found := re.search(r"[Ss]creenshot in: (\S+)", line):
            self.screenshots.append(found[1])
        elif found := re.search(
            r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading database", line
        ):
            self.failed = int(found[1]) + int(found[2])
            self.tests = int(found[3])


def _run_odoo(
    env: Environment,
    what: str,
    tags: Sequence[str],
    *,
    update: Sequence[str],
    extra: Sequence[str] = (),
) -> Report:
    """Run tests by Odoo's own runner, and say how many passed."""
    log = _make_artifacts() / "odoo.log"
    report = run_by_odoo(env, what, tags, log, ["-u", ",".join(update), *extra])
    for screenshot in report.screenshots:
        say(f"Screenshot: {screenshot}")
    if report.failed:
        say(f"Everything Odoo said: {log}")
    if not report.tests:
        raise Failure(f"No test was run: nothing matches {','.join(tags)}.")
    passed = max(report.tests - report.failed - report.skipped, 0)
    skipped = f", {report.skipped} skipped" if report.skipped else ""
    say(f"{passed} passed, {report.failed} failed{skipped}")
    return report


def run_by_odoo(
    env: Environment,
    what: str,
    tags: Sequence[str],
    log: Path,
    arguments: Sequence[str],
) -> Report:
    """Run tests by Odoo's own runner in a copy of the template.

    :param arguments: they have to install or update modules: Odoo runs the tests of
        those modules and of what depends on them
    :raise Failure: Odoo did not get to the end of the tests
    """
    databases = Databases(env)
    # Odoo's runner does its own bundling, when there are tours to run.
    template = databases.get_template(bundled=False)
    broken = None
    with databases.copy_of(template, "test") as name, step(what) as current:
        report = Report(current)
        command = env.get_odoo_command(
            *("server", "-d", name, f"--db-filter=^{name}$", "--stop-after-init"),
            *("--test-tags", ",".join(tags), "--http-port", str(find_free_port())),
            *("--screenshots", str(log.parent), *arguments),
        )
        try:
            run(command, what="Odoo", env=env.variables, log=log, on_line=report.read)
        except Failure as error:
            broken = error
    if report.tests is None:
        raise Failure(
            f"Odoo did not get through to its tests: {get_cause(log)}. "
            f"Everything it said: {log}."
        ) from broken
    report.failed = max(report.failed, len(set(report.names)), 1 if broken else 0)
    return report


def _make_artifacts() -> Path:
    """Make the folder for a run's screenshots and log; the oldest ones go."""
    ARTIFACTS.mkdir(exist_ok=True)
    runs = sorted(path for path in ARTIFACTS.glob("test-*") if path.is_dir())
    for old in runs[: -RUNS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    folder = ARTIFACTS / f"test-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir()
    return folder
