# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import csv
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.loyalty_portal.controllers import statement

from .common import LoyaltyPortalCommon


@tagged("post_install", "-at_install")
class TestPortalStatement(LoyaltyPortalCommon):
    """Members read and take away their own statement, and nobody else's."""

    @classmethod
    def setUpClass(cls):
        with freeze_time("2025-12-31 12:00:00"):
            super().setUpClass()
        with freeze_time("2026-02-10 12:00:00"):
            cls.account._adjust(40, "Gift in February")
        with freeze_time("2026-03-10 12:00:00"):
            cls.account._adjust(-15, "=1+1")

    def setUp(self):
        super().setUp()
        self.url = f"/my/loyalty/{self.member.id}/statement"
        self.march = "?date_from=2026-03-01&date_to=2026-03-31"

    def test_a_period(self):
        self._log_in("anna")
        page = self._read(self.url + self.march)
        for text in ("540 beans", "-15 beans", "525 beans", "=1+1", "03/10/2026"):
            self.assertIn(text, page)
        self.assertNotIn("Gift in February", page)
        self.assertIn(
            "Gift in February",
            self._read(f"{self.url}?date_from=2026-02-01&date_to=2026-02-28"),
        )
        self.assertTrue(self.url_open("/my/loyalty/statement").url.endswith(self.url))

    def test_breadcrumbs(self):
        self._log_in("anna")
        crumbs = self._get_breadcrumbs(self.url)
        self.assertEqual(crumbs[-1].text_content().strip(), "Statement")
        self.assertEqual(crumbs[-2].xpath("a/@href"), ["/my/loyalty"])
        crumbs = self._get_breadcrumbs("/my/loyalty")
        self.assertEqual(crumbs[-1].text_content().strip(), "Loyalty")
        self.assertFalse(crumbs[-1].xpath("a"))

    def test_what_an_event_gave(self):
        event = self.env["loyalty.earn.event"]._get_by_code("birthday")
        self.env["loyalty.earn.rule"].create(
            {
                "name": "Birthday gift",
                "scheme_id": self.scheme.id,
                "trigger": "event",
                "event_id": event.id,
                "effect": "receipt",
                "value": 50,
            }
        )
        with freeze_time("2026-03-20 12:00:00"):
            self.member._raise_event("birthday", "2026")
        self._log_in("anna")
        for url in (self.url + self.march, f"/my/loyalty/{self.member.id}"):
            page = self._read(url)
            self.assertIn("Birthday gift: 50 beans.", page)

    def test_a_bad_period_is_said(self):
        self._log_in("anna")
        page = self._read(f"{self.url}?date_from=2026-04-01&date_to=2026-03-01")
        self.assertIn("comes before the last one", page)
        self.assertIn(
            "Choose the first and the last day", self._read(f"{self.url}?date_from=x")
        )

        for ending in (".pdf", ".csv"):
            page = self._read(f"{self.url}{ending}?date_from=2026-02-30")
            self.assertIn("Choose the first and the last day", page)

    def test_csv(self):
        self._log_in("anna")
        response = self.url_open(f"{self.url}.csv?date_from=2026-01-01")
        self.assertEqual(response.headers["Content-Type"], "text/csv;charset=utf-8")
        self.assertIn("no-store", response.headers["Cache-Control"])
        rows = list(csv.reader(response.content.decode("utf-8-sig").splitlines()))
        self.assertEqual(
            [(row[2], row[5], row[7]) for row in rows[1:]],
            [
                ("Gift in February", "40.0000", "540.0000"),
                ("'=1+1", "-15.0000", "525.0000"),
            ],
        )

    def test_csv_has_all_rows(self):
        """However many there are: they are read in parts."""
        for number in range(3):
            self.account._adjust(1 + number, f"Gift {number}")
        self._log_in("anna")
        with patch.object(statement, "CSV_ROWS_AT_ONCE", 2):
            response = self.url_open(f"{self.url}.csv?date_from=2025-01-01")
        rows = list(csv.reader(response.content.decode("utf-8-sig").splitlines()))
        self.assertEqual(
            [row[7] for row in rows[1:]],
            [f"{balance}.0000" for balance in (500, 540, 525, 526, 528, 531)],
        )

    def test_pdf(self):
        self._log_in("anna")
        Report = self.registry["ir.actions.report"]
        with patch.object(
            Report, "_render_qweb_pdf", autospec=True, return_value=(b"%PDF-", "pdf")
        ) as render:
            response = self.url_open(f"{self.url}.pdf{self.march}")
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        self.assertIn(
            f"{self.member.number}-2026-03-01-2026-03-31.pdf",
            response.headers["Content-Disposition"],
        )
        self.assertEqual(render.call_args.args[2], self.member.ids)
        self.assertEqual(
            render.call_args.kwargs["data"],
            {"date_from": "2026-03-01", "date_to": "2026-03-31"},
        )

    def test_of_another_member(self):
        self._log_in("ben")
        for ending in ("", "/page/2", ".pdf", ".csv"):
            self.assertEqual(self.url_open(self.url + ending).status_code, 404, ending)

    def test_public(self):
        self.authenticate(None, None)
        for ending in ("", ".pdf", ".csv"):
            response = self.url_open(self.url + ending, allow_redirects=False)
            self.assertEqual(response.status_code, 303, ending)
            self.assertIn("/web/login", response.headers["Location"])

    def test_pages(self):
        for number in range(90):
            self.account._adjust(1, f"Gift {number}!")
        self._log_in("anna")
        first = self._read(self.url + "?date_from=2026-01-01")
        self.assertIn("Gift 0!", first)
        self.assertNotIn("Gift 89!", first)
        second = self._read(f"{self.url}/page/2?date_from=2026-01-01")
        self.assertIn("Gift 89!", second)
