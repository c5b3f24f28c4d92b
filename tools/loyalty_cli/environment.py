# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that a run of Odoo needs, brought together: its source, its Python,
PostgreSQL and a configuration file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from . import odoo_source, postgres, venv
from .console import Failure
from .odoo_source import OdooSource
from .paths import ADDONS, ROOT, cache, digest
from .postgres import Server
from .venv import Venv

HOST = "127.0.0.1"
UNWANTED_VARIABLES = ("ODOO_RC", "OPENERP_SERVER", "PYTHONHOME", "PGDATABASE")


@dataclass(frozen=True)
class Environment:
    odoo: OdooSource
    venv: Venv
    server: Server
    config: Path

    @property
    def data(self) -> Path:
        """The folder of the filestores; they belong to the databases of one server."""
        return _get_data(self.server)

    @property
    def variables(self) -> dict[str, str]:
        """The variables that Odoo's processes run with."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if key not in UNWANTED_VARIABLES
        }
        return {
            **kept,
            **self.server.environment,
            "ODOO_RC": str(self.config),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tools'}",
            "PYTHONUNBUFFERED": "1",
            # What other packages deprecate is not ours to mend, and Odoo logs it as
            # warnings.
            "PYTHONWARNINGS": "ignore::DeprecationWarning,ignore::SyntaxWarning",
        }

    def get_odoo_command(self, command: str, *arguments: str) -> list[str]:
        """Return the words that start a command of Odoo, like ``server``."""
        return [str(self.venv.python), "-m", "odoo", command, *arguments]


def prepare(odoo: str | None = None) -> Environment:
    """Bring everything together, fetching and building what is not there yet.

    :param odoo: the Odoo that ``--odoo`` names
    """
    source = odoo_source.find(odoo or os.environ.get("ODOO_PATH"))
    python = venv.get(source)
    server = postgres.get(python)
    return Environment(source, python, server, _write_config(source, server))


def _get_data(server: Server) -> Path:
    return cache() / "data" / digest(server.host, server.port)


def _write_config(source: OdooSource, server: Server) -> Path:
    """Write Odoo's configuration for this clone."""
    if not ADDONS.is_dir():
        raise Failure(f"The folder {ADDONS} is missing: is this a whole clone?")
    options = {
        "addons_path": ADDONS,
        "data_dir": _get_data(server),
        "db_host": server.host,
        "db_port": server.port,
        "db_user": server.user,
        "http_interface": HOST,
        "list_db": False,
        # Odoo's own default lets anyone in who reaches it.
        "admin_passwd": digest(str(cache()), str(os.getuid())),
        "max_cron_threads": 0,
        # Odoo caps the address space of its process at 2.5 GiB: one that lives through
        # a thousand tests outgrows it, and cannot start a thread any more.
        "limit_memory_hard": 0,
        "limit_memory_soft": 0,
    }
    text = "[options]\n" + "".join(
        f"{key} = {value}\n" for key, value in options.items()
    )
    path = (
        cache()
        / "config"
        / f"{digest(str(ROOT), str(source.root), server.host, server.port)}.conf"
    )
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o600)
    return path
