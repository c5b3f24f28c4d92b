# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math
from decimal import Decimal

from odoo import models

from odoo.addons.loyalty_ledger.ledger.sale import SaleLine, get_discount

# Links that other addons add to a line that only pays for an earlier document.
SETTLED_DOCUMENT_FIELDS = (
    "sale_order_origin_id",
    "settled_invoice_id",
    "settled_order_id",
)
PAYMENT_PROGRAM_TYPES = ("ewallet", "gift_card")


class PosOrderLine(models.Model):
    _inherit = "pos.order.line"

    # === BUSINESS: WHAT A LINE IS === #

    def _is_loyalty_redemption(self, scheme):
        """Whether the line spends points of a scheme."""
        return self._is_loyalty_reward_of(scheme.points_program_id)

    def _is_wallet_payment(self, scheme):
        """Whether a wallet of a scheme pays the line."""
        return self._is_loyalty_reward_of(scheme.wallet_program_id)

    def _is_loyalty_reward_of(self, program):
        self.ensure_one()
        return (
            bool(self.reward_id)
            and self.reward_id.program_id == program
            and not self.refunded_orderline_id
        )

    def _is_loyalty_spending(self, scheme):
        """Whether the line takes something from an account of a scheme."""
        return self._is_loyalty_redemption(scheme) or self._is_wallet_payment(scheme)

    def _get_loyalty_kept(self):
        """Return what these lines of returns keep back.

        Tills send the subtotals of an order that pays out with the sign turned.

        :rtype: float
        """
        return sum(abs(line.price_subtotal_incl) for line in self)

    def _is_loyalty_payment(self):
        """Whether the line is what a gift card, a wallet or an earlier document pays.

        Like money it lowers nothing that was bought.
        """
        self.ensure_one()
        return self.reward_id.program_id.program_type in PAYMENT_PROGRAM_TYPES or (
            self._is_loyalty_settlement() and self.price_subtotal_incl < 0
        )

    def _is_loyalty_settlement(self):
        """Whether the line only pays for what another document has sold."""
        self.ensure_one()
        return any(self[name] for name in SETTLED_DOCUMENT_FIELDS if name in self)

    def _is_loyalty_discount(self):
        """Whether the line lowers what was paid for the goods."""
        self.ensure_one()
        return bool(self.reward_id) or self.price_subtotal_incl < 0

    def _is_loyalty_eligible(self, top_up_products):
        """Whether points can be earned on the line.

        :param top_up_products: product.product that fill gift cards and wallets
        """
        self.ensure_one()
        return not (
            self._is_loyalty_discount()
            or self.product_id in top_up_products
            or self.product_id == self.order_id.config_id.tip_product_id
            or self._is_loyalty_settlement()
        )

    # === BUSINESS: IN THE LEDGER'S WORDS === #

    def _get_loyalty_amounts(self):
        """Return what the line counts for, by the names of its fields.

        The till sends both the price and the subtotals; the smaller amount counts,
        that is the larger one of what comes back.

        :rtype: dict
        """
        self.ensure_one()
        currency = self.order_id.currency_id
        return {
            name: min(currency.round(amount), self[name])
            for name, amount in self._compute_amount_line_all().items()
        }

    def _prepare_loyalty_sale_line(self, top_up_products):
        """Describe a line that is sold.

        :rtype: SaleLine
        """
        self.ensure_one()
        amounts = self._get_loyalty_amounts()
        return SaleLine(
            key=self.uuid,
            product_id=self.product_id.id,
            quantity=self.qty,
            amount_incl=amounts["price_subtotal_incl"],
            amount_excl=amounts["price_subtotal"],
            name=self.full_product_name or self.product_id.display_name or "",
            eligible=self._is_loyalty_eligible(top_up_products),
            is_reward=self._is_loyalty_discount(),
            **get_discount(
                self.discount,
                amounts["price_subtotal_incl"],
                amounts["price_subtotal"],
                self._get_loyalty_full_price,
            ),
        )

    def _get_loyalty_full_price(self):
        """Return what the line costs without discount, with and without tax."""
        taxes = self.order_id.fiscal_position_id.map_tax(self.tax_ids)
        price = taxes.compute_all(
            self.price_unit,
            self.order_id.currency_id,
            self.qty,
            product=self.product_id,
            partner=self.order_id.partner_id,
        )
        return price["total_included"], price["total_excluded"]

    def _prepare_loyalty_return_line(self):
        """Describe a line that comes back.

        :rtype: SaleLine
        """
        self.ensure_one()
        amounts = self._get_loyalty_amounts()
        return SaleLine(
            key=self.uuid,
            product_id=self.product_id.id,
            quantity=-self.qty,
            amount_incl=-amounts["price_subtotal_incl"],
            amount_excl=-amounts["price_subtotal"],
            name=self.full_product_name or self.product_id.display_name or "",
            origin_key=self.refunded_orderline_id.uuid,
        )

    def _get_top_up_amounts(self):
        """Return what a top-up puts into a wallet: the least of what was charged.

        Tills send the subtotals of an order that pays out with the sign turned.

        :return: by the names of the fields of ``SaleLine``
        :rtype: dict
        """
        self.ensure_one()
        computed = self._compute_amount_line_all()
        round_ = self.order_id.currency_id.round
        return {
            name: min(round_(computed[field]), abs(self[field]))
            for name, field in (
                ("amount_incl", "price_subtotal_incl"),
                ("amount_excl", "price_subtotal"),
            )
        }

    # === BUSINESS: THE PRICE OF A REWARD === #

    def _get_loyalty_value(self):
        """Return what lines take off the order, tax included.

        The till sends both the price and the subtotals; the larger discount counts.

        :return: not negative, in the order's currency
        :rtype: float
        """
        value = 0
        for line in self:
            taxes = line.tax_ids_after_fiscal_position.compute_all(
                line.price_unit * (1 - (line.discount or 0) / 100),
                line.order_id.currency_id,
                line.qty,
                product=line.product_id,
                partner=line.order_id.partner_id,
            )
            value -= min(taxes["total_included"], line.price_subtotal_incl)
        return max(value, 0)

    def _get_loyalty_points_cost(self, scheme):
        """Return what the lines of one reward cost, by the reward's own price.

        :param scheme: the loyalty.scheme that sells the reward
        :return: the points to charge, and what the till asked for if that was less
        :rtype: tuple[Decimal, Decimal | None]
        """
        asked = sum(self.mapped("points_cost"))
        claimed = Decimal(str(round(asked, 4))) if math.isfinite(asked) else Decimal(0)
        price, least = self._get_loyalty_price(scheme)
        if claimed >= least:
            return claimed, None
        return price, claimed

    def _get_loyalty_price(self, scheme):
        """Return the price of one reward's lines in points, and the least that a till
        may ask for it, because money is rounded for each tax.

        :rtype: tuple[Decimal, Decimal]
        """
        reward = self.reward_id
        if self._is_loyalty_amount_reward():
            value = self._get_loyalty_value()
            groups = len({line.tax_ids for line in self})
            tolerance = self.order_id.currency_id.rounding * groups
            # In money: a tolerance in points would be rounded up to a whole step
            return (
                self._get_loyalty_points_for(value, scheme),
                self._get_loyalty_points_for(value - tolerance, scheme),
            )
        price = Decimal(str(reward.required_points))
        if reward.reward_type == "product":
            times = math.ceil(sum(self.mapped("qty")) / reward.reward_product_qty)
            price *= max(times, 1)
        return price, price

    def _is_loyalty_amount_reward(self):
        """Whether the reward gives money for points, however many."""
        reward = self.reward_id
        return reward.reward_type == "discount" and reward.discount_mode == "per_point"

    def _get_loyalty_points_for(self, amount, scheme):
        """Return the points that pay for an amount of the order's currency.

        :rtype: Decimal
        """
        order = self.order_id
        return scheme._money_to_points(
            order.currency_id._convert(
                order.currency_id.round(max(amount, 0)),
                scheme.currency_id,
                order.company_id,
                order.date_order,
            )
        )

    # === BUSINESS: WHAT A REWARD GIVES === #

    def _get_loyalty_excess(self):
        """Return by how much the lines of one reward discount more than it gives.

        A reward that gives money for points is limited by its price instead.

        :return: not negative, in the order's currency
        :rtype: float
        """
        if self._is_loyalty_amount_reward():
            return 0.0
        currency = self.order_id.currency_id
        excess = currency.round(self._get_loyalty_value() - self._get_loyalty_worth())
        # Each line is rounded by itself
        tolerance = currency.rounding * len(self)
        return excess if currency.compare_amounts(excess, tolerance) > 0 else 0.0

    def _get_loyalty_worth(self):
        """Return the most that the lines of one reward may take off the order.

        :return: tax included, in the order's currency
        :rtype: float
        """
        reward = self.reward_id
        if reward.reward_type == "product":
            return self._get_loyalty_product_worth()
        worth = self._convert_loyalty_reward_amount(reward.discount)
        if reward.discount_mode == "percent":
            worth = reward.discount / 100 * self._get_loyalty_discountable()
        if reward.discount_max_amount:
            most = self._convert_loyalty_reward_amount(reward.discount_max_amount)
            worth = min(worth, most)
        return worth

    def _convert_loyalty_reward_amount(self, amount):
        """Convert money of the reward's program to the order's currency."""
        order = self.order_id
        return self.reward_id.program_id.currency_id._convert(
            amount, order.currency_id, order.company_id, order.date_order
        )

    def _get_loyalty_product_worth(self):
        """Return what the free products cost in this order, before line discounts."""
        free_products = self.reward_id.reward_product_ids
        prices = [
            line.tax_ids_after_fiscal_position.compute_all(
                line.price_unit,
                line.order_id.currency_id,
                product=line.product_id,
                partner=line.order_id.partner_id,
            )["total_included"]
            for line in self._get_loyalty_goods()
            if line.product_id in free_products
        ]
        return max(prices, default=0.0) * sum(self.mapped("qty"))

    def _get_loyalty_discountable(self):
        """Return the amount of which the reward takes a percentage, tax included."""
        reward = self.reward_id
        goods = self._get_loyalty_goods()
        if reward.discount_applicability != "order":
            domain = reward._get_discount_product_domain()
            goods = goods.filtered(
                lambda line: (line.combo_parent_id or line).product_id.filtered_domain(
                    domain
                )
            )
        if reward.discount_applicability == "cheapest":
            return goods._get_loyalty_cheapest_price()
        return sum(goods.mapped("price_subtotal_incl"))

    def _get_loyalty_cheapest_price(self):
        """Return the price of one piece of the goods that the till takes for the
        cheapest, a combo being one piece.

        :return: tax included
        :rtype: float
        """
        pieces = [
            (sum(lines.mapped("price_subtotal_incl")) / piece.qty, piece.qty)
            for piece, lines in self.grouped(
                lambda line: line.combo_parent_id or line
            ).items()
        ]
        # The till divides the price of a piece by the quantity once more
        price, _qty = min(pieces, key=lambda each: each[0] / each[1], default=(0.0, 1))
        return price

    def _get_loyalty_goods(self):
        """Return what is sold in the order of these lines."""
        return self.order_id.lines.filtered(
            lambda line: line.qty > 0 and not line._is_loyalty_discount()
        )

    # === NATIVE === #

    def _prepare_refund_data(self, refund_order, PosPackOperationLot):
        values = super()._prepare_refund_data(refund_order, PosPackOperationLot)
        if self.reward_id.program_id.ledger_managed:
            # The copy returns a discount; it does not use points once more
            values.update(
                is_reward_line=False,
                reward_id=False,
                coupon_id=False,
                reward_identifier_code=False,
                points_cost=0,
            )
        return values
