# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Installs each addon in a database of its own, uninstalls it, and says what is left.

A program apart from the tests, because Odoo refuses to install modules in a test::

    python tests/install_addons.py PREFIX RESULTS [ADDON...]

It writes a line of JSON for each addon into the file ``RESULTS`` (see :class:`Result`).
The databases, whose names begin with ``PREFIX``, are dropped at the end.
"""

import dataclasses
import json
import logging
import os
import sys
import traceback
from contextlib import closing, contextmanager
from decimal import Decimal

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import close_db, db_connect
from odoo.tools import SQL, config

from benchmarks.database import create, drop_at_server
from loyalty_cli import modules

LEDGER = "loyalty_ledger"
# The catalogue of the database, which an addon may add to in other addons' tables
CATALOGUE = {
    "table": """
        SELECT relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'S')
    """,
    "column": """
        SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public'
    """,
    "index": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": """
        SELECT conrelid::regclass || ': ' || conname FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype != 'n'
    """,
    "trigger": """
        SELECT tgrelid::regclass || ': ' || tgname FROM pg_trigger
         WHERE NOT tgisinternal
    """,
    "function": """
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
    """,
    # Odoo leaves those of inheritance behind, and those of choices of activities, as
    # it gives them to other modules; the choices themselves are compared as records
    "external id": """
        SELECT module || '.' || name FROM ir_model_data
         WHERE model != 'ir.model.inherit'
           AND NOT (model = 'ir.model.fields.selection' AND module = 'mail')
    """,
}
# Where an addon's records are that make up the application. Left out is what Odoo notes
# while it works, and its notes of what the catalogue itself says.
RECORD_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
       AND (relname LIKE 'ir\\_%' OR relname IN (
            'mail_activity_type', 'mail_message_subtype', 'mail_template',
            'queue_job_channel', 'queue_job_function', 'report_paperformat',
            'res_groups', 'res_groups_privilege'))
       AND relname NOT IN ('ir_attachment', 'ir_cron_trigger', 'ir_logging',
                           'ir_model_constraint', 'ir_model_data')
       AND EXISTS (SELECT FROM pg_attribute
                    WHERE attrelid = pg_class.oid AND attname = 'id')
"""
# The embedded PostgreSQL has no contributed modules
EXPECTED_COMPLAINTS = ("pg_trgm", "unaccent", "PostgreSQL extensions")

_logger = logging.getLogger(__name__)


@dataclasses.dataclass
class Result:
    """What became of one addon.

    :ivar installed: the modules of the database after the installation
    :ivar added: how many tables, columns, records … the installation added
    :ivar left: what is still there after the addon was uninstalled
    :ivar lost: what was there before the addon and is not any more
    :ivar entries: how many entries of the ledger there were when it was uninstalled
    :ivar entries_kept: whether they are the same afterwards, to the last column
    :ivar findings: what the audit says of the account then
    :ivar complaints: warnings and errors in the log of Odoo
    :ivar error: the exception that ended it
    """

    addon: str
    installed: list[str] = dataclasses.field(default_factory=list)
    added: int = 0
    left: list[str] = dataclasses.field(default_factory=list)
    lost: list[str] = dataclasses.field(default_factory=list)
    entries: int = 0
    entries_kept: bool = False
    findings: list[str] = dataclasses.field(default_factory=list)
    complaints: list[str] = dataclasses.field(default_factory=list)
    error: str = ""


class Complaints(logging.Handler):
    """Keeps what Odoo warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        line = f"{record.levelname} {record.name}: {record.getMessage()}"
        if not any(word in line for word in EXPECTED_COMPLAINTS):
            self.lines.append(line)


class Installation:
    """Installs the addons, those that others depend on first."""

    def __init__(self, prefix, manifests):
        self.prefix = prefix
        self.manifests = manifests
        self.leaves = modules.get_leaves(manifests)
        self.built = {}  # the modules of ours in a database, by the addon it is for
        self.complaints = Complaints()
        logging.getLogger().addHandler(self.complaints)

    def run(self, addon):
        """Install one addon and, if it is a leaf, uninstall it."""
        self.complaints.lines = []
        result = Result(addon)
        try:
            database = self._prepare(addon)
            before = self._get_snapshot(database)
            Registry.new(database, update_module=True, install_modules=[addon])
            self.built[addon] = modules.get_closure(addon, self.manifests)
            result.installed = self._get_installed(database)
            result.added = len(self._get_snapshot(database) - before)
            if addon in self.leaves:
                self._check_uninstall(addon, database, before, result)
        except Exception:
            _logger.info("It failed", exc_info=True)
            result.error = traceback.format_exc()
        result.complaints = self.complaints.lines
        return result

    def drop(self):
        for addon in self.manifests:
            for database in (self._name(addon), self._name(addon, "rest")):
                close_db(database)
                drop_at_server(database)

    def _name(self, addon, *parts):
        return "_".join((self.prefix, addon, *parts))

    def _prepare(self, addon):
        """Make a database with all that the addon depends on, and no other module."""
        needed = modules.get_closure(addon, self.manifests) - {addon}
        parents = [name for name, there in self.built.items() if there <= needed]
        name = self._name(addon)
        drop_at_server(name)
        if parents:
            parent = max(parents, key=lambda parent: len(self.built[parent]))
            self._copy(self._name(parent), name)
        else:
            create(name)
        depends = self.manifests[addon]["depends"]
        Registry.new(
            name, update_module=True, install_modules=depends, new_db_demo=False
        )
        return name

    def _copy(self, source, name):
        Registry.delete(source)
        close_db(source)
        with closing(db_connect("postgres").cursor()) as cr:
            cr._cnx.autocommit = True  # no database is created in a transaction
            cr.execute(
                SQL(
                    "CREATE DATABASE %s TEMPLATE %s",
                    SQL.identifier(name),
                    SQL.identifier(source),
                )
            )

    def _check_uninstall(self, addon, database, before, result):
        if any(addon in manifest["depends"] for manifest in self.manifests.values()):
            # A bridge on top of it needs the database as it is now.
            self._copy(database, self._name(addon, "rest"))
            database = self._name(addon, "rest")
        with self._open(database) as env:
            account = self._move_points(env, addon)
            account_id = account.id
            env.cr.commit()
            entries = self._read_entries(env, account_id)
            module = env["ir.module.module"].search([("name", "=", addon)])
            module.button_immediate_uninstall()
        Registry.new(database)
        after = self._get_snapshot(database)
        result.left = self._describe(database, after - before)
        result.lost = sorted(before - after)
        result.entries = len(entries)
        with self._open(database) as env:
            kept = self._read_entries(env, account_id)
            result.entries_kept = self._are_kept(entries, kept)
            account = env["loyalty.card"].browse(account_id)
            result.findings = [
                str(one) for one in env["loyalty.ledger"]._audit(account)
            ]
            self._show_everything(env)

    def _move_points(self, env, addon):
        """Let a member have points, one of the entries by a record of the addon."""
        # Only now: the package loads what needs a database.
        from odoo.addons.loyalty_ledger.ledger.move import Move, Op

        scheme = env["loyalty.scheme"].create(
            {"name": "Harmony", "point_name": "bean", "point_name_plural": "beans"}
        )
        partner = env["res.partner"].create({"name": "Anna"})
        account = scheme._get_account(env["loyalty.member"]._enrol(partner, scheme))
        own = [
            name
            for name, model in sorted(env.registry.items())
            if model._original_module == addon and not model._abstract
        ]
        source = {"res_model": own[0], "res_id": 1} if own else {}
        for number, op in enumerate((Op.CREDIT, Op.CREDIT, Op.DEBIT)):
            env["loyalty.ledger"]._post(
                [
                    Move(
                        account_id=account.id,
                        key=f"install:{number}",
                        kind="redeem" if op == Op.DEBIT else "earn",
                        op=op,
                        points=Decimal(10 + number),
                        **source,
                    )
                ]
            )
        return account

    def _read_entries(self, env, account_id):
        """Return the rows of the account's entries, with the names of their columns."""
        env.flush_all()
        env.cr.execute(
            "SELECT * FROM loyalty_ledger_entry WHERE account_id = %s ORDER BY id",
            [account_id],
        )
        return env.cr.dictfetchall()

    def _are_kept(self, entries, kept):
        """Whether the columns that are left hold what they held."""
        return len(entries) == len(kept) and all(
            {name: old[name] for name in new} == new
            for old, new in zip(entries, kept, strict=True)
        )

    def _show_everything(self, env):
        """Read the entries and open the screens of all our models, as a browser does.

        :raise Exception: a view has what is gone, or an entry cannot be shown
        """
        entries = env["loyalty.ledger.entry"].search([])
        entries.web_read(
            {name: {} for name, field in entries._fields.items() if not field.groups}
        )
        ours = set(self.manifests)
        for name, model in env.registry.items():
            if model._original_module in ours and not model._abstract:
                views = [(False, kind) for kind in ("form", "list", "search")]
                env[name].get_views(views)

    def _get_installed(self, database):
        with self._open(database) as env:
            env.cr.execute(
                "SELECT name FROM ir_module_module WHERE state = 'installed'"
            )
            return sorted(name for (name,) in env.cr.fetchall())

    def _get_snapshot(self, database):
        """Return the names of all that an addon may add."""
        found = set()
        with self._open(database) as env:
            for kind, query in CATALOGUE.items():
                env.cr.execute(query)
                found.update(f"{kind} {name}" for (name,) in env.cr.fetchall())
            env.cr.execute(RECORD_TABLES)
            for (table,) in env.cr.fetchall():
                env.cr.execute(SQL("SELECT id FROM %s", SQL.identifier(table)))
                found.update(f"record {table} {id_}" for (id_,) in env.cr.fetchall())
        return found

    def _describe(self, database, found):
        """Return what was found, records with what they hold."""
        lines = []
        with self._open(database) as env:
            for line in sorted(found):
                kind, *words = line.split(" ")
                if kind == "record":
                    table, id_ = words
                    env.cr.execute(
                        SQL(
                            "SELECT to_jsonb(t) FROM %s t WHERE id = %s",
                            SQL.identifier(table),
                            int(id_),
                        )
                    )
                    line = f"{line}: {str(env.cr.fetchone()[0])[:300]}"
                lines.append(line)
        return lines

    @contextmanager
    def _open(self, database):
        with Registry(database).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})


def main(prefix, path, *names):
    config.parse_config(
        [
            *(("-c", os.environ["ODOO_RC"]) if "ODOO_RC" in os.environ else ()),
            *("--data-dir", f"{path}.data", "--logfile", f"{path}.log"),
            *("-d", prefix, "--no-http", "--skip-auto-install"),
        ],
        setup_logging=True,
    )
    manifests = modules.discover()
    installation = Installation(prefix, manifests)
    with open(path, "w") as file:
        try:
            for addon in modules.sort_by_depends(manifests):
                if not names or addon in names:
                    result = installation.run(addon)
                    print(json.dumps(dataclasses.asdict(result)), file=file, flush=True)
        finally:
            installation.drop()


if __name__ == "__main__":
    main(*sys.argv[1:])
