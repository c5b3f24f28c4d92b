# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import datetime
from decimal import Decimal

from odoo.tests import TransactionCase
from odoo.tools import SQL

from ..ledger.move import Move, Op
from ..ledger.sale import Sale, SaleLine

NOW = datetime(2026, 3, 10, 12, 0, 0)


class LoyaltyLedgerCommon(TransactionCase):
    """A coffee brand: 1 bean per 1 spent, 100 beans are worth 1."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.scheme = cls._create_scheme()
        cls.anna = cls.env["res.partner"].create(
            {"name": "Anna", "phone": "+32470123456"}
        )
        cls.member = cls.env["loyalty.member"]._enrol(cls.anna, cls.scheme)
        cls.account = cls.scheme._get_account(cls.member)
        cls.ledger = cls.env["loyalty.ledger"]

    @classmethod
    def _create_scheme(cls, **values):
        return cls.env["loyalty.scheme"].create(
            {
                "name": "Harmony Coffee",
                "point_name": "bean",
                "point_name_plural": "beans",
                **values,
            }
        )

    def _move(self, op, points, key=None, account=None, **values):
        account = account or self.account
        kinds = {
            Op.CREDIT: "earn",
            Op.PEND: "earn",
            Op.DEBIT: "redeem",
            Op.TAKE_BACK: "return_earn",
            Op.RESTORE: "return_redeem",
            Op.RELEASE: "release",
            Op.EXPIRE: "expire",
        }
        return Move(
            account_id=account.id,
            key=key or f"test:{account.ledger_sequence + 1}",
            kind=values.pop("kind", kinds[op]),
            op=op,
            points=None if points is None else Decimal(str(points)),
            **values,
        )

    def _post(self, op, points, **values):
        return self.ledger._post([self._move(op, points, **values)])

    def _line(self, key, amount, quantity=1, **values):
        return SaleLine(
            key=key,
            product_id=values.pop("product_id", None),
            quantity=quantity,
            amount_incl=amount,
            amount_excl=values.pop("amount_excl", amount),
            name=values.pop("name", key),
            **values,
        )

    def _sale(self, reference, *lines, **values):
        return Sale(
            channel=values.pop("channel", "pos"),
            reference=reference,
            date=values.pop("date", NOW),
            currency_id=values.pop("currency", self.scheme.currency_id).id,
            company_id=self.company.id,
            lines=lines,
            **values,
        )

    def _record(self, reference, *lines, **values):
        return self.env["loyalty.transaction"]._record(
            self.member, self._sale(reference, *lines, **values)
        )

    def _lots(self, account=None):
        return [
            (lot.remaining, lot.state)
            for lot in (account or self.account).lot_ids.sorted("id")
            if lot.remaining
        ]

    def _tamper(self, query, *args):
        """Change posted rows behind the guards, as a thief with the database would."""
        for table in self.env["loyalty.ledger.entry"]._get_guarded_tables():
            self._toggle_guards(table, "DISABLE")
        self.env.cr.execute(SQL(query, *args))
        for table in self.env["loyalty.ledger.entry"]._get_guarded_tables():
            self._toggle_guards(table, "ENABLE")
        self.env.invalidate_all()

    def _toggle_guards(self, table, how):
        # Foreign keys are checked at the end of a statement, but PostgreSQL refuses to
        # alter a table on which checks are still to be made.
        self.env.cr.execute(SQL("SET CONSTRAINTS ALL IMMEDIATE"))
        self.env.cr.execute(
            SQL("ALTER TABLE %s %s TRIGGER USER", SQL.identifier(table), SQL(how))
        )

    def _remove_entry(self, entry):
        """Remove an entry from the database, and what holds it there."""
        self._tamper(
            "ALTER TABLE loyalty_ledger_lot DROP CONSTRAINT IF EXISTS"
            " loyalty_ledger_lot_entry_id_fkey"
        )
        self._tamper(
            "DELETE FROM loyalty_ledger_allocation WHERE entry_id = %s", entry.id
        )
        self._tamper("DELETE FROM loyalty_ledger_entry WHERE id = %s", entry.id)

    def _findings(self, account=None):
        """Return the names of the checks that fail."""
        findings = self.ledger._audit(account or self.account)
        return {finding.check for finding in findings}

    def assertBooks(self, points, pending=0.0, account=None):
        """The balances are as given, and the books add up."""
        account = account or self.account
        self.env.invalidate_all()
        self.assertEqual(account.points, points)
        self.assertEqual(account.ledger_pending, pending)
        self.assertEqual(self.ledger._audit(), [])
