# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import suppress

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import LoyaltyPosCommon


@tagged("post_install", "-at_install")
class TestNative(LoyaltyPosCommon):
    """What Odoo's own programs get wrong at the till, and managed ones do not.

    Each scenario runs on both, so that the test on ours proves something.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.native = cls.env["loyalty.program"].create(
            {
                "name": "Native",
                "program_type": "loyalty",
                "applies_on": "both",
                "trigger": "auto",
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
        )
        cls.native_card = cls.env["loyalty.card"].create(
            {"program_id": cls.native.id, "partner_id": cls.anna.id, "points": 120}
        )

    def setUp(self):
        super().setUp()
        self._open_session()

    def _native_points_line(self, points):
        return self._points_line(points) | {
            "product_id": self.native.reward_ids.discount_line_product_id.id,
            "reward_id": self.native.reward_ids.id,
            "coupon_id": self.native_card.id,
        }

    def _confirm(self, order, card, points, **values):
        return order.with_user(self.pos_user).confirm_coupon_programs(
            {
                str(card.id): {
                    "points": points,
                    "program_id": card.program_id.id,
                    "coupon_id": card.id,
                    "partner_id": self.anna.id,
                    **values,
                }
            }
        )

    def _draft_order(self):
        data = self._order_data([self._line(self.beans)], state="draft")
        data.pop("payment_ids")
        self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        return self.env["pos.order"].search([("uuid", "=", data["uuid"])])

    # A cashier who writes points

    def test_native_points_can_be_written_by_a_cashier(self):
        self.native_card.with_user(self.pos_user).points = 777
        self.assertEqual(self.native_card.points, 777)

    def test_managed_points_cannot_be_written_by_a_cashier(self):
        for context in ({}, {"loyalty_ledger_ignore_points": True, "su": True}):
            account = self.account.with_user(self.pos_user).with_context(**context)
            with self.subTest(context=context):
                with suppress(AccessError):
                    account.points = 777
                    account.flush_recordset()
                self.account.invalidate_recordset()
                self.assertEqual(self.account.points, 120)
        self.assertClean()

    # A million points on a draft order

    def test_native_confirm_grants_a_million_on_a_draft_order(self):
        self._confirm(self._draft_order(), self.native_card, 1_000_000)
        self.assertEqual(self.native_card.points, 1_000_120)

    def test_managed_confirm_grants_nothing(self):
        order = self._draft_order()
        for values in (
            {},
            {"program_id": self.native.id, "partner_id": False},
            {"program_id": self.native.id, "code": self.account.code},
        ):
            with self.subTest(values=values):
                self._confirm(order, self.account, 1_000_000, **values)
                self.assertEqual(self.account.points, 120)
        order.with_user(self.pos_user).confirm_coupon_programs(
            {
                "-1": {
                    "points": 1_000_000,
                    "program_id": self.program.id,
                    "coupon_id": -1,
                    "partner_id": self.anna.id,
                }
            }
        )
        self.assertEqual(self.account.points, 120)
        self.assertEqual(self.program.coupon_ids, self.account)
        self.assertClean()

    def test_confirm_reads_the_account_back(self):
        order = self._sync([self._line(self.beans)])
        [update] = self._confirm(order, self.account, 5)["coupon_updates"]
        self.assertEqual(update["id"], self.account.id)
        self.assertEqual(update["points"], 130)

    # The connection is lost between the order and its confirmation

    def test_native_points_are_lost_with_the_connection(self):
        order = self._sync([self._line(self.beans), self._native_points_line(40)])
        self.assertEqual(order.state, "paid")
        self.assertEqual(self.native_card.points, 120, "neither used nor earned")

    def test_managed_points_do_not_need_a_second_call(self):
        order = self._sync([self._line(self.beans), self._points_line(40)])
        self.assertEqual(order.state, "paid")
        self.assertEqual(self.account.points, 120 - 40 + 9)

    # A return

    def test_native_points_stay_when_goods_come_back(self):
        order = self._sync([self._line(self.beans)])
        self._confirm(order, self.native_card, 10)
        back = self._sync([self._return_line(order.lines)], is_refund=True)
        self._confirm(back, self.native_card, 0)
        self.assertEqual(self.native_card.points, 130)

    def test_managed_points_go_back_with_the_goods(self):
        order = self._sync([self._line(self.beans)])
        self._sync([self._return_line(order.lines)], is_refund=True)
        self.assertEqual(self.account.points, 120)

    # Beside each other

    def test_native_programs_work_as_before(self):
        order = self._sync([self._line(self.beans)])
        result = self._confirm(order, self.native_card, 10)
        self.assertEqual(self.native_card.points, 130)
        self.assertEqual(result["coupon_updates"][0]["points"], 130)
        self._confirm(order, self.native_card, 10)
        self.assertEqual(self.native_card.points, 130)
        answer = order.validate_coupon_programs({str(self.native_card.id): -131}, [])
        self.assertFalse(answer["successful"])
