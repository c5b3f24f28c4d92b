# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where things are: the repository, and the cache folder that holds all that is
downloaded or built.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .console import Failure, say

ROOT = Path(__file__).resolve().parents[2]
ADDONS = ROOT / "addons"
ARTIFACTS = ROOT / ".artifacts"
"""What a run leaves for people to look at: screenshots and logs; not in git."""

FOLDER = "loyalty-suite"
ROOT_CACHE = Path("/var/cache") / FOLDER


def is_open_to_all(path: Path) -> bool:
    """Whether every user may walk down to ``path``, as far as it exists."""
    existing = path
    while not existing.exists():
        existing = existing.parent
    return all(
        folder.stat().st_mode & stat.S_IXOTH for folder in [existing, *existing.parents]
    )


@functools.cache
def cache() -> Path:
    """Return the cache folder, made when it is not there.

    It is ``LOYALTY_CACHE``, else a folder in ``XDG_CACHE_HOME`` or ``~/.cache``.
    PostgreSQL refuses to run as root, so for root another user runs it and must be able
    to enter the folder: where root's own cache is closed to others, it is in
    ``/var/cache``.
    """
    named = os.environ.get("LOYALTY_CACHE")
    if named:
        path = Path(named)
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / FOLDER
        if os.geteuid() == 0 and not is_open_to_all(path):
            path = ROOT_CACHE
    path = path.expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"The cache folder {path} cannot be made ({error.strerror}): set "
            "LOYALTY_CACHE to a folder you may write."
        ) from error
    if not os.access(path, os.W_OK):
        raise Failure(
            f"You may not write in the cache folder {path}: set LOYALTY_CACHE to "
            "another one."
        )
    return path


def logs() -> Path:
    path = cache() / "logs"
    path.mkdir(exist_ok=True)
    return path


def digest(*parts: str | bytes) -> str:
    """Return a short key made of the parts."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:12]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other runs of this command out of the same work; wait for them."""
    folder = cache() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"· Waiting for another run of this command ({name}) …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
