# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Debian packages, fetched and unpacked into a folder: without root, and without
touching the system's own packages.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from .console import Failure, run
from .paths import cache, logs

NO_APT = (
    "Use 'DB_PASSWORD=<a password> docker compose up' on this system, or name an Odoo "
    "19 with --odoo PATH."
)


class Archive:
    """Debian's archive, as the machine's own configuration names it, seen through an
    apt state of our own.
    """

    def __init__(self) -> None:
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Failure(
                "Odoo 19 comes as a Debian package, and apt-get is missing here. "
                f"{NO_APT}"
            )
        self.folder = cache() / "apt"

    def update(self) -> None:
        """Read the archive's list of packages (unstable for Odoo, stable for what
        unstable no longer has).
        """
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "state/status").touch()
        errors = []
        for address, signed_by in self._get_addresses():
            option = f"[signed-by={signed_by}] " if signed_by else ""
            (self.folder / "sources.list").write_text(
                "".join(
                    f"deb {option}{address} {suite} main\n"
                    for suite in ("unstable", "stable")
                )
            )
            try:
                self._apt(
                    "apt-get",
                    "update",
                    "-o",
                    "APT::Update::Error-Mode=any",
                    what="Reading Debian's list of packages",
                )
            except Failure as error:
                errors.append(str(error))
            else:
                return
        raise Failure(
            errors[0]
            if errors
            else f"apt on this machine names no Debian archive. {NO_APT}"
        )

    def get_version(self, package: str) -> str:
        """Return the version that would be fetched."""
        found = re.search(
            r"Candidate: (\S+)",
            self._apt("apt-cache", "policy", package, what="apt-cache policy"),
        )
        if not found or found[1] == "(none)":
            raise Failure(f"Debian's archive has no package {package} here. {NO_APT}")
        return found[1]

    def unpack(self, packages: tuple[str, ...], target: Path) -> None:
        """Fetch packages (``name`` or ``name/suite``) and unpack them into a folder."""
        downloads = self.folder / "packages"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir(parents=True)
        self._apt(
            "apt-get",
            "download",
            *packages,
            what="Downloading from Debian's archive",
            cwd=downloads,
        )
        for file in sorted(downloads.glob("*.deb")):
            run(["dpkg-deb", "-x", file, target], what=f"Unpacking {file.name}")
        shutil.rmtree(downloads)

    def _get_addresses(self) -> list[tuple[str, str]]:
        """Return the archives that apt is set up with, each with the key file that
        signs it: Debian's main one first.
        """
        listing = run(
            [
                "apt-get",
                "indextargets",
                "--format",
                "$(REPO_URI) $(SIGNED_BY)",
                "Created-By: Packages",
            ],
            what="Asking apt for the address of Debian's archive",
        )
        found = {}
        for line in listing.splitlines():
            address, _, signed_by = line.partition(" ")
            if "://" in address:
                found.setdefault(
                    address, signed_by if signed_by.startswith("/") else ""
                )
        return sorted(found.items(), key=lambda item: "security" in item[0])

    def _apt(
        self, program: str, *arguments: str, what: str, cwd: Path | None = None
    ) -> str:
        settings = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "state/status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "3",
        }
        options = [
            part for key, value in settings.items() for part in ("-o", f"{key}={value}")
        ]
        return run(
            [program, *options, *arguments],
            what=what,
            cwd=cwd,
            log=logs() / "apt.log",
            advice="Check that this machine reaches Debian's archive, then try again.",
        )
