# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestSettlement(LoyaltyPosCommon):
    def setUp(self):
        super().setUp()
        self._open_session()

    def test_a_sale_earns_in_the_transaction_that_saves_it(self):
        order = self._sync([self._line(self.beans), self._line(self.mug, qty=2)])
        transaction = self._transactions(order)
        self.assertEqual(transaction.reference, order.uuid)
        self.assertEqual(transaction.channel_id.code, "pos")
        self.assertEqual(transaction.store_id, self.store)
        self.assertEqual(transaction.member_id, self.member)
        self.assertEqual(transaction.points_earned, 30)
        self.assertEqual(transaction.line_ids.mapped("points"), [10, 20])
        self.assertEqual(len(transaction.entry_ids), 1)
        self.assertEqual(self.account.points, 150)
        self.assertClean()

    def test_the_receipt_says_what_happened(self):
        order = self._sync([self._line(self.beans, qty=4), self._points_line(40)])
        [part] = order.loyalty_receipt
        [movement] = part["movements"]
        self.assertEqual(part["scheme"], "Harmony Coffee")
        self.assertEqual(movement["earned_text"], "39 beans")
        self.assertEqual(movement["redeemed_text"], "40 beans")
        self.assertEqual(part["balance_text"], "119 beans")
        later = self._sync([self._line(self.beans)])
        self.assertEqual(later.loyalty_receipt[0]["balance_text"], "129 beans")
        self.assertEqual(order.loyalty_receipt[0]["balance_text"], "119 beans")

    def test_the_till_gets_the_receipt_with_the_order(self):
        data = self._order_data([self._line(self.beans)], loyalty_receipt=[{"fake": 1}])
        result = self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        [order] = result["pos.order"]
        self.assertEqual(order["loyalty_receipt"][0]["balance_text"], "130 beans")

    def test_settling_twice_moves_nothing(self):
        order = self._sync([self._line(self.beans), self._points_line(40)])
        balance = self.account.points
        entries = self.account.entry_ids
        order._settle_loyalty()
        self.assertEqual(self.account.points, balance)
        self.assertEqual(self.account.entry_ids, entries)

    def test_points_are_spent_from_the_lots_that_expire_first(self):
        order = self._sync([self._line(self.beans), self._points_line(40)])
        transaction = self._transactions(order)
        self.assertEqual(transaction.points_redeemed, 40)
        self.assertEqual(self.account.points, 120 - 40 + 9)
        redeem = transaction.entry_ids.filtered(lambda entry: entry.kind == "redeem")
        self.assertEqual(redeem.allocation_ids.mapped("amount"), [-40])
        self.assertClean()

    def test_a_reward_costs_its_price_whatever_the_till_says(self):
        order = self._sync([self._line(self.beans), self._points_line(100, cost=1)])
        transaction = self._transactions(order)
        self.assertEqual(transaction.points_redeemed, 100)
        self.assertIn("1 bean", transaction.trace[-1]["text"])
        self.assertIn("100 beans", transaction.trace[-1]["text"])

    def test_the_greater_cost_is_charged(self):
        order = self._sync([self._line(self.beans), self._points_line(40, cost=50)])
        self.assertEqual(self._transactions(order).points_redeemed, 50)

    def test_a_cost_that_is_no_number_is_charged_at_its_price(self):
        order = self._sync(
            [self._line(self.beans), self._points_line(40, cost=float("nan"))]
        )
        self.assertEqual(self._transactions(order).points_redeemed, 40)

    def test_more_points_than_there_are_save_no_order(self):
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self._sync([self._line(self.beans, qty=3), self._points_line(500)])
        self.assertFalse(
            self.env["pos.order"].search([("partner_id", "=", self.anna.id)])
        )
        self.assertEqual(self.account.points, 120)

    def test_a_blocked_member_buys_without_points(self):
        self.member.action_block()
        order = self._sync([self._line(self.beans)])
        self.assertEqual(order.state, "paid")
        self.assertEqual(self._transactions(order).points_earned, 0)
        self.assertEqual(self.account.points, 120)

    def test_a_blocked_member_cannot_use_points(self):
        self.member.action_block()
        with self.assertRaisesRegex(UserError, "is blocked"), self.env.cr.savepoint():
            self._sync([self._line(self.beans), self._points_line(40)])
        self.assertEqual(self.account.points, 120)

    def test_a_closed_scheme_moves_nothing(self):
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "closed"), self.env.cr.savepoint():
            self._sync([self._line(self.beans), self._points_line(40)])
        order = self._sync([self._line(self.beans)])
        self.assertEqual(order.state, "paid")
        self.assertEqual(self.account.points, 120)

    def test_points_of_somebody_else_are_refused(self):
        other = self.env["res.partner"].create({"name": "Boris"})
        self.env["loyalty.member"]._enrol(other, self.scheme)
        for partner in (other, self.env["res.partner"]):
            with (
                self.subTest(partner=partner.name),
                self.assertRaisesRegex(UserError, "not those of its customer"),
                self.env.cr.savepoint(),
            ):
                self._sync([self._line(self.beans), self._points_line(40)], partner)
        self.assertEqual(self.account.points, 120)

    def test_customers_who_are_not_members_are_left_alone(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        order = self._sync([self._line(self.beans)], stranger)
        self.assertFalse(self._transactions(order))
        self.assertFalse(order.loyalty_receipt)

    def test_tips_and_gift_cards_earn_nothing(self):
        self.main_pos_config.write(
            {"iface_tipproduct": True, "tip_product_id": self.tip.id}
        )
        gift_card = self.env.ref("loyalty.gift_card_product_50")
        self.env["loyalty.program"].create_from_template("gift_card")
        order = self._sync(
            [
                self._line(self.beans),
                self._line(self.tip.product_variant_id, price=5),
                self._line(gift_card, price=50),
            ]
        )
        self.assertEqual(self._transactions(order).points_earned, 10)

    def test_other_discounts_lower_what_is_earned(self):
        order = self._sync(
            [self._line(self.beans, qty=3), self._line(self.mug, price=-5)]
        )
        self.assertEqual(self._transactions(order).points_earned, 25)

    def test_an_order_paid_without_the_till_settles_too(self):
        data = self._order_data([self._line(self.beans)], state="draft")
        payments = data.pop("payment_ids")
        self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        order = self.env["pos.order"].search([("uuid", "=", data["uuid"])])
        self.assertFalse(self._transactions(order))
        order.add_payment({**payments[0][2], "pos_order_id": order.id})
        order.with_user(self.pos_user).action_pos_order_paid()
        self.assertEqual(self._transactions(order).points_earned, 10)

    def test_the_same_order_sent_twice_earns_once(self):
        data = self._order_data([self._line(self.beans)])
        orders = self.env["pos.order"].with_user(self.pos_user)
        orders.sync_from_ui([dict(data)])
        orders.sync_from_ui([dict(data)])
        self.assertEqual(self.account.points, 130)

    def test_a_subtotal_that_the_price_does_not_give_earns_nothing(self):
        line = self._line(self.beans, price=0)
        line.update(price_subtotal=1_000_000, price_subtotal_incl=1_000_000)
        data = self._order_data([line], amount_total=0, amount_paid=0, payment_ids=[])
        self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        self.assertEqual(self.account.points, 120)

    def test_points_that_the_register_does_not_take_are_refused(self):
        past_day = fields.Date.subtract(fields.Date.today(), days=2)
        for values in (
            {"date_to": past_day},
            {"pos_ok": False},
            {"active": False},
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(UserError, "does not take these points"),
                self.env.cr.savepoint(),
            ):
                self.program.write(values)
                self._sync([self._line(self.beans), self._points_line(40)])
        self.assertEqual(self.account.points, 120)

    def test_points_that_the_register_does_not_take_are_not_set_aside(self):
        line = self._points_line(40)
        line["tax_ids"] = []
        self.program.pos_ok = False
        answer = self.main_pos_config.with_user(self.pos_user).loyalty_reserve(
            {"uuid": "order", "partner_id": self.anna.id, "lines": [line]}
        )
        self.assertFalse(answer["successful"])
        self.assertIn("does not take these points", answer["message"])

    def test_points_of_another_company_are_refused(self):
        other = self.env["res.company"].create({"name": "Other"})
        scheme = self.env["loyalty.scheme"].create(
            {"name": "Other Coffee", "company_id": other.id}
        )
        account = scheme._get_account(
            self.env["loyalty.member"]._enrol(self.anna, scheme)
        )
        self._give_points(100, account)
        reward = scheme.points_program_id.reward_ids
        foreign = {"reward_id": reward.id, "coupon_id": account.id}
        for values, words in (
            (foreign, "does not take these points"),
            ({"reward_id": reward.id}, "does not take these points"),
            ({"coupon_id": account.id}, "not those of its customer"),
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(UserError, words),
                self.env.cr.savepoint(),
            ):
                self._sync([self._line(self.beans), self._points_line(40) | values])
        self.assertFalse(
            self.env["pos.order"].search([("partner_id", "=", self.anna.id)])
        )
        self.assertEqual(account.points, 100)
        self.assertEqual(len(account.entry_ids), 1)
        self.assertEqual(self.account.points, 120)

    def test_an_order_keeps_the_names_it_is_recorded_under(self):
        scheme = self.env["loyalty.scheme"].create({"name": "Cake Club"})
        account = scheme._get_account(
            self.env["loyalty.member"]._enrol(self.anna, scheme)
        )
        order = self._sync([self._line(self.beans)])
        transactions = self._transactions(order)
        self.assertEqual(
            set(transactions.mapped("reference")),
            {order.uuid, f"{order.uuid}:{scheme.id}"},
        )
        # The register no longer serves the first of the two schemes
        self.program.pos_ok = False
        order._settle_loyalty()
        self.program.pos_ok = True
        order.uuid = "numbered-anew"
        order._settle_loyalty()
        self.assertEqual(self._transactions(order), transactions)
        self.assertEqual(self.account.points, 130)
        self.assertEqual(account.points, 10)

    def test_a_reprint_says_what_the_receipt_said(self):
        order = self._sync([self._line(self.beans, qty=4), self._points_line(40)])
        printed = order.loyalty_receipt
        self._sync([self._line(self.beans)])
        self.scheme.point_name_plural = "grains"
        order.invalidate_recordset()
        till = self.env["pos.order"].with_user(self.pos_user)
        found = till.search_paid_order_ids(
            self.main_pos_config.id, [("id", "=", order.id)], 10, 0
        )
        [[order_id, _date]] = found["ordersInfo"]
        [loaded] = till.read_pos_orders([("id", "=", order_id)])["pos.order"]
        self.assertEqual(loaded["loyalty_receipt"], printed)
        [part] = loaded["loyalty_receipt"]
        self.assertEqual(part["balance_text"], "119 beans")
        self.assertEqual(part["movements"][0]["redeemed_text"], "40 beans")
