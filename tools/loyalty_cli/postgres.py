# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""PostgreSQL: the server that ``PGHOST`` or ``--db-host`` names, else one of our own in
the cache, on a socket.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .console import Failure, run
from .paths import cache, digest, is_alive, is_open_to_all, locked
from .venv import Venv

ROLE = "odoo"
"""Odoo refuses to work as the role ``postgres``."""
LONGEST_SOCKET_PATH = 100
SERVER_USERS = ("postgres", "nobody")
"""Who runs our server when we are root, which PostgreSQL refuses to run as."""
SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    # The databases here can all be built again: speed before safety against a power
    # cut.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True)
class Server:
    """A running server, and how to reach it."""

    host: str
    port: str
    user: str
    programs: Path
    own: bool = False
    """Whether it is the embedded one, which nobody but this command uses."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which Odoo and PostgreSQL's own programs find it."""
        return {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def query(self, sql: str, database: str = "postgres") -> list[str]:
        """Run SQL and return its rows, one string each."""
        output = run(
            [
                self.programs / "psql",
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set=ON_ERROR_STOP=1",
                f"--dbname={database}",
            ],
            what=f"PostgreSQL at {self.host}",
            env={**os.environ, **self.environment},
            stdin=sql,
            advice="Check PGHOST, PGPORT, PGUSER and PGPASSWORD, or unset PGHOST."
            if os.environ.get("PGHOST")
            else "",
        )
        return [line for line in output.splitlines() if line]


def get(venv: Venv) -> Server:
    """Return a running server; one of our own is started when none is named, and
    stopped when the last user leaves.
    """
    host = os.environ.get("PGHOST")
    if host:
        server = Server(
            host,
            os.environ.get("PGPORT", "5432"),
            os.environ.get("PGUSER", ROLE),
            venv.postgres_programs,
        )
        server.query("SELECT 1")
        return server
    return Embedded(venv).use()


class Embedded:
    """Our own server. Each run of the command that uses it leaves a note with its
    process id; the last one out stops it.
    """

    def __init__(self, venv: Venv) -> None:
        self.programs = venv.postgres_programs
        self.home = cache() / "postgres"
        self.data = self.home / "data"
        self.users = self.home / "users"
        self.note = self.users / str(os.getpid())
        self.user: int | None = None
        if os.geteuid() == 0:
            self.user = self._get_server_user()

    def use(self) -> Server:
        with locked("postgres"):
            self.users.mkdir(parents=True, exist_ok=True)
            self._init()
            self._start()
            self.note.touch()
        atexit.register(self.leave, os.getpid())
        return Server(str(self.socket_folder), "5432", ROLE, self.programs, own=True)

    def leave(self, pid: int) -> None:
        """Take our note away, and stop the server when nobody else is there."""
        if os.getpid() != pid:
            return
        with locked("postgres"):
            self.note.unlink(missing_ok=True)
            if not self._get_others():
                self.stop()

    def stop(self) -> None:
        if self._is_running():
            self._run(
                "pg_ctl",
                "stop",
                "-w",
                "-m",
                "fast",
                "-D",
                self.data,
                what="Stopping PostgreSQL",
            )

    def destroy(self) -> None:
        """Stop the server and delete its databases."""
        with locked("postgres"):
            others = self._get_others()
            if others:
                raise Failure(
                    "The embedded PostgreSQL is in use by process "
                    f"{', '.join(map(str, others))}: end it, then run the command "
                    "again."
                )
            self.stop()
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket; in the temporary folder where the cache's name is
        too long for a socket.
        """
        folder = self.home / "socket"
        if len(str(folder)) > LONGEST_SOCKET_PATH:
            folder = Path(tempfile.gettempdir()) / f"loyalty-{digest(str(folder))}"
        return folder

    def _get_others(self) -> list[int]:
        """Return the runs of this command that use the server, but for this one; notes
        of dead ones are swept away.
        """
        others = []
        for note in self.users.glob("[0-9]*"):
            pid = int(note.name)
            if not is_alive(pid):
                note.unlink(missing_ok=True)
            elif pid != os.getpid():
                others.append(pid)
        return others

    def _get_server_user(self) -> int:
        for folder in (self.programs, self.home):
            if not is_open_to_all(folder):
                raise Failure(
                    "PostgreSQL refuses to run as root, and other users may not enter "
                    f"{folder}: unset LOYALTY_CACHE, or set it to a folder that is "
                    "open to all."
                )
        if self.data.exists():
            return self.data.stat().st_uid
        for name in SERVER_USERS:
            try:
                return pwd.getpwnam(name).pw_uid
            except KeyError:
                continue
        raise Failure(
            "PostgreSQL refuses to run as root, and there is no user 'nobody': run the "
            "command as an ordinary user."
        )

    def _init(self) -> None:
        for folder in (self.data, self.socket_folder):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if self.user is not None:
                os.chown(folder, self.user, -1)
        if (self.data / "PG_VERSION").exists():
            return
        self._run(
            "initdb",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-D",
            self.data,
            what="Making the PostgreSQL cluster",
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in SETTINGS.items())

    def _is_running(self) -> bool:
        try:
            self._run("pg_ctl", "status", "-D", self.data, what="pg_ctl")
        except Failure:
            return False
        return True

    def _start(self) -> None:
        if self._is_running():
            return
        self._run(
            "pg_ctl",
            "start",
            "-w",
            "-D",
            self.data,
            "-l",
            self.data / "server.log",
            "-o",
            f"-k '{self.socket_folder}'",
            what="Starting PostgreSQL",
        )
        superuser = Server(str(self.socket_folder), "5432", "postgres", self.programs)
        if not superuser.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'"):
            superuser.query(f"CREATE ROLE {ROLE} LOGIN CREATEDB")

    def _run(self, program: str, *arguments: str | Path, what: str) -> None:
        # Into a file: the server lives on after pg_ctl and keeps its output, so a pipe
        # would never end.
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            identity = (
                {}
                if self.user is None
                else {
                    "user": self.user,
                    "group": pwd.getpwuid(self.user).pw_gid,
                    "extra_groups": [],
                }
            )
            result = subprocess.run(
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                check=False,
                **identity,
            )
            output.seek(0)
            lines = [line.strip() for line in output if line.strip()]
        if result.returncode:
            raise Failure(
                f"{what} failed: {lines[-1] if lines else 'it printed nothing'} Its "
                f"log: {self.data / 'server.log'}."
            )
