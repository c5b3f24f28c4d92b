# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The command ``./loyalty``: what it says when something is missing, and what it makes
of a run of tests. Needs no Odoo and no database.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from loyalty_cli import (  # noqa: E402
    benchmarking,
    browser,
    changes,
    compose,
    databases,
    modules,
    pytest_plugin,
    testing,
)
from loyalty_cli.console import Failure  # noqa: E402

FAKE_SUITE = """
import pathlib, pytest
from odoo.tools import config

def test_skipped():
    pytest.skip("Chrome executable not found")

def test_failing():
    (pathlib.Path(config["screenshots"]) / "{picture}").touch()
    assert False

def test_skipped_for_another_reason():
    pytest.skip("not today")
"""


FROZEN_SUITE = """
import time
import freezegun

freezer = freezegun.freeze_time("2020-01-01")

class TestFrozen:
    def setup_method(self):
        freezer.start()

    def test_waits(self):
        time.sleep(1.2)

    def teardown_method(self):
        freezer.stop()
"""
MANIFESTS = {
    "member": {"depends": ["mail"]},
    "ledger": {"depends": ["member"]},
    "gifts": {"depends": ["ledger"]},
    "till": {"depends": ["pos", "ledger"], "auto_install": True},
    "till_gifts": {"depends": ["till", "gifts"], "auto_install": True},
}


def run_pytest(suite, folder, *options):
    """Run a file of tests with the plugin, and with what stands in for Odoo."""
    tools = folder / "odoo" / "tools"
    tools.mkdir(parents=True)
    (tools.parent / "__init__.py").touch()
    (tools / "__init__.py").write_text(f"config = {{'screenshots': {str(folder)!r}}}")
    file = folder / "test_fake.py"
    file.write_text(suite)
    command = ["-m", "pytest", "-p", "loyalty_cli.pytest_plugin", *options, file.name]
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={
            **{key: value for key, value in os.environ.items() if "PYTEST" not in key},
            "LOYALTY_CACHE": str(folder / "cache"),
            "LOYALTY_CI_STARTED": "0",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'tools'}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_command(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "loyalty", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_missing_odoo_is_one_line_that_says_what_to_do():
    result = run_command("setup", "--odoo", "/nowhere")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "loyalty: No Odoo 19.0 in /nowhere: name a folder that holds the package "
        "'odoo' of 19.0.\n"
    )


def test_unknown_benchmark_is_one_line_that_names_the_known():
    result = run_command("bench", "nothing")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "loyalty: There is no benchmark nothing; there are: "
        f"{', '.join(benchmarking.get_names())}.\n"
    )
    assert benchmarking.get_names()


def test_missing_browser_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        Failure, match=r"^The browser Chromium is missing.*install.*\.$"
    ):
        browser.get()


def test_browser_is_found_on_the_path(monkeypatch, tmp_path):
    program = tmp_path / "chromium"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.get() == str(program)


def test_skipped_tour_fails_and_screenshot_is_named(tmp_path):
    picture = tmp_path / "sc_tour.png"
    result = run_pytest(FAKE_SUITE.format(picture=picture.name), tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert "2 failed, 1 skipped" in lines[-1]
    assert any(line.endswith(" s in all") for line in lines)
    assert "The browser could not be used" in result.stdout
    assert lines[lines.index(f"    {picture}") - 1] == "test_fake.py::test_failing"


def test_durations_are_true_while_the_clock_is_frozen(tmp_path):
    result = run_pytest(FROZEN_SUITE, tmp_path, "--durations=1")
    assert result.returncode == 0, result.stdout + result.stderr
    found = re.search(r"([\d.]+)s call +test_fake.py::TestFrozen", result.stdout)
    assert 1.2 <= float(found[1]) < 5
    kept = json.loads((tmp_path / "cache" / "durations.json").read_text())
    assert 1.2 <= kept.pop("test_fake.py::TestFrozen") < 5
    assert not kept


def test_longest_class_comes_first_and_tours_stay_together(monkeypatch):
    monkeypatch.setattr(pytest_plugin, "_has_tours", lambda path: "tour" in path)
    tests = ["a.py::A::x", "a.py::B::x", "tour.py::C::x", "c_tour.py::D::x", "b.py::f"]
    seconds = {"a.py::A": 2, "a.py::B": 40, "tour.py::C": 25}
    assert pytest_plugin.sort_groups(tests, seconds) == [
        *(pytest_plugin.TOURS, "a.py::B", "a.py::A", "b.py"),
    ]


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        (["README.md", "addons/gifts/README.md", "addons/gifts/i18n/fr.po"], []),
        (["addons/gifts/models/gift.py"], ["addons/gifts", "addons/till_gifts"]),
        (["addons/gifts/tests/test_gift.py"], ["addons/gifts/tests/test_gift.py"]),
        (["addons/till/tests/common.py"], ["addons/till", "addons/till_gifts"]),
        (["addons/till_gifts/__manifest__.py"], ["addons/till_gifts", "install"]),
        (["tools/loyalty_cli/venv.py"], ["cli"]),
        (["benchmarks/bench.py"], ["load"]),
        (["tests/addons/probe.py"], ["tests"]),
        (["addons/gone/models/x.py"], []),
        (["pytest.ini"], [*(f"addons/{name}" for name in sorted(MANIFESTS)), "tests"]),
    ],
)
def test_change_concerns_what_depends_on_it(monkeypatch, tmp_path, files, paths):
    for name in MANIFESTS:
        (tmp_path / "addons" / name / "tests").mkdir(parents=True)
    (tmp_path / "addons/gifts/tests/test_gift.py").touch()
    (tmp_path / "tests").mkdir()
    for name, text in (("cli", ""), ("install", ""), ("load", "import benchmarks")):
        (tmp_path / "tests" / f"test_{name}.py").write_text(text)
    monkeypatch.setattr(changes, "ROOT", tmp_path)
    monkeypatch.setattr(changes, "TESTS", tmp_path / "tests")
    full = {name: f"tests/test_{name}.py" for name in ("cli", "install", "load")}
    full |= {f"addons/{name}": f"addons/{name}/tests" for name in MANIFESTS}
    assert changes.find_tests(files, MANIFESTS) == [
        full.get(path, path) for path in paths
    ]


def test_leaves_are_what_only_glue_depends_on():
    assert modules.get_leaves(MANIFESTS) == {"gifts", "till", "till_gifts"}
    assert modules.get_closure("till", MANIFESTS) == {"till", "ledger", "member"}
    names = modules.sort_by_depends(MANIFESTS)
    assert names == ["member", "ledger", "gifts", "till", "till_gifts"]


@pytest.mark.parametrize(
    ("name", "process"),
    [
        ("loyalty_test_123", "123"),
        ("loyalty_test_123-gw1", "123"),
        ("loyalty_test_123-gw1_faults_456", "123"),
        ("loyalty_test_tpl_0123456789ab", None),
        ("loyalty_test_base_0123456789ab", None),
        ("customers", None),
    ],
)
def test_copies_of_dead_runs_are_known_by_their_name(name, process):
    found = databases.COPY.fullmatch(name)
    assert (found and found[1]) == process
    assert bool(databases.OWN.fullmatch(name)) == name.startswith("loyalty_")


def test_content_key_changes_only_with_what_is_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(modules, "ADDONS", tmp_path)
    for name in ("models/card.py", "tests/test_card.py", "i18n/fr.po"):
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before")
    first = modules.get_content_key({"shop": {}})

    (tmp_path / "shop/tests/test_card.py").write_text("after")
    (tmp_path / "shop/i18n/fr.po").write_text("after")
    assert modules.get_content_key({"shop": {}}) == first

    (tmp_path / "shop/models/card.py").write_text("after")
    assert modules.get_content_key({"shop": {}}) != first


@pytest.mark.parametrize(
    ("fast", "tests", "skipped", "message"),
    [
        (True, testing.NATIVE_TESTS_FAST, 0, None),
        (True, testing.NATIVE_TESTS_FAST - 1, 0, "^Only 154 of"),
        (True, testing.NATIVE_TESTS_FAST, 1, "^1 of Odoo's own tests were skipped"),
        (False, testing.NATIVE_TESTS, 3, None),
        (False, testing.NATIVE_TESTS - 1, 0, "^Only 243 of"),
    ],
)
def test_odoo_suites_fail_when_tests_are_missing(fast, tests, skipped, message):
    report = testing.Report(None)
    report.read(
        f"odoo.tests.result: 0 failed, 0 error(s) of {tests} tests when loading "
        "database 'x'"
    )
    for number in range(skipped):
        report.read(f"odoo.addons.x.tests: skipped Test.test_{number} : no such module")
    if message is None:
        testing.check_complete(report, fast=fast)
    else:
        with pytest.raises(Failure, match=message):
            testing.check_complete(report, fast=fast)


def test_compose_file_is_right():
    assert list(compose.find_faults(compose.FILE.read_text())) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("FROM odoo:19", "FROM odoo:18", "init: its image has to be odoo:19"),
        ("postgres:16", "postgres", "db: its image has to be postgres:16"),
        ("healthcheck:", "x-none:", "db: it has no health check"),
        ("  init:\n    <<", "  other:\n    <<", "its services have to be"),
        ("services:", "services: [", "it cannot be read"),
    ],
)
def test_fault_of_the_compose_file_is_found(old, new, fault):
    text = compose.FILE.read_text()
    assert old in text
    assert fault in "\n".join(compose.find_faults(text.replace(old, new)))
