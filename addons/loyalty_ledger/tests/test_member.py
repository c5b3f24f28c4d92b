# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from freezegun import freeze_time

from odoo.tests import Form, new_test_user, tagged

from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMemberPage(LoyaltyLedgerCommon):
    """What a service user sees of a member who buys in every channel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = new_test_user(
            cls.env, "service", "loyalty_member.loyalty_member_group_service"
        )
        boris = cls.env["res.partner"].create({"name": "Boris"})
        cls.boris = cls.env["loyalty.member"]._enrol(boris, cls.scheme)

    def setUp(self):
        super().setUp()
        self.till = self._record("S1", self._line("a", 150))
        self.shop = self._record("W1", self._line("a", 40), channel="website")
        self.back = self.till._record_return(
            self._sale("R1", self._line("x", 30, origin_key="a"))
        )
        self.env["loyalty.transaction"]._record(
            self.boris, self._sale("S2", self._line("a", 70))
        )
        self.env.invalidate_all()
        self.page = self.member.with_user(self.service)

    def _open(self, action):
        """Return the records that a stat button opens, as its reader sees them."""
        records = self.env[action["res_model"]].with_user(self.service)
        return records.search(action["domain"])

    def test_service_user_opens_the_page(self):
        views = self.page.get_views([(False, "form")])
        arch = views["views"]["form"]["arch"]
        for name in ("transaction_ids", "points_summary", "action_view_entries"):
            self.assertIn(f'name="{name}"', arch)
        with Form(self.page) as page:
            self.assertEqual(page.points_summary, self.page.points_summary)
            self.assertEqual(len(page.transaction_ids), 3)

    def test_transactions_of_every_channel(self):
        transactions = self.page.transaction_ids
        self.assertEqual(transactions, self.till | self.shop | self.back)
        self.assertEqual(
            set(transactions.mapped(lambda sale: (sale.channel_id.code, sale.kind))),
            {("pos", "sale"), ("website", "sale"), ("pos", "return")},
        )
        self.assertEqual(self.page.transaction_count, 3)

    def test_buttons_open_exactly_the_records_behind_the_numbers(self):
        transactions = self._open(self.page.action_view_transactions())
        self.assertEqual(transactions, self.page.transaction_ids)
        entries = self._open(self.page.action_view_entries())
        self.assertEqual(entries, transactions.entry_ids)
        self.assertEqual(
            sorted(entries.mapped("kind")), ["earn", "earn", "return_earn"]
        )

    def test_balance_in_points_and_in_money(self):
        self.assertEqual(self.page.points_balance, 120)
        self.assertEqual(self.page.points_pending, 40)
        self.assertEqual(self.page.points_value, 1.2)
        money = self.scheme._format_money(1.2)
        self.assertEqual(self.page.points_summary, f"120 beans, worth {money}")
        self.assertBooks(120, pending=40)

    def test_member_without_account(self):
        carla = self.env["res.partner"].create({"name": "Carla"})
        page = self.env["loyalty.member"]._enrol(carla, self.scheme)
        page = page.with_user(self.service)
        self.assertEqual(page.transaction_count, 0)
        self.assertIn("0 beans", page.points_summary)
        self.assertFalse(self._open(page.action_view_transactions()))
        self.assertFalse(self._open(page.action_view_entries()))
