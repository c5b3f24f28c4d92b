# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the scripts of ``benchmarks/``: each a module that reads Odoo's configuration
from ``ODOO_RC`` and takes its own options.
"""

from __future__ import annotations

from collections.abc import Sequence

from .console import Failure, run_in_foreground, say
from .environment import Environment
from .paths import ROOT

FOLDER = ROOT / "benchmarks"
LOADER = "import_year"


def get_names() -> list[str]:
    """Return the benchmarks: the scripts that end with the line of JSON which
    :func:`finish` prints.
    """
    return sorted(
        file.stem
        for file in FOLDER.glob("*.py")
        if file.stem != "common"
        and "finish(" in file.read_text()
        and "__main__" in file.read_text()
    )


def choose(name: str | None) -> list[str]:
    """Return the benchmark of this name, or all when there is none."""
    names = get_names()
    if name is None:
        return names
    if name not in names:
        raise Failure(
            f"There is no benchmark {name}; there are: {', '.join(names) or 'none'}."
        )
    return [name]


def bench(env: Environment, names: Sequence[str], arguments: Sequence[str]) -> int:
    """Run benchmarks; return the last exit status that is not 0."""
    status = 0
    for each in names:
        if len(names) > 1:
            say(f"== {each}")
        status = _run(env, each, arguments) or status
    return status


def load(env: Environment, arguments: Sequence[str]) -> int:
    """Post the real year; what is posted already is not posted again."""
    if not (FOLDER / f"{LOADER}.py").exists():
        raise Failure(
            f"The loader {FOLDER / LOADER}.py is missing: is this a whole clone?"
        )
    return _run(env, LOADER, arguments)


def _run(env: Environment, name: str, arguments: Sequence[str]) -> int:
    return run_in_foreground(
        [env.venv.python, "-m", f"benchmarks.{name}", *arguments],
        env.variables,
        cwd=ROOT,
    )
