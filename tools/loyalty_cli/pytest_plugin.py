# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What ``./loyalty test`` adds to pytest: true durations, the slowest classes first,
tours on one worker, screenshots named where a tour fails, and a missing browser fails.
"""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import _pytest.timing
import pytest

from odoo.tools import config as odoo_config

from . import durations
from .browser import has_tours

BROWSER_TROUBLE = ("chrome", "websocket", "devtools")
SCREENSHOT = "Screenshot"
WORKER_SECONDS = "loyalty_seconds"
"""The key by which the workers learn how long each class takes."""
TOURS = "tours"
"""The one group of all classes that drive a browser: two browsers at once on two cores
make each other miss their deadlines.
"""

SECONDS_OF_SLOW_TEST = 20
"""What a tour, or a test of the whole suite, counts before it has ever run."""

_seen: set[Path] = set()
_failures: list[tuple[str, str]] = []
_seconds: Counter[str] = Counter()


def get_time() -> float:
    """Return the seconds of a clock that freezegun does not stop."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def get_group(nodeid: str) -> str:
    """Return what runs on one worker without a break: the tests of a class, which share
    its ``setUpClass``, those of a file that are in no class, or all tours.
    """
    return TOURS if _has_tours(nodeid.partition("::")[0]) else _get_scope(nodeid)


def _get_scope(nodeid: str) -> str:
    """Return the class of a test, or its file when it is in none."""
    return nodeid.rpartition("::")[0]


@functools.cache
def _has_tours(path: str) -> bool:
    return has_tours(Path(path))


def sort_groups(nodeids: Iterable[str], seconds: Mapping[str, float]) -> list[str]:
    """Return the groups of some tests, those that take longest first, so that no long
    one is left for the end.

    :param seconds: how long the classes took that have run before
    """
    total: Counter[str] = Counter()
    for nodeid, size in Counter(map(_get_scope, nodeids)).items():
        guess = size * (SECONDS_OF_SLOW_TEST if _looks_slow(nodeid) else 1)
        total[get_group(f"{nodeid}::")] += seconds.get(nodeid, guess)
    return sorted(total, key=lambda group: -total[group])


def _looks_slow(scope: str) -> bool:
    return scope.startswith("tests/") or _has_tours(scope.partition("::")[0])


def pytest_configure(config: pytest.Config) -> None:
    # With a frozen clock, pytest would measure nonsense.
    _pytest.timing.perf_counter = get_time
    if worker := getattr(config, "workerinput", None):
        folder = Path(odoo_config["screenshots"]) / worker["workerid"]
        folder.mkdir(parents=True, exist_ok=True)
        odoo_config["screenshots"] = str(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    # One reading for all workers: they have to agree on the order.
    node.workerinput[WORKER_SECONDS] = durations.read()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return get_group(nodeid)

    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return
    groups = sort_groups((item.nodeid for item in items), worker[WORKER_SECONDS])
    rank = {group: index for index, group in enumerate(groups)}
    items.sort(key=lambda item: rank[get_group(item.nodeid)])


def _get_new_screenshots() -> list[Path]:
    new = sorted(set(Path(odoo_config["screenshots"]).rglob("*.png")) - _seen)
    _seen.update(new)
    return new


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    if report.skipped and any(
        word in str(report.longrepr).lower() for word in BROWSER_TROUBLE
    ):
        # Odoo skips a tour when it cannot use the browser; a skipped tour would look
        # like a passed one.
        report.outcome = "failed"
        report.longrepr = f"The browser could not be used: {report.longrepr}"
    if call.when in ("call", "teardown"):
        for screenshot in _get_new_screenshots():
            if report.failed:
                report.sections.append((SCREENSHOT, str(screenshot)))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[_get_scope(report.nodeid)] += report.duration
    _failures.extend(
        (report.nodeid, text) for title, text in report.sections if title == SCREENSHOT
    )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    chosen = session.config.option.keyword or any(
        "::" in argument for argument in session.config.args
    )
    if exitstatus == pytest.ExitCode.OK and not (
        chosen or hasattr(session.config, "workerinput")
    ):
        durations.update(_seconds)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _failures:
        terminalreporter.section("screenshots of failed tours")
        for name, screenshot in _failures:
            terminalreporter.line(f"{name}\n    {screenshot}")
    if started := os.environ.get("LOYALTY_CI_STARTED"):
        terminalreporter.line(f"== {time.time() - int(started):.0f} s in all")
