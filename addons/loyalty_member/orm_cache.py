# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Filling the ORM's cache where every sale and quote would wait for the ORM.

A till asks after each product. To make one small query out of a domain takes the ORM
longer than PostgreSQL takes to answer it, and what hardly ever changes need not be
asked at all.
"""

from odoo.tools import SQL, Query


def fetch_where(model, condition, names):
    """Fetch records by a condition in SQL.

    The rules on records are not asked: ``model`` is in superuser mode, or the caller
    asks them afterwards.

    :param model: an empty recordset
    :param SQL condition: on the columns of the table
    :param names: of stored fields with a column
    :return: the records found, in no order
    """
    model.flush_model()
    query = Query(model.env, model._table, SQL.identifier(model._table))
    query.add_where(condition)
    return model._fetch_query(query, [model._fields[name] for name in names])


def keep(record, values):
    """Put into the ORM's cache what was kept ready of a record.

    :param values: see :func:`read_to_keep`
    """
    for name, value in values:
        record._fields[name]._insert_cache(record, (value,))


def read_to_keep(record, names):
    """Return fields of a record, at most one, as the ORM's cache has them.

    :return: a tuple of (name, value)
    """
    if not record:
        return ()
    values = []
    for name in names:
        # Reading puts it there
        record[name]  # pylint: disable=pointless-statement
        field = record._fields[name]
        values.append((name, field._get_cache(record.env)[record.id]))
    return tuple(values)
