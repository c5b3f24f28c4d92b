# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from odoo.addons.loyalty_portal.tests.common import LoyaltyPortalCommon


@tagged("post_install", "-at_install")
class TestPortalHousehold(LoyaltyPortalCommon):
    """Ben has joined the household of Anna, who had 500 beans; he brought 40."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.friend = cls.env["loyalty.member"]._enrol(cls.ben, cls.scheme)
        cls.scheme._get_account(cls.friend)._adjust(40, "Welcome gift for Ben")
        cls.household = cls.env["loyalty.household"].create(
            {"name": "The Beans", "head_id": cls.member.id}
        )
        cls.household._join(cls.friend)

    def _read_page(self, login):
        self._log_in(login)
        return " ".join(self._read("/my/loyalty").split())

    def test_all_see_what_is_shared_and_who_spent(self):
        self._buy("S1", 25, redeemed=100)
        self._buy("S2", 25, redeemed=200, member=self.friend)
        for login, other, mine in (
            ("anna", "Ben · Harmony Online", "S1"),
            ("ben", "Anna · Harmony Online", "S2"),
        ):
            page = self._read_page(login)
            for text in (
                "The Beans share these beans",
                "240 beans",
                f"{login.capitalize()} (you)",
                "spent 100 beans",
                "spent 200 beans",
                other,
                f"Used for {mine}",
            ):
                self.assertIn(text, page)

    def test_what_was_before_stays_with_whose_it_was(self):
        anna, ben = self._read_page("anna"), self._read_page("ben")
        self.assertIn("Gift for the test", anna)
        self.assertNotIn("Gift for the test", ben)
        self.assertIn("Welcome gift for Ben", ben)
        self.assertNotIn("Welcome gift for Ben", anna)
        for page in (anna, ben):
            self.assertIn("Pooled in the household", page)

    def test_who_has_left_sees_nothing_of_it(self):
        self._buy("S1", 25, redeemed=100)
        self.friend.action_leave_household()
        page = self._read_page("ben")
        self.assertNotIn("The Beans", page)
        self.assertNotIn("Anna", page)
        self.assertIn("You have</div>", page)
