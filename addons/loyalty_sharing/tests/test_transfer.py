# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import LoyaltyLedgerCommon
from odoo.addons.loyalty_member.tests.common import CodeMixin


class TransferCommon(CodeMixin, LoyaltyLedgerCommon):
    """Anna has 40 beans until the end of June and 60 until the end of the year."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.belgium = cls.env.ref("base.be")
        cls.scheme.write(
            {
                "transfer_allowed": True,
                "transfer_minimum": 5,
                "transfer_maximum": 80,
                "transfer_day_limit": 90,
                "transfer_month_limit": 120,
            }
        )
        cls.anna.write({"name": "Anna Maria Dahl", "email": "anna@example.com"})
        cls.ben = cls.env["res.partner"].create(
            {
                "name": "Ben Stone",
                "email": "Ben@Example.com",
                "phone": "0470 99 88 77",
                "country_id": cls.belgium.id,
            }
        )
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        cls.friend_account = cls.scheme._get_account(cls.friend)
        group = "loyalty_member.loyalty_member_group_"
        cls.plain = new_test_user(cls.env, "transfer_plain", "base.group_user")
        cls.service = new_test_user(cls.env, "transfer_service", group + "service")
        cls.manager = new_test_user(cls.env, "transfer_manager", group + "manager")

    def setUp(self):
        super().setUp()
        self.startClassPatcher(freeze_time("2026-03-10 12:00:00"))
        self.codes = self.enterContext(self.catch_codes())
        self._post(Op.CREDIT, 60, expiry_date=date(2026, 12, 31))
        self._post(Op.CREDIT, 40, expiry_date=date(2026, 6, 30))

    def _transfer(self, points=50, to="ben@example.com", user=None, **values):
        return (
            self.env["loyalty.transfer"]
            .with_user(user or self.service)
            .create(
                {
                    "giver_id": self.member.id,
                    "recipient_name": to,
                    "points": points,
                    **values,
                }
            )
        )

    def _confirm(self, transfer, code=None):
        action = transfer.action_enter_code()
        wizard = Form(
            self.env[action["res_model"]]
            .with_user(transfer.env.user)
            .with_context(**action["context"])
        )
        wizard.code = code or self.codes[-1]
        wizard.save().action_confirm()

    def _give(self, points=50, **values):
        transfer = self._transfer(points, **values)
        transfer.action_send_code()
        self._confirm(transfer)
        return transfer

    def _lots_by_day(self, account):
        return {
            lot.expiry_date: lot.remaining for lot in account.lot_ids if lot.remaining
        }


@tagged("post_install", "-at_install")
class TestTransfer(TransferCommon):
    def test_points_keep_their_last_days(self):
        transfer = self._give(50, message="Happy birthday")
        self.assertEqual(transfer.state, "done")
        self.assertBooks(50)
        self.assertBooks(50, account=self.friend_account)
        self.assertEqual(
            self._lots_by_day(self.friend_account),
            {date(2026, 6, 30): 40, date(2026, 12, 31): 10},
        )
        self.assertEqual(self._lots_by_day(self.account), {date(2026, 12, 31): 50})
        entries = transfer.giver_entry_id + transfer.recipient_entry_id
        self.assertEqual(
            entries.mapped(lambda e: (e.account_id, e.kind, e.amount)),
            [
                (self.account, "transfer_out", -50),
                (self.friend_account, "transfer_in", 50),
            ],
        )
        self.assertEqual(set(entries.mapped("key")), {f"transfer:{transfer.id}"})
        self.assertEqual(entries.transfer_id, transfer)

    def test_statements_name_the_other_as_far_as_allowed(self):
        transfer = self._give(50, message="Happy birthday")
        taken, given = transfer.giver_entry_id, transfer.recipient_entry_id
        self.assertEqual(transfer._get_statement_title(taken), "Given to Ben S.")
        self.assertEqual(
            transfer._get_statement_title(given), "From Anna D.: Happy birthday"
        )
        for entry in (taken, given):
            self.assertNotRegex(entry.reason, "Anna|Ben|birthday")

    def test_names_that_are_none(self):
        for name, anonymous, short in (
            ("Cher", False, "Cher"),
            ("Jean-Luc de la Rue", False, "Jean-Luc R."),
            ("+32470123456", False, "another member"),
            ("ben@example.com", False, "another member"),
            ("Card Holder", True, "another member"),
        ):
            self.ben.write({"name": name, "is_anonymous_member": anonymous})
            self.assertEqual(self.friend._get_short_name(), short)

    def test_recipient_named_exactly(self):
        self.anna.country_id = self.belgium
        card = self.friend.main_card_id
        for name in (
            card.number,
            f" {self.friend.number} ",
            "BEN@example.com",
            "0470 99 88 77",
            "+32 470 99 88 77",
        ):
            transfer = self._transfer(to=name)
            self.assertEqual(transfer._find_recipient(), self.friend, name)
        for name in ("Ben Stone", "ben", "ben@example", card.number[:-1], "", "0470"):
            with self.assertRaisesRegex(UserError, "No member of Harmony Coffee has"):
                self._transfer(to=name)._find_recipient()

    def test_card_that_is_no_longer_used_names_nobody(self):
        card = self.friend.main_card_id
        card.action_block()
        with self.assertRaisesRegex(UserError, "No member of Harmony Coffee has"):
            self._transfer(to=card.number)._find_recipient()

    def test_address_of_two_members(self):
        twin = self.ben.copy({"name": "Bea Stone"})
        self.env["loyalty.member"]._enrol(twin, self.scheme)
        with self.assertRaisesRegex(UserError, "Several members share"):
            self._transfer().action_send_code()

    def test_wrong_code_moves_nothing(self):
        transfer = self._transfer()
        transfer.action_send_code()
        refusal = self.get_refusal(
            self._confirm, transfer, self.get_wrong_code(self.codes[-1])
        )
        self.assertIn("4 attempts are left", refusal)
        self.assertEqual(transfer.state, "waiting")
        self.assertBooks(100)
        self._confirm(transfer)
        self.assertBooks(50)

    def test_code_of_another_transfer(self):
        first, second = self._transfer(50), self._transfer(80)
        first.action_send_code()
        with freeze_time("2026-03-10 12:01:00"):
            second.action_send_code()
            self.assertIn(
                "not the code", self.get_refusal(self._confirm, second, self.codes[0])
            )
        self.assertBooks(100)

    def test_confirming_twice_moves_once(self):
        transfer = self._give()
        transfer._confirm(self.codes[-1])
        transfer._confirm("000000")
        self.assertBooks(50)
        self.assertBooks(50, account=self.friend_account)

    def test_nothing_moves_before_the_code(self):
        transfer = self._transfer()
        with self.assertRaisesRegex(UserError, "its status is Draft"):
            transfer._confirm("123456")
        transfer.action_send_code()
        self.assertEqual(
            (transfer.state, transfer.code_sent_to), ("waiting", "j•••@example.com")
        )
        self.assertBooks(100)

    def _assertRefused(self, sentence, points=50, **values):
        with self.assertRaisesRegex((UserError, ValidationError), sentence):
            self._give(points, **values)
        self.env.invalidate_all()
        self.assertEqual(self.friend_account.points, 0)

    def test_refused(self):
        other = self._create_scheme(name="Other", transfer_allowed=True)
        outsider = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Cleo", "email": "c@example.com"}),
            other,
        )
        self._assertRefused("cannot give points to themselves", to="anna@example.com")
        self._assertRefused("No member of Harmony Coffee has", to=outsider.number)
        self._assertRefused("Give at least 5 beans", points=4)
        self._assertRefused("Give at most 80 beans at a time", points=81)
        self._assertRefused("steps of 1 bean", points=5.5)
        self.account._hold("pos:1", 30)
        self._assertRefused(
            "70 beans are available; the transfer needs 75 beans", points=75
        )

    def test_refused_for_the_state_of_a_member(self):
        self.friend.action_block("Fraud")
        self._assertRefused("Ben S. can neither give nor receive points at the moment")
        self.friend.action_unblock()
        self.member.action_block("Fraud")
        self._assertRefused("Anna D. can neither give nor receive")
        self.member.action_unblock()
        self.friend.action_leave()
        self._assertRefused("No member of Harmony Coffee has")

    def test_refused_by_the_scheme(self):
        self.scheme.transfer_allowed = False
        self._assertRefused("cannot give points to each other")
        self.scheme.write({"transfer_allowed": True, "state": "closed"})
        self._assertRefused("Harmony Coffee is closed")

    def test_blocked_while_the_code_is_on_its_way(self):
        transfer = self._transfer()
        transfer.action_send_code()
        self.friend.action_block("Fraud")
        with self.assertRaisesRegex(UserError, "can neither give nor receive"):
            self._confirm(transfer)
        self.assertBooks(100)

    def test_limits_of_a_day_and_a_month(self):
        self._post(Op.CREDIT, 1000)
        self._give(50)
        with freeze_time("2026-03-10 13:00:00"):
            with self.assertRaisesRegex(
                UserError, "can give 90 beans per day; 40 beans are left for today"
            ):
                self._give(41)
            self._give(40)
        with freeze_time("2026-03-31 13:00:00"):
            with self.assertRaisesRegex(
                UserError, "can give 120 beans per month; 30 beans are left"
            ):
                self._give(31)
            self._give(30)
        with freeze_time("2026-04-01 13:00:00"):
            self._give(80)
        self.assertBooks(200, account=self.friend_account)

    def test_limits_hold_when_the_codes_come_in(self):
        first, second = self._transfer(50), self._transfer(50)
        first.action_send_code()
        with freeze_time("2026-03-10 12:01:00"):
            second.action_send_code()
            self._confirm(second)
            with self.assertRaisesRegex(UserError, "40 beans are left for today"):
                self._confirm(first, self.codes[0])
        self.assertEqual(first.state, "waiting")
        self.assertBooks(50, account=self.friend_account)

    def test_zero_is_no_limit(self):
        self.scheme.write(
            dict.fromkeys(
                ("transfer_maximum", "transfer_day_limit", "transfer_month_limit"), 0
            )
        )
        self._give(100)
        self.assertBooks(0)

    def test_bad_numbers(self):
        for points in (0, -5, float("nan"), float("inf"), "many", None):
            with self.assertRaisesRegex(ValidationError, "greater than zero"):
                self._transfer(points)

    def test_reversal_is_the_exact_opposite(self):
        transfer = self._give(50)
        transfer.with_user(self.manager).action_reverse()
        transfer.with_user(self.manager).action_reverse()
        self.assertEqual(
            (transfer.state, transfer.reversed_by_id), ("reversed", self.manager)
        )
        self.assertBooks(100)
        self.assertBooks(0, account=self.friend_account)
        self.assertEqual(
            self._lots_by_day(self.account),
            {date(2026, 6, 30): 40, date(2026, 12, 31): 60},
        )
        undo = self.account.entry_ids.filtered(lambda e: e.kind == "transfer_in")
        self.assertEqual(transfer._get_statement_title(undo), "Back from Ben S.")

    def test_spent_points_do_not_come_back(self):
        transfer = self._give(50)
        self._post(Op.DEBIT, 20, account=self.friend_account)
        with self.assertRaisesRegex(
            UserError, "Ben Stone has 30 beans left; 50 beans are needed"
        ):
            transfer.with_user(self.manager).action_reverse()
        self.assertEqual(transfer.state, "done")
        self.assertBooks(30, account=self.friend_account)

    def test_who_may_do_what(self):
        transfer = self._give(50)
        with self.assertRaises(AccessError):
            transfer.with_user(self.service).action_reverse()
        with self.assertRaises(AccessError):
            transfer.with_user(self.plain).read(["points"])
        with self.assertRaises(AccessError):
            self._transfer(user=self.plain)
        with self.assertRaises(AccessError):
            self._transfer().write({"state": "done"})
        draft = self._transfer(30, state="done", recipient_id=self.friend.id)
        self.assertEqual((draft.state, draft.recipient_id.id), ("draft", False))
        with freeze_time("2026-03-10 12:01:00"):
            draft.action_send_code()
        with self.assertRaisesRegex(
            UserError, "code was already sent for this transfer"
        ):
            draft.points = 70
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            transfer.with_user(self.manager).unlink()

    def test_other_company(self):
        rival = self.env["res.company"].create({"name": "Rival"})
        self.scheme.points_program_id.company_id = self.env.company
        self.scheme.company_id = self.env.company
        transfer = self._give()
        outsider = new_test_user(
            self.env,
            "transfer_outsider",
            "loyalty_member.loyalty_member_group_manager",
            company_id=rival.id,
            company_ids=[Command.set(rival.ids)],
        )
        Transfer = self.env["loyalty.transfer"].with_user(outsider)
        self.assertNotIn(transfer, Transfer.search([]))
        with self.assertRaises(AccessError):
            transfer.with_user(outsider).action_reverse()

    def test_tries_are_counted_also_when_refused(self):
        """Naming people until one is found is no way to learn who is a member."""
        Transfer = self.env["loyalty.transfer"]
        for number in range(10):
            transfer = Transfer._propose(self.member, f"nobody{number}@x.com", 10)
            self.assertEqual(transfer.state, "cancelled")
            self.assertIn("No member of Harmony Coffee", transfer.refusal_reason)
        with self.assertRaisesRegex(UserError, "tried 10 times today"):
            Transfer._propose(self.member, "ben@example.com", 10)
        self.assertFalse(self.codes)

    def test_what_nobody_confirms_is_cancelled(self):
        transfer = self._transfer()
        transfer.action_send_code()
        self.env.flush_all()
        transfer.env.cr.execute(
            "UPDATE loyalty_transfer SET write_date = %s WHERE id = %s",
            ["2026-03-08 12:00:00", transfer.id],
        )
        self.env.invalidate_all()
        self.assertEqual(transfer.state, "waiting")
        self.env["loyalty.transfer"]._gc_transfers()
        self.assertEqual(transfer.state, "cancelled")
        with self.assertRaisesRegex(UserError, "its status is Cancelled"):
            self._confirm(transfer)
