# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What native programs get wrong, shown in the very sales that a scheme gets right.

A native program and a scheme, both of one point for 1.00, run beside each other: one
sale, two balances. Where two tills or rights are needed, the twins are in the bridges:
``loyalty_pos_bridge/tests/test_concurrency.py`` and ``test_native.py``.
"""

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.loyalty_pos_bridge.tests.common import LoyaltyPosCommon
from odoo.addons.loyalty_sale_bridge.tests.common import LoyaltySaleCommon

# As when the line breaks down: the request ends in an error of the network, which the
# till writes to its console
LOSE_CONFIRMATIONS = """
    const consoleError = console.error;
    console.error = (...args) => {
        const text = String(args[0]?.message || args[0]);
        const isLost = text.includes("ConnectionLostError");
        (isLost ? console.info : consoleError).apply(console, args);
    };
    const { open, send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (method, url) {
        this.isLost = url.includes("confirm_coupon_programs");
        return open.apply(this, arguments);
    };
    XMLHttpRequest.prototype.send = function () {
        if (this.isLost) {
            this.dispatchEvent(new Event("error"));
        } else {
            send.apply(this, arguments);
        }
    };
"""


def prepare_native_program():
    return {
        "name": "Native",
        "program_type": "loyalty",
        "applies_on": "both",
        "trigger": "auto",
        "rule_ids": [
            Command.create({"reward_point_mode": "money", "reward_point_amount": 1})
        ],
    }


@tagged("post_install", "-at_install")
class TestSaleTwins(LoyaltySaleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.native = cls.env["loyalty.program"].create(prepare_native_program())

    def _confirm_order(self, quantity, **values):
        order = self._create_order((self.coffee, quantity), **values)
        order._update_programs_and_rewards()
        order.with_user(self.seller).action_confirm()
        return order

    def assertBalances(self, native, managed):
        """What the scheme gives waits for the payment, so it is pending."""
        self.assertAlmostEqual(self.native.coupon_ids.points, native)
        self.assertPoints(0, managed)

    def test_full_credit_note(self):
        invoice = self._invoice(self._confirm_order(3))
        self.assertBalances(native=30, managed=30)
        self._credit(invoice)
        self.assertBalances(native=30, managed=0)

    def test_partial_credit_note(self):
        invoice = self._invoice(self._confirm_order(3))
        self._credit(invoice, {self.coffee: 2})
        self.assertBalances(native=30, managed=10)

    def test_edited_then_cancelled(self):
        order = self._confirm_order(10)
        self.assertBalances(native=100, managed=100)
        order.with_user(self.seller).order_line.product_uom_qty = 30
        # The Promotions button
        order.with_user(self.seller).action_open_reward_wizard()
        self.assertBalances(native=100, managed=300)
        # Native lets no seller cancel an order that gives points
        order._action_cancel()
        self.assertBalances(native=-200, managed=0)

    def test_yen_in_a_scheme_of_dollars(self):
        self.assertEqual(self.scheme.currency_id, self.env.ref("base.USD"))
        yen = self.env.ref("base.JPY")
        yen.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": yen.id,
                "rate": 150,
                "name": "2020-01-01",
                "company_id": self.env.company.id,
            }
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Yen", "currency_id": yen.id, "company_id": self.env.company.id}
        )
        order = self._create_order((self.coffee, 1), pricelist_id=pricelist.id)
        order.order_line.price_unit = 15000
        order._update_programs_and_rewards()
        order.with_user(self.seller).action_confirm()
        self.assertBalances(native=15000, managed=100)


@tagged("post_install", "-at_install")
class TestTillTwins(LoyaltyPosCommon):
    """On the screen of Odoo's till, by tours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.native = cls.env["loyalty.program"].create(prepare_native_program())

    def setUp(self):
        super().setUp()
        self.main_pos_config.with_user(self.pos_user).open_ui()

    def assertBalances(self, account, native, managed):
        cards = self.native.coupon_ids
        self.assertAlmostEqual(sum(cards.mapped("points")), native)
        self.assertAlmostEqual(account.points, managed)
        self.assertEqual(self.env["loyalty.ledger"]._audit(account), [])

    def test_goods_that_come_back(self):
        """Three are sold for 29.00 and 100 points, and one comes back: native lets its
        points stay."""
        self.env["loyalty.member.card"].create(
            {
                "number": "0421234567891",
                "scheme_id": self.scheme.id,
                "member_id": self.member.id,
                "state": "active",
            }
        )
        self.start_pos_tour("LoyaltyPosReturn")
        sold, returned = self.main_pos_config.current_session_id.order_ids.sorted("id")
        self.assertAlmostEqual(sold.amount_total, 29)
        self.assertAlmostEqual(returned.amount_total, -9.67)
        earned = self._transactions(sold).line_ids.filtered(
            lambda line: line.product_id == self.mug
        )
        self.assertGreater(earned.points, 0)
        self.assertBalances(
            self.account, native=29, managed=120 - 100 + 29 + 33 - earned.points
        )

    def test_connection_lost_between_order_and_confirmation(self):
        """The order arrives, the till's call that tells native of the points does not:
        nothing on the till ever calls again."""
        partner = self.env["res.partner"].create({"name": "Test Partner"})
        member = self.env["loyalty.member"]._enrol(partner, self.scheme)
        self.desk_organizer.write({"list_price": 4, "taxes_id": False})
        # Odoo's own tour sells three desk organizers to the test partner
        tour = "test_not_create_loyalty_card_expired_program"
        self.start_pos_tour(
            tour,
            code=f"{LOSE_CONFIRMATIONS} odoo.startTour({tour!r}, {{}});",
        )
        order = self.main_pos_config.current_session_id.order_ids
        self.assertEqual(order.state, "paid")
        self.assertAlmostEqual(order.amount_total, 12)
        self.assertBalances(self.scheme._get_account(member), native=0, managed=12)
