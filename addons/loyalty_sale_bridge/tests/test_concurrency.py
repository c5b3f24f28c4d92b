# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.tests.test_concurrency import ConcurrencyCase


@tagged("post_install", "-at_install", "database_breaking")
class TestPayingConcurrency(ConcurrencyCase):
    """A till spends the points while a shopper pays with the same ones."""

    def setUp(self):
        super().setUp()
        self.order_id = self._read(self._create_order)

    def _create_order(self, env):
        member = env["loyalty.member"].browse(self.member_id)
        product = env["product.product"].create(
            {
                "name": "Coffee",
                "type": "service",
                "list_price": 10,
                "taxes_id": [Command.clear()],
            }
        )
        order = env["sale.order"].create(
            {
                "partner_id": member.partner_id.id,
                "order_line": [Command.create({"product_id": product.id})],
            }
        )
        order._loyalty_set_points_to_use(80)
        return order.id

    def _clean_up(self):
        product_id = self._read(
            lambda env: (
                env["sale.order"].browse(self.order_id).order_line[:1].product_id.id
            )
        )
        with self.registry.cursor() as cr:
            for query in (
                SQL("DELETE FROM sale_order_line WHERE order_id = %s", self.order_id),
                SQL("DELETE FROM sale_order WHERE id = %s", self.order_id),
            ):
                cr.execute(query)
        res = super()._clean_up()
        self._read(lambda env: env["product.product"].browse(product_id).unlink())
        return res

    def _pay(self, env):
        return env["sale.order"].browse(self.order_id)._loyalty_hold()

    def _confirm(self, env):
        return env["sale.order"].browse(self.order_id).action_confirm()

    def _sell_at_till(self, env):
        return self._sale(env, "till", 10, redeemed=80)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_paying_and_till_at_once(self):
        outcomes = self._at_once(self._pay, self._sell_at_till)
        refused = [isinstance(outcome, UserError) for outcome in outcomes]
        self.assertEqual(sum(refused), 1, outcomes)
        self.assertFalse(self._audit())

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_till_after_paying_began(self):
        self._read(self._pay)
        outcomes = self._at_once(self._confirm, self._sell_at_till)
        self.assertNotIsInstance(outcomes[0], Exception)
        self.assertIsInstance(outcomes[1], UserError)
        self.assertEqual(self._points(), 20)
        self.assertFalse(self._audit())

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_confirming_and_till_at_once(self):
        """Native confirms both and leaves the card at -60."""
        outcomes = self._at_once(self._confirm, self._sell_at_till)
        refused = [isinstance(outcome, UserError) for outcome in outcomes]
        self.assertEqual(sum(refused), 1, outcomes)
        self.assertIn(self._points(), (20, 30))
        self.assertFalse(self._audit())
