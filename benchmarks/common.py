# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every benchmark shares: how it prints its figures."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and its limit: the least it may be, or the most if ``at_most``."""

    what: str
    value: float
    limit: float
    at_most: bool = False

    @property
    def ok(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns, the first to the left and the others to the right."""
    table = [header, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    for number, row in enumerate(table):
        cells = [
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if not number:
            print("  ".join("-" * width for width in widths))


def finish(bench: str, bars: Sequence[Bar], check: bool) -> None:
    """Print the bars, then the JSON line that ends every benchmark, and leave.

    :param check: leave with 1 when a bar is missed (the option ``--check``)
    """
    print()
    for bar in bars:
        sign = "<=" if bar.at_most else ">="
        verdict = "ok" if bar.ok else "MISSED"
        print(f"{bar.what}: {bar.value:.3g} (bar {sign} {bar.limit:g}) {verdict}")
    print(
        json.dumps(
            {
                "bench": bench,
                "bars": [
                    {
                        "what": bar.what,
                        "value": round(bar.value, 4),
                        "limit": bar.limit,
                        "ok": bar.ok,
                    }
                    for bar in bars
                ],
            }
        ),
        flush=True,
    )
    sys.exit(1 if check and not all(bar.ok for bar in bars) else 0)
