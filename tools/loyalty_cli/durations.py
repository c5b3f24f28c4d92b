# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many seconds each class of tests took when it last ran, kept in the cache."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from .paths import cache, locked

FILE = "durations.json"


def read() -> dict[str, float]:
    """Return the seconds of each class that has run on this machine."""
    path = cache() / FILE
    return json.loads(path.read_text()) if path.exists() else {}


def update(seconds: Mapping[str, float]) -> None:
    """Keep the seconds of the classes that have run now."""
    with locked("durations"):
        known = read() | {name: round(value, 1) for name, value in seconds.items()}
        path = cache() / FILE
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(known, indent=1, sort_keys=True))
        partial.rename(path)
