# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.loyalty_sale_bridge.tests.common import LoyaltySaleCommon


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 10:00:00")
class TestDelivery(LoyaltySaleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.write({"pending_event": "delivered", "pending_days": 14})
        cls.order = cls._create_order(cls, (cls.coffee, 2), (cls.cake, 2))
        cls.order.action_confirm()
        cls.worker = new_test_user(
            cls.env,
            "loyalty_warehouse",
            groups="stock.group_stock_user",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    def _deliver(self, quantities):
        """Deliver quantities by product; what is left becomes another delivery."""
        picking = self.order.picking_ids.filtered(lambda p: p.state != "done")
        picking = picking.with_user(self.worker)
        for move in picking.move_ids:
            move.quantity = quantities.get(move.product_id, 0)
            move.picked = True
        picking.with_context(skip_backorder=True).button_validate()

    def _release_date(self):
        self.env.invalidate_all()
        return self.account.lot_ids.release_date

    def test_waits_for_the_last_goods(self):
        self._pay(self._invoice(self.order))
        self.assertFalse(self._release_date())
        self._deliver({self.coffee: 2, self.cake: 1})
        self.assertFalse(self._release_date())
        with freeze_time("2026-03-05 10:00:00"):
            self._deliver({self.cake: 1})
        self.assertEqual(self._release_date(), date(2026, 3, 19))
        self.assertPoints(0, 30)

    def test_without_payment(self):
        self._deliver({self.coffee: 2, self.cake: 2})
        self.assertEqual(self._release_date(), date(2026, 3, 16))

    def test_without_waiting_days(self):
        self.scheme.pending_days = 0
        self._deliver({self.coffee: 2, self.cake: 2})
        self.assertPoints(30)

    def test_paid_and_delivered(self):
        self.scheme.pending_event = "both"
        self._deliver({self.coffee: 2, self.cake: 2})
        self.assertFalse(self._release_date())
        with freeze_time("2026-03-09 10:00:00"):
            self._pay(self._invoice(self.order))
        self.assertEqual(self._release_date(), date(2026, 3, 23))

    def test_delivery_is_nothing_to_others(self):
        self.scheme.pending_event = "paid"
        self._deliver({self.coffee: 2, self.cake: 2})
        self.assertFalse(self._release_date())
