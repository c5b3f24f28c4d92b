# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
from uuid import uuid4

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.service.model import retrying
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.loyalty_ledger.tests import test_concurrency


@tagged("post_install", "-at_install", "database_breaking")
class TestTwoTills(test_concurrency.TestConcurrency):
    """Two tills at once, each on a cursor of its own: native, then managed."""

    # The ledger's own tests have run with the ledger.
    test_two_tills_spend_80_of_the_same_100_points = None
    test_two_holds_on_the_same_points = None
    test_the_same_sale_sent_twice_at_once = None
    test_two_first_purchases_open_one_account = None

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.anna_id = env["loyalty.member"].browse(self.member_id).partner_id.id
            bob = env["res.partner"].create({"name": "Bob Twice"})
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            env["loyalty.member"]._enrol(bob, scheme)
            self.bob_id = bob.id
            product = env["product.product"].create(
                {
                    "name": "Coffee",
                    "type": "service",
                    "list_price": 10,
                    "available_in_pos": True,
                    "taxes_id": False,
                }
            )
            method = env["pos.payment.method"].create(
                {"name": "On Account", "split_transactions": True}
            )
            config = env["pos.config"].create(
                {
                    "name": "Two Tills",
                    "payment_method_ids": [Command.set(method.ids)],
                }
            )
            config.open_ui()
            config.current_session_id.set_opening_control(0, None)
            native = env["loyalty.program"].create(self._prepare_native(config))
            card = env["loyalty.card"].create(
                {"program_id": native.id, "partner_id": self.anna_id, "points": 100}
            )
            self.product_id, self.config_id = product.id, config.id
            self.method_id = method.id
            self.native_id, self.native_card_id = native.id, card.id
            self.reward_ids = {
                "native": native.reward_ids.id,
                "managed": scheme.points_program_id.reward_ids.id,
            }

    def _prepare_native(self, config):
        return {
            "name": "Native",
            "program_type": "loyalty",
            "applies_on": "both",
            "trigger": "auto",
            "pos_config_ids": [Command.link(config.id)],
            "rule_ids": [Command.create({"reward_point_mode": "money"})],
            "reward_ids": [
                Command.create(
                    {
                        "reward_type": "discount",
                        "discount_mode": "per_point",
                        "discount": 0.01,
                        "discount_applicability": "order",
                    }
                )
            ],
        }

    def _clean_up(self):
        """Remove the till's documents before the members, and its settings after."""
        with self.registry.cursor() as cr:
            for query in self._get_document_deletions():
                cr.execute(query)
        result = super()._clean_up()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            native = env["loyalty.program"].browse(self.native_id)
            native.active = False
            native.unlink()
            env["pos.config"].browse(self.config_id).unlink()
            env["pos.payment.method"].browse(self.method_id).unlink()
            env["product.product"].browse(self.product_id).unlink()
        return result

    def _get_document_deletions(self):
        orders = SQL("SELECT id FROM pos_order WHERE config_id = %s", self.config_id)
        return (
            SQL(
                "DELETE FROM loyalty_history"
                " WHERE order_model = 'pos.order' AND order_id IN (%s)",
                orders,
            ),
            SQL("DELETE FROM pos_payment WHERE pos_order_id IN (%s)", orders),
            SQL("DELETE FROM pos_order_line WHERE order_id IN (%s)", orders),
            SQL("DELETE FROM loyalty_card WHERE program_id = %s", self.native_id),
            SQL("DELETE FROM pos_order WHERE config_id = %s", self.config_id),
            SQL("DELETE FROM pos_session WHERE config_id = %s", self.config_id),
        )

    def _prepare_order(self, env, partner_id, points=0, kind="managed"):
        config = env["pos.config"].browse(self.config_id)
        lines = [self._prepare_line(self.product_id, 10)]
        if points:
            reward = env["loyalty.reward"].browse(self.reward_ids[kind])
            lines.append(
                self._prepare_line(
                    reward.discount_line_product_id.id,
                    -points / 100,
                    is_reward_line=True,
                    reward_id=reward.id,
                    coupon_id=self.account_id
                    if kind == "managed"
                    else self.native_card_id,
                    points_cost=points,
                    reward_identifier_code="used",
                )
            )
        total = sum(line["price_subtotal_incl"] for line in lines)
        return {
            "uuid": str(uuid4()),
            "session_id": config.current_session_id.id,
            "company_id": config.company_id.id,
            "partner_id": partner_id,
            "date_order": fields.Datetime.to_string(fields.Datetime.now()),
            "lines": [Command.create(line) for line in lines],
            "payment_ids": [
                Command.create({"amount": total, "payment_method_id": self.method_id})
            ],
            "amount_total": total,
            "amount_tax": 0,
            "amount_paid": total,
            "amount_return": 0,
            "state": "paid",
        }

    def _prepare_line(self, product_id, price, **values):
        return {
            "uuid": str(uuid4()),
            "product_id": product_id,
            "qty": 1,
            "price_unit": price,
            "price_subtotal": price,
            "price_subtotal_incl": price,
            "tax_ids": [Command.set([])],
            **values,
        }

    def _sync(self, env, partner_id, points=0, kind="managed"):
        data = self._prepare_order(env, partner_id, points, kind)
        return env["pos.order"].sync_from_ui([data])["pos.order"][0]["id"]

    def _native_till(self, barrier, outcomes, partner_id, points):
        """Do what the native till does: validate, save, confirm, one call each."""

        def call(function):
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                return retrying(lambda: function(env), env)

        key = self.native_card_id if points else -1
        if points:
            outcomes.append(
                call(
                    lambda env: env["pos.order"].validate_coupon_programs(
                        {key: -points}, []
                    )["successful"]
                )
            )
        barrier.wait(timeout=20)
        order_id = call(lambda env: self._sync(env, partner_id, points, "native"))
        coupon_data = {
            key: {
                "points": -points or 10,
                "program_id": self.native_id,
                "coupon_id": key,
                "partner_id": partner_id,
            }
        }
        barrier.wait(timeout=60)
        call(
            lambda env: (
                env["pos.order"].browse(order_id).confirm_coupon_programs(coupon_data)
            )
        )

    def _run_native_tills(self, partner_id, points=0):
        barrier, outcomes = threading.Barrier(2), []
        threads = [
            threading.Thread(
                target=self._native_till, args=(barrier, outcomes, partner_id, points)
            )
            for _till in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=90)
        return outcomes

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_native_tills_both_spend_80_of_the_same_100(self):
        outcomes = self._run_native_tills(self.anna_id, 80)
        self.assertEqual(outcomes, [True, True])
        points = self._read(
            lambda env: env["loyalty.card"].browse(self.native_card_id).points
        )
        self.assertEqual(points, -60)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_one_of_two_tills_spends_80_of_the_same_100(self):
        outcomes = self._at_once(
            lambda env: self._sync(env, self.anna_id, 80),
            lambda env: self._sync(env, self.anna_id, 80),
        )
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertEqual(self._points(), 100 - 80 + 9)
        saved = self._read(
            lambda env: env["pos.order"].search_count(
                [("config_id", "=", self.config_id)]
            )
        )
        self.assertEqual(saved, 1)
        self.assertEqual(self._audit(), [])

    def _count_accounts(self, program_id):
        return self._read(
            lambda env: env["loyalty.card"].search_count(
                [("program_id", "=", program_id), ("partner_id", "=", self.bob_id)]
            )
        )

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_native_first_purchases_at_once_make_two_cards(self):
        self._run_native_tills(self.bob_id)
        self.assertEqual(self._count_accounts(self.native_id), 2)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_first_purchases_at_once_make_one_account(self):
        outcomes = self._at_once(
            lambda env: self._sync(env, self.bob_id),
            lambda env: self._sync(env, self.bob_id),
        )
        self.assertFalse([o for o in outcomes if isinstance(o, UserError)])
        program_id = self._read(
            lambda env: (
                env["loyalty.scheme"].browse(self.scheme_id).points_program_id.id
            )
        )
        self.assertEqual(self._count_accounts(program_id), 1)
        points = self._read(
            lambda env: (
                env["loyalty.card"]
                .search(
                    [("program_id", "=", program_id), ("partner_id", "=", self.bob_id)]
                )
                .points
            )
        )
        self.assertEqual(points, 20)
