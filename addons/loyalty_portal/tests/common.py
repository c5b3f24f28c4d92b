# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime

from lxml import html

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine


class LoyaltyPortalCommon(HttpCase):
    """A scheme of 1 bean for 1.00; Anna is a member with 500 beans, Ben is not one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["loyalty.program"].search([]).action_archive()
        cls.env["loyalty.scheme"].search([]).action_archive()
        cls.company = cls._get_company()
        cls.store = cls.env["loyalty.store"].create(
            {"name": "Harmony Online", "kind": "online", "company_id": cls.company.id}
        )
        cls.scheme = cls.env["loyalty.scheme"].create(
            {
                "name": "Harmony Coffee",
                "point_name": "bean",
                "point_name_plural": "beans",
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "color_primary": "#6F4E37",
            }
        )
        cls.anna_user, cls.ben_user = (
            cls._create_portal_user("anna"),
            cls._create_portal_user("ben"),
        )
        cls.anna, cls.ben = cls.anna_user.partner_id, cls.ben_user.partner_id
        cls.member = cls.env["loyalty.member"]._enrol(cls.anna, cls.scheme)
        cls.account = cls.scheme._get_account(cls.member)
        cls.account._adjust(500, "Gift for the test")

    @classmethod
    def _get_company(cls):
        return cls.env.company

    @classmethod
    def _create_portal_user(cls, login):
        user = new_test_user(
            cls.env,
            f"loyalty_{login}",
            password=f"loyalty_{login}",
            groups="base.group_portal",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        user.partner_id.write(
            {
                "name": login.capitalize(),
                "email": f"{login}@example.com",
                "phone": "+32470123456",
                "street": "1 Market Street",
                "city": "Brussels",
                "zip": "1000",
                "country_id": cls.env.ref("base.be").id,
            }
        )
        return user

    def _buy(self, reference, amount, redeemed=0, member=None):
        """Record a purchase whose points wait for the payment."""
        lines = [SaleLine("coffee", None, 2, amount, amount, name="House Blend")]
        if redeemed:
            value = redeemed / 100
            lines.append(SaleLine("beans", None, 1, -value, -value, is_reward=True))
        return self.env["loyalty.transaction"]._record(
            member or self.member,
            Sale(
                channel="website",
                reference=reference,
                date=datetime.now(),
                currency_id=self.scheme.currency_id.id,
                company_id=self.company.id,
                lines=tuple(lines),
                store_id=self.store.id,
                redeemed=redeemed,
                pending=True,
            ),
        )

    def _log_in(self, login):
        self.authenticate(f"loyalty_{login}", f"loyalty_{login}")

    def _read(self, url):
        """Return a page's text with ordinary spaces."""
        return self.url_open(url).text.replace("\xa0", " ")

    def _get_breadcrumbs(self, url):
        return html.fromstring(self._read(url)).xpath(
            "//ol[contains(@class, 'o_portal_submenu')]/li"
        )

    def assertPoints(self, available, pending=0.0):
        self.account.invalidate_recordset()
        self.assertEqual(
            (self.account.points, self.account.ledger_pending), (available, pending)
        )
        self.assertFalse(self.env["loyalty.ledger"]._audit(self.account))
