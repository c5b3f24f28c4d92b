# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common_browser import LoyaltyBrowserCommon


@tagged("post_install", "-at_install")
class TestSetUpTour(LoyaltyBrowserCommon):
    """From an empty database to the first member, in a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Out of sight, as in a new database, whatever the other modules brought along
        cls.env["loyalty.scheme"].search([]).active = False
        cls.company = cls.env["res.company"].create(
            {"name": "Harmony Belgium", "country_id": cls.env.ref("base.be").id}
        )
        cls.manager = new_test_user(
            cls.env,
            "loyalty_manager",
            groups="loyalty_member.loyalty_member_group_manager",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_set_up(self):
        self.start_tour("/odoo", "loyalty_ledger_set_up", login="loyalty_manager")
        scheme = self.env["loyalty.scheme"].search([])
        self.assertRecordValues(
            scheme,
            [
                {
                    "name": "Harmony Coffee",
                    "point_name": "bean",
                    "point_name_plural": "beans",
                    "earn_points": 1,
                    "earn_amount": 1,
                    "redeem_points": 100,
                    "redeem_value": 1,
                    "state": "open",
                    "create_uid": self.manager.id,
                }
            ],
        )
        self.assertProgram(scheme.points_program_id, scheme)
        self.assertMember(self.env["loyalty.member"].search([], limit=1), scheme)

    def assertProgram(self, program, scheme):
        """Odoo's own program says what the scheme says."""
        self.assertRecordValues(
            program,
            [
                {
                    "name": "Harmony Coffee",
                    "scheme_id": scheme.id,
                    "ledger_managed": True,
                    "portal_point_name": "beans",
                    "program_type": "loyalty",
                }
            ],
        )
        self.assertRecordValues(
            program.reward_ids,
            [
                {
                    "reward_type": "discount",
                    "discount_mode": "per_point",
                    "discount": 0.01,
                    "required_points": 1,
                }
            ],
        )

    def assertMember(self, member, scheme):
        """The contact, the membership and the card are as they should be."""
        self.assertRecordValues(
            member,
            [
                {
                    "scheme_id": scheme.id,
                    "state": "active",
                    "create_uid": self.manager.id,
                }
            ],
        )
        self.assertRecordValues(
            member.partner_id,
            [
                {
                    "name": "Anna Bean",
                    "phone": "+32470123456",
                    "country_id": self.company.country_id.id,
                }
            ],
        )
        self.assertTrue(member.number)
        self.assertEqual(member.channel_id.code, "manual")
        self.assertEqual(member.card_ids, member.main_card_id)
        self.assertEqual(member.card_ids.state, "active")
        self.assertTrue(member.card_ids._is_ean13())
        self.assertTrue(member.card_ids.number.startswith(scheme.card_prefix))
