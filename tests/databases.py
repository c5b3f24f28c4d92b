# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Copies of the tests' database, for tests that start servers of their own."""

import os
from contextlib import closing, contextmanager

import psycopg2

from odoo.sql_db import close_db, connection_info_for
from odoo.tools import config

from benchmarks.database import drop_at_server


def execute(database, statement, parameters=None):
    """Run a statement by itself, and return its rows if it has any."""
    _name, info = connection_info_for(database)
    with closing(psycopg2.connect(**info)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else None


@contextmanager
def copy_of_tests(purpose):
    """A copy of the database that this worker tests in, without its files; dropped at
    the end.
    """
    template = config["db_name"][0]
    name = f"{template}_{purpose}_{os.getpid()}"
    # PostgreSQL copies only a database that nobody is connected to
    close_db(template)
    execute("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield name
    finally:
        drop_at_server(name)
