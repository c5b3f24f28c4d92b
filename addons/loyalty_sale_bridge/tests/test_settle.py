# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from .common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
class TestSettle(LoyaltySaleCommon):
    """What confirming, editing, paying and cancelling an order post."""

    def test_confirm_earns_pending(self):
        order = self._create_order()
        self.assertPoints(0)
        order.with_user(self.seller).action_confirm()
        self.assertPoints(0, 30)
        transaction = order.loyalty_transaction_id
        self.assertEqual(transaction.channel_id.code, "sale")
        self.assertEqual(
            (transaction.res_model, transaction.res_id), ("sale.order", order.id)
        )

    def test_not_a_member_gets_nothing(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        order = self._create_order(partner=stranger)
        order.action_confirm()
        self.assertFalse(order.loyalty_transaction_id)
        self.assertFalse(
            self.env["loyalty.card"].search([("partner_id", "=", stranger.id)])
        )

    def test_contact_of_a_member_company(self):
        company = self.env["res.partner"].create({"name": "Acme", "is_company": True})
        contact = self.env["res.partner"].create(
            {"name": "Bob", "parent_id": company.id}
        )
        member = self.env["loyalty.member"]._enrol(company, self.scheme)
        account = self.scheme._get_account(member)
        self._grant(500, account)
        order = self._create_order(partner=contact)
        order._update_programs_and_rewards()
        order._loyalty_set_points_to_use(200)
        order.action_confirm()
        self.assertPoints(300, 28, account)
        self.assertEqual(
            self.env["loyalty.card"].search_count(
                [("program_id", "=", self.program.id)]
            ),
            2,
            "The contact must not get an account beside the company's",
        )

    def test_edit_then_cancel(self):
        """Native: pressing Reward after an edit, then cancelling, takes too much."""
        self._grant(50)
        order = self._create_order((self.coffee, 10))
        order.action_confirm()
        self.assertPoints(50, 100)
        order.order_line.product_uom_qty = 30
        self.assertPoints(50, 300)
        order.action_open_reward_wizard()
        self.assertPoints(50, 300)
        order.order_line = [
            Command.create({"product_id": self.cake.id, "product_uom_qty": 2})
        ]
        self.assertPoints(50, 310)
        order.order_line[0].price_unit = 1
        self.assertPoints(50, 40)
        order.order_line[1].product_uom_qty = 0
        self.assertPoints(50, 30)
        order._action_cancel()
        self.assertPoints(50, 0)
        self.assertEqual(order.loyalty_transaction_id.state, "cancelled")

    def test_edit_is_one_entry(self):
        order = self._create_order((self.coffee, 1), (self.cake, 1))
        order.action_confirm()
        entries = len(self.account.entry_ids)
        order.write(
            {
                "order_line": [
                    Command.update(order.order_line[0].id, {"product_uom_qty": 2}),
                    Command.update(order.order_line[1].id, {"product_uom_qty": 2}),
                    Command.create({"product_id": self.cake.id}),
                ]
            }
        )
        self.assertPoints(0, 35)
        self.assertEqual(len(self.account.entry_ids), entries + 1)

    def test_confirm_again_after_cancel(self):
        order = self._create_order()
        order.action_confirm()
        order._action_cancel()
        order.action_draft()
        order.action_confirm()
        self.assertPoints(0, 30)
        order._action_cancel()
        self.assertPoints(0, 0)

    def test_quotation_moves_nothing(self):
        self._grant(100)
        order = self._create_order()
        order._update_programs_and_rewards()
        order._loyalty_set_points_to_use(100)
        order._action_cancel()
        self.assertPoints(100, 0)

    @freeze_time("2026-03-02 10:00:00")
    def test_waiting_time_starts_with_payment(self):
        self.scheme.pending_days = 14
        order = self._create_order()
        order.action_confirm()
        invoice = self._invoice(order)
        self.assertFalse(self.account.lot_ids.release_date)
        self._pay(invoice)
        self.assertEqual(self.account.lot_ids.release_date, date(2026, 3, 16))

    def test_order_in_foreign_currency(self):
        """Native: JPY 15,000 (100 dollars) earn 15,000 points."""
        yen = self.env.ref("base.JPY")
        yen.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": yen.id,
                "rate": 150.0,
                "name": "2020-01-01",
                "company_id": self.env.company.id,
            }
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Yen", "currency_id": yen.id, "company_id": self.env.company.id}
        )
        order = self._create_order((self.coffee, 1), pricelist_id=pricelist.id)
        order.order_line.price_unit = 15000
        order.action_confirm()
        self.assertPoints(0, 100)

    def test_native_foreign_currency_is_wrong(self):
        """What the suite is there for: native takes the yen for dollars."""
        program = self._create_native_program()
        yen = self.env.ref("base.JPY")
        yen.active = True
        pricelist = self.env["product.pricelist"].create(
            {"name": "Yen", "currency_id": yen.id}
        )
        native_buyer = self.env["res.partner"].create({"name": "Native"})
        order = self._create_order(
            (self.coffee, 1), partner=native_buyer, pricelist_id=pricelist.id
        )
        order.order_line.price_unit = 15000
        order._update_programs_and_rewards()
        order.action_confirm()
        self.assertEqual(program.coupon_ids.points, 15000)

    def test_shipping_and_top_ups_earn_nothing(self):
        gift_card = self._create_goods("Gift Card", 50.0, type="service")
        self.env["loyalty.program"].create(
            {
                "name": "Gift Cards",
                "program_type": "gift_card",
                "applies_on": "future",
                "trigger": "auto",
                "rule_ids": [
                    Command.create(
                        {
                            "product_ids": gift_card.ids,
                            "reward_point_mode": "money",
                            "reward_point_amount": 1,
                        }
                    )
                ],
            }
        )
        order = self._create_order((self.coffee, 1), (gift_card, 1))
        order.action_confirm()
        self.assertPoints(0, 10)

    def test_discount_line_lowers_what_is_earned(self):
        order = self._create_order((self.coffee, 2))
        order.order_line = [
            Command.create(
                {"product_id": self.cake.id, "product_uom_qty": 1, "price_unit": -4}
            )
        ]
        order.action_confirm()
        self.assertPoints(0, 16)

    def test_other_company_has_its_own_schemes(self):
        other = self.env["res.company"].sudo().create({"name": "Other"})
        self.env.user.sudo().company_ids += other
        order = (
            self.env["sale.order"]
            .with_company(other)
            .create(
                {
                    "partner_id": self.anna.id,
                    "company_id": other.id,
                    "order_line": [Command.create({"product_id": self.coffee.id})],
                }
            )
        )
        order.action_confirm()
        self.assertFalse(order.loyalty_transaction_id)

    def test_blocked_member_buys_without_points(self):
        self.member.action_block("Suspicion")
        order = self._create_order()
        order.action_confirm()
        self.assertEqual(order.loyalty_transaction_id.points_earned, 0)
        self.assertPoints(0, 0)

    def test_closed_scheme_moves_nothing(self):
        self.scheme.action_close()
        order = self._create_order()
        order.action_confirm()
        self.assertPoints(0, 0)

    def test_scheme_without_program(self):
        self.scheme.points_program_id = False
        order = self._create_order()
        order.action_confirm()
        self.assertFalse(order.loyalty_transaction_id)
