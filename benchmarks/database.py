# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How a script of this folder reaches an Odoo database."""

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect
from odoo.tools import SQL, config

ADDONS = Path(__file__).parent.parent / "addons"
# All others depend on it
OLDEST_MODULE = "loyalty_member"
CODE_KEY = "loyalty_benchmarks.code"


def add_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options that say which database to use."""
    parser.add_argument(
        "-d",
        "--database",
        default=default,
        help="created when it does not exist (default: %(default)s)",
    )
    parser.add_argument(
        "-c", "--config", help="Odoo's configuration file (default: $ODOO_RC)"
    )


def configure(options: argparse.Namespace) -> None:
    """Read Odoo's configuration for the database of ``options``."""
    file = ["-c", options.config] if options.config else []
    config.parse_config(
        [
            *file,
            *("--database", options.database),
            *("--log-level", "warn"),
            # what the libraries of Odoo warn of is not about us
            *("--log-handler", "py.warnings:ERROR"),
        ],
        setup_logging=True,
    )


def exists(database: str) -> bool:
    with closing(db_connect("postgres").cursor()) as cr:
        cr.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
        return bool(cr.rowcount)


def create(database: str) -> None:
    """Create an empty database as Odoo does, with the extensions that there are."""
    with closing(db_connect("postgres").cursor()) as cr:
        # a database cannot be created inside a transaction
        cr._cnx.autocommit = True
        cr.execute(
            SQL(
                "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'",
                SQL.identifier(database),
            )
        )
    with db_connect(database).cursor() as cr:
        cr.execute("SELECT name FROM pg_available_extensions WHERE name = 'pg_trgm'")
        for (name,) in cr.fetchall():
            cr.execute(SQL("CREATE EXTENSION IF NOT EXISTS %s", SQL.identifier(name)))


def drop(database: str) -> None:
    """Remove a database of a benchmark, with its files.

    :raise SystemExit: when its name does not say that it is one
    """
    if "bench" not in database:
        raise SystemExit(
            f"{database} exists and would be lost. Name a database with 'bench' in it."
        )
    drop_at_server(database)
    shutil.rmtree(config.filestore(database), ignore_errors=True)


def drop_at_server(database: str) -> None:
    """Remove a database if it exists, and end our sessions in it first.

    ``DROP DATABASE … WITH (FORCE)`` would end them as well, but it is refused to an
    ordinary role while autovacuum, which belongs to nobody, works in the database. The
    plain command sends autovacuum away and waits for the ended sessions.
    """
    with closing(db_connect("postgres").cursor()) as cr:
        # a database cannot be dropped inside a transaction
        cr._cnx.autocommit = True
        cr.execute(
            """
            SELECT pg_terminate_backend(pid)
              FROM pg_stat_activity
             WHERE datname = %s
               AND usename = current_user
            """,
            (database,),
        )
        cr.execute(SQL("DROP DATABASE IF EXISTS %s", SQL.identifier(database)))


def get_registry(database: str, modules: tuple[str, ...]) -> Registry:
    """Return the registry of a database, created without demo data if it is missing.

    One that was created here is brought up to date with the code.

    :raise SystemExit: when an existing database lacks one of ``modules``
    """
    if not exists(database):
        print(f"Creating the database {database} …", flush=True)
        create(database)
        registry = _update(database, install_modules=modules, new_db_demo=False)
        _set_code(registry)
        return registry
    registry = Registry(database)
    missing = sorted(set(modules) - registry._init_modules)
    if missing:
        raise SystemExit(
            f"{database} lacks the module {', '.join(missing)}. "
            "Install it there, or name another database."
        )
    if _get_known_code(registry) not in (None, _get_code(registry)):
        print(f"Updating the database {database} …", flush=True)
        registry = _update(database, upgrade_modules=[OLDEST_MODULE])
        _set_code(registry)
    return registry


def _update(database: str, **options) -> Registry:
    # docutils grumbles there about descriptions of Odoo's own modules
    with redirect_stderr(StringIO()):
        return Registry.new(database, update_module=True, **options)


def _get_code(registry: Registry) -> str:
    """Return what changes with the code of our modules that are installed."""
    digest = hashlib.sha256()
    for module in sorted(registry._init_modules & {m.name for m in ADDONS.iterdir()}):
        for file in sorted((ADDONS / module).rglob("*.*")):
            if file.suffix in (".py", ".xml", ".csv"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _get_known_code(registry: Registry) -> str | None:
    """Return the code that a database was made for, if it was created here."""
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        return env["ir.config_parameter"].get_param(CODE_KEY) or None


def _set_code(registry: Registry) -> None:
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        env["ir.config_parameter"].set_param(CODE_KEY, _get_code(registry))


@contextmanager
def environment(database: str, modules: tuple[str, ...]) -> Iterator[api.Environment]:
    """An environment of the superuser; what is not committed inside is lost."""
    with get_registry(database, modules).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})
