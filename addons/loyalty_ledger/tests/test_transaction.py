# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime
from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..ledger.move import Op
from .common import NOW, LoyaltyLedgerCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestTransaction(LoyaltyLedgerCommon):
    def test_a_sale_earns_at_once_at_the_till(self):
        sale = self._record("S1", self._line("a", 12.5), self._line("b", 7.49))
        self.assertEqual(sale.points_earned, 19)
        self.assertEqual(sale.amount_total, 19.99)
        self.assertEqual(
            {line.external_id: line.points for line in sale.line_ids}, {"a": 12, "b": 7}
        )
        self.assertEqual(len(sale.entry_ids), 1)
        self.assertEqual(sale.entry_ids.kind, "earn")
        self.assertBooks(19)

    def test_a_sale_in_another_channel_waits_for_payment_and_the_days(self):
        sale = self._record("W1", self._line("a", 20), channel="website")
        self.assertBooks(0, pending=20)
        self.assertFalse(self.account.lot_ids.release_date)
        sale._start_pending(date(2026, 3, 11))
        self.assertEqual(self.account.lot_ids.release_date, date(2026, 3, 25))
        self.assertBooks(0, pending=20)

    def test_payment_long_ago_releases_at_once(self):
        sale = self._record("W1", self._line("a", 20), channel="website")
        sale._start_pending(date(2026, 2, 1))
        self.assertBooks(20)

    def test_the_same_reference_is_recorded_once(self):
        first = self._record("S1", self._line("a", 10))
        again = self._record("S1", self._line("a", 10))
        self.assertEqual(first, again)
        other_channel = self._record("S1", self._line("a", 10), channel="api")
        self.assertNotEqual(first, other_channel)
        self.assertBooks(10, pending=10)

    def test_spending_and_earning_in_one_sale(self):
        self._record("S1", self._line("a", 150))
        sale = self._record(
            "S2",
            self._line("a", 30),
            self._line("r", -1, is_reward=True),
            redeemed=100,
        )
        self.assertEqual((sale.points_earned, sale.points_redeemed), (29, 100))
        self.assertIn(
            "Discounts and rewards of $ 1.00 lower what was paid",
            " ".join(sale._explain()).replace("\xa0", " "),
        )
        self.assertEqual(sale.entry_ids.sorted("id").mapped("kind"), ["redeem", "earn"])
        self.assertBooks(79)

    def test_points_of_a_sale_cannot_pay_for_it(self):
        with (
            self.assertRaisesRegex(UserError, "can spend 0 beans, not 10 beans"),
            self.env.cr.savepoint(),
        ):
            self._record("S1", self._line("a", 1000), redeemed=10)
        self.assertFalse(self.member.transaction_ids)
        self.assertBooks(0)

    def test_limits_of_spending(self):
        self._record("S1", self._line("a", 1000))
        self.scheme.write({"redeem_minimum": 50, "redeem_max_share": 50})
        with self.assertRaisesRegex(UserError, "At least 50 beans"):
            self._record("S2", self._line("a", 10), redeemed=49)
        with self.assertRaisesRegex(UserError, "takes at most 500 beans"):
            self._record("S2", self._line("a", 10), redeemed=501)
        for points, text in (
            (-5, "-5 beans cannot be spent"),
            (float("nan"), r"\? beans cannot be spent"),
            (float("inf"), r"\? beans cannot be spent"),
            (Decimal("NaN"), r"\? beans cannot be spent"),
        ):
            with (
                self.subTest(points=points),
                self.assertRaisesRegex(ValidationError, text),
            ):
                self._record("S2", self._line("a", 10), redeemed=points)
        self._record("S2", self._line("a", 10), redeemed=500)
        self.assertBooks(510)

    def test_blocked_member_and_closed_scheme(self):
        self._record("S1", self._line("a", 100))
        self.member.action_block("fraud")
        with self.assertRaisesRegex(UserError, "is blocked"):
            self._record("S2", self._line("a", 10), redeemed=10)
        sale = self._record("S2", self._line("a", 10))
        self.assertEqual(sale.points_earned, 0)
        self.assertEqual(
            sale._explain(), ["The membership was blocked, so nothing is earned."]
        )
        self.member.action_unblock()
        self.scheme.action_close()
        with self.assertRaisesRegex(UserError, "is closed"):
            self._record("S3", self._line("a", 10), redeemed=10)
        self.assertEqual(self._record("S3", self._line("a", 10)).points_earned, 0)
        self.assertBooks(100)

    def test_return_of_one_of_three_lines(self):
        self._record("S1", self._line("a", 300))
        sale = self._record(
            "S2",
            self._line("a", 10),
            self._line("b", 10),
            self._line("c", 10),
            self._line("r", -1, is_reward=True),
            redeemed=100,
        )
        points = {line.external_id: line.points for line in sale.line_ids}
        self.assertEqual(sum(points.values()), 29)
        self.assertBooks(229)
        back = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="b"))
        )
        self.assertEqual(back.points_earned, points["b"])
        self.assertEqual(back.points_redeemed, 33)
        self.assertBooks(229 - points["b"] + 33)
        again = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="b"))
        )
        self.assertEqual(again, back)
        sale._record_return(self._sale("R2", self._line("x", 10, origin_key="a")))
        last = sale._record_return(
            self._sale("R3", self._line("x", 10, origin_key="c"))
        )
        self.assertEqual(last.points_redeemed, 34)
        self.assertEqual(sum(sale.return_ids.mapped("points_earned")), 29)
        self.assertBooks(300)

    def test_partial_returns_of_one_line_take_the_rest_at_the_end(self):
        sale = self._record("S1", self._line("a", 10, quantity=3))
        taken = [
            sale._record_return(
                self._sale(f"R{i}", self._line("x", amount, origin_key="a"))
            ).points_earned
            for i, amount in enumerate((3.33, 3.33, 3.34))
        ]
        self.assertEqual(taken, [3, 3, 4])
        self.assertBooks(0)

    def test_quantity_that_is_back_keeps_no_point_of_rounding(self):
        """Three for 100.00 come back at 33.33: the last one takes the rest."""
        self._record("S1", self._line("a", 300))
        sale = self._record("S2", self._line("a", 100, quantity=3), redeemed=50)
        returns = self.env["loyalty.transaction"]
        for number in range(3):
            back = self._sale(f"R{number}", self._line("x", 33.33, origin_key="a"))
            quote = sale._quote_return(back)
            returns += sale._record_return(back)
            self.assertEqual(
                (returns[-1].points_earned, returns[-1].points_redeemed), quote
            )
        self.assertEqual(returns.mapped("points_earned"), [33, 33, 34])
        self.assertEqual(returns.mapped("points_redeemed"), [16, 17, 17])
        self.assertBooks(300)

    def test_quantity_that_is_back_at_once(self):
        self._record("S1", self._line("a", 300))
        sale = self._record("S2", self._line("a", 100, quantity=3), redeemed=50)
        back = sale._record_return(
            self._sale("R1", self._line("x", 99.99, quantity=3, origin_key="a"))
        )
        self.assertEqual((back.points_earned, back.points_redeemed), (100, 50))
        self.assertBooks(300)

    def test_what_was_given_away_comes_back_by_its_quantity(self):
        self.scheme.earn_before_discounts = True
        free = {"discount_incl": 30, "discount_excl": 30}
        sale = self._record("FREE", self._line("a", 0, quantity=3, **free))
        self.assertEqual(sale.points_earned, 30)
        for number in range(3):
            back = self._line(f"r{number}", 0, quantity=1, origin_key="a")
            returned = sale._record_return(self._sale(f"FREE/{number}", back))
            self.assertEqual(returned.points_earned, 10)
        self.assertEqual(self.account.points, 0)

    def test_lowered_price_is_no_return_of_the_goods(self):
        """A credit note that lowers a price names the quantity, too."""
        sale = self._record("S1", self._line("a", 100, quantity=4))
        sale._record_return(
            self._sale("R1", self._line("x", 20, quantity=4, origin_key="a"))
        )
        self.assertBooks(80)

    def test_part_of_a_weight_keeps_its_points(self):
        """0.98 of 1.00 kg are not all of it, however little is missing."""
        sale = self._record("S1", self._line("a", 100, quantity=1))
        sale._record_return(
            self._sale("R1", self._line("x", 99.99, quantity=0.98, origin_key="a"))
        )
        self.assertBooks(1)

    def test_restored_points_keep_their_expiry(self):
        self._post(Op.CREDIT, 40, expiry_date=date(2026, 4, 1))
        self._post(Op.CREDIT, 60, expiry_date=date(2026, 5, 1))
        sale = self._record("S1", self._line("a", 2), redeemed=100)
        self.assertFalse([lot for lot in self._lots() if lot[0] > 2])
        sale._record_return(self._sale("R1", self._line("x", 2, origin_key="a")))
        lots = self.account.lot_ids.filtered("remaining")
        self.assertEqual(
            [(lot.remaining, lot.expiry_date) for lot in lots.sorted("expiry_date")],
            [(40, date(2026, 4, 1)), (60, date(2026, 5, 1))],
        )
        self.assertBooks(100)

    def test_return_of_a_line_that_was_not_sold(self):
        sale = self._record("S1", self._line("a", 10))
        with self.assertRaisesRegex(ValidationError, "was not sold on"):
            sale._record_return(self._sale("R1", self._line("x", 5, origin_key="z")))
        self.assertBooks(10)

    def test_returning_more_than_was_sold_takes_no_more(self):
        sale = self._record("S1", self._line("a", 10))
        sale._record_return(self._sale("R1", self._line("x", 99, origin_key="a")))
        sale._record_return(self._sale("R2", self._line("x", 99, origin_key="a")))
        self.assertBooks(0)

    def test_cancel_reverses_exactly_and_once(self):
        self._record("S1", self._line("a", 100))
        before = self._lots()
        sale = self._record("S2", self._line("a", 30), redeemed=70, channel="sale")
        self.assertBooks(30, pending=30)
        sale._cancel("Customer changed their mind")
        sale._cancel("Again")
        self.assertEqual(sale.state, "cancelled")
        self.assertEqual(self._lots(), before)
        self.assertBooks(100)

    def test_cancel_after_a_return_reverses_the_rest(self):
        self._record("S1", self._line("a", 100))
        sale = self._record("S2", self._line("a", 10), self._line("b", 10), redeemed=50)
        sale._record_return(self._sale("R1", self._line("x", 10, origin_key="a")))
        sale._cancel()
        self.assertBooks(100)

    def test_cancelled_return_is_undone(self):
        self._record("S1", self._line("a", 100))
        sale = self._record("S2", self._line("a", 10), self._line("b", 10), redeemed=50)
        self.assertBooks(70)
        lots = self._lots()
        back = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="a"))
        )
        self.assertBooks(85)
        back._cancel()
        self.assertBooks(70)
        self.assertEqual(self._lots(), lots)
        sale._record_return(self._sale("R2", self._line("x", 10, origin_key="a")))
        sale._record_return(self._sale("R3", self._line("x", 10, origin_key="b")))
        self.assertBooks(100)

    def test_revised_sale_posts_the_difference(self):
        self._record("S1", self._line("a", 100))
        sale = self._record("S2", self._line("a", 10), redeemed=20, channel="sale")
        self._record(
            "S2", self._line("a", 25), self._line("b", 5), redeemed=50, channel="sale"
        )
        self.assertEqual((sale.points_earned, sale.points_redeemed), (30, 50))
        self.assertBooks(50, pending=30)
        self._record("S2", self._line("b", 5), redeemed=10, channel="sale")
        self.assertEqual((sale.points_earned, sale.points_redeemed), (5, 10))
        self.assertEqual(
            {line.external_id: line.points for line in sale.line_ids}, {"a": 0, "b": 5}
        )
        self.assertBooks(90, pending=5)
        sale._cancel()
        self.assertBooks(100)

    def test_cancelled_sale_that_is_confirmed_again_earns_again(self):
        sale = self._record("S1", self._line("a", 10), channel="sale")
        sale._cancel()
        self._record("S1", self._line("a", 10), channel="sale")
        self.assertEqual(sale.state, "posted")
        self.assertBooks(0, pending=10)

    def test_foreign_currency_is_converted_at_the_day_of_the_sale(self):
        yen = self.env.ref("base.JPY")
        yen.active = True
        self.env["res.currency.rate"].create(
            [
                {"currency_id": yen.id, "name": "2026-01-01", "rate": 100.0},
                {"currency_id": yen.id, "name": "2026-03-01", "rate": 150.0},
            ]
        )
        old = self._record(
            "S1", self._line("a", 15000), currency=yen, date=datetime(2026, 2, 1)
        )
        new = self._record("S2", self._line("a", 15000), currency=yen)
        rate = self.scheme.currency_id.rate
        self.assertEqual(old.points_earned, 150 * rate)
        self.assertEqual(new.points_earned, 100 * rate)

    def test_tax_in_or_out(self):
        sale = self._record("S1", self._line("a", 12.1, amount_excl=10))
        self.assertEqual(sale.points_earned, 12)
        self.scheme.earn_tax = "excl"
        sale = self._record("S2", self._line("a", 12.1, amount_excl=10))
        self.assertEqual(sale.points_earned, 10)

    def test_points_expire_by_the_scheme(self):
        self.scheme.expiry_policy = "term"
        self._record("S1", self._line("a", 10))
        self.assertEqual(self.account.lot_ids.expiry_date, date(2027, 3, 10))
        self.assertEqual(self.member.expiry_summary, "10 beans expire on 03/10/2027")

    def test_quote_says_what_the_sale_then_does(self):
        self._record("S1", self._line("a", 120))
        lines = (self._line("a", 25.5), self._line("s", 5, eligible=False))
        quote = self.env["loyalty.transaction"]._quote(
            self.member, self.scheme, self._sale("?", *lines)
        )
        self.assertEqual(quote["points"], 25)
        self.assertEqual(quote["lines"], {"a": 25})
        self.assertEqual(quote["balance"], 120)
        self.assertEqual(quote["balance_value"], 1.2)
        self.assertEqual(quote["max_redeem"], 120)
        self.assertFalse(quote["pending"])
        self.assertEqual(self._record("S2", *lines).points_earned, quote["points"])
        guest = self.env["loyalty.transaction"]._quote(
            self.env["loyalty.member"], self.scheme, self._sale("?", *lines)
        )
        self.assertEqual((guest["points"], guest["max_redeem"]), (25, 0))

    def test_quote_limits_by_receipt(self):
        self._record("S1", self._line("a", 1000))
        quote = self.env["loyalty.transaction"]._quote(
            self.member, self.scheme, self._sale("?", self._line("a", 3))
        )
        self.assertEqual(quote["max_redeem"], 300)

    def test_explanation_in_words(self):
        sale = self._record(
            "S1",
            self._line("a", 10.5),
            self._line("s", 5, eligible=False, name="Shipping"),
        )
        self.assertEqual(
            sale._explain(),
            [
                "Nothing is earned on Shipping.",
                "Harmony Coffee: 1 bean for each $\xa01.00. On $\xa010.50 that is"
                " 10.5 beans.",
                "Rounded to 10 beans.",
            ],
        )

    def test_many_sales_take_a_constant_number_of_queries(self):
        Transaction = self.env["loyalty.transaction"]
        counts = []
        for start, size in ((0, 2), (2, 2), (4, 38)):
            sales = [
                (self.member, self._sale(f"B{i}", self._line("a", 10)))
                for i in range(start, start + size)
            ]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            Transaction._record_many(sales)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
        self.assertBooks(420)

    def test_the_same_sale_twice_in_one_delivery(self):
        sale = self._sale("S1", self._line("a", 10))
        with self.assertRaisesRegex(ValidationError, "twice in one delivery"):
            self.env["loyalty.transaction"]._record_many(
                [(self.member, sale), (self.member, sale)]
            )

    def test_summary_for_the_receipt(self):
        self._record("S1", self._line("a", 120))
        sale = self._record("S2", self._line("a", 30), redeemed=100)
        summary = sale._get_summary()
        self.assertEqual(summary["earned_text"], "30 beans")
        self.assertEqual(summary["redeemed_text"], "100 beans")
        self.assertEqual(summary["balance_text"], "50 beans")
        self.assertEqual(summary["balance"], 50)

    def test_transactions_are_kept(self):
        sale = self._record("S1", self._line("a", 10))
        with self.assertRaises(UserError):
            sale.unlink()

    def test_a_line_twice_in_one_sale(self):
        with self.assertRaisesRegex(ValidationError, "A line occurs twice in S1"):
            self._record("S1", self._line("a", 10), self._line("a", 10))

    def test_one_line_twice_in_one_return(self):
        sale = self._record("S1", self._line("a", 10, quantity=2))
        back = sale._record_return(
            self._sale(
                "R1",
                self._line("x", 5, origin_key="a"),
                self._line("y", 5, origin_key="a"),
            )
        )
        self.assertEqual(back.line_ids.sorted("id").mapped("points"), [5, 5])
        self.assertBooks(0)

    def test_quote_of_a_return_says_what_it_then_does(self):
        self._record("S1", self._line("a", 300))
        sale = self._record("S2", self._line("a", 10), self._line("b", 5), redeemed=100)
        quote = sale._quote_return(self._sale("?", self._line("x", 10, origin_key="a")))
        self.assertEqual(quote, (10, 66))
        back = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="a"))
        )
        self.assertEqual((back.points_earned, back.points_redeemed), quote)

    def test_revision_leaves_what_returns_have_reversed(self):
        self._record("S1", self._line("a", 100))
        sale = self._record("S2", self._line("a", 10), self._line("b", 10), redeemed=50)
        sale._record_return(self._sale("R1", self._line("x", 10, origin_key="a")))
        self.assertBooks(85)
        self._record("S2", self._line("a", 10), redeemed=25)
        self.assertBooks(100)
        self._record("S2", self._line("a", 0))
        self.assertBooks(100)

    def test_cancelled_sale_keeps_nothing_for_a_return(self):
        self._record("S1", self._line("a", 100))
        sale = self._record("S2", self._line("a", 10), self._line("b", 10), redeemed=50)
        back = sale._record_return(
            self._sale("R1", self._line("x", 10, origin_key="a"))
        )
        sale._cancel()
        self.assertBooks(100)
        back._cancel()
        self.assertBooks(100)
        with self.assertRaisesRegex(ValidationError, "was cancelled"):
            sale._record_return(self._sale("R2", self._line("x", 10, origin_key="b")))

    def test_archived_account_goes_on(self):
        self.account.active = False
        sale = self._record("S1", self._line("a", 10))
        self.assertEqual(sale.account_id, self.account)
        self.assertBooks(10)

    def test_hold_is_kept_when_a_return_makes_a_debt(self):
        first = self._record("S1", self._line("a", 100))
        self._record("S2", self._line("a", 10), redeemed=60)
        self.account._hold("sale:3", 50)
        first._record_return(self._sale("R1", self._line("x", 100, origin_key="a")))
        self.assertBooks(-50)
        self._record("S3", self._line("a", 10), redeemed=50, hold_owner="sale:3")
        self.assertEqual(self.account.ledger_held, 0)
        self.assertBooks(-90)
