# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestReturns(LoyaltyPosCommon):
    def setUp(self):
        super().setUp()
        self._open_session()
        self.order = self._sync(
            [
                self._line(self.beans),
                self._line(self.mug),
                self._line(self.cake),
                self._points_line(100),
            ]
        )
        self.sale = self._transactions(self.order)
        self.goods = self.order.lines.filtered(lambda line: not line.reward_id)
        self.discount = self.order.lines - self.goods

    def _share_line(self, amount):
        """Return the line that keeps back what points had paid."""
        return self._line(
            self.discount.product_id,
            qty=-1,
            price=-amount,
            refunded_orderline_id=self.discount.id,
        )

    def _points_of(self, line):
        return self.sale.line_ids.filtered(
            lambda sold: sold.external_id == line.uuid
        ).points

    def test_points_and_money_go_back_line_by_line(self):
        self.assertEqual(self.account.points, 120 - 100 + 29)
        given, kept = [33, 33, 34], [0.33, 0.34, 0.33]
        balance = self.account.points
        for line, points, amount in zip(self.goods, given, kept, strict=True):
            quote = self._quote([self._return_line(line)])
            self.assertEqual(quote["taken_back"], self._points_of(line))
            self.assertEqual(quote["given_back"], points)
            self.assertAlmostEqual(quote["shares"][0]["amount"], amount)
            order = self._sync(
                [self._return_line(line), self._share_line(amount)], is_refund=True
            )
            back = self._transactions(order)
            self.assertEqual(back.origin_id, self.sale)
            self.assertEqual(back.points_earned, self._points_of(line))
            self.assertEqual(back.points_redeemed, points)
            self.assertFalse([n for n in back.trace if n["code"] == "note"])
            balance += points - self._points_of(line)
            self.assertEqual(self.account.points, balance)
        self.assertEqual(self.account.points, 120)
        self.assertClean()

    def test_what_was_used_returns_to_its_lots(self):
        lot = self.sale.entry_ids.filtered(
            lambda entry: entry.kind == "redeem"
        ).allocation_ids.lot_id
        self.assertEqual(lot.remaining, 20)
        self._sync(
            [self._return_line(self.goods[0]), self._share_line(0.33)], is_refund=True
        )
        self.assertEqual(lot.remaining, 53)

    def test_a_refund_that_pays_too_much_is_seen(self):
        order = self._sync([self._return_line(self.goods[0])], is_refund=True)
        [note] = [n for n in self._transactions(order).trace if n["code"] == "note"]
        self.assertIn("0.33", note["text"])
        self.assertIn("0.33", order.message_ids[0].body)
        order._settle_loyalty()
        anomaly = self.env["loyalty.anomaly"].search(
            [("account_id", "=", self.account.id)]
        )
        self.assertEqual((anomaly.kind, anomaly.state), ("payout", "open"))
        self.assertIn("0.33", anomaly.note)
        self.assertIn(order.name, anomaly.note)

    def test_an_exchange_is_a_return_and_a_sale(self):
        order = self._sync(
            [
                self._return_line(self.goods[0]),
                self._share_line(0.33),
                self._line(self.mug, qty=2),
            ]
        )
        transactions = self._transactions(order)
        self.assertEqual(
            sorted(transactions.mapped("kind")), ["return", "sale"], transactions
        )
        sale = transactions.filtered(lambda t: t.kind == "sale")
        self.assertEqual(sale.points_earned, 20)
        self.assertEqual(sale.line_ids.mapped("points"), [20])

    def test_returning_twice_moves_once(self):
        order = self._sync(
            [self._return_line(self.goods[0]), self._share_line(0.33)], is_refund=True
        )
        balance = self.account.points
        order._settle_loyalty()
        self.assertEqual(self.account.points, balance)

    def test_the_backend_refund_keeps_back_what_points_had_paid(self):
        self._sync(
            [self._return_line(self.goods[0]), self._share_line(0.33)], is_refund=True
        )
        refund = self.order._refund()
        self.assertAlmostEqual(refund.amount_total, -19.33)
        self.assertFalse(refund.lines.filtered("reward_id"))
        refund.add_payment(
            {
                "amount": refund.amount_total,
                "payment_method_id": self.cash.id,
                "pos_order_id": refund.id,
            }
        )
        refund.action_pos_order_paid()
        self.assertEqual(self.account.points, 120)
        self.assertFalse(
            [n for n in self._transactions(refund).trace if n["code"] == "note"]
        )
        self.assertClean()

    def test_goods_of_strangers_come_back_without_loyalty(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        order = self._sync([self._line(self.beans)], stranger)
        back = self._sync([self._return_line(order.lines)], stranger, is_refund=True)
        self.assertFalse(self._transactions(back))

    def _quote(self, lines):
        config = self.main_pos_config.with_user(self.pos_user)
        for line in lines:
            line["tax_ids"] = []
        [quote] = config.loyalty_quote(
            {"uuid": "", "partner_id": self.anna.id, "lines": lines}
        )
        return quote
