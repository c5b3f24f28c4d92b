# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..ledger.move import Op
from .common import LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
class TestSecurity(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "loyalty_member.loyalty_member_group_"
        cls.plain = new_test_user(cls.env, "plain", "base.group_user")
        cls.service = new_test_user(cls.env, "service", group + "service")
        cls.auditor = new_test_user(cls.env, "auditor", group + "auditor")
        cls.manager = new_test_user(cls.env, "manager", group + "manager")

    def test_plain_users_see_nothing(self):
        entry = self._post(Op.CREDIT, 10)
        for record in (entry, self.account.lot_ids, self.account):
            with self.assertRaises(AccessError):
                record.with_user(self.plain).read(["id"])

    def test_service_and_auditor_read_but_never_write(self):
        entry = self._post(Op.CREDIT, 10)
        for user in (self.service, self.auditor):
            self.assertEqual(entry.with_user(user).amount, 10)
            self.assertEqual(self.account.with_user(user).points, 10)
            for record in (entry, self.account.lot_ids, self.account):
                with self.assertRaises(AccessError):
                    record.with_user(user).write({"company_id": False})
                with self.assertRaises(AccessError):
                    record.with_user(user).unlink()

    def test_a_right_to_write_cards_is_no_right_to_give_points(self):
        """Tills and salespeople may write cards in Odoo, managed ones they may not."""
        access = self.env["ir.model.access"].create(
            {
                "name": "as a till",
                "model_id": self.env.ref("loyalty.model_loyalty_card").id,
                "group_id": self.env.ref("base.group_user").id,
                "perm_read": True,
                "perm_write": True,
                "perm_create": True,
            }
        )
        self.assertTrue(access)
        card = self.account.with_user(self.plain)
        for context in ({}, {"loyalty_ledger_ignore_points": False}):
            with self.assertRaisesRegex(AccessError, "Only administrators of Loyalty"):
                card.with_context(**context).write({"points": 777})
        with self.assertRaises(AccessError):
            card.write({"partner_id": self.plain.partner_id.id})
        card.with_context(loyalty_ledger_ignore_points=True).write({"points": 777})
        with self.assertRaises(AccessError):
            self.env["loyalty.card"].with_user(self.plain).create(
                {
                    "program_id": self.scheme.points_program_id.id,
                    "partner_id": self.plain.partner_id.id,
                    "points": 1000,
                }
            )
        self.assertBooks(0)

    def test_manager_writes_points_as_an_adjustment(self):
        self.account.with_user(self.manager).write({"points": 25})
        self.account.with_user(self.manager).write({"points": 20})
        self.assertEqual(
            self.account.entry_ids.sorted("id").mapped(
                lambda entry: (entry.kind, entry.amount)
            ),
            [("adjust", 25), ("adjust", -5)],
        )
        self.assertEqual(self.account.entry_ids.create_uid, self.manager)
        self.assertBooks(20)

    def test_nobody_corrects_their_own_balance(self):
        own = self.env["loyalty.member"]._enrol(self.manager.partner_id, self.scheme)
        account = self.scheme._get_account(own)
        with self.assertRaisesRegex(UserError, "your own account"):
            account.with_user(self.manager).write({"points": 1})
        self.assertBooks(0, account=account)

    def test_nobody_writes_the_ledger_fields_of_an_account(self):
        for values in (
            {"ledger_pending": 5},
            {"ledger_held": 5},
            {"ledger_hash": "x"},
            {"ledger_managed": False},
            {"program_id": self.account.program_id.copy().id},
        ):
            with self.assertRaises(ValidationError):
                self.account.write(values)

    def test_no_card_becomes_an_account_by_writing(self):
        program = self.env["loyalty.program"].create(
            {"name": "Plain", "program_type": "loyalty", "applies_on": "both"}
        )
        card = self.env["loyalty.card"].create(
            {
                "program_id": program.id,
                "points": 777,
                "ledger_pending": 9,
                "ledger_sequence": 9,
            }
        )
        self.assertEqual((card.ledger_pending, card.ledger_sequence), (0, 0))
        managed = self.scheme.points_program_id
        for values in ({"program_id": managed.id}, {"ledger_managed": True}):
            with self.assertRaises(ValidationError):
                card.write(values)
        opened = (
            self.env["loyalty.card"]
            .with_context(default_program_id=managed.id)
            .create({"points": 5})
        )
        self.assertTrue(opened.ledger_managed)
        self.assertEqual(opened.entry_ids.amount, 5)

    def test_nobody_moves_a_program_in_or_out_of_the_ledger(self):
        self.env["ir.model.access"].create(
            {
                "name": "as a sales manager",
                "model_id": self.env.ref("loyalty.model_loyalty_program").id,
                "group_id": self.env.ref("base.group_user").id,
                "perm_read": True,
                "perm_write": True,
                "perm_create": True,
            }
        )
        program = self.scheme.points_program_id.with_user(self.manager)
        with self.assertRaisesRegex(AccessError, "belongs to the scheme"):
            program.write({"scheme_id": False})
        with self.assertRaisesRegex(AccessError, "belongs to the scheme"):
            self.env["loyalty.program"].with_user(self.manager).create(
                {"name": "Mine", "scheme_id": self.scheme.id}
            )

    def test_native_wizard_posts_an_adjustment_with_its_reason(self):
        Wizard = self.env["loyalty.card.update.balance"].with_user(self.manager)
        wizard = Wizard.create(
            {
                "card_id": self.account.id,
                "new_balance": 12,
                "description": "Sorry for the cold coffee",
            }
        )
        wizard.action_update_card_point()
        entry = self.account.entry_ids
        self.assertEqual(
            (entry.kind, entry.amount, entry.reason),
            ("adjust", 12, "Sorry for the cold coffee"),
        )
        self.assertFalse(self.account.history_ids)
        with self.assertRaises(ValidationError):
            wizard.new_balance = -1
            wizard.action_update_card_point()
        self.assertBooks(12)

    def test_unmanaged_cards_are_as_in_plain_odoo(self):
        program = self.env["loyalty.program"].create(
            {
                "name": "Plain",
                "program_type": "loyalty",
                "applies_on": "both",
                "trigger": "auto",
            }
        )
        cards = self.env["loyalty.card"].create(
            [
                {"program_id": program.id, "partner_id": self.anna.id, "points": 5},
                {"program_id": program.id, "partner_id": self.anna.id, "points": 6},
            ]
        )
        cards[0].points = -3
        self.assertEqual(cards.mapped("points"), [-3, 6])
        self.assertFalse(cards.entry_ids)
        cards.unlink()

    def test_users_of_another_company_see_nothing(self):
        entry = self._post(Op.CREDIT, 10)
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "loyalty_member.loyalty_member_group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for model in ("loyalty.ledger.entry", "loyalty.ledger.lot", "loyalty.card"):
            found = self.env[model].with_user(stranger).search([])
            self.assertFalse(
                found & (entry | entry)
                if model == entry._name
                else (found.filtered(lambda record: record.company_id == self.company))
            )
