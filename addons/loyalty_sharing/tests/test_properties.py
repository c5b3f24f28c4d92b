# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ledger adds up, also if members give points to each other."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.loyalty_ledger.tests.test_properties import (
    ServiceMachine,
    ServicePropertiesCase,
)


class SharingMachine(ServiceMachine):
    """Everything that can happen to accounts, and transfers between them."""

    def __init__(self, case, clock):
        super().__init__(case, clock)
        self.transfers = {}

    @precondition(lambda self: len(self.open_accounts) > 1)
    @rule(data=st.data(), points=st.integers(1, 60))
    def transfer(self, data, points):
        """Give points to another member, as the member confirms it by a code."""
        giver = self._account(data)
        taker = data.draw(st.sampled_from(self.open_accounts - giver))
        limit = self._spendable(giver)
        transfer = self.env["loyalty.transfer"].create(
            {
                "giver_id": self.members[giver].id,
                "recipient_name": self.members[taker].number,
                "points": points,
            }
        )
        try:
            transfer._submit()
            transfer._confirm("the code")
        except UserError:
            assert points > limit
        else:
            assert points <= limit
            self._pass_on(giver, taker, points)
            self.transfers[transfer] = giver, taker

    @precondition(lambda self: self.transfers)
    @rule(data=st.data())
    def reverse_transfer(self, data):
        transfer = data.draw(
            st.sampled_from(sorted(self.transfers, key=lambda t: t.id))
        )
        giver, taker = (a._get_current() for a in self.transfers[transfer])
        points = Decimal(str(transfer.points))
        limit = self._spendable(taker)
        try:
            transfer._reverse()
        except UserError:
            assert points > limit or giver == taker
        else:
            assert points <= limit
            assert giver != taker
            self._pass_on(taker, giver, points)
            del self.transfers[transfer]


class SharingMergeMachine(SharingMachine):
    """The same without the rules that prevent merges, to have more of them."""

    hold = release_hold = capture = adjust = repeat = minutes_pass = None


@tagged("post_install", "-at_install")
class TestSharingProperties(ServicePropertiesCase):
    def test_the_ledger_adds_up_whatever_happens(self):
        self.scheme.write(
            {
                "transfer_allowed": True,
                "transfer_maximum": 0,
                "transfer_day_limit": 0,
                "transfer_month_limit": 0,
            }
        )
        # Other tests confirm with a code
        Member = self.registry["loyalty.member"]
        self.patch(Member, "_send_code", lambda *_args, **_kw: "a•••")
        self.patch(Member, "_check_code", lambda *_args, **_kw: None)
        self._run_machines(SharingMachine, SharingMergeMachine)
