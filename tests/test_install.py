# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each addon installs alone with what it depends on, and those at the end of the chain
go again without a trace.

Each gets a database that has its dependencies and no other module: Odoo's own that are
not needed are not there either, and nothing installs itself (``--skip-auto-install``),
so that the bridges are tried one by one like all others. A leaf is an addon on which no
other of ours depends but one that installs itself; what installs itself on top of a
leaf is not there when the leaf is uninstalled. :mod:`install_addons` does the work.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loyalty_cli import modules

PROGRAM = Path(__file__).parent / "install_addons.py"
MANIFESTS = modules.discover()
LEAVES = modules.get_leaves(MANIFESTS)
LEDGER = "loyalty_ledger"
DEADLINE = 1800


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the installation of each addon came to, by name."""
    path = tmp_path_factory.mktemp("install") / "results"
    prefix = f"loyalty_test_{os.getpid()}_i"
    process = subprocess.run(
        [sys.executable, PROGRAM, prefix, path],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    lines = map(json.loads, path.read_text().splitlines())
    return {line["addon"]: line for line in lines}


@pytest.mark.parametrize("addon", modules.sort_by_depends(MANIFESTS))
def test_installs_alone(results, addon):
    result = results[addon]
    assert result["error"] == ""
    assert result["complaints"] == []
    ours = set(result["installed"]) & set(MANIFESTS)
    assert ours == modules.get_closure(addon, MANIFESTS)


@pytest.mark.parametrize("addon", sorted(LEAVES))
def test_leaf_uninstalls_without_a_trace(results, addon):
    """No model, field, view, menu, table, column or trigger is left or lost, the
    screens of the other addons open, and the points stay to the last entry."""
    result = results[addon]
    assert result["added"], "the comparison sees nothing"
    assert result["left"] == []
    assert result["lost"] == []
    assert result["entries"]
    assert result["entries_kept"]
    assert result["findings"] == []


def test_leaves_are_the_ends_of_the_chain():
    """All other addons are needed by one that does not install itself."""
    assert LEAVES
    assert LEDGER not in LEAVES
    for name in set(MANIFESTS) - LEAVES:
        assert any(
            name in manifest["depends"] and not manifest.get("auto_install")
            for manifest in MANIFESTS.values()
        )
