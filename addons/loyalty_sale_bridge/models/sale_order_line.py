# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from odoo.addons.loyalty_ledger.ledger.sale import SaleLine, get_discount

# What a sale is settled by: a change of any of these may move points.
SETTLED_FIELDS = {
    "coupon_id",
    "discount",
    "is_downpayment",
    "points_cost",
    "price_unit",
    "product_id",
    "product_uom_id",
    "product_uom_qty",
    "reward_id",
    "tax_ids",
}


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Let the ledger, not native, move the points of managed accounts."""
        coupon_ids = {vals["coupon_id"] for vals in vals_list if vals.get("coupon_id")}
        # sudo: whether a program is managed is no secret
        coupons_sudo = self.env["loyalty.card"].sudo().browse(coupon_ids)
        lines = super(SaleOrderLine, self._loyalty_ignore_points(coupons_sudo)).create(
            vals_list
        )
        lines = lines.with_env(self.env)
        lines.order_id._loyalty_settle()
        return lines

    def write(self, vals):
        if not SETTLED_FIELDS & vals.keys():
            res = super().write(vals)
            if "qty_delivered" in vals:
                self.order_id._loyalty_start_pending()
            return res
        with self.order_id._loyalty_settle_once():
            lines = self._loyalty_ignore_points(self.sudo().coupon_id)
            return super(SaleOrderLine, lines).write(vals)

    def unlink(self):
        orders = self.order_id
        with orders._loyalty_settle_once():
            lines = self._loyalty_ignore_points(self.sudo().coupon_id)
            res = super(SaleOrderLine, lines).unlink()
            orders._loyalty_forget_choice()
        return res

    def _loyalty_ignore_points(self, coupons):
        """Have native writes of points dropped on managed accounts."""
        if any(coupon.ledger_managed for coupon in coupons):
            return self.with_context(loyalty_ledger_ignore_points=True)
        return self

    # === NATIVE EVENTS === #

    def _reset_loyalty(self, complete=False):
        """Leave alone the rewards of orders that are paid for."""
        paid = self.filtered(
            lambda line: (
                line._loyalty_is_redemption()
                and line.order_id._loyalty_is_price_final()
            )
        )
        return super(SaleOrderLine, self - paid)._reset_loyalty(complete)

    # === BUSINESS === #

    def _loyalty_is_redemption(self):
        """Tell whether the line is a reward for which a managed account has to pay.

        The reward decides: the coupon is what the line says of who pays.
        """
        self.ensure_one()
        return self.reward_id.program_id.ledger_managed and bool(self.product_uom_qty)

    def _loyalty_prepare_line(self, is_top_up=False):
        """Describe the line to the ledger.

        What was invoiced counts where it is more than what is ordered: the excess
        comes back by a credit note, which is a return, and must not be taken off
        twice; and goods that are credited and invoiced anew have been sold twice.
        A credit note from before the order was cancelled and confirmed anew is no
        return of this sale, and is taken off what was invoiced.

        :param bool is_top_up: whether the product is money to be spent later
        :rtype: SaleLine
        """
        self.ensure_one()
        quantity, incl, excl = self._loyalty_get_sold()
        return SaleLine(
            key=str(self.id),
            product_id=self.product_id.id or None,
            quantity=self.product_uom_id._compute_quantity(
                quantity, self.product_id.uom_id, round=False
            )
            if self.product_id
            else quantity,
            amount_incl=incl,
            amount_excl=excl,
            name=self.product_id.display_name or self.name or "",
            eligible=not is_top_up,
            is_reward=self.is_reward_line or self._is_discount_line(),
            **get_discount(
                self.discount,
                incl,
                excl,
                lambda: self._loyalty_get_full_price(quantity),
            ),
        )

    def _loyalty_get_full_price(self, quantity):
        """Return what a quantity of the line costs without discount.

        :return: with and without tax
        """
        price = self.tax_ids.compute_all(
            self.price_unit,
            currency=self.currency_id,
            quantity=quantity,
            product=self.product_id,
            partner=self.order_id.partner_id,
        )
        return price["total_included"], price["total_excluded"]

    def _loyalty_get_sold(self):
        """Return quantity (in the line's unit) and amounts with and without tax."""
        self.ensure_one()
        invoiced = self._loyalty_get_invoiced_lines()
        ordered = self.product_uom_qty, self.price_total, self.price_subtotal
        if not invoiced:
            return ordered
        credited = self._loyalty_get_credited_lines()
        quantity, incl, excl = (
            self._loyalty_sum(invoiced, field) - self._loyalty_sum(credited, field)
            for field in ("quantity", "price_total", "price_subtotal")
        )
        if abs(quantity) > abs(self.product_uom_qty):
            return quantity, incl, excl
        return ordered

    def _loyalty_get_times_sold(self):
        """Return how many times over the line was sold: more than once where it was
        credited and invoiced anew."""
        self.ensure_one()
        quantity = self._loyalty_get_sold()[0]
        return quantity / self.product_uom_qty if self.product_uom_qty else 1

    def _loyalty_get_invoiced_lines(self):
        # sudo: invoices of this very line, also for those who only sell
        return self.sudo().invoice_lines.filtered(
            lambda line: (
                line.move_id.state == "posted"
                and line.move_id.move_type == "out_invoice"
            )
        )

    def _loyalty_get_credited_lines(self):
        """Return the lines of credit notes that are no returns of the order's sale."""
        # sudo: as for invoices; and what the ledger knows of this very order
        returns_sudo = self.order_id.sudo().loyalty_transaction_id.return_ids
        known_ids = returns_sudo.filtered(
            lambda other: other.state == "posted" and other.res_model == "account.move"
        ).mapped("res_id")
        return self.sudo().invoice_lines.filtered(
            lambda line: (
                line.move_id.state == "posted"
                and line.move_id.move_type == "out_refund"
                and line.move_id.id not in known_ids
            )
        )

    def _loyalty_get_share(self, invoice_line):
        """Return which part of a line of an invoice or credit note is about this one.

        Documents over several orders can bring their lines together.

        :rtype: float
        """
        self.ensure_one()
        # sudo: quantities alone, of orders on the same document
        lines_sudo = invoice_line.sudo().sale_line_ids
        ordered = sum(lines_sudo.mapped("product_uom_qty"))
        if len(lines_sudo) == 1 or not ordered:
            return 1.0
        return self.product_uom_qty / ordered

    def _loyalty_sum(self, lines, field):
        """Add up what lines of invoices or credit notes hold of this one.

        :param str field: an amount, or the quantity, which is converted to the unit
            of this line
        :rtype: float
        """
        total = 0.0
        for line in lines:
            value = line[field]
            if field == "quantity" and line.product_uom_id:
                value = line.product_uom_id._compute_quantity(
                    value, self.product_uom_id, round=False
                )
            total += value * self._loyalty_get_share(line)
        return total
