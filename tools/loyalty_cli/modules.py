# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The modules of this repository: which there are, what they depend on, and a key of
their content.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .console import Failure
from .paths import ADDONS, digest

EXTRA_NATIVE = ("payment_demo", "pos_sale_loyalty", "sale_loyalty_delivery")
"""Odoo's modules that live beside ours without being depended on."""
NOT_INSTALLED = {"tests", "static/tests", "static/description", "i18n", "migrations"}
"""Folders that change nothing in a database which is installed without translations."""
NOT_INSTALLED_SUFFIXES = {".md", ".pyc", ".po", ".pot"}


def discover() -> dict[str, dict]:
    """Return the manifests of the modules, by name.

    :raise Failure: there are none, or one cannot be read
    """
    manifests = {}
    for file in sorted(ADDONS.glob("*/__manifest__.py")):
        try:
            manifests[file.parent.name] = ast.literal_eval(file.read_text())
        except (SyntaxError, ValueError) as error:
            raise Failure(
                f"{file} is not a manifest that can be read: {error}"
            ) from error
    if not manifests:
        raise Failure(f"There are no modules in {ADDONS}: is this a whole clone?")
    return {
        name: manifest
        for name, manifest in manifests.items()
        if manifest.get("installable", True)
    }


def get_native(manifests: dict[str, dict]) -> list[str]:
    """Return Odoo's own modules to install before ours."""
    needed = {
        name for manifest in manifests.values() for name in manifest.get("depends", ())
    }
    return sorted({*needed, *EXTRA_NATIVE} - set(manifests) - {"base"})


def get_closure(name: str, manifests: Mapping[str, dict]) -> set[str]:
    """Return a module of ours with those of ours that it depends on."""
    found = {name}
    for other in manifests[name].get("depends", ()):
        if other in manifests:
            found |= get_closure(other, manifests)
    return found


def get_leaves(manifests: Mapping[str, dict]) -> set[str]:
    """Return the modules that can be uninstalled and take no other with them but glue,
    which installs itself.
    """
    needed = {
        name
        for manifest in manifests.values()
        if not manifest.get("auto_install")
        for name in manifest.get("depends", ())
    }
    return set(manifests) - needed


def sort_by_depends(manifests: Mapping[str, dict]) -> list[str]:
    """Return the modules, each after those that it depends on."""
    return sorted(manifests, key=lambda name: (len(get_closure(name, manifests)), name))


def get_content_key(manifests: dict[str, dict]) -> str:
    """Return a key that changes when what an installed database holds may change."""
    parts: list[str | bytes] = []
    for name in manifests:
        for path in _walk(ADDONS / name):
            parts += [str(path.relative_to(ADDONS)), path.read_bytes()]
    return digest(*parts)


def get_assets_key() -> str:
    """Return a key that changes when Odoo would bundle scripts and styles anew.

    Odoo goes by the times of the files; other clones have other ones.
    """
    files = sorted(ADDONS.glob("*/static/**/*"))
    return digest(*(f"{file}:{file.stat().st_mtime_ns}" for file in files))


def _walk(module: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(module):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name != "__pycache__"
            and (here / name).relative_to(module).as_posix() not in NOT_INSTALLED
        )
        for name in sorted(files):
            path = here / name
            if path.suffix not in NOT_INSTALLED_SUFFIXES and path.is_file():
                yield path
