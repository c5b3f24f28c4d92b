# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import fields, models
from odoo.tools import float_compare

from .loyalty_transaction import exact


class LoyaltyTransactionLine(models.Model):
    _name = "loyalty.transaction.line"
    _description = "Loyalty Transaction Line"
    _order = "transaction_id desc, id"
    _rec_name = "name"
    # The transaction says who recorded it and when
    _log_access = False

    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(related="transaction_id.member_id")
    date = fields.Datetime(related="transaction_id.date")
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    currency_id = fields.Many2one(related="transaction_id.currency_id")
    external_id = fields.Char(string="Line Reference", required=True, readonly=True)
    name = fields.Char(readonly=True)
    product_id = fields.Many2one(
        comodel_name="product.product",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    category_id = fields.Many2one(
        comodel_name="product.category",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The category of the product at the time of the sale.",
    )
    quantity = fields.Float(digits="Product Unit", readonly=True)
    amount_incl = fields.Monetary(string="Amount with Tax", readonly=True)
    amount_excl = fields.Monetary(string="Amount without Tax", readonly=True)
    discount_incl = fields.Monetary(
        string="Discount with Tax",
        readonly=True,
        help="What a discount of the line has taken off its amount.",
    )
    discount_excl = fields.Monetary(string="Discount without Tax", readonly=True)
    base = fields.Float(
        string="Earned On",
        digits="Loyalty Points",
        readonly=True,
        help="The part of the amount that earned points, in the scheme's currency.",
    )
    points = fields.Float(digits="Loyalty Points", readonly=True)
    scheme_currency_id = fields.Many2one(
        related="transaction_id.scheme_currency_id", string="Currency of the Scheme"
    )
    wallet_credited = fields.Monetary(
        string="Put into Wallet",
        currency_field="scheme_currency_id",
        readonly=True,
    )
    wallet_cashback = fields.Monetary(
        string="Cashback", currency_field="scheme_currency_id", readonly=True
    )
    is_reward = fields.Boolean(string="Reward", readonly=True)
    eligible = fields.Boolean(readonly=True)
    origin_line_id = fields.Many2one(
        comodel_name="loyalty.transaction.line",
        string="Returned Line",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    def _retire(self):
        """Zero the lines that a revised sale no longer has; nothing is deleted."""
        self.write(
            {
                "quantity": 0.0,
                "amount_incl": 0.0,
                "amount_excl": 0.0,
                "discount_incl": 0.0,
                "discount_excl": 0.0,
                "base": 0.0,
                "points": 0.0,
                "wallet_credited": 0.0,
                "wallet_cashback": 0.0,
            }
        )

    def _get_returned_amount(self, quantity, amount):
        """Return how much of a sold line has come back, in money with tax.

        A line is back when its amount is, or when its quantity is and the amount
        lacks no more than prices lose by being rounded: 3 x 33.33 for 100.00. A
        credit note that only lowers a price names the whole quantity as well.

        :param Decimal quantity: what has come back in all
        :param Decimal amount: what was given back for it in all
        :return: Decimal, at most what the line was sold for
        """
        self.ensure_one()
        return get_returned_amount(
            (abs(exact(self.quantity)), abs(exact(self.amount_incl))),
            (quantity, amount),
            exact(self.currency_id.rounding),
            self.env["decimal.precision"].precision_get("Product Unit"),
        )


def get_returned_amount(sold, returned, coin, digits):
    """Return how much of a sold line has come back; see ``_get_returned_amount``.

    :param sold: quantity and amount, Decimal
    :param returned: quantity and amount that have come back in all, Decimal
    :param Decimal coin: the smallest of the currency
    :param int digits: of quantities
    """
    quantity, total = sold
    missing = total - returned[1]
    if float_compare(float(returned[0]), float(quantity), precision_digits=digits) >= 0:
        missing -= coin * max(quantity, Decimal(1))
    return returned[1] if missing > 0 else total
