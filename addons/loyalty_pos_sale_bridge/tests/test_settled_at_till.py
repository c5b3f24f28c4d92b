# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.loyalty_pos_bridge.tests.common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestSettledAtTill(LoyaltyPosCommon):
    """A sales order of 30.00, for which a till takes the money."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref(
            "sales_team.group_sale_salesman_all_leads"
        )
        # Odoo lets no cashier without a right on sales confirm what a till has paid
        cls.pos_user.group_ids += cls.env.ref("sales_team.group_sale_salesman")
        cls.scheme.pending_days = 14
        cls.sale_order = cls.env["sale.order"].create(
            {
                "partner_id": cls.anna.id,
                "user_id": cls.pos_user.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": cls.beans.id,
                            "product_uom_qty": 3,
                            "price_unit": 10,
                        }
                    )
                ],
            }
        )

    def setUp(self):
        super().setUp()
        self._open_session()

    def _settle_line(self, qty=3):
        """Return the line by which a till takes the money for the sales order."""
        return self._line(
            self.beans,
            qty=qty,
            sale_order_origin_id=self.sale_order.id,
            sale_order_line_id=self.sale_order.order_line[0].id,
        )

    def _prepaid_line(self, amount):
        """Return the line by which a till takes off what has been paid before."""
        return self._line(
            self.cake, qty=-1, price=amount, sale_order_origin_id=self.sale_order.id
        )

    def _lot(self):
        """Return the points that the sales order has earned."""
        sale = self.sale_order.loyalty_transaction_id
        return self.account.lot_ids.filtered(lambda lot: lot.transaction_id == sale)

    def assertWaits(self, points, day):
        lot = self._lot()
        self.assertEqual((lot.remaining, lot.state), (points, "pending"))
        self.assertEqual(lot.release_date, day)
        self.assertClean()

    def _release_day(self):
        # The day of payment is that of the cashier's time zone
        today = fields.Date.context_today(self.sale_order.with_user(self.pos_user))
        return fields.Date.add(today, days=14)

    def test_a_confirmed_order_earns_once_and_waits_from_payment(self):
        self.sale_order.action_confirm()
        self.assertWaits(30, False)
        order = self._sync([self._settle_line()])
        self.assertEqual(order.state, "paid")
        self.assertEqual(self._transactions(order).points_earned, 0)
        self.assertWaits(30, self._release_day())
        self.assertEqual(self.account.points, 120)
        self.assertEqual(self.account.ledger_pending, 30)

    def test_a_quotation_that_the_till_confirms_earns_once(self):
        order = self._sync([self._settle_line()])
        self.assertEqual(self.sale_order.state, "sale")
        self.assertEqual(self._transactions(order).points_earned, 0)
        self.assertWaits(30, self._release_day())
        self.assertEqual(self.account.ledger_pending, 30)

    def test_a_part_of_the_money_starts_nothing(self):
        self.sale_order.action_confirm()
        self._sync([self._settle_line(qty=1)])
        self.assertWaits(30, False)
        self._sync([self._settle_line(qty=2)])
        self.assertWaits(30, self._release_day())

    def test_what_is_sold_beside_it_earns_at_the_till(self):
        self.sale_order.action_confirm()
        order = self._sync(
            [self._settle_line(), self._prepaid_line(20), self._line(self.mug)]
        )
        self.assertEqual(self._transactions(order).points_earned, 10)
        self.assertEqual(self.account.points, 130)
        self.assertEqual(self.account.ledger_pending, 30)

    # === RETURNED AT A TILL === #

    def _settle_and_return(self, qty, *others):
        """Pay the sales order at a till, and bring some of its goods back."""
        self.sale_order.action_confirm()
        sold = self._sync([self._settle_line()])
        goods = sold.lines.filtered("sale_order_line_id")
        return self._sync([self._return_line(goods, qty), *others], is_refund=True)

    def _pending(self):
        self.env.invalidate_all()
        return self.account.ledger_pending

    def test_goods_that_come_back_take_back_what_they_earned(self):
        back = self._settle_and_return(2)
        self.assertEqual(self._pending(), 10)
        returned = self.sale_order.loyalty_transaction_id.return_ids
        self.assertEqual(
            (returned.points_earned, returned.res_model, returned.res_id),
            (20, "pos.order", back.id),
        )
        self.assertClean()

    def test_the_rest_comes_back(self):
        self._settle_and_return(1)
        goods = self.env["pos.order.line"].search(
            [("sale_order_line_id", "=", self.sale_order.order_line.id)]
        )
        self._sync([self._return_line(goods, 2)], is_refund=True)
        self.assertEqual(self._pending(), 0)
        self.assertEqual(self.account.points, 120)
        self.assertClean()

    def test_points_used_on_the_order_come_back_and_money_paid_out_is_seen(self):
        """The register pays out all of the goods, which points had paid in part."""
        self.sale_order._loyalty_set_points_to_use(100)
        discount = self.sale_order.order_line.filtered("reward_id")
        self.sale_order.action_confirm()
        sold = self._sync(
            [
                self._settle_line(),
                self._line(
                    discount.product_id,
                    price=-1,
                    sale_order_origin_id=self.sale_order.id,
                    sale_order_line_id=discount.id,
                ),
            ]
        )
        self.assertEqual((self.account.points, self._pending()), (20, 29))
        goods = sold.lines.filtered(lambda line: line.product_id == self.beans)
        self._sync([self._return_line(goods, 3)], is_refund=True)
        self.assertEqual((self.account.points, self._pending()), (120, 0))
        anomaly = self.env["loyalty.anomaly"].search(
            [("account_id", "=", self.account.id)]
        )
        self.assertEqual(anomaly.kind, "payout")
        self.assertClean()

    # === POINTS USED AT THE TILL === #

    def test_points_used_at_the_till_earn_nothing_on_the_order(self):
        self.sale_order.action_confirm()
        self.assertEqual(self._pending(), 30)
        self._sync([self._settle_line(), self._points_line(100)])
        self.assertEqual((self.account.points, self._pending()), (20, 29))
        self.assertClean()

    def test_they_are_shared_with_what_is_sold_beside_it(self):
        """Of 1.00 that points pay, 0.75 are for the goods of the sales order."""
        self.scheme.points_rounding = 0.01
        self.sale_order.action_confirm()
        order = self._sync(
            [self._settle_line(), self._line(self.mug), self._points_line(100)]
        )
        self.assertEqual(self._transactions(order).points_earned, 9.75)
        self.assertEqual(self._pending(), 29.25)
        self.assertClean()

    def test_a_quotation_that_the_till_confirms_knows_of_them(self):
        self._sync([self._settle_line(), self._points_line(100)])
        self.assertEqual((self.account.points, self._pending()), (20, 29))

    def test_an_order_whose_points_are_gone_is_not_refused_after_payment(self):
        self.sale_order._loyalty_set_points_to_use(100)
        discount = self.sale_order.order_line.filtered("reward_id")
        self._give_points(-120)
        self._sync(
            [
                self._settle_line(),
                self._line(
                    discount.product_id,
                    price=-1,
                    sale_order_origin_id=self.sale_order.id,
                    sale_order_line_id=discount.id,
                ),
            ]
        )
        self.assertEqual(self.sale_order.state, "sale")
        self.assertEqual(self.sale_order.loyalty_transaction_id.points_redeemed, 0)
        self.assertIn("no longer there", self.sale_order.activity_ids.summary)
        self.assertEqual(self.account.points, 0)
