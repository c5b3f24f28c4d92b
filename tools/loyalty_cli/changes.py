# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which tests a change concerns: those of the modules it touches, and of all modules
that depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .console import run
from .paths import ROOT

MAIN = "main"
TESTS = ROOT / "tests"
EVERYTHING = re.compile(r"requirements.*|pytest\.ini")
"""What all tests run on."""
COMMAND = re.compile(r"tools/.*|loyalty|docker-compose\.yml")
COMMAND_TESTS = "tests/test_cli.py"
INSTALL_TESTS = "tests/test_install.py"
TEST_FILE = re.compile(r"(tests|addons/\w+/tests)/test_\w+\.py")
UNTESTED_SUFFIXES = {".md", ".po", ".pot", ".png", ".svg"}


def get_changed_files() -> list[str]:
    """Return the files that differ from where this branch left ``main``, those that
    are not committed or not known to git included.
    """
    advice = f"'--changed' needs a clone made by git that has the branch '{MAIN}'."
    what = "Listing what has changed"
    base = run(
        ["git", "merge-base", "HEAD", MAIN], what=what, cwd=ROOT, advice=advice
    ).strip()
    listings = (
        ["git", "diff", "--name-only", "--no-renames", base],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    names: set[str] = set()
    for command in listings:
        names.update(run(command, what=what, cwd=ROOT, advice=advice).splitlines())
    return sorted(names)


def find_tests(files: Iterable[str], manifests: Mapping[str, dict]) -> list[str]:
    """Return the paths of the tests that a change of these files concerns."""
    paths: set[str] = set()
    changed: set[str] = set()
    installing = False
    for name in files:
        top, _, rest = name.partition("/")
        module, _, inner = rest.partition("/")
        if EVERYTHING.fullmatch(name) or EVERYTHING.fullmatch(top):
            changed.update(manifests)
            paths.add("tests")
        elif COMMAND.fullmatch(name):
            paths.add(COMMAND_TESTS)
        elif TEST_FILE.fullmatch(name):
            paths.add(name)
        elif top == "addons" and Path(name).suffix not in UNTESTED_SUFFIXES:
            changed.add(module)
            installing = installing or inner == "__manifest__.py"
        elif top == "benchmarks":
            paths.update(_find_root_tests({"benchmarks"}))
        elif top == "tests" and rest:
            paths.add("tests")
    affected = get_dependants(changed, manifests)
    paths.update(f"addons/{module}/tests" for module in affected)
    paths.update(_find_root_tests(affected))
    if installing:
        paths.add(INSTALL_TESTS)
    return _drop_covered(path for path in paths if (ROOT / path).exists())


def get_dependants(names: Iterable[str], manifests: Mapping[str, dict]) -> set[str]:
    """Return those of the modules that exist, and all that depend on one of them."""
    found = set(names) & set(manifests)
    while True:
        more = {
            name
            for name, manifest in manifests.items()
            if name not in found and found & set(manifest.get("depends", ()))
        }
        if not more:
            return found
        found |= more


def _find_root_tests(names: set[str]) -> list[str]:
    """Return the tests outside the modules that import one of these."""
    return [
        str(file.relative_to(ROOT))
        for file in TESTS.glob("test_*.py")
        if names & set(re.findall(r"\b(?:loyalty_\w+|benchmarks)\b", file.read_text()))
    ]


def _drop_covered(paths: Iterable[str]) -> list[str]:
    """Leave out the paths that lie in a folder among them."""
    chosen = set(paths)
    return sorted(
        path
        for path in chosen
        if not any(str(parent) in chosen for parent in Path(path).parents)
    )
