# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime

from freezegun import freeze_time
from lxml import html

from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestStatement(LoyaltyLedgerCommon):
    """The statement of members who give points or share an account."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = new_test_user(
            cls.env,
            "sharing_service",
            groups="loyalty_member.loyalty_member_group_service",
            tz="Europe/Brussels",
        )

    def _credit(self, points, when):
        return self._post(Op.CREDIT, points, date=datetime.fromisoformat(when))

    def test_household_account_from_the_day_of_joining(self):
        self._credit(30, "2026-03-02 10:00:00")
        ben = self.env["res.partner"].create({"name": "Ben"})
        guest = self.env["loyalty.member"]._enrol(ben, self.scheme)
        household = self.env["loyalty.household"].create(
            {"name": "Home", "head_id": self.member.id}
        )
        guest._set_household(household, self.account.ledger_sequence)
        self._credit(12, "2026-03-08 10:00:00")
        section = guest.with_user(self.service)._get_statement(
            date(2026, 3, 1), date(2026, 3, 31)
        )[0]
        self.assertEqual(section["account"], self.account)
        self.assertEqual(
            [row["plus"] for row in guest._get_statement_entries(section)], ["12"]
        )
        self.assertEqual((section["opening"], section["closing"]), (30, 42))

    def test_transfers_name_the_other_in_short(self):
        self.scheme.transfer_allowed = True
        ben = self.env["res.partner"].create(
            {"name": "Benedict Arnold", "email": "ben@example.com"}
        )
        self.env["loyalty.member"]._enrol(ben, self.scheme)
        self.anna.email = "anna@example.com"
        self._post(Op.CREDIT, 100)
        transfer = self.env["loyalty.transfer"]._propose(
            self.member, "ben@example.com", 20
        )
        accounts = transfer._get_accounts()
        entries = self.ledger._post(transfer._prepare_moves(*accounts))
        transfer.write(
            {
                "giver_entry_id": entries[0].id,
                "recipient_entry_id": entries[1].id,
            }
        )
        page = self._render()
        self.assertIn("Given to Benedict A.", page)
        self.assertNotIn("Arnold", page)

    def _render(self):
        content, _type = (
            self.env["ir.actions.report"]
            .with_user(self.service)
            ._render_qweb_html(
                "loyalty_ledger.report_statement",
                self.member.ids,
                data={"date_from": "2026-03-01", "date_to": "2026-03-31"},
            )
        )
        return html.fromstring(content).text_content().replace("\xa0", " ")
