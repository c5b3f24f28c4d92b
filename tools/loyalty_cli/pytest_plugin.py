# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What ``./loyalty test`` adds to pytest: screenshots are named where a tour fails, and
a missing browser fails.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from odoo.tools import config

BROWSER_TROUBLE = ("chrome", "websocket", "devtools")
_seen: set[Path] = set()
_failures: list[tuple[str, Path]] = []


def _get_new_screenshots() -> list[Path]:
    new = sorted(set(Path(config["screenshots"]).rglob("*.png")) - _seen)
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
                report.sections.append(("Screenshot", str(screenshot)))
                _failures.append((item.nodeid, screenshot))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _failures:
        terminalreporter.section("screenshots of failed tours")
        for name, screenshot in _failures:
            terminalreporter.line(f"{name}\n    {screenshot}")
    if started := os.environ.get("LOYALTY_CI_STARTED"):
        terminalreporter.line(f"== {time.time() - int(started):.0f} s in all")
