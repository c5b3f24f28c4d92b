# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The checks of ``./loyalty lint``: all of them run, then the verdict falls."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from . import modules
from .console import Failure, run, say, step
from .environment import Environment
from .paths import ADDONS, ROOT, cache, digest, locked, logs
from .testing import run_by_odoo

NODE_FILES = (
    ROOT / "package.json",
    ROOT / "package-lock.json",
    ROOT / "eslint.config.mjs",
)
PYTHON_PLACES = ("loyalty", "addons", "benchmarks", "docs", "tests", "tools")
OCA_CHECKS = (
    "csv-duplicate-record-id",
    "csv-syntax-error",
    "file-not-used",
    "manifest-syntax-error",
    "xml-create-user-wo-reset-password",
    "xml-dangerous-qweb-replace-low-priority",
    "xml-deprecated-data-node",
    "xml-deprecated-oe-chatter",
    "xml-deprecated-openerp-node",
    "xml-deprecated-qweb-directive",
    "xml-deprecated-qweb-directive-15",
    "xml-deprecated-res-groups-category-id",
    "xml-deprecated-tree-attribute",
    "xml-duplicate-fields",
    "xml-duplicate-record-id",
    "xml-duplicate-template-id",
    "xml-field-bool-without-eval",
    "xml-not-valid-char-link",
    "xml-oe-structure-missing-id",
    "xml-record-missing-id",
    "xml-redundant-module-name",
    "xml-syntax-error",
    "xml-view-dangerous-replace-low-priority",
    "xml-xpath-translatable-item",
)
# Odoo's own linters that look at every module on the path; the others repeat what
# pylint-odoo and ruff check.
FOREIGN_MODULE = "queue_job"
FOREIGN_MODELS = "queue.job."
"""A dependency whose own faults are not ours to mend."""
ODOO_LINTERS = (
    "RoutesLinter",
    "TestDunderinit",
    "TestIndex",
    "TestJsTranslations",
    "TestLintOverrideSignatures",
    "TestNaming",
    "TestOnchangeDomains",
    "TestTestHoles",
)
UPGRADE_CODE = """
import sys
from odoo.cli.upgrade_code import migrate
from odoo.tools import parse_version
old, new = parse_version("17.0"), parse_version("19.0")
sys.exit(migrate([sys.argv[1]], "**/*", old, new, dry_run=True))
"""
"""Odoo's rewriters of old code, on our modules only: its command takes in its own."""
# What both Odoo's and OCA's checks of a manifest accept.
MANIFEST_KEYS = {
    "application", "assets", "author", "auto_install", "category", "data", "demo",
    "depends", "external_dependencies", "icon", "images", "installable", "license",
    "name", "post_init_hook", "post_load", "pre_init_hook", "sequence", "summary",
    "uninstall_hook", "version", "website",
}  # fmt: skip
MANIFEST_DEFAULTS = {
    "application": False,
    "auto_install": False,
    "installable": True,
    "summary": "",
    "data": [],
    "demo": [],
}
TEXT_SUFFIXES = {
    ".py",
    ".js",
    ".xml",
    ".scss",
    ".css",
    ".csv",
    ".md",
    ".yml",
    ".yaml",
    ".json",
    ".toml",
    ".ini",
    ".txt",
    ".mjs",
}


@dataclass(frozen=True)
class Check:
    """A program to run: it passes when it ends with 0.

    :ivar fix: the command that mends, where there is one
    """

    name: str
    command: Sequence[str]
    fix: Sequence[str] | None = None


def lint(env: Environment, *, fix: bool) -> int:
    """Run all checks and return the exit status.

    :param fix: let those that can mend what they find do it first
    """
    failed = []
    for name, complaints in (
        ("manifests", _check_manifests()),
        ("texts", _check_texts(fix=fix)),
    ):
        found = list(complaints)
        say(f"{'✗' if found else '✓'} {name}")
        for complaint in found:
            say(f"  {complaint}")
        if found:
            failed.append(name)
    for check in _get_checks(env):
        if fix and check.fix:
            subprocess.run(
                check.fix,
                cwd=ROOT,
                env=env.variables,
                check=False,
                stdout=subprocess.DEVNULL,
            )
        if not _passes(check, env):
            failed.append(check.name)
    if not _odoo_linters_pass(env):
        failed.append("Odoo's own linters")
    if failed:
        raise Failure(
            f"Lint found faults ({', '.join(failed)}): see above; './loyalty lint "
            "--fix' mends what can be mended by itself."
        )
    say("Lint found no fault.")
    return 0


def _passes(check: Check, env: Environment) -> bool:
    result = subprocess.run(
        check.command,
        cwd=ROOT,
        env={**env.variables, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    say(f"{'✗' if result.returncode else '✓'} {check.name}")
    if result.returncode:
        say("\n".join(f"  {line}" for line in result.stdout.splitlines()))
    return not result.returncode


def _get_checks(env: Environment) -> Iterator[Check]:
    programs = env.venv.folder / "bin"
    places = [place for place in PYTHON_PLACES if (ROOT / place).exists()]
    names = list(modules.discover())
    ruff = [str(programs / "ruff"), "--quiet"]
    yield Check("ruff", [*ruff, "check", *places], [*ruff, "check", "--fix", *places])
    yield Check(
        "ruff-format", [*ruff, "format", "--diff", *places], [*ruff, "format", *places]
    )
    folders = [f"addons/{name}" for name in names]
    yield Check(
        "pylint-odoo",
        [str(programs / "pylint"), "--rcfile=.pylintrc-mandatory", *folders],
    )
    yield Check(
        "oca-checks-odoo-module",
        [
            str(programs / "oca-checks-odoo-module"),
            f"--enable={','.join(OCA_CHECKS)}",
            *folders,
        ],
    )
    yield Check(
        "upgrade_code",
        [str(env.venv.python), "-c", UPGRADE_CODE, str(ADDONS)],
    )
    yield Check(
        "docker-compose.yml", [str(env.venv.python), "-m", "loyalty_cli.compose"]
    )
    if _has_docker_compose():
        # The password is only for reading the file.
        config = ["docker", "compose", "config", "--quiet"]
        yield Check("docker compose config", ["env", "DB_PASSWORD=lint", *config])
    else:
        say("- docker compose config: not checked, docker compose is not installed")
    scripts = sorted(
        str(file.relative_to(ROOT))
        for file in ADDONS.glob("*/static/**/*.js")
        if "lib" not in file.relative_to(ADDONS).parts
    )
    if scripts:
        node = _get_node_tools()
        eslint = [
            str(node / "node_modules/.bin/eslint"),
            "--config",
            str(node / "eslint.config.mjs"),
            "--max-warnings=0",
        ]
        yield Check("eslint", [*eslint, *scripts], [*eslint, "--fix", *scripts])
        prettier = [
            str(node / "node_modules/.bin/prettier"),
            "--config",
            ".prettierrc.json",
            "--log-level=warn",
        ]
        yield Check(
            "prettier",
            [*prettier, "--check", *scripts],
            [*prettier, "--write", *scripts],
        )


def _has_docker_compose() -> bool:
    if not shutil.which("docker"):
        return False
    version = ["docker", "compose", "version"]
    return not subprocess.run(version, check=False, capture_output=True).returncode


def _get_node_tools() -> Path:
    """Return the folder with eslint and prettier, installed when it is not there."""
    folder = cache() / "node" / digest(*(file.read_bytes() for file in NODE_FILES))
    ready = folder / "ready"
    if ready.exists():
        return folder
    if not shutil.which("node") or not shutil.which("npm"):
        raise Failure(
            "Node.js 20 or newer with npm is missing, which eslint and prettier run "
            "on: install it (on Debian: apt-get install npm)."
        )
    with locked("node"), step("Installing eslint and prettier"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in NODE_FILES:
            shutil.copy(file, folder)
        run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            what="Installing eslint and prettier",
            cwd=folder,
            env={**os.environ, "npm_config_cache": str(cache() / "npm")},
            log=logs() / "npm.log",
            advice="Check that this machine reaches an npm registry, then try again.",
        )
        ready.touch()
    return folder


def _check_manifests() -> Iterator[str]:
    for name in modules.discover():
        file = ADDONS / name / "__manifest__.py"
        manifest = ast.literal_eval(file.read_text())
        where = file.relative_to(ROOT)
        for key in sorted(set(manifest) - MANIFEST_KEYS):
            yield f"{where}: not both Odoo and OCA accept the key {key}"
        for key, default in MANIFEST_DEFAULTS.items():
            if key in manifest and manifest[key] == default:
                yield f"{where}: the key {key} only repeats the default"
        if "data" in manifest:
            kinds = [data.startswith("security/") for data in manifest["data"]]
            if kinds != sorted(kinds, reverse=True):
                yield f"{where}: the files of security/ come first in data"


def _check_texts(*, fix: bool) -> Iterator[str]:
    """Find XML that cannot be read, and blanks at the ends of lines and files."""
    listing = run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        what="Listing the files",
        cwd=ROOT,
    )
    for name in listing.splitlines():
        path = ROOT / name
        if (
            path.suffix not in TEXT_SUFFIXES
            or not path.is_file()
            or "/static/lib/" in name
        ):
            continue
        content = path.read_text()
        clean = "".join(f"{line.rstrip()}\n" for line in content.splitlines()).rstrip(
            "\n"
        )
        clean = f"{clean}\n" if clean else ""
        if content != clean and fix:
            path.write_text(clean)
        elif content != clean:
            yield f"{name}: blanks at the end of a line, or the last line end is amiss"
        if path.suffix == ".xml":
            try:
                ElementTree.fromstring(clean.encode())
            except ElementTree.ParseError as error:
                yield f"{name}: {error}"


def _odoo_linters_pass(env: Environment) -> bool:
    """Run Odoo's own linters over our modules, in a database with all of them."""
    tags = [f"/test_lint:{name}" for name in ODOO_LINTERS]
    log = logs() / "test_lint.log"
    report = run_by_odoo(env, "Odoo's own linters", tags, log, ["-i", "test_lint"])
    if not report.tests:
        raise Failure("Odoo's own linters did not run: this Odoo lacks test_lint.")
    faults = re.split(
        r"^\S+ \S+ \d+ ERROR .* (?=FAIL|ERROR)", log.read_text(), flags=re.M
    )
    ours = [fault for fault in faults[1:] if not _is_foreign_fault(fault)]
    # A run that failed without naming a fault has to fail, too
    if report.failed and (ours or len(faults) == 1):
        say(f"  Everything they said: {log}")
        return False
    return True


def _is_foreign_fault(fault: str) -> bool:
    """Whether a fault that Odoo's linters found is in a module of somebody else."""
    if f"module='{FOREIGN_MODULE}'" in fault.partition("\n")[0]:
        return True
    fields = re.findall(r"^([\w.]+) \(inverse of", fault, re.M)
    return bool(fields) and all(field.startswith(FOREIGN_MODELS) for field in fields)
