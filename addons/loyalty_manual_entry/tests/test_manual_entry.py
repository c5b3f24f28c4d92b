# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import datetime

from freezegun import freeze_time
from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon
from odoo.addons.loyalty_member.tests.common import CodeMixin

GROUP = "loyalty_member.loyalty_member_group_"


class ManualEntryCase(CodeMixin, LoyaltyLedgerCommon):
    """A store without a till, a clerk who types, and a colleague who verifies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(cls.env, "clerk", GROUP + "service")
        cls.colleague = new_test_user(cls.env, "colleague", GROUP + "service")
        cls.store = cls.env["loyalty.store"].create({"name": "Market", "code": "MK"})
        cls.Entry = cls.env["loyalty.manual.entry"].with_user(cls.clerk)

    def _enter(self, number="1", amount=25.0, **values):
        return self.Entry.create(
            {
                "store_id": self.store.id,
                "receipt_number": number,
                "member_id": self.member.id,
                "date": NOW,
                "amount": amount,
                **values,
            }
        )

    def _enter_lines(self, number, *lines, **values):
        return self._enter(
            number,
            line_ids=[
                Command.create({"name": name, "quantity": quantity, "amount": amount})
                for name, quantity, amount in lines
            ],
            **{"amount": sum(line[2] for line in lines), **values},
        )

    def _verify(self, entries):
        entries.with_user(self.colleague).action_verify_and_post()
        return entries.transaction_id

    def _return(self, entry, number, *lines, **values):
        """Enter goods that came back: (sold line, quantity, amount)."""
        return self.Entry.create(
            {
                "kind": "return",
                "origin_id": entry.id,
                "store_id": self.store.id,
                "receipt_number": number,
                "date": NOW,
                "line_ids": [
                    Command.create(
                        {
                            "origin_line_id": line.id,
                            "name": line.name,
                            "quantity": quantity,
                            "amount": amount,
                        }
                    )
                    for line, quantity, amount in lines
                ],
                **values,
            }
        )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestManualEntry(ManualEntryCase):
    def test_typed_verified_posted(self):
        entry = self._enter()
        self.assertEqual((entry.state, entry.points_earned), ("draft", 25))
        self.assertEqual(entry.author_ids, self.clerk)
        self.assertBooks(0)
        entry.with_user(self.colleague).action_verify()
        self.assertEqual(
            (entry.state, entry.verified_how, entry.verified_by_id, entry.verify_date),
            ("verified", "user", self.colleague, NOW),
        )
        self.assertBooks(0)
        entry.action_post()
        self.assertEqual(entry.state, "posted")
        self.assertRecordValues(
            entry.transaction_id,
            [
                {
                    "kind": "sale",
                    "member_id": self.member.id,
                    "store_id": self.store.id,
                    "reference": f"{self.store.id}/1",
                    "name": "MK 1",
                    "amount_total": 25,
                    "points_earned": 25,
                    "date": NOW,
                    "res_model": "loyalty.manual.entry",
                    "res_id": entry.id,
                }
            ],
        )
        self.assertEqual(entry.transaction_id.channel_id.code, "manual")
        self.assertEqual(entry.quote, "Earned 25 beans and spent 0 beans.")

    def test_receipt_is_paid_so_the_waiting_time_begins(self):
        self._verify(self._enter(date=datetime(2026, 3, 9, 12)))
        self.assertBooks(0, pending=25)
        self.assertEqual(str(self.account.lot_ids.release_date), "2026-03-23")
        self._verify(self._enter("2", date=datetime(2026, 1, 9, 12)))
        self.assertBooks(25, pending=25)

    def test_nobody_verifies_their_own(self):
        entry = self._enter()
        with self.assertRaisesRegex(UserError, "entered or changed MK 1 yourself"):
            entry.action_verify()
        with self.assertRaisesRegex(UserError, "entered or changed MK 1 yourself"):
            entry.action_verify_and_post()
        entry.with_user(self.colleague).amount = 99
        with self.assertRaisesRegex(UserError, "entered or changed"):
            entry.with_user(self.colleague).action_verify()
        self.assertEqual(entry.state, "draft")
        self.assertBooks(0)

    def test_changing_a_line_makes_an_author(self):
        entry = self._enter_lines("1", ("Coffee", 1, 5))
        line = entry.line_ids.with_user(self.colleague)
        line.amount = 50
        self.assertEqual(entry.author_ids, self.clerk | self.colleague)
        with self.assertRaisesRegex(UserError, "entered or changed"):
            entry.with_user(self.colleague).action_verify()

    def test_lines_with_product_category_and_words(self):
        product = self.env["product.product"].create({"name": "Beans 1 kg"})
        category = self.env["product.category"].create({"name": "Cakes"})
        entry = self._enter(
            amount=30.5,
            line_ids=[
                Command.create({"product_id": product.id, "amount": 20}),
                Command.create({"category_id": category.id, "amount": 8}),
                Command.create({"name": "Tip jar", "quantity": 2, "amount": 2.5}),
            ],
        )
        self.assertEqual((entry.amount, entry.points_earned), (30.5, 30))
        lines = self._verify(entry).line_ids.sorted("id")
        self.assertEqual(
            [(line.name, line.quantity, line.amount_incl) for line in lines],
            [("Beans 1 kg", 1, 20), ("Cakes", 1, 8), ("Tip jar", 2, 2.5)],
        )
        self.assertEqual(lines.category_id, product.categ_id | category)
        self.assertEqual(
            lines.mapped("external_id"), [str(x) for x in entry.line_ids.ids]
        )

    def test_spending_lowers_what_is_earned(self):
        self._post(Op.CREDIT, 500)
        entry = self._enter(amount=30, points_redeemed=200)
        self.assertEqual((entry.points_earned, entry.points_max), (28, 500))
        self.assertEqual(
            entry.quote,
            "Earns 28 beans. The balance is 500 beans, of which 500 beans can be spent"
            " here.",
        )
        sale = self._verify(entry)
        self.assertEqual((sale.points_earned, sale.points_redeemed), (28, 200))
        self.assertBooks(300, pending=28)

    def test_cancel_reverses_exactly(self):
        self._post(Op.CREDIT, 500)
        before = self._lots()
        entry = self._enter(amount=30, points_redeemed=200)
        sale = self._verify(entry)
        entry.action_cancel()
        self.assertEqual((entry.state, sale.state), ("cancelled", "cancelled"))
        self.assertEqual(self._lots(), before)
        self.assertBooks(500)
        with self.assertRaisesRegex(UserError, "Cancelled"):
            entry.action_cancel()

    def test_cancelled_receipt_of_the_wrong_member_is_posted_again(self):
        partner = self.env["res.partner"].create({"name": "Bert"})
        bert = self.env["loyalty.member"]._enrol(partner, self.scheme)
        entry = self._enter()
        wrong = self._verify(entry)
        entry.action_cancel()
        entry.action_draft()
        entry.member_id = bert
        right = self._verify(entry)
        self.assertEqual((wrong.state, wrong.member_id), ("cancelled", self.member))
        self.assertEqual((right.state, right.member_id), ("posted", bert))
        self.assertBooks(0)
        self.assertBooks(0, pending=25, account=bert.account_id)

    def test_many_at_once_or_none(self):
        entries = self._enter("1") + self._enter("2", 10) + self._enter("3", 0)
        with self.assertRaisesRegex(UserError, "MK 3: Enter the amount"):
            self._verify(entries)
        self.assertEqual(set(entries.mapped("state")), {"draft"})
        entries[2].amount = 5
        self._verify(entries)
        self.assertEqual(entries.transaction_id.mapped("points_earned"), [25, 10, 5])
        self.assertBooks(0, pending=40)

    def test_same_points_are_not_spent_twice_in_one_go(self):
        self._post(Op.CREDIT, 100)
        entries = self._enter("1", points_redeemed=100) + self._enter(
            "2", points_redeemed=100
        )
        with (
            self.assertRaisesRegex(UserError, "can spend 0 beans, not 100 beans"),
            self.env.cr.savepoint(),
        ):
            self._verify(entries)
        self.env.invalidate_all()
        self.assertEqual(set(entries.mapped("state")), {"draft"})
        self.assertBooks(100)

    def test_verified_receipt_is_closed(self):
        entry = self._enter_lines("1", ("Coffee", 1, 5))
        entry.with_user(self.colleague).action_verify()
        line = entry.line_ids
        for change in (
            lambda: entry.write({"amount": 99}),
            lambda: entry.write({"points_redeemed": 99}),
            lambda: entry.write({"member_id": False}),
            lambda: line.write({"amount": 99}),
            lambda: line.unlink(),
            lambda: line.create({"entry_id": entry.id, "name": "x", "amount": 1}),
            lambda: entry.write({"line_ids": [Command.clear()]}),
        ):
            with self.assertRaisesRegex(UserError, "can only be changed as a draft"):
                change()
        entry.action_draft()
        self.assertFalse(entry.verified_by_id)
        entry.write({"line_ids": [Command.clear()], "amount": 7})
        self.assertEqual(entry.points_earned, 7)

    def test_unlink_drafts_only(self):
        entry, posted = self._enter("1"), self._enter("2")
        self._verify(posted)
        entry.unlink()
        with self.assertRaisesRegex(UserError, "Only drafts"):
            posted.unlink()

    def test_form_quotes_while_typing(self):
        self._post(Op.CREDIT, 60)
        with Form(self.Entry) as form:
            form.store_id = self.store
            form.receipt_number = " 77 "
            self.assertIn("The receipt has no member", form.problem)
            form.identifier = self.member.main_card_id.number
            self.assertEqual(form.member_id, self.member)
            self.assertEqual(form.problem, "Enter the amount of the receipt.")
            form.amount = 12
            self.assertEqual(
                form.quote,
                "Earns 12 beans. The balance is 60 beans, of which 60 beans can be"
                " spent here.",
            )
            self.assertFalse(form.problem)
            form.points_redeemed = 61
            self.assertEqual(
                form.problem,
                "Anna can spend at most 60 beans on this receipt, not 61 beans.",
            )
            form.points_redeemed = 50
        self.assertEqual(form.record.receipt_number, "77")
        self.assertEqual(form.record.points_earned, 11)

    def test_member_by_card_phone_number_or_name(self):
        self.env.company.country_id = self.env.ref("base.be")
        for number, identifier in enumerate(
            (
                self.member.main_card_id.number,
                self.member.number,
                "0470 12 34 56",
                "+32470123456",
                "anna",
            )
        ):
            entry = self._enter(str(number), member_id=False, identifier=identifier)
            entry = self.Entry.create(
                {
                    "store_id": self.store.id,
                    "receipt_number": f"x{number}",
                    "identifier": identifier,
                    "amount": 1,
                }
            )
            self.assertEqual(entry.member_id, self.member, identifier)

    def test_ambiguous_name(self):
        twin = self.env["res.partner"].create({"name": "ANNA"})
        other = self.env["loyalty.member"]._enrol(twin, self.scheme)
        entry = self.Entry.create(
            {
                "store_id": self.store.id,
                "receipt_number": "1",
                "identifier": "Anna",
                "amount": 1,
            }
        )
        self.assertFalse(entry.member_id)
        for number in (self.member.number, other.number):
            self.assertIn(number, entry.problem)
        entry.member_id = other
        self.assertFalse(entry.problem)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestManualEntryRefusals(ManualEntryCase):
    """What is wrong is said, and nothing is posted."""

    def _refuse(self, entry, sentence):
        self.assertRegex(entry.problem, sentence)
        for action in ("action_verify", "action_verify_and_post"):
            with self.assertRaisesRegex(UserError, sentence):
                getattr(entry.with_user(self.colleague), action)()
        with self.assertRaisesRegex(UserError, sentence):
            entry.action_send_code()
        self.assertEqual(entry.state, "draft")
        self.assertFalse(entry.transaction_id)
        self.assertFalse(
            self.env["loyalty.transaction"].search(
                [("res_model", "=", entry._name), ("res_id", "=", entry.id)]
            )
        )

    def _enter_identifier(self, identifier, number="1"):
        return self.Entry.create(
            {
                "store_id": self.store.id,
                "receipt_number": number,
                "identifier": identifier,
                "amount": 5,
            }
        )

    def test_unknown_card(self):
        for number, identifier in enumerate(("0429999999999", "Nobody", "%", "A_na")):
            self._refuse(
                self._enter_identifier(identifier, str(number)),
                "No member has the card, phone number or name “.*”",
            )
        self._refuse(self._enter("n", member_id=False), "The receipt has no member")

    def test_card_of_nobody_and_lost_card(self):
        card = self.env["loyalty.member.card"]._generate_batch(self.scheme, 1)
        self._refuse(self._enter_identifier(card.number), "belongs to nobody yet")
        self.member.main_card_id.action_lost()
        self._refuse(
            self._enter_identifier(self.member.card_ids.number, "2"), "reported lost"
        )

    def test_blocked_member_and_closed_scheme(self):
        entry = self._enter()
        self.member.action_block("fraud")
        self._refuse(entry, "is blocked")
        self.member.action_unblock()
        self.scheme.action_close()
        self._refuse(entry, "is closed")

    def test_blocked_between_verification_and_posting(self):
        entry = self._enter()
        entry.with_user(self.colleague).action_verify()
        self.member.action_block("fraud")
        with self.assertRaisesRegex(UserError, "is blocked"):
            entry.action_post()
        self.assertEqual(entry.state, "verified")
        self.assertBooks(0)

    def test_future_date(self):
        with self.assertRaisesRegex(ValidationError, "in the future"):
            self._enter(date=datetime(2026, 3, 10, 12, 0, 1))
        entry = self._enter("2")
        with self.assertRaisesRegex(ValidationError, "in the future"):
            entry.date = datetime(2026, 3, 11)

    @mute_logger("odoo.sql_db")
    def test_amounts_that_are_none(self):
        for values in ({"amount": -1}, {"amount": 5, "points_redeemed": -1}):
            with self.assertRaises(CheckViolation), self.env.cr.savepoint():
                self._enter(**values)
        for number in (float("nan"), float("inf")):
            for values in ({"amount": number}, {"points_redeemed": number}):
                with self.assertRaisesRegex(ValidationError, "as numbers"):
                    self._enter(**values)
            for line in (("a", 1, number), ("a", number, 1)):
                with self.assertRaisesRegex(ValidationError, "as numbers"):
                    self._enter_lines("n", line, amount=5)
        for line in (("a", 1, -5), ("a", 0, 5), ("a", -1, 5)):
            with self.assertRaises(CheckViolation), self.env.cr.savepoint():
                self._enter_lines("1", line, amount=5)
        self._refuse(self._enter("0", 0), "Enter the amount")
        self._refuse(self._enter_lines("00", ("", 1, 5)), "A line has no description")

    def test_lines_that_do_not_add_up(self):
        entry = self._enter_lines("1", ("Coffee", 1, 5))
        with self.assertRaisesRegex(ValidationError, "do not add up"):
            entry.amount = 50

    @mute_logger("odoo.sql_db")
    def test_same_receipt_twice(self):
        self._enter("A1")
        for number in ("A1", "a1", " A1 "):
            with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
                self._enter(number)
        new = self.Entry.new({"store_id": self.store.id, "receipt_number": "A1"})
        self.assertRegex(
            new.problem, r"Receipt A1 of Market was entered already, by clerk .* on .*"
        )
        other = self.env["loyalty.store"].create({"name": "Fair"})
        self.assertFalse(self._enter("A1", store_id=other.id).problem)
        with self.assertRaisesRegex(ValidationError, "printed on the receipt"):
            self._enter("  ")

    def test_more_points_than_allowed(self):
        self._post(Op.CREDIT, 500)
        self.scheme.write({"redeem_minimum": 50, "redeem_max_share": 50})
        entry = self._enter(amount=6, points_redeemed=301)
        self._refuse(entry, "at most 300 beans on this receipt, not 301 beans")
        entry.points_redeemed = 49
        self._refuse(entry, "At least 50 beans must be spent")
        entry.points_redeemed = 300
        self._verify(entry)
        self.assertBooks(200, pending=3)

    def test_points_on_hold_are_not_there(self):
        self._post(Op.CREDIT, 500)
        self.account._hold("order:1", 450)
        self._refuse(self._enter(points_redeemed=100), "at most 50 beans")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestManualEntryCode(ManualEntryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna.email = "anna@example.com"

    def _open(self, entry):
        """Have a code sent; return the dialog that asks for it."""
        action = entry.action_send_code()
        return (
            self.env[action["res_model"]]
            .with_user(self.clerk)
            .with_context(**action["context"])
            .create({})
        )

    def test_member_confirms_by_code(self):
        with self.catch_codes() as codes:
            entry = self._enter()
            dialog = self._open(entry)
            self.assertEqual(dialog.sent_to, "j•••@example.com")
            dialog.code = codes[0]
            dialog.action_confirm()
        self.assertEqual(
            (entry.state, entry.verified_how, entry.verified_by_id),
            ("posted", "code", self.clerk),
        )
        self.assertFalse(dialog.code)
        self.assertBooks(0, pending=25)

    def test_wrong_code_posts_nothing(self):
        with self.catch_codes() as codes:
            entry = self._enter()
            dialog = self._open(entry)
            dialog.code = self.get_wrong_code(codes[0])
            refusal = self.get_refusal(dialog.action_confirm)
            self.assertIn("4 attempts are left", refusal)
        self.assertEqual(entry.state, "draft")
        self.assertBooks(0)

    def test_code_is_for_what_the_member_was_told(self):
        with self.catch_codes() as codes:
            entry = self._enter()
            dialog = self._open(entry)
            dialog.code = codes[0]
            entry.amount = 2500
            self.assertIn("has changed since", self.get_refusal(dialog.action_confirm))
            entry.amount = 25
            dialog.code = codes[0]
            dialog.action_confirm()
        self.assertBooks(0, pending=25)

    def test_code_of_another_receipt(self):
        with self.catch_codes() as codes:
            entry, other = self._enter("1"), self._enter("2")
            self._open(entry)
            with freeze_time("2026-03-10 12:01:00"):
                dialog = self._open(other)
                dialog.code = codes[0]
                if codes[0] != codes[1]:
                    self.assertIn(
                        "not the code", self.get_refusal(dialog.action_confirm)
                    )
        self.assertEqual(other.state, "draft")

    def test_what_the_member_is_told(self):
        self._post(Op.CREDIT, 500)
        self.assertEqual(
            self._enter()._get_code_text(),
            "Receipt 1 of Market: you bought goods for $\xa025.00.",
        )
        self.assertEqual(
            self._enter("2", points_redeemed=100)._get_code_text(),
            "Receipt 2 of Market: you bought goods for $\xa025.00 and spend 100 beans.",
        )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestManualEntryReturn(ManualEntryCase):
    def test_lines_come_back(self):
        self._post(Op.CREDIT, 300)
        entry = self._enter_lines(
            "1", ("Coffee", 3, 30), ("Cake", 1, 10), points_redeemed=100
        )
        self._verify(entry)
        self.assertBooks(200, pending=39)
        coffee, cake = entry.line_ids
        back = self._return(entry, "R1", (coffee, 1, 10))
        self.assertEqual(back.member_id, self.member)
        self.assertEqual(back.quote, "Takes back 9 beans and gives back 25 beans.")
        sale = self._verify(back)
        self.assertEqual((sale.kind, sale.origin_id), ("return", entry.transaction_id))
        self.assertEqual(sale.line_ids.origin_line_id.external_id, str(coffee.id))
        self.assertBooks(225, pending=30)
        rest = self._return(entry, "R2", (coffee, 2, 20), (cake, 1, 10))
        self._verify(rest)
        self.assertBooks(300)
        rest.action_cancel()
        self.assertBooks(225, pending=30)

    def test_one_amount_comes_back(self):
        entry = self._enter()
        self._verify(entry)
        back = self._return(entry, "R1", amount=10)
        self._verify(back)
        self.assertBooks(0, pending=15)
        more = self._return(entry, "R2", amount=15.01)
        with self.assertRaisesRegex(UserError, r"At most \$\xa015\.00 of MK 1 can"):
            self._verify(more)

    def test_dialog_offers_all_lines(self):
        entry = self._enter_lines("1", ("Coffee", 3, 30), ("Cake", 1, 10))
        self._verify(entry)
        action = entry.action_return()
        with Form(self.Entry.with_context(**action["context"])) as form:
            form.receipt_number = "R1"
            self.assertEqual(form.amount, 40)
            form.line_ids.remove(index=1)
            self.assertEqual(form.amount, 30)
            self.assertFalse(form.problem)
        back = form.record
        self.assertEqual((back.kind, back.member_id), ("return", self.member))
        self._verify(back)
        self.assertBooks(0, pending=10)

    def test_more_than_was_sold(self):
        entry = self._enter_lines("1", ("Coffee", 3, 30), ("Cake", 1, 10))
        self._verify(entry)
        coffee, cake = entry.line_ids
        self._verify(self._return(entry, "R1", (coffee, 2, 20)))
        for number, lines in enumerate(
            (
                [(coffee, 2, 10)],
                [(coffee, 1, 10.01)],
                [(coffee, 1, 5), (coffee, 1, 5)],
                [(cake, 1, 11)],
            )
        ):
            back = self._return(entry, f"X{number}", *lines)
            with self.assertRaisesRegex(UserError, "can be returned"):
                self._verify(back)
        self.assertBooks(0, pending=20)

    def test_return_of_what_is_not_there(self):
        entry = self._enter_lines("1", ("Coffee", 1, 30))
        other = self._enter_lines("2", ("Tea", 1, 30))
        draft = self._return(entry, "R1", (entry.line_ids, 1, 30))
        self.assertRegex(draft.problem, "MK 1 is not a posted sale")
        self._verify(entry + other)
        strange = self._return(entry, "R2", (other.line_ids, 1, 30))
        self.assertRegex(strange.problem, "Choose the lines of MK 1 that were returned")
        none = self._return(entry, "R3", amount=30)
        self.assertRegex(none.problem, "Choose the lines of MK 1 that were returned")
        early = self._return(
            entry, "R4", (entry.line_ids, 1, 30), date=datetime(2026, 3, 9)
        )
        self.assertRegex(early.problem, "dated before the sale")
        lost = self._return(entry, "R5", (entry.line_ids, 1, 30), origin_id=False)
        self.assertRegex(lost.problem, "The return has no original receipt")
        for back in strange + none + early + lost:
            with self.assertRaises(UserError):
                self._verify(back)
        self.assertBooks(0, pending=60)

    def test_sale_with_returns_is_cancelled_after_them(self):
        entry = self._enter_lines("1", ("Coffee", 1, 30))
        self._verify(entry)
        back = self._return(entry, "R1", (entry.line_ids, 1, 30))
        self._verify(back)
        with self.assertRaisesRegex(UserError, "Cancel MK R1 first"):
            entry.action_cancel()
        (entry | back).action_cancel()
        self.assertEqual(set((entry | back).mapped("state")), {"cancelled"})
        self.assertBooks(0)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestManualEntryAccess(ManualEntryCase):
    """Stores and companies apart, and nobody past the buttons."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auditor = new_test_user(cls.env, "auditor", GROUP + "auditor")
        cls.plain = new_test_user(cls.env, "plain", "base.group_user")
        cls.other = cls.env["res.company"].create({"name": "Other"})
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            GROUP + "manager",
            company_id=cls.other.id,
            company_ids=[Command.set(cls.other.ids)],
        )

    def test_nobody_writes_past_the_buttons(self):
        entry = self._enter()
        for values in (
            {"state": "verified"},
            {"state": "posted"},
            {"author_ids": [Command.clear()]},
            {"verified_by_id": self.colleague.id},
            {"code_digest": "x"},
            {"revision": 3},
            {"transaction_id": False},
        ):
            with self.assertRaisesRegex(AccessError, "Use the buttons"):
                entry.write(values)
        forged = self.Entry.with_context(default_state="verified").create(
            {
                "store_id": self.store.id,
                "receipt_number": "2",
                "member_id": self.member.id,
                "amount": 5,
                "state": "posted",
                "author_ids": [Command.set(self.colleague.ids)],
                "verified_by_id": self.colleague.id,
                "code_digest": entry._get_content_digest(),
            }
        )
        self.assertEqual((forged.state, forged.author_ids), ("draft", self.clerk))
        self.assertFalse(forged.verified_by_id or forged.code_digest)
        with self.assertRaisesRegex(UserError, "To Verify"):
            forged.action_post()
        copy = forged.copy({"receipt_number": "3"})
        self.assertEqual((copy.state, copy.author_ids), ("draft", self.clerk))

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_auditor_reads_and_plain_users_do_not(self):
        entry = self._enter_lines("1", ("Coffee", 1, 5))
        self.assertEqual(entry.with_user(self.auditor).points_earned, 5)
        for user in (self.auditor, self.plain):
            record = entry.with_user(user)
            for action in (
                record.action_verify,
                record.action_post,
                record.action_cancel,
                record.action_send_code,
                record.action_draft,
                record.action_return,
            ):
                with self.assertRaises(AccessError):
                    action()
            with self.assertRaises(AccessError):
                record.write({"amount": 1})
            with self.assertRaises(AccessError):
                record.line_ids.write({"amount": 1})
            with self.assertRaises(AccessError):
                record.create({"store_id": self.store.id, "receipt_number": "9"})
        with self.assertRaises(AccessError):
            entry.with_user(self.plain).read(["amount"])

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_other_company_sees_and_verifies_nothing(self):
        entry = self._enter_lines("1", ("Coffee", 1, 5))
        for record in (entry, entry.line_ids):
            strange = record.with_user(self.stranger)
            self.assertFalse(strange.search([("id", "=", record.id)]))
            with self.assertRaises(AccessError):
                strange.read(["amount"])
        with self.assertRaises(AccessError):
            entry.with_user(self.stranger).action_verify_and_post()
        with self.assertRaises(AccessError):
            self.Entry.with_user(self.stranger).create(
                {"store_id": self.store.id, "receipt_number": "2"}
            )

    def test_store_of_one_company_and_member_of_another(self):
        foreign = self.env["loyalty.store"].create(
            {"name": "Abroad", "company_id": self.other.id}
        )
        manager = new_test_user(
            self.env,
            "both",
            GROUP + "service",
            company_ids=[Command.set((self.env.company | self.other).ids)],
        )
        entry = self._enter()
        both = self.Entry.with_user(manager).with_context(
            allowed_company_ids=(self.env.company | self.other).ids
        )
        entry = both.create(
            {
                "store_id": foreign.id,
                "receipt_number": "1",
                "member_id": self.member.id,
                "amount": 5,
            }
        )
        self.assertEqual(entry.company_id, self.other)
        self.assertRegex(entry.problem, "Anna is a member at .*, and Abroad belongs to")
        by_card = both.create(
            {
                "store_id": foreign.id,
                "receipt_number": "2",
                "identifier": self.member.main_card_id.number,
                "amount": 5,
            }
        )
        self.assertFalse(by_card.member_id)
        self.assertRegex(by_card.problem, "No member has the card")

    def test_shared_scheme_earns_in_the_currency_of_the_store(self):
        yen = self.env.ref("base.JPY")
        yen.active = True
        self.other.currency_id = yen
        self.env["res.currency.rate"].create(
            {
                "currency_id": yen.id,
                "company_id": self.other.id,
                "name": "2026-01-01",
                "rate": 1.0,
            }
        )
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.env.company.currency_id.id,
                "company_id": self.other.id,
                "name": "2026-01-01",
                "rate": 0.01,
            }
        )
        shared = self._create_scheme(
            name="Shared",
            company_id=False,
            currency_id=self.env.company.currency_id.id,
        )
        member = self.env["loyalty.member"]._enrol(self.anna, shared)
        store = self.env["loyalty.store"].create(
            {"name": "Tokyo", "code": "TK", "company_id": self.other.id}
        )
        entry = self.Entry.with_user(self.stranger).create(
            {
                "store_id": store.id,
                "receipt_number": "1",
                "member_id": member.id,
                "amount": 2500,
            }
        )
        self.assertEqual((entry.currency_id, entry.company_id), (yen, self.other))
        self.assertEqual(entry.points_earned, 25)
        self.env.flush_all()
        second = new_test_user(
            self.env,
            "second",
            GROUP + "service",
            company_id=self.other.id,
            company_ids=[Command.set(self.other.ids)],
        )
        entry.with_user(second).action_verify_and_post()
        self.assertEqual(entry.transaction_id.sudo().points_earned, 25)

    def test_own_store_is_offered(self):
        self.env["loyalty.store"].create({"name": "Fair"})
        self.store.user_id = self.clerk
        self.assertEqual(self.Entry._default_store_id(), self.store)
        self.assertFalse(self.Entry.with_user(self.colleague)._default_store_id())
