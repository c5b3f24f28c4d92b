# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Databases: templates, built once for the content of the modules, and their copies.

A template is made in two layers: Odoo's own modules (minutes; changes with the version
of Odoo and with what our modules depend on), and ours on top of a copy of it (seconds;
changes with their content). A database goes together with its filestore.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import modules
from .console import Failure, Step, run, say, step
from .environment import Environment
from .paths import digest, is_alive, locked, logs
from .venv import RUNTIME_REQUIREMENTS

PREFIX = "loyalty"
TEMPLATES_KEPT = 14
"""How many templates of a kind stay; older ones go when a new one is built."""
# The bundles that no page names: browsers ask for them later.
BUNDLE = """
qweb = env["ir.qweb"]
qweb._pregenerate_assets_bundles()
for name in ("bus.websocket_worker_assets", "web.assets_emoji"):
    qweb._get_asset_bundle(name, css=False, js=True).js()
env.cr.commit()
"""
# Blurs the background of video calls. Debian's package of Odoo is without it, and the
# error that browsers log would fail each tour of the back office. A tour that removed
# it by itself would have to bundle all other scripts anew.
REMOVE_LIBRARY = """
INSERT INTO ir_asset (name, bundle, directive, path, active, sequence)
VALUES ('No blurred backgrounds', 'web.assets_backend', 'remove',
        'mail/static/lib/selfie_segmentation/selfie_segmentation.js', TRUE, 16)
"""
# What this command makes; on a server of the user's, other names are not ours to drop.
OWN = re.compile(rf"{PREFIX}_((test|demo|building)_[\w-]+|dev)")
# A copy for a run, named after its process, or a copy of that: for a worker of pytest,
# or by a test that needs a database of its own.
COPY = re.compile(rf"{PREFIX}_test_(\d{{1,7}})(?:[_-]\w+)*")
# The embedded PostgreSQL has no contributed modules: Odoo asks for this one, says so,
# and does without.
EXPECTED_COMPLAINTS = re.compile(r"pg_trgm|PostgreSQL extensions|unaccent")


class Databases:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.server = environment.server

    def get_template(self, *, demo: bool = False, bundled: bool = True) -> str:
        """Return the template with all modules as they are now, built if need be.

        :param bundled: with scripts and styles bundled, for use with a browser. Odoo
            would do it by itself, but a test takes back what it wrote, and so the next
            one would bundle again.
        """
        manifests = modules.discover()
        native = modules.get_native(manifests)
        kind = "demo" if demo else "test"
        requirements = [file.read_bytes() for file in RUNTIME_REQUIREMENTS]
        base_key = digest(self.environment.odoo.version, kind, *requirements, *native)
        base = f"{PREFIX}_{kind}_base_{base_key}"
        key = digest(base_key, modules.get_content_key(manifests), REMOVE_LIBRARY)
        name = f"{PREFIX}_{kind}_tpl_{key}"
        with locked(base):
            if not self.exists(base):
                about = (
                    "with demo data, first time only, about five minutes"
                    if demo
                    else "first time only, about three minutes"
                )
                with step(f"Installing Odoo's own modules ({about})") as current:
                    self._build(base, None, native, current, demo=demo)
                self._sweep(f"{PREFIX}_{kind}_base_", keep=base)
        with locked(name):
            if not self.exists(name):
                with step(
                    f"Installing {len(manifests)} modules of this "
                    f"repository{' with demo data' if demo else ''}"
                ) as current:
                    self._build(name, base, list(manifests), current, demo=demo)
                self._sweep(f"{PREFIX}_{kind}_tpl_", keep=name)
            assets = modules.get_assets_key()
            if bundled and self.get_note(name) != assets:
                with step("Bundling scripts and styles"):
                    self._bundle(name)
                self.set_note(name, assets)
        return name

    def get_install_warnings(self, template: str) -> list[str]:
        """Return what Odoo complained of while our modules went into a template."""
        log = self._get_log(template)
        if not log.exists():
            return []
        return [
            line.split(" ", 3)[-1]
            for line in log.read_text().splitlines()
            if re.match(r"\S+ \S+ \d+ (WARNING|ERROR|CRITICAL) ", line)
            and not EXPECTED_COMPLAINTS.search(line)
        ]

    @contextmanager
    def copy_of(self, template: str, purpose: str) -> Iterator[str]:
        """A copy to work on, dropped at the end with the copies made of it."""
        if self.server.own:
            self._sweep_dead_copies()
        name = f"{PREFIX}_{purpose}_{os.getpid()}"
        self.copy_template(template, name)
        try:
            yield name
        finally:
            for copy in self.find_own(name):
                self.drop(copy)

    def exists(self, name: str) -> bool:
        return bool(
            self.server.query(f"SELECT 1 FROM pg_database WHERE datname = '{name}'")
        )

    def copy_template(self, template: str, name: str) -> None:
        """Copy a template while nobody else works on it."""
        with locked(template):
            self._copy(template, name)

    def _copy(self, template: str, name: str) -> None:
        self.drop(name)
        self.server.query(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        source = self._get_filestore(template)
        if source.exists():
            # Odoo never changes a file of the filestore in place, so the copy may share
            # them.
            shutil.copytree(source, self._get_filestore(name), copy_function=_link)

    def rename(self, name: str, new: str) -> None:
        self.server.query(f'ALTER DATABASE "{name}" RENAME TO "{new}"')
        shutil.rmtree(self._get_filestore(new), ignore_errors=True)
        if self._get_filestore(name).exists():
            self._get_filestore(name).rename(self._get_filestore(new))

    def drop(self, name: str) -> None:
        # Not WITH (FORCE): that is refused to an ordinary role while autovacuum, which
        # belongs to nobody, works in the database. The plain command sends it away and
        # waits for the sessions ended here.
        self.server.query(
            f"""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '{name}' AND usename = current_user;
            DROP DATABASE IF EXISTS "{name}";
            """
        )
        shutil.rmtree(self._get_filestore(name), ignore_errors=True)

    def find_own(self, prefix: str = "") -> list[str]:
        """Return our databases whose name begins so, the newest first."""
        names = self.server.query("SELECT datname FROM pg_database ORDER BY oid DESC")
        return [
            name for name in names if name.startswith(prefix) and OWN.fullmatch(name)
        ]

    def get_note(self, name: str) -> str:
        """Return what was noted with :meth:`set_note`."""
        rows = self.server.query(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            f"WHERE datname = '{name}'"
        )
        return rows[0] if rows else ""

    def set_note(self, name: str, note: str) -> None:
        self.server.query(f"COMMENT ON DATABASE \"{name}\" IS '{note}'")

    def update(self, name: str, manifests: dict[str, dict]) -> None:
        """Bring our modules in a database to their present state, new ones included."""
        with step(f"Updating the modules in the database {name}") as current:
            self._install(name, list(manifests), current, update=True)

    def _build(
        self,
        name: str,
        template: str | None,
        names: list[str],
        current: Step,
        *,
        demo: bool,
    ) -> None:
        """Build a template, under another name until it is finished."""
        partial = f"{PREFIX}_building_{digest(name)}"
        self.drop(partial)
        if template:
            self._copy(template, partial)
        self._install(partial, names, current, demo=demo, log=self._get_log(name))
        if template and not demo:
            self.server.query(REMOVE_LIBRARY, database=partial)
        self.rename(partial, name)

    def _bundle(self, name: str) -> None:
        run(
            self.environment.get_odoo_command(
                "shell", "-d", name, "--no-http", "--log-level", "warn"
            ),
            what="Bundling scripts and styles",
            env=self.environment.variables,
            stdin=BUNDLE,
            log=logs() / "bundle.log",
        )

    def _install(
        self,
        name: str,
        names: list[str],
        current: Step,
        *,
        demo: bool = False,
        update: bool = False,
        log: Path | None = None,
    ) -> None:
        def show(line: str) -> None:
            found = re.search(r"Loading module (\S+) \((\d+)/(\d+)\)", line)
            if found:
                current.note = f"{found[2]}/{found[3]} {found[1]}"

        arguments = ["-d", name, "-i", ",".join(names), "--stop-after-init"]
        arguments.append("--no-http")
        if update:
            arguments += ["-u", ",".join(names)]
        if demo:
            arguments.append("--with-demo")
        log = log or logs() / f"{name}.log"
        try:
            run(
                self.environment.get_odoo_command("server", *arguments),
                what="Odoo",
                env=self.environment.variables,
                log=log,
                on_line=show,
            )
        except Failure as error:
            raise Failure(
                f"Installing {_name_some(names)} failed: {get_cause(log)}. Everything "
                f"Odoo said: {log}."
            ) from error
        missing = set(names) - set(
            self.server.query(
                "SELECT name FROM ir_module_module WHERE state = 'installed'",
                database=name,
            )
        )
        if missing:
            raise Failure(
                f"Odoo did not install {', '.join(sorted(missing))}: a dependency is "
                f"missing. Everything Odoo said: {log}."
            )

    def _sweep(self, prefix: str, *, keep: str) -> None:
        """Drop the oldest templates of a kind."""
        others = [name for name in self.find_own(prefix) if name != keep]
        for name in others[TEMPLATES_KEPT - 1 :]:
            self.drop(name)
            self._get_log(name).unlink(missing_ok=True)

    def _sweep_dead_copies(self) -> None:
        """Drop the copies of runs that were killed."""
        for name in self.find_own(f"{PREFIX}_test_"):
            found = COPY.fullmatch(name)
            if found and not is_alive(int(found[1])):
                self.drop(name)

    def _get_filestore(self, name: str) -> Path:
        return self.environment.data / "filestore" / name

    def _get_log(self, name: str) -> Path:
        return logs() / f"{name}.log"


def say_install_warnings(warnings: list[str]) -> None:
    for line in warnings:
        say(f"! while installing: {line}")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _name_some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} modules"


def get_cause(log: Path) -> str:
    """Return the line of a log that says why Odoo gave up."""
    lines = (
        [line.strip() for line in log.read_text().splitlines() if line.strip()]
        if log.exists()
        else []
    )
    # The last line of a traceback is the one that begins with the name of an exception.
    causes = [
        line
        for line in lines
        if re.match(
            r"[\w.]*(Error|Exception|Warning|Invalid\w*|Missing\w*)\b.*: ", line
        )
    ]
    return (
        causes
        or [line for line in lines if " CRITICAL " in line or " ERROR " in line]
        or lines
        or ["it said nothing"]
    )[-1]
