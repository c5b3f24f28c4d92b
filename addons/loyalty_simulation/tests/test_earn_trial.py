# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon

AUDITOR = "loyalty_member.loyalty_member_group_auditor"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEarnTrial(LoyaltyLedgerCommon):
    """A purchase typed in by hand, to see what it would give."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.espresso = cls.env["product.product"].create(
            {"name": "Espresso", "list_price": 3}
        )
        cls.double = cls._rule(
            "Double espresso",
            effect="multiplier",
            value=2,
            product_ids=cls.espresso.ids,
        )
        cls.welcome = cls._rule("Welcome", effect="receipt", value=50, active=False)
        cls.cashier = new_test_user(
            cls.env, "trial_user", groups="loyalty_member.loyalty_member_group_service"
        )

    @classmethod
    def _rule(cls, name, **values):
        return cls.env["loyalty.earn.rule"].create(
            {"name": name, "scheme_id": cls.scheme.id, **values}
        )

    def _open(self, record):
        action = record.with_user(self.cashier).action_try()
        trial = self.env[action["res_model"]].with_user(self.cashier)
        return trial.browse(action["res_id"])

    def _try(self, record, **values):
        """Return a trial in which an espresso and a cake are typed in."""
        trial = self._open(record)
        with Form(trial) as form:
            for name, value in values.items():
                setattr(form, name, value)
            with form.line_ids.new() as line:
                line.product_id = self.espresso
                line.quantity = 2
            with form.line_ids.new() as line:
                line.name = "Cake"
                line.price = 4
        return trial

    def _count_rows(self):
        return {
            model: self.env[model].sudo().search_count([])
            for model in (
                "loyalty.transaction",
                "loyalty.transaction.line",
                "loyalty.ledger.entry",
                "loyalty.ledger.lot",
                "loyalty.earn.award",
                "loyalty.card",
                "loyalty.hold",
            )
        }

    def test_result_shows_while_typing_and_writes_nothing(self):
        before = self._count_rows()
        with Form(self._open(self.scheme)) as form:
            self.assertIn("Add products", form.problem)
            form.member_id = self.member
            with form.line_ids.new() as line:
                line.product_id = self.espresso
                self.assertEqual(line.price, 3)
            self.assertFalse(form.problem)
            self.assertEqual(form.points, 6)
            with form.line_ids.edit(0) as line:
                line.quantity = 2
            self.assertEqual(form.points, 12)
            with form.line_ids.new() as line:
                line.name = "Cake"
                line.price = 4
            self.assertEqual(form.points, 16)
            self.assertIn("16 beans", form.headline)
        self.assertEqual(self._count_rows(), before)

    def test_explanation(self):
        self._rule("Online", effect="receipt", value=9).channel_ids = self.env[
            "loyalty.channel"
        ]._get_by_code("website")
        page = self._try(self.scheme).explanation
        for text in (
            "Harmony Coffee",
            "1 bean for each",
            "Double espresso",
            "Espresso",
            "2 times",
            "Cake",
            "Online: it is for other channels.",
        ):
            self.assertIn(text, page)
        self.assertNotIn("Welcome", page)

    def test_same_as_what_is_recorded(self):
        """What is tried is what the same purchase gives when it is made."""
        self._rule(
            "Cashback", effect="percent", value=5, target="wallet", minimum_amount=5
        )
        lines = (
            self._line("e", 6, 2, product_id=self.espresso.id),
            self._line("c", 4, name="Cake"),
        )
        trial = self._try(self.scheme, member_id=self.member)
        recorded = self._record("S1", *lines)
        self.assertEqual(trial.points, recorded.points_earned)
        self.assertEqual(trial.points, 16)
        self.assertEqual(trial.wallet, recorded.wallet_cashback)
        self.assertEqual(trial.wallet, 0.5)

    def test_archived_rule_as_if_it_was_live(self):
        trial = self._try(self.welcome)
        # The doubled espresso took its part of the 50
        self.assertEqual(trial.points, 96)
        self.assertIn("gives 50 beans of it", trial.headline)
        self.assertFalse(self.welcome.active)
        self.assertEqual(self._try(self.scheme).points, 16)

    def test_without_a_rule(self):
        trial = self._try(self.double)
        self.assertIn("gives 6 beans of it", trial.headline)
        trial.removed_rule_ids = self.double
        self.assertEqual(trial.points, 10)
        self.assertIn("gives nothing", trial.headline)

    def test_taken_from_a_past_sale(self):
        sold = self._record(
            "S1",
            self._line("e", 10, 3, product_id=self.espresso.id, discount_incl=2),
            self._line("r", -2, is_reward=True),
            self._line("t", 1, eligible=False),
            payments=("cash",),
        )
        with Form(self._open(self.scheme)) as form:
            form.transaction_id = sold
            self.assertEqual(form.member_id, self.member)
            self.assertEqual(form.points, sold.points_earned)
            self.assertEqual(len(form.line_ids), 3)
        trial = form.record
        self.assertEqual(trial.payment_method_ids.mapped("code"), ["cash"])
        self.assertEqual(trial.line_ids.mapped("amount"), [10, -2, 1])
        self.assertEqual(trial.date, sold.date)
        self.assertEqual(sold.line_ids.mapped("discount_incl"), [2, 0, 0])
        self.scheme.earn_before_discounts = True
        self.assertEqual(trial.points, 24)

    def test_facts_of_the_member_and_the_moment(self):
        self._rule("First", effect="receipt", value=20, purchase_to=1)
        self._rule("Monday", effect="receipt", value=7, mon=True)
        trial = self._try(self.scheme, member_id=self.member)
        self.assertEqual(trial.points, 48)
        trial.date = "2026-03-09 12:00:00"
        self.assertEqual(trial.points, 59)
        trial.member_id = False
        self.assertEqual(trial.points, 27)

    def test_rules_that_do_not_fit(self):
        one = self._rule("One", effect="receipt", value=5, best_of="offers")
        self.assertTrue(one)
        other = self._rule(
            "Other", effect="multiplier", value=5, best_of="offers", active=False
        )
        trial = self._try(other)
        self.assertIn("cannot be compared", trial.problem)
        self.assertFalse(trial.points)
        foreign = self._create_scheme(name="Tea House")
        with self.assertRaisesRegex(UserError, "Choose rules of Tea House"):
            foreign._get_draft_rules(self.double, other)
        trial = self._try(foreign)
        trial.member_id = self.member
        self.assertIn("is not a member of Tea House", trial.problem)

    def test_rights(self):
        outsider = new_test_user(self.env, "trial_outsider", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.scheme.with_user(outsider).action_try()
        trial = self._try(self.scheme)
        with self.assertRaises(AccessError):
            trial.with_user(outsider).read(["points"])
        auditor = new_test_user(
            self.env,
            "trial_auditor",
            groups="loyalty_member.loyalty_member_group_auditor",
        )
        own = self.scheme.with_user(auditor).action_try()
        self.assertTrue(own["res_id"])
        with self.assertRaises(AccessError):
            # What somebody else tries is nobody's business
            self.env["loyalty.earn.trial"].with_user(auditor).browse(trial.id).read()

    def test_scheme_of_another_company(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self._create_scheme(company_id=company.id)
        with self.assertRaises(AccessError):
            foreign.with_user(self.cashier).action_try()

    def test_added_and_removed(self):
        rules = self.scheme._get_draft_rules(self.double, self.welcome)
        self.assertEqual(
            {rule.key for rule in rules.rules}, {"base", f"rule:{self.welcome.id}"}
        )
        both = self.scheme._get_draft_rules(self.double, self.double)
        self.assertIn(f"rule:{self.double.id}", {rule.key for rule in both.rules})

    def test_opened_with_an_archived_rule(self):
        trial = self._open(self.welcome)
        self.assertEqual(trial.added_rule_ids, self.welcome)
        trial.write({"added_rule_ids": [Command.clear()]})
        self.assertFalse(trial.added_rule_ids)
