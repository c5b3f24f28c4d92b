# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.ledger.flow import WALLET

from .common import LoyaltyPortalCommon


@tagged("post_install", "-at_install")
class TestPortalWallet(LoyaltyPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.wallet = cls.scheme._get_account(cls.member, WALLET)

    def test_portal(self):
        """Members see what is in their wallet, and its own statement."""
        self.wallet._adjust(20, "A present")
        self._log_in("anna")
        page = self._read("/my/loyalty")
        self.assertIn("In your wallet", page)
        self.assertIn("$ 20.00", page)
        self.assertNotIn("A present", page)
        statement = self._read(f"/my/loyalty/{self.member.id}?account=wallet")
        self.assertIn("A present", statement)
        self.assertIn("+$ 20.00", statement)
        self.assertNotIn("Gift for the test", statement)
        self._log_in("ben")
        self.assertNotIn(
            "A present",
            self.url_open(f"/my/loyalty/{self.member.id}?account=wallet").text,
        )

    def test_no_wallet(self):
        self.scheme.has_wallet = False
        ben = self.env["loyalty.member"]._enrol(self.ben, self.scheme)
        self.assertFalse(ben.wallet_account_id)
        self._log_in("ben")
        self.assertNotIn("In your wallet", self.url_open("/my/loyalty").text)
