# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.http import Request
from odoo.tests import tagged

from odoo.addons.loyalty_member.tests.common import CodeMixin
from odoo.addons.loyalty_portal.tests.common import LoyaltyPortalCommon

URL = "/my/loyalty/transfer"


@tagged("post_install", "-at_install")
class TestPortalTransfer(CodeMixin, LoyaltyPortalCommon):
    """Anna has 500 beans, and gives some to Ben on her own page."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.write({"transfer_allowed": True, "transfer_minimum": 10})
        cls.ben.name = "Ben Stone"
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)

    def setUp(self):
        super().setUp()
        self.codes = self.enterContext(self.catch_codes())
        self._log_in("anna")

    def _post(self, url=URL, **values):
        response = self.url_open(
            url, data={"csrf_token": Request.csrf_token(self), **values}
        )
        self.env.invalidate_all()
        return response

    def _propose(self, **values):
        return self._post(
            **{"recipient": "ben@example.com", "points": "50", "message": "", **values}
        )

    def _get_transfers(self):
        return self.env["loyalty.transfer"].search([("giver_id", "=", self.member.id)])

    def assertSays(self, response, *sentences):
        text = " ".join(response.text.replace("\xa0", " ").split())
        for sentence in sentences:
            self.assertIn(sentence, text)

    def test_give(self):
        self.assertSays(self.url_open("/my/loyalty"), "/my/loyalty/transfer?member_id=")
        page = self._propose(message="For coffee")
        self.assertSays(page, "50 beans", "Ben S.", "j•••@example.com", "For coffee")
        self.assertNotIn("Stone", page.text)
        self.assertPoints(500)
        transfer = self._get_transfers()
        self.assertTrue(page.url.endswith(f"{URL}/{transfer.id}"))
        page = self._post(page.url, step="confirm", code=self.codes[-1])
        self.assertSays(page, "given to", "450 beans")
        self.assertPoints(450)
        self.assertSays(self.url_open("/my/loyalty"), "Given to Ben S.")
        self._log_in("ben")
        page = self.url_open("/my/loyalty")
        self.assertSays(page, "From Anna: For coffee", "50 beans")

    def test_wrong_code_and_another_one(self):
        url = self._propose().url
        page = self._post(url, step="confirm", code=self.get_wrong_code(self.codes[-1]))
        self.assertSays(page, "That is not the code that was sent")
        self.assertPoints(500)
        page = self._post(url, step="resend")
        self.assertSays(page, "A code was sent to Anna a moment ago")
        self.assertSays(self._post(url, step="cancel"), "Nothing was given")
        page = self._post(url, step="confirm", code=self.codes[-1])
        self.assertSays(page, "its status is Cancelled")
        self.assertPoints(500)

    def test_sent_twice(self):
        url = self._propose().url
        for _click in range(2):
            self._post(url, step="confirm", code=self.codes[-1])
        self.assertPoints(450)

    def test_what_is_wrong_is_said_on_the_form(self):
        for values, sentence in (
            ({"recipient": "nobody@example.com"}, "No member of Harmony Coffee has"),
            ({"recipient": " "}, "Enter the recipient"),
            ({"points": "9"}, "Give at least 10 beans"),
            (
                {"points": "501"},
                "500 beans are available; the transfer needs 501 beans",
            ),
            ({"points": "many"}, "greater than zero"),
            ({"points": "nan"}, "greater than zero"),
            ({"points": "-5"}, "greater than zero"),
        ):
            self.assertSays(self._propose(**values), sentence)
        self.assertFalse(self.codes)
        self.assertPoints(500)

    def test_only_what_is_the_visitors_own(self):
        url = self._propose().url
        code = self.codes[-1]
        self._log_in("ben")
        page = self._post(url, step="confirm", code=code)
        self.assertTrue(page.url.endswith("/my/loyalty"))
        page = self._propose(
            member_id=str(self.member.id), recipient="anna@example.com"
        )
        self.assertTrue(page.url.endswith("/my/loyalty"))
        self.assertEqual(self._get_transfers().state, "waiting")
        self.assertPoints(500)

    def test_nobody_gives_by_a_link_from_elsewhere(self):
        with patch("odoo.http._logger.warning"):
            response = self.url_open(
                URL, data={"recipient": "ben@example.com", "points": "50"}
            )
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self._get_transfers())

    def test_breadcrumbs(self):
        crumbs = self._get_breadcrumbs(f"{URL}?member_id={self.member.id}")
        self.assertEqual(crumbs[-1].text_content().strip(), "Gift")
        self.assertEqual(crumbs[-2].xpath("a/@href"), ["/my/loyalty"])

    def test_scheme_without_transfers(self):
        self.scheme.transfer_allowed = False
        self.assertNotIn("loyalty_give", self.url_open("/my/loyalty").text)
        self.assertTrue(self.url_open(URL).url.endswith("/my/loyalty"))
