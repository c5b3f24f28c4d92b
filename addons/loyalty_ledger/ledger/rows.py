# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Columns of values as PostgreSQL reads them.

A list that is handed to psycopg2 is adapted value by value, which for thousands of rows
takes as long as storing them. The text form of an array is made here in one go.
"""

import json

# What never holds a character that means something inside an array
PLAIN = ("int4", "numeric", "bool")


def to_array(values, type_):
    """Return the array literal of a column.

    :param values: iterable of Python values; ``None`` is NULL
    :param str type_: PostgreSQL type of the elements
    :return str: to be cast to an array of ``type_``
    """
    write = str if type_ in PLAIN else _quote_json if type_ == "jsonb" else _quote
    return (
        "{"
        + ",".join(["NULL" if value is None else write(value) for value in values])
        + "}"
    )


def _quote(value):
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _quote_json(value):
    return _quote(json.dumps(value))
