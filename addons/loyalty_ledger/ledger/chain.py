# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The hash chain over the entries of an account.

An entry's hash is SHA-256 (FIPS 180-4) over the hash before it and its own
canonical row, so that changing or removing any entry breaks every later link.
``SQL_ROW`` builds the same row in PostgreSQL, which lets an audit verify millions of
entries in one statement.
"""

from hashlib import sha256

GENESIS = "0" * 64
# The unit separator cannot occur in a key or a reason (the service refuses control
# characters), so two different rows never have the same canonical text.
SEPARATOR = "\x1f"
# Expects the entry table under the alias "e".
SQL_ROW = r"""
    concat_ws(
        E'\x1f',
        e.prev_hash,
        e.account_id::text,
        e.sequence::text,
        e.kind,
        trim_scale(e.amount)::text,
        trim_scale(e.pending)::text,
        trim_scale(e.requested)::text,
        trim_scale(e.shortfall)::text,
        to_char(e.date, 'YYYY-MM-DD HH24:MI:SS'),
        COALESCE(e.res_model, ''),
        COALESCE(e.res_id::text, ''),
        COALESCE(e.transaction_id::text, ''),
        COALESCE(e.source_transaction_id::text, ''),
        e.key,
        COALESCE(e.reason, '')
    )
"""


def link(prev_hash, row):
    """Return the hash of an entry.

    :param str prev_hash: hexadecimal hash of the entry before, or ``GENESIS``
    :param dict row: column values of the entry; amounts are Decimal, the date is a
        naive UTC datetime without microseconds
    :return str: 64 hexadecimal digits
    """
    canonical = SEPARATOR.join(
        (
            prev_hash,
            str(row["account_id"]),
            str(row["sequence"]),
            row["kind"],
            _number(row["amount"]),
            _number(row["pending"]),
            _number(row["requested"]),
            _number(row["shortfall"]),
            row["date"].strftime("%Y-%m-%d %H:%M:%S"),
            row["res_model"] or "",
            str(row["res_id"] or ""),
            str(row["transaction_id"] or ""),
            str(row["source_transaction_id"] or ""),
            row["key"],
            row["reason"] or "",
        )
    )
    return sha256(canonical.encode()).hexdigest()


def _number(value):
    """Write a Decimal as PostgreSQL writes ``trim_scale(numeric)::text``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
