# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from odoo.addons.loyalty_ledger.ledger.sale import SaleLine


class LoyaltyEarnTrialLine(models.TransientModel):
    _name = "loyalty.earn.trial.line"
    _description = "Line of a Trial of Earning Rules"
    _order = "trial_id, id"

    trial_id = fields.Many2one(
        comodel_name="loyalty.earn.trial",
        required=True,
        index=True,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="trial_id.sale_currency_id")
    product_id = fields.Many2one(comodel_name="product.product", ondelete="cascade")
    category_id = fields.Many2one(
        comodel_name="product.category",
        compute="_compute_category_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="cascade",
    )
    name = fields.Char(string="Description")
    quantity = fields.Float(digits="Product Unit", default=1.0, required=True)
    price = fields.Float(
        digits="Product Price",
        compute="_compute_price",
        store=True,
        readonly=False,
        precompute=True,
        help="For one unit, as it is paid: tax included, before the discount.",
    )
    discount = fields.Float(string="Discount %", digits="Discount")
    amount = fields.Monetary(
        string="Amount with Tax",
        compute="_compute_amount",
        store=True,
        readonly=False,
        precompute=True,
    )
    amount_untaxed = fields.Monetary(
        string="Amount without Tax",
        compute="_compute_amount_untaxed",
        store=True,
        readonly=False,
        precompute=True,
    )
    is_reward = fields.Boolean(
        string="Reward", help="A discount or a reward: it lowers what is earned."
    )
    eligible = fields.Boolean(
        string="Earns",
        default=True,
        help="Not ticked for tips, gift cards and shipping.",
    )

    # === COMPUTE === #

    @api.depends("product_id")
    def _compute_category_id(self):
        for line in self:
            line.category_id = line.product_id.categ_id or line.category_id

    @api.depends("product_id")
    def _compute_price(self):
        for line in self:
            line.price = line.product_id.lst_price or line.price

    @api.depends("quantity", "price", "discount")
    def _compute_amount(self):
        for line in self:
            line.amount = line.quantity * line.price * (1 - line.discount / 100)

    @api.depends("amount")
    def _compute_amount_untaxed(self):
        for line in self:
            line.amount_untaxed = line.amount

    # === BUSINESS === #

    @api.model
    def _get_purchase_fields(self):
        """Return the fields on which the result of a trial depends."""
        return [
            "product_id",
            "category_id",
            "name",
            "quantity",
            "price",
            "discount",
            "amount",
            "amount_untaxed",
            "is_reward",
            "eligible",
        ]

    def _get_description(self):
        self.ensure_one()
        return (
            self.name
            or self.product_id.display_name
            or self.category_id.name
            or self.env._("Product")
        )

    @api.model
    def _prepare_as_sold(self, sold):
        """Return the values of a line like one that was sold.

        :param sold: loyalty.transaction.line
        """
        gross = sold.amount_incl + sold.discount_incl
        return {
            "product_id": sold.product_id.id,
            "category_id": sold.category_id.id,
            "name": sold.name,
            "quantity": sold.quantity,
            "price": gross / sold.quantity if sold.quantity else gross,
            "discount": 100 * sold.discount_incl / gross if gross else 0.0,
            "amount": sold.amount_incl,
            "amount_untaxed": sold.amount_excl,
            "is_reward": sold.is_reward,
            "eligible": sold.eligible,
        }

    def _prepare_sale_line(self, key):
        """Return this line as a channel would report it."""
        self.ensure_one()
        off = self.quantity * self.price * self.discount / 100
        untaxed = self.amount_untaxed / self.amount if self.amount else 1
        return SaleLine(
            key=key,
            product_id=self.product_id._origin.id or None,
            category_id=self.category_id._origin.id or None,
            quantity=self.quantity,
            amount_incl=self.amount,
            amount_excl=self.amount_untaxed,
            name=self._get_description(),
            is_reward=self.is_reward,
            eligible=self.eligible,
            discount_incl=off,
            discount_excl=off * untaxed,
        )
