# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import datetime

from odoo.addons.loyalty_ledger.tests.common import LoyaltyLedgerCommon


class LoyaltyTiersCommon(LoyaltyLedgerCommon):
    """Silver from 100 beans in a calendar year, Gold from 300; nothing before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.silver = cls._create_tier("Silver", entry_points=100)
        cls.gold = cls._create_tier("Gold", entry_points=300, color="#D4AF37")
        cls.service = cls.env["loyalty.tier.service"]

    @classmethod
    def _create_tier(cls, name, **values):
        return cls.env["loyalty.tier"].create(
            {
                "name": name,
                "scheme_id": cls.scheme.id,
                "sequence": 10 * (len(cls.scheme.tier_ids) + 1),
                **values,
            }
        )

    def _buy(self, reference, amount, member=None, date=None, **values):
        sale = self._sale(
            reference,
            self._line("a", amount),
            date=date or datetime.now(),
            **values,
        )
        return self.env["loyalty.transaction"]._record(member or self.member, sale)

    def _give_back(self, transaction, amount, reference=None, quantity=1):
        return transaction._record_return(
            self._sale(
                reference or f"{transaction.reference}-back",
                self._line("back", amount, quantity, origin_key="a"),
                date=datetime.now(),
            )
        )

    def _enrol(self, name, **values):
        partner = self.env["res.partner"].create({"name": name, **values})
        return self.env["loyalty.member"]._enrol(partner, self.scheme)

    def _history(self, member=None):
        """Return the changes of a member, oldest first, as (from, to, cause)."""
        changes = self.env["loyalty.tier.change"].search(
            [("member_id", "=", (member or self.member).id)], order="id"
        )
        return [(c.from_id.name, c.tier_id.name, c.cause) for c in changes]

    def _figures(self, member=None):
        """Return what is counted, as (month, points, spend, visits)."""
        figures = self.env["loyalty.tier.figure"].search(
            [("member_id", "=", (member or self.member).id)], order="month"
        )
        return [(f"{f.month:%Y-%m}", f.points, f.spend, f.visits) for f in figures]
