# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./loyalty demo`` and ``serve`` run the jobs of queue_job: a server started with
their options does a job that it was asked for over HTTP.
"""

import os
import subprocess
import sys
import time

import pytest
import requests
from databases import copy_of_tests, execute

from odoo.tools import config

from loyalty_cli import serving

DEADLINE = 120
PAUSE = 0.5


@pytest.fixture(scope="module")
def database():
    with copy_of_tests("jobs") as name:
        yield name


@pytest.fixture(scope="module")
def address(database, tmp_path_factory):
    """The address of a server of the database."""
    folder = tmp_path_factory.mktemp("jobs")
    port = serving.find_free_port()
    address = f"http://{serving.HOST}:{port}"
    command = [
        *(sys.executable, "-m", "odoo", "server", *serving.get_options(database, port)),
        *(("-c", config["config"]) if config["config"] else ()),
        *("--data-dir", str(folder), "--logfile", str(folder / "odoo.log")),
    ]
    with subprocess.Popen(command, env=os.environ | serving.JOBS) as process:
        try:
            wait_until(lambda: is_served(process, address))
            yield address
        finally:
            process.terminate()


def is_served(process, address):
    assert process.poll() is None, "the server has ended by itself"
    try:
        return requests.get(f"{address}/web/health", timeout=DEADLINE).ok
    except requests.ConnectionError:
        return False


def wait_until(condition):
    give_up = time.monotonic() + DEADLINE
    while not (result := condition()):
        assert time.monotonic() < give_up
        time.sleep(PAUSE)
    return result


def get_jobs(database):
    return execute(database, "SELECT state FROM queue_job")


def test_job_of_a_served_database_is_done(database, address):
    with requests.Session() as session:
        login = {"db": database, "login": "admin", "password": "admin"}
        session.post(
            f"{address}/web/session/authenticate", json={"params": login}, timeout=60
        ).raise_for_status()
        session.get(
            f"{address}/queue_job/create_test_job", timeout=60
        ).raise_for_status()
    assert len(get_jobs(database)) == 1
    wait_until(lambda: get_jobs(database) == [("done",)])


def test_tests_themselves_start_no_runner():
    """It would hold the database that other tests copy, and do their jobs."""
    assert os.environ["ODOO_QUEUE_JOB_CHANNELS"] == "root:0"
