# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged

from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMilestone(LoyaltyLedgerCommon):
    """The native mails "when reaching" go out for accounts of the ledger too."""

    def setUp(self):
        super().setUp()
        self.env["loyalty.mail"].create(
            {
                "program_id": self.scheme.points_program_id.id,
                "trigger": "points_reach",
                "points": 100,
                "mail_template_id": self.env.ref(
                    "loyalty.mail_template_loyalty_card"
                ).id,
            }
        )
        self.told = []
        self.startPatcher(
            patch.object(
                self.registry["loyalty.card"],
                "_send_points_reach_communication",
                lambda cards, changes: self.told.extend(
                    (card.id, change["old"], change["new"])
                    for card, change in changes.items()
                ),
            )
        )

    def test_gaining_points(self):
        self._post(Op.CREDIT, 120)
        self.assertEqual(self.told, [(self.account.id, 0, 120)])

    def test_nothing_is_said_of_spending_and_waiting(self):
        self._post(Op.CREDIT, 120)
        self.told.clear()
        self._post(Op.DEBIT, 20)
        self._post(Op.PEND, 500)
        self.assertEqual(self.told, [])

    def test_points_released_in_the_night(self):
        self._post(Op.PEND, 150, release_date=NOW.date())
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env(cr=cr)["loyalty.ledger.due"]._release(NOW.date())
        self.assertEqual(self.told, [(self.account.id, 0, 150)])
