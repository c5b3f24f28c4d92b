# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo 19.0 itself: one that is named or importable, else the Debian package, unpacked
into the cache.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .apt import Archive
from .console import Failure, run, step
from .paths import cache, locked

SERIES = "19.0"
PACKAGE = "odoo-19"
# The package has links into these: without jquery.js every page breaks, without the
# fonts icons vanish. Debian stable has the Font Awesome 4.7 that Odoo is written for,
# and the file that Odoo's link to Inconsolata names.
LINKED_PACKAGES = (
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-ocr-b",
    "fonts-montserrat",
    "fonts-inconsolata/stable",
    "fonts-font-awesome/stable",
)


@dataclass(frozen=True)
class OdooSource:
    """The source of Odoo: ``root`` is what goes on Python's path, ``package`` the
    package ``odoo`` in it.
    """

    root: Path
    version: str

    @property
    def package(self) -> Path:
        return self.root / "odoo"

    @property
    def addons(self) -> Path:
        """The folder with Odoo's own modules."""
        return next(
            folder
            for folder in (self.package / "addons", self.root / "addons")
            if (folder / "sale" / "__manifest__.py").exists()
        )


def find(named: str | None) -> OdooSource:
    """Return the Odoo to work with, fetched when there is none.

    :param named: what ``--odoo`` or ``ODOO_PATH`` says: a checkout, or the folder that
        holds the package ``odoo``
    """
    if named:
        return _get_named(Path(named).expanduser().resolve())
    spec = importlib.util.find_spec("odoo")
    for location in (spec.submodule_search_locations or []) if spec else []:
        source = _read(Path(location).parent)
        if source:
            return source
    return _get_unpacked()


def _get_named(path: Path) -> OdooSource:
    for root in (path, path.parent):
        source = _read(root)
        if source:
            return source
    raise Failure(
        f"No Odoo {SERIES} in {path}: name a folder that holds the package 'odoo' of "
        f"{SERIES}."
    )


def _read(root: Path) -> OdooSource | None:
    """Return the Odoo 19.0 in a folder, when there is one with its modules."""
    release = root / "odoo" / "release.py"
    if not release.exists():
        return None
    found = re.search(
        r"^version_info\s*=\s*\((\d+),\s*(\d+)", release.read_text(), re.MULTILINE
    )
    if not found or f"{found[1]}.{found[2]}" != SERIES:
        return None
    if not any(
        (root / folder / "sale").is_dir() for folder in ("odoo/addons", "addons")
    ):
        return None
    for parent in root.parents:
        # Unpacked by us: the folder is named after the version of the package.
        if parent.parent == cache() / "odoo":
            return OdooSource(root, parent.name)
    return OdooSource(root, f"{SERIES}-{_get_state(release)}")


def _get_state(release: Path) -> str:
    """Return what changes when an Odoo that is not ours is updated."""
    try:
        return run(
            ["git", "-C", release.parent, "rev-parse", "HEAD"], what="git"
        ).strip()
    except Failure:
        return str(release.stat().st_mtime_ns)


def _get_unpacked() -> OdooSource:
    """Return the Odoo in the cache, which is the Debian package, unpacked when it is
    not there yet.
    """
    home = cache() / "odoo"
    current = home / "current"
    with locked("odoo"):
        if not (current.exists() and _read_unpacked(home / current.read_text())):
            with step("Downloading and unpacking Odoo 19 (133 MB)"):
                archive = Archive()
                archive.update()
                version = archive.get_version(PACKAGE)
                target = home / version
                partial = home / f".{version}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                shutil.rmtree(target, ignore_errors=True)
                partial.mkdir(parents=True)
                archive.unpack((PACKAGE, *LINKED_PACKAGES), partial)
                _check_links(partial)
                partial.rename(target)
                current.write_text(version)
        source = _read_unpacked(home / current.read_text())
    if source is None:
        raise Failure(
            f"The Debian package {PACKAGE} does not hold Odoo {SERIES}: name another "
            "with --odoo PATH."
        )
    return source


def _read_unpacked(folder: Path) -> OdooSource | None:
    return _read(folder / "usr/lib/python3/dist-packages")


def _check_links(folder: Path) -> None:
    """Refuse an Odoo with links to files of other packages that are not there: pages
    would break without an error.

    Absolute links (``/usr/share/…``) are made relative to the folder, so that they do
    not lead into the system.
    """
    broken = []
    for path in folder.rglob("*"):
        if not path.is_symlink():
            continue
        target = Path(os.readlink(path))
        if target.is_absolute():
            path.unlink()
            path.symlink_to(
                os.path.relpath(folder / target.relative_to("/"), path.parent)
            )
        if not path.exists() and "/static/" in str(path):
            broken.append(path.name)
    if broken:
        raise Failure(
            f"Debian's packages lack what Odoo links to ({', '.join(sorted(broken))}): "
            "name an Odoo with --odoo PATH."
        )
