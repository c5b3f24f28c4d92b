# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime

from freezegun import freeze_time
from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..ledger.flow import WALLET
from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon

MARCH = date(2026, 3, 1), date(2026, 3, 31)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestStatement(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = new_test_user(
            cls.env,
            "helper",
            groups="loyalty_member.loyalty_member_group_service,base.group_allow_export",
            tz="Europe/Brussels",
        )

    def _credit(self, points, when, **values):
        return self._post(
            Op.CREDIT, points, date=datetime.fromisoformat(when), **values
        )

    def _debit(self, points, when, **values):
        return self._post(Op.DEBIT, points, date=datetime.fromisoformat(when), **values)

    def _fill(self):
        self._credit(100, "2026-02-10 10:00:00")
        self._debit(30, "2026-02-20 10:00:00")
        self._credit(50, "2026-03-05 10:00:00")
        self._debit(20, "2026-03-06 10:00:00")
        self._post(Op.PEND, 7, date=datetime(2026, 3, 7, 10))
        self._credit(5, "2026-04-02 10:00:00")

    def _statement(self, date_from=MARCH[0], date_to=MARCH[1], member=None):
        member = (member or self.member).with_user(self.service)
        return member._get_statement(date_from, date_to)

    def _figures(self, *period):
        [section] = self._statement(*period)
        return tuple(
            float(section[name])
            for name in ("opening", "plus", "minus", "closing", "pending")
        )

    def test_a_period(self):
        self._fill()
        self.assertEqual(self._figures(), (70, 50, -20, 100, 7))
        [section] = self._statement()
        rows = self.member.with_user(self.service)._get_statement_entries(section)
        self.assertEqual(
            [(row["date"], row["plus"], row["minus"], row["balance"]) for row in rows],
            [
                ("03/05/2026", "50", False, "120"),
                ("03/06/2026", False, "-20", "100"),
                ("03/07/2026", False, False, "100"),
            ],
        )
        self.assertEqual(rows[2]["pending"], "7")

    def test_periods_follow_from_each_other(self):
        self._fill()
        self.assertEqual(
            self._figures(date(2026, 2, 1), date(2026, 2, 28)), (0, 100, -30, 70, 0)
        )
        self.assertEqual(
            self._figures(date(2026, 4, 1), date(2026, 4, 30)), (100, 5, 0, 105, 7)
        )
        self.assertEqual(
            self._figures(date(2025, 1, 1), date(2025, 1, 31)), (0, 0, 0, 0, 0)
        )
        self.assertEqual(
            self._figures(date(2026, 5, 1), date(2026, 5, 31)), (105, 0, 0, 105, 7)
        )

    def test_a_sale_that_is_reported_late_stands_where_it_was_booked(self):
        self._credit(100, "2026-02-10 10:00:00")
        self._credit(50, "2026-03-02 10:00:00")
        self._debit(30, "2026-02-27 18:00:00")
        self.assertEqual(
            self._figures(date(2026, 2, 1), date(2026, 2, 28)), (0, 100, 0, 100, 0)
        )
        self.assertEqual(self._figures(), (100, 50, -30, 120, 0))

    def test_days_are_the_users(self):
        self._credit(10, "2026-02-28 22:59:59")
        self._credit(20, "2026-02-28 23:00:00")
        self._credit(40, "2026-03-31 21:59:59")
        self._credit(80, "2026-03-31 22:00:00")
        self.assertEqual(self._figures(), (10, 60, 0, 70, 0))

    def test_balances_are_read_and_not_added_up(self):
        """What an entry says of the balance counts, whatever came before."""
        self._fill()
        self._tamper(
            "UPDATE loyalty_ledger_entry SET balance_after = 1000 WHERE account_id = %s"
            " AND sequence = 2",
            self.account.id,
        )
        self.assertEqual(self._figures()[0], 1000)

    def test_what_comes_next(self):
        self._post(Op.CREDIT, 10, expiry_date=date(2026, 5, 1))
        self._post(Op.CREDIT, 5, expiry_date=date(2026, 5, 1))
        self._post(Op.CREDIT, 3, expiry_date=date(2026, 4, 1))
        self._post(Op.PEND, 4, release_date=date(2026, 3, 20))
        self._post(Op.PEND, 2)
        [section] = self._statement()
        self.assertEqual(
            [ahead["text"] for ahead in section["ahead"]],
            [
                "4 beans pending until 03/20/2026",
                "2 beans pending until the payment is received",
                "3 beans expire on 04/01/2026",
                "15 beans expire on 05/01/2026",
            ],
        )

    def test_every_account_of_the_scheme(self):
        self._fill()
        self.scheme.has_wallet = True
        wallet = self.scheme._get_account(self.member, WALLET)
        other = self._create_scheme(name="Tea")
        tea = self.env["loyalty.member"]._enrol(self.anna, other)
        other._get_account(tea)
        sections = self._statement()
        self.assertEqual(
            [(section["account"], section["title"]) for section in sections],
            [(self.account, "Beans"), (wallet, "Wallet")],
        )
        self.assertEqual(wallet._format_statement(12.5), "$\xa012.50")

    def test_sale_is_named_with_where_and_why(self):
        store = self.env["loyalty.store"].create({"name": "Downtown"})
        self._record("S1", self._line("a", 10), store_id=store.id)
        [section] = self._statement()
        [row] = self.member._get_statement_entries(section)
        self.assertEqual(row["where"], "Downtown")
        self.assertEqual(row["what"], f"Earned with {row['entry'].transaction_id.name}")
        self.assertIn("1 bean for each $", row["why"])

    def _render(self, members=None, user=None, **data):
        members = members or self.member
        report = self.env["ir.actions.report"].with_user(user or self.service)
        content, _type = report._render_qweb_html(
            "loyalty_ledger.report_statement",
            members.ids,
            data={"date_from": "2026-03-01", "date_to": "2026-03-31", **data},
        )
        return html.fromstring(content).text_content().replace("\xa0", " ")

    def test_paper(self):
        self._fill()
        page = self._render()
        for text in (
            "Harmony Coffee statement",
            "03/01/2026 – 03/31/2026",
            self.member.number,
            "Anna",
            "70 beans",
            "50 beans",
            "-20 beans",
            "100 beans",
            "Still pending at the end",
        ):
            self.assertIn(text, page)
        self.assertIn("Nothing moved", self._render(date_to="2026-03-01"))

    def test_paper_speaks_the_language_of_the_member(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        self.anna.lang = "nl_NL"
        self._fill()
        self.assertIn("05-03-2026", self._render())

    def test_queries_do_not_grow_with_entries(self):
        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._render()
            return self.env.cr.sql_log_count - before

        store = self.env["loyalty.store"].create({"name": "Downtown"})
        self._record("S0", self._line("a", 10), store_id=store.id)
        self._record("S1", self._line("a", 10), store_id=store.id)
        queries()
        few = queries()
        for number in range(2, 30):
            self._record(f"S{number}", self._line("a", 10), store_id=store.id)
        self.assertEqual(queries(), few)

    def test_bad_periods_are_refused_in_words(self):
        for period in (
            {"date_from": "2026-04-01", "date_to": "2026-03-01"},
            {"date_from": "yesterday"},
            {"date_from": "2026-02-30"},
            {"member_ids": "x", "date_from": "0001-01-01"},
        ):
            with self.subTest(**period), self.assertRaises(UserError):
                self._render(**period)

    def test_wizard(self):
        self._fill()
        Wizard = self.env["loyalty.statement"].with_user(self.service)
        action = self.member.with_user(self.service).action_open_statement()
        with Form(Wizard.with_context(**action["context"])) as form:
            self.assertFalse(form.has_choice)
            self.assertEqual(form.date_from, date(2026, 1, 1))
            self.assertEqual(form.date_to, date(2026, 3, 10))
            form.date_from, form.date_to = MARCH
            self.assertIn("70 beans", form.preview)
        wizard = form.record
        self.assertEqual(wizard.account_ids, self.account)
        domain = wizard.action_view_entries()["domain"]
        entries = self.env["loyalty.ledger.entry"].with_user(self.service)
        self.assertEqual(entries.search(domain).mapped("amount"), [0, -20, 50])
        data = wizard.action_print()["data"]
        self.assertEqual(
            (data["member_ids"], data["date_from"], data["date_to"]),
            (self.member.ids, "2026-03-01", "2026-03-31"),
        )
        self.assertIn("70 beans", self._render(self.member.browse(), **data))
        wizard.date_to = date(2026, 2, 1)
        with self.assertRaisesRegex(UserError, "comes before"):
            wizard.action_print()

    def test_entries_are_exported(self):
        self._fill()
        [section] = self._statement()
        entries = self.env["loyalty.ledger.entry"].with_user(self.service)
        fields_ = ["date", "kind", "amount", "balance_after", "store_id", "reason"]
        rows = entries.search(section["domain"], order="id").export_data(fields_)
        self.assertEqual(
            [(row[1], row[2], row[3]) for row in rows["datas"]],
            [("Earned", 50, 120), ("Redeemed", -20, 100), ("Earned", 0, 100)],
        )

    def test_rights(self):
        self._fill()
        auditor = new_test_user(
            self.env, "reader", groups="loyalty_member.loyalty_member_group_auditor"
        )
        self.assertIn("70 beans", self._render(user=auditor))
        plain = new_test_user(self.env, "plain")
        with self.assertRaises(AccessError):
            self._render(user=plain)
        with self.assertRaises(AccessError):
            self.env["loyalty.statement"].with_user(plain).create(
                {"member_id": self.member.id}
            )

    def test_other_companies_are_not_read(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        scheme = self._create_scheme(name="Far", company_id=company.id)
        member = self.env["loyalty.member"]._enrol(self.anna, scheme)
        account = scheme._get_account(member)
        with self.assertRaises(AccessError):
            self._render(member)
        with self.assertRaises(AccessError):
            self._render(account_ids=account.ids)
