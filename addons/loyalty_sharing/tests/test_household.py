# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.ledger.flow import WALLET
from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
class TestHousehold(LoyaltyLedgerCommon):
    """Anna is the head of a household with 100 beans; Ben has 40 of his own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "loyalty_member.loyalty_member_group_"
        cls.service = new_test_user(cls.env, "house_service", group + "service")
        cls.auditor = new_test_user(cls.env, "house_auditor", group + "auditor")
        cls.ben = cls.env["res.partner"].create({"name": "Ben"})
        cls.cleo = cls.env["res.partner"].create({"name": "Cleo"})
        cls.friend, cls.third = cls.env["loyalty.member"]._enrol(
            cls.ben | cls.cleo, cls.scheme
        )
        cls.friend_account = cls.scheme._get_account(cls.friend)
        cls.household = (
            cls.env["loyalty.household"]
            .with_user(cls.service)
            .create({"name": "The Beans", "head_id": cls.member.id})
        )

    def setUp(self):
        super().setUp()
        self.startClassPatcher(freeze_time(NOW))
        self._post(Op.CREDIT, 100, expiry_date=date(2026, 12, 31))
        self._post(
            Op.CREDIT, 40, expiry_date=date(2026, 6, 30), account=self.friend_account
        )

    def _join(self, member=None, user=None):
        action = self.household.action_add_member()
        wizard = Form(
            self.env[action["res_model"]]
            .with_user(user or self.service)
            .with_context(**action["context"])
        )
        wizard.member_id = member or self.friend
        summary = wizard.summary
        wizard.save().action_join()
        return summary

    def _buy(self, member, reference, amount, **values):
        return self.env["loyalty.transaction"]._record(
            member, self._sale(reference, self._line("a", amount), **values)
        )

    def test_joining_brings_the_points_with_their_last_day(self):
        summary = self._join()
        self.assertIn("Ben brings 40 beans into The Beans", summary)
        self.assertIn("stay there if Ben leaves", summary)
        self.assertBooks(140)
        self.assertBooks(0, account=self.friend_account)
        self.assertEqual(
            {lot.expiry_date: lot.remaining for lot in self.account.lot_ids},
            {date(2026, 12, 31): 100, date(2026, 6, 30): 40},
        )
        self.assertEqual(self.friend.account_id, self.account)
        self.assertEqual(self.friend.points_balance, 140)
        self.assertEqual(
            self.scheme._get_accounts(self.member | self.friend),
            dict.fromkeys((self.member | self.friend).ids, self.account),
        )

    def test_all_earn_and_spend_on_one_account(self):
        self._join()
        sale = self._buy(self.friend, "ben 1", 10, redeemed=130)
        self.assertEqual((sale.account_id, sale.member_id), (self.account, self.friend))
        self._buy(self.member, "anna 1", 5)
        self.assertBooks(25)
        self.assertBooks(0, account=self.friend_account)
        entries = self.account.entry_ids.filtered("transaction_id").sorted("id")
        self.assertEqual(
            [(entry.member_id, entry.kind, entry.amount) for entry in entries],
            [
                (self.friend, "redeem", -130),
                (self.friend, "earn", 10),
                (self.member, "earn", 5),
            ],
        )
        self.assertEqual(
            [
                (m.household_earned, m.household_spent)
                for m in self.member | self.friend
            ],
            [(5, 0), (10, 130)],
        )
        with self.assertRaisesRegex(UserError, "can spend 25 beans, not 26 beans"):
            self._buy(self.friend, "ben 2", 1, redeemed=26)

    def test_return_counts_for_who_bought(self):
        self._join()
        sale = self._buy(self.friend, "ben 1", 10)
        sale._record_return(self._sale("ben back", self._line("x", 10, origin_key="a")))
        self.assertEqual(self.friend.household_earned, 0)
        self.assertBooks(140)

    def test_leaving_leaves_the_points(self):
        self._join()
        self.friend.with_user(self.service).action_leave_household()
        self.assertFalse(self.friend.household_id)
        self.assertEqual(self.friend.account_id, self.friend_account)
        self.assertEqual(
            (self.member.points_balance, self.friend.points_balance), (140, 0)
        )
        self._buy(self.friend, "alone", 7)
        self.assertBooks(140)
        self.assertBooks(7, account=self.friend_account)
        self._join()
        self.assertBooks(147)

    def test_head_stays(self):
        self._join()
        with self.assertRaisesRegex(UserError, "Anna is the head of The Beans"):
            self.member.with_user(self.service).action_leave_household()
        with self.assertRaisesRegex(UserError, "Dissolve the household first"):
            self.member.with_user(self.service).action_leave()
        self.friend.with_user(self.service).action_leave()
        self.assertFalse(self.friend.household_id)
        self.member.with_user(self.service).action_leave()
        self.assertFalse(self.household.active)

    def test_dissolving_leaves_the_points_with_the_head(self):
        self._join()
        self.household.action_dissolve()
        self.assertFalse(self.household.active)
        self.assertFalse((self.member | self.friend).household_id)
        self.assertEqual(
            (self.member.points_balance, self.friend.points_balance), (140, 0)
        )
        with self.assertRaisesRegex(UserError, "has been dissolved"):
            self.household._join(self.friend)

    def test_who_cannot_join(self):
        other = self._create_scheme(name="Other")
        outsider = self.env["loyalty.member"]._enrol(self.cleo, other)
        with self.assertRaisesRegex(UserError, "Cleo is no member of Harmony Coffee"):
            self._join(outsider)
        self._join(self.third)
        with self.assertRaisesRegex(UserError, "belongs to The Beans already"):
            self._join(self.third)
        self.friend.action_block("Fraud")
        with self.assertRaisesRegex(UserError, "blocked or has left"):
            self._join()
        with self.assertRaisesRegex(UserError, "belongs to The Beans already"):
            self.env["loyalty.household"].create(
                {"name": "Two", "head_id": self.third.id}
            )
        self.assertBooks(40, account=self.friend_account)

    def test_blocked_member_spends_nothing_the_others_do(self):
        self._join()
        self.friend.action_block("Fraud")
        with self.assertRaisesRegex(UserError, "is blocked"):
            self._buy(self.friend, "ben", 1, redeemed=10)
        self._buy(self.member, "anna", 1, redeemed=10)
        self.assertBooks(131)
        self.friend.action_unblock()
        self.member.action_block("Fraud")
        self._buy(self.friend, "ben", 1, redeemed=10)
        self.assertBooks(122)

    def test_what_is_waiting_comes_over_when_it_is_there(self):
        sale = self._buy(self.friend, "order", 15, channel="sale")
        self._join()
        self.assertBooks(140)
        self.assertBooks(0, 15, account=self.friend_account)
        sale._start_pending(fields.Date.today() - timedelta(days=30))
        self.env["loyalty.household"]._pool_points()
        self.assertBooks(155)
        self.assertBooks(0, account=self.friend_account)
        self.assertFalse(self.env["loyalty.household"]._pool_points())

    def test_what_is_on_hold_comes_over_when_it_is_free(self):
        self.friend_account._hold("sale:1", 30)
        self._join()
        self.assertBooks(110)
        self.env["loyalty.household"]._pool_points()
        self.assertBooks(30, account=self.friend_account)
        self.friend_account._release_hold("sale:1")
        self.env["loyalty.household"]._pool_points()
        self.assertBooks(140)

    def test_debt_of_an_old_purchase_is_the_households(self):
        sale = self._buy(self.friend, "before", 10)
        self._join()
        self.assertBooks(150)
        sale._record_return(self._sale("back", self._line("x", 10, origin_key="a")))
        self.assertBooks(-10, account=self.friend_account)
        self.env["loyalty.household"]._pool_points()
        self.assertBooks(140)
        self.assertBooks(0, account=self.friend_account)

    def test_debt_is_paid_by_what_a_member_brings(self):
        self._post(Op.TAKE_BACK, 120, shortfall="debt")
        self.assertBooks(-20)
        self._join()
        self.assertBooks(20)

    def test_gifts_within_a_household(self):
        self.scheme.transfer_allowed = True
        self._join()
        transfer = self.env["loyalty.transfer"].create(
            {
                "giver_id": self.member.id,
                "recipient_name": self.friend.number,
                "points": 5,
            }
        )
        with self.assertRaisesRegex(UserError, "share their points already"):
            transfer.action_send_code()

    def test_points_of_an_event_go_to_the_shared_account(self):
        self._join()
        event = self.env["loyalty.earn.event"]._get_by_code("review")
        self.env["loyalty.earn.rule"].create(
            {
                "name": event.name,
                "scheme_id": self.scheme.id,
                "trigger": "event",
                "effect": "receipt",
                "event_id": event.id,
                "value": 20,
            }
        )
        self.friend._raise_event("review", "1")
        self.assertBooks(160)

    def test_query_finds_the_same_account_as_the_orm(self):
        self._join()
        members = self.member | self.friend | self.third
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT member.id, %s FROM loyalty_member member"
                " WHERE member.id = ANY(%s)",
                members._get_account_partner_sql("member"),
                members.ids,
            )
        )
        self.assertEqual(
            dict(rows),
            {member.id: member._get_account_partner().id for member in members},
        )
        self.assertEqual(self.friend._get_account_partner(), self.anna)
        self.assertEqual(self.friend._get_account_partner(WALLET), self.ben)

    def test_entries_name_the_household_as_their_source(self):
        self._join()
        entry = self.account.entry_ids.filtered(lambda e: e.kind == "transfer_in")
        self.assertEqual(
            (entry.res_model, entry.res_id), ("loyalty.household", self.household.id)
        )
        self.assertEqual(entry._get_statement_title(), "Pooled in the household")

    def test_scheme_with_shared_accounts(self):
        other = self._create_scheme(name="Other")
        self.assertFalse(other._is_used())
        head = self.env["loyalty.member"]._enrol(self.ben, other)
        household = self.env["loyalty.household"].create(
            {"name": "Home", "head_id": head.id}
        )
        self.assertTrue(other._is_used())
        household.action_dissolve()
        self.assertFalse(other._is_used())

    def test_who_may_do_what(self):
        self._join()
        for values in (
            {"head_id": self.friend.id},
            {"active": False},
            {"member_ids": [Command.link(self.third.id)]},
        ):
            with self.assertRaises(AccessError):
                self.household.with_user(self.service).write(values)
        with self.assertRaises(AccessError):
            self.third.with_user(self.service).household_id = self.household
        with self.assertRaises(AccessError):
            self.env["loyalty.member"].with_user(self.service).create(
                {
                    "partner_id": self.ben.copy().id,
                    "scheme_id": self.scheme.id,
                    "household_id": self.household.id,
                }
            )
        with self.assertRaises(AccessError):
            self.household.with_user(self.auditor).action_dissolve()
        with self.assertRaises(AccessError):
            self.friend.with_user(self.auditor).action_leave_household()
        with self.assertRaises(AccessError):
            self._join(self.third, self.auditor)
        self.assertEqual(self.household.member_ids, self.member | self.friend)

    def test_other_company(self):
        rival = self.env["res.company"].create({"name": "Rival"})
        self.scheme.points_program_id.company_id = self.company
        self.scheme.company_id = self.company
        outsider = new_test_user(
            self.env,
            "house_outsider",
            "loyalty_member.loyalty_member_group_manager",
            company_id=rival.id,
            company_ids=[Command.set(rival.ids)],
        )
        Household = self.env["loyalty.household"].with_user(outsider)
        self.assertNotIn(self.household, Household.search([]))

    @mute_logger("odoo.sql_db")
    def test_one_household_a_head(self):
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env.cr.execute(
                "INSERT INTO loyalty_household (name, head_id, active)"
                " VALUES ('Again', %s, TRUE)",
                [self.member.id],
            )
