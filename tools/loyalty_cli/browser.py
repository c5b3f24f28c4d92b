# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The browser that tours run in, and which tests need one."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .console import Failure, run, step
from .paths import locked, logs

PROGRAMS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")
"""The names by which Odoo looks for a browser."""
TOUR = re.compile(r"start_\w*tour\(|browser_js\(|_run_unit_tests\(")
"""How a test starts one."""


def get() -> str:
    """Return the browser's path; for root on Debian, a missing one is installed."""
    found = _find()
    if found:
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(
            "The browser Chromium is missing, which the tours run in: install it (on "
            "Debian: apt-get install chromium)."
        )
    with locked("browser"), step("Installing Chromium"):
        for arguments in (
            ["update"],
            [
                "install",
                "--yes",
                "--no-install-recommends",
                "chromium",
                "fonts-liberation",
            ],
        ):
            run(
                ["apt-get", "--quiet", *arguments],
                what="Installing Chromium",
                log=logs() / "chromium.log",
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                advice="Install the package chromium by hand, then try again.",
            )
    found = _find()
    if not found:
        raise Failure(
            "The package chromium is installed, but no browser is on the path: add its "
            "folder to PATH."
        )
    return found


def has_tours(file: Path) -> bool:
    """Whether the tests of a file drive a browser."""
    return bool(TOUR.search(file.read_text()))


def _find() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
