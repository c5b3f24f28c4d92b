# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBudget(LoyaltyLedgerCommon):
    """What one redemption asks of the database, whatever the member's history."""

    def _give_history(self, length):
        self.ledger._post(
            self._move(
                Op.CREDIT,
                10,
                key=f"past:{self.account.ledger_sequence}:{number}",
                expiry_date=NOW.date() + timedelta(days=number % 300),
            )
            for number in range(length)
        )

    def _count(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        call()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_a_debit(self):
        for policy in ("never", "term", "activity"):
            self.scheme.expiry_policy = policy
            # Asks once for what is kept ready, like the scheme's rules
            self.scheme._get_slide_date(NOW.date(), self.account)
            counts = []
            for length in (1, 20, 400):
                self._give_history(length)
                self.account._hold("pos:1", 5)
                counts.append(
                    self._count(
                        lambda: self._post(
                            Op.DEBIT,
                            5,
                            key=f"pay:{self.account.ledger_sequence}",
                            hold_owner="pos:1",
                            slide_to=self.scheme._get_slide_date(
                                NOW.date(), self.account
                            ),
                        )
                    )
                )
            self.assertEqual(len(set(counts)), 1, counts)
            self.assertLessEqual(counts[0], 12)

    def test_a_sale(self):
        """With the sale itself and what it earns, and nothing in the cache."""
        # The first sale asks once for what is kept ready, like the scheme's rules
        self._record("first", self._line("a", 10))
        counts = []
        for number, length in enumerate((1, 20, 400)):
            self._give_history(length)
            sale = self._sale(f"S{number}", self._line("a", 10), redeemed=5)
            counts.append(
                self._count(
                    lambda sale=sale: self.env["loyalty.transaction"]._record(
                        self.member, sale
                    )
                )
            )
        self.assertEqual(len(set(counts)), 1, counts)
        self.assertLessEqual(counts[0], 20)
