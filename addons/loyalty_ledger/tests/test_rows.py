# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime
from decimal import Decimal

from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from ..ledger.rows import to_array


@tagged("post_install", "-at_install")
class TestRows(TransactionCase):
    def read_back(self, type_, values):
        query = SQL("SELECT UNNEST(%s::%s[])", to_array(values, type_), SQL(type_))
        return [value for (value,) in self.env.execute_query(query)]

    def test_values_arrive_as_they_were_sent(self):
        for type_, values in (
            ("int4", [1, None, -3]),
            ("bool", [True, None, False]),
            ("numeric", [Decimal("0.1000"), None, Decimal("-12345.6789"), Decimal(0)]),
            ("date", [date(2026, 2, 28), None]),
            ("timestamp", [datetime(2026, 2, 28, 23, 59, 58), None]),
            ("varchar", ["", "NULL", None, 'a "b" \\ {c}, d', "é\n\t%s", " x "]),
            ("jsonb", [{"a": ['"', "\\", 1.5]}, [], None]),
        ):
            with self.subTest(type=type_):
                self.assertEqual(
                    [
                        float(value) if isinstance(value, Decimal) else value
                        for value in values
                    ],
                    self.read_back(type_, values),
                )
