# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from uuid import uuid4

from odoo import fields
from odoo.fields import Command

from odoo.addons.point_of_sale.tests.test_frontend import TestPointOfSaleHttpCommon


class LoyaltyPosCommon(TestPointOfSaleHttpCommon):
    """A coffee shop with a register, a scheme, and a member with 120 beans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref(
            "loyalty_member.loyalty_member_group_manager"
        )
        cls.env["loyalty.program"].search([]).active = False
        cls.main_pos_config.write(
            {"tax_regime_selection": False, "use_pricelist": False}
        )
        cls.scheme = cls.env["loyalty.scheme"].create(
            {
                "name": "Harmony Coffee",
                "point_name": "bean",
                "point_name_plural": "beans",
                "color_primary": "#0B5D3B",
            }
        )
        cls.program = cls.scheme.points_program_id
        cls.reward = cls.program.reward_ids
        cls.store = cls.env["loyalty.store"].create({"name": "Downtown"})
        cls.main_pos_config.loyalty_store_id = cls.store
        cls.beans, cls.mug, cls.cake = cls.env["product.product"].create(
            [
                {
                    "name": name,
                    "list_price": 10,
                    "available_in_pos": True,
                    "taxes_id": False,
                }
                for name in ("Bag of Coffee", "Blue Mug", "Carrot Cake")
            ]
        )
        cls.anna = cls.env["res.partner"].create(
            {"name": "Anna Bean", "phone": "+32 470 12 34 56"}
        )
        cls.member = cls.env["loyalty.member"]._enrol(cls.anna, cls.scheme)
        cls.account = cls.scheme._get_account(cls.member)
        cls.card = cls.member.main_card_id
        cls._give_points(120)
        cls.cash = cls.main_pos_config.payment_method_ids.filtered("is_cash_count")[:1]

    @classmethod
    def _give_points(cls, points, account=None):
        (account or cls.account).points += points

    def _open_session(self):
        self.main_pos_config.with_user(self.pos_user).open_ui()
        session = self.main_pos_config.current_session_id
        session.set_opening_control(0, None)
        return session

    def _line(self, product, qty=1, price=None, **values):
        price = product.list_price if price is None else price
        return {
            "uuid": str(uuid4()),
            "product_id": product.id,
            "qty": qty,
            "price_unit": price,
            "price_subtotal": price * qty,
            "price_subtotal_incl": price * qty,
            "tax_ids": [Command.set([])],
            **values,
        }

    def _points_line(self, points, cost=None, **values):
        """Return the line by which points pay."""
        return self._line(
            self.reward.discount_line_product_id,
            price=-points / 100,
            is_reward_line=True,
            reward_id=self.reward.id,
            coupon_id=self.account.id,
            reward_identifier_code="used",
            points_cost=points if cost is None else cost,
            **values,
        )

    def _order_data(self, lines, partner=None, **values):
        """Return a paid order as a till sends it."""
        session = self.main_pos_config.current_session_id
        total = sum(line["price_subtotal_incl"] for line in lines)
        return {
            "uuid": str(uuid4()),
            "session_id": session.id,
            "company_id": self.env.company.id,
            "user_id": self.pos_user.id,
            "partner_id": (self.anna if partner is None else partner).id,
            "date_order": fields.Datetime.to_string(fields.Datetime.now()),
            "lines": [Command.create(line) for line in lines],
            "payment_ids": [
                Command.create({"amount": total, "payment_method_id": self.cash.id})
            ],
            "amount_total": total,
            "amount_tax": 0,
            "amount_paid": total,
            "amount_return": 0,
            "state": "paid",
            **values,
        }

    def _sync(self, lines, partner=None, **values):
        """Send a paid order as the cashier's till does, and return it."""
        data = self._order_data(lines, partner, **values)
        self.env["pos.order"].with_user(self.pos_user).sync_from_ui([data])
        return self.env["pos.order"].search([("uuid", "=", data["uuid"])])

    def _transactions(self, order):
        return self.env["loyalty.transaction"].search(
            [("res_model", "=", "pos.order"), ("res_id", "=", order.id)]
        )

    def _return_line(self, line, qty=1):
        return self._line(
            line.product_id,
            qty=-qty,
            price=line.price_unit,
            refunded_orderline_id=line.id,
        )

    def assertClean(self):
        """The ledger proves itself: entries, lots, balances and chain agree."""
        self.assertEqual(self.env["loyalty.ledger"]._audit(self.account), [])
