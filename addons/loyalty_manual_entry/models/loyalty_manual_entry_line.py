# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare

from odoo.addons.loyalty_ledger.ledger.sale import SaleLine


class LoyaltyManualEntryLine(models.Model):
    _name = "loyalty.manual.entry.line"
    _description = "Line of a Receipt Entered by Hand"
    _order = "entry_id, id"

    entry_id = fields.Many2one(
        comodel_name="loyalty.manual.entry",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="entry_id.company_id", store=True)
    currency_id = fields.Many2one(related="entry_id.currency_id")
    product_id = fields.Many2one(
        comodel_name="product.product",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    category_id = fields.Many2one(
        comodel_name="product.category",
        compute="_compute_category_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="restrict",
    )
    name = fields.Char(string="Description")
    quantity = fields.Float(digits="Product Unit", default=1.0, required=True)
    amount = fields.Monetary(required=True, help="For the whole line, with tax.")
    amount_untaxed = fields.Monetary(
        string="Amount without Tax",
        compute="_compute_amount_untaxed",
        store=True,
        readonly=False,
        precompute=True,
    )
    origin_line_id = fields.Many2one(
        comodel_name="loyalty.manual.entry.line",
        string="Sold Line",
        index="btree_not_null",
        ondelete="restrict",
        copy=False,
    )

    # No amount is so high; PostgreSQL takes NaN for more than any number
    _amounts_check = models.Constraint(
        "CHECK (COALESCE(amount, 0) BETWEEN 0 AND 1e12"
        " AND COALESCE(amount_untaxed, 0) BETWEEN 0 AND 1e12)",
        "The amount of a line cannot be negative. For goods that came back, enter a"
        " return.",
    )
    _quantity_check = models.Constraint(
        "CHECK (quantity > 0 AND quantity <= 1e12)",
        "The quantity of a line must be more than zero.",
    )

    # === COMPUTE === #

    @api.depends("product_id", "category_id", "name")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line._get_description()

    @api.depends("product_id")
    def _compute_category_id(self):
        for line in self:
            line.category_id = line.product_id.categ_id or line.category_id

    @api.depends("amount")
    def _compute_amount_untaxed(self):
        for line in self:
            line.amount_untaxed = line.amount

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_finite(vals)
        lines = super().create(vals_list)
        lines._note_change()
        return lines

    def write(self, vals):
        self._note_change()
        self._check_finite(vals)
        result = super().write(vals)
        if "entry_id" in vals:
            self._note_change()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        self._note_change()

    # === BUSINESS === #

    def _note_change(self):
        """Refuse to change a verified receipt, and record the author of a change."""
        self.entry_id._check_editable()
        self.entry_id._note_author()

    @api.model
    def _check_finite(self, vals):
        self.env["loyalty.manual.entry"]._check_finite(
            vals, ("quantity", "amount", "amount_untaxed")
        )

    def _get_description(self):
        """Return the description, or else the product or category."""
        self.ensure_one()
        # sudo: the user who enters a receipt may read the names of its goods
        sudo = self.sudo()
        return self.name or sudo.product_id.display_name or sudo.category_id.name or ""

    def _get_key(self):
        """Return the key of this line in the transaction."""
        self.ensure_one()
        return str(self._origin.id or self.id)

    def _get_sale_line(self):
        """Return this line in the form that a transaction is recorded from."""
        self.ensure_one()
        origin = self.origin_line_id
        return SaleLine(
            key=self._get_key(),
            product_id=self.product_id.id or None,
            category_id=self.category_id.id or None,
            quantity=self.quantity,
            amount_incl=self.amount,
            amount_excl=self.amount_untaxed,
            name=self._get_description(),
            origin_key=origin._get_key() if origin else None,
        )

    def _prepare_return_values(self):
        """Return the values of a line that returns all of this one."""
        self.ensure_one()
        return {
            "origin_line_id": self.id,
            "product_id": self.product_id.id,
            "category_id": self.category_id.id,
            "name": self.name,
            "quantity": self.quantity,
            "amount": self.amount,
            "amount_untaxed": self.amount_untaxed,
        }

    def _check_returned(self):
        """Refuse to return more than is left of the sold lines.

        :raise UserError: with the quantity and amount that can be returned
        """
        for sold, lines in self.grouped("origin_line_id").items():
            earlier = self.search(
                [("origin_line_id", "=", sold.id), ("entry_id.state", "=", "posted")]
            )
            quantity = sold.quantity - sum(earlier.mapped("quantity"))
            amount = sold.amount - sum(earlier.mapped("amount"))
            digits = self.env["decimal.precision"].precision_get("Product Unit")
            if (
                float_compare(
                    sum(lines.mapped("quantity")), quantity, precision_digits=digits
                )
                > 0
                or sold.currency_id.compare_amounts(sum(lines.mapped("amount")), amount)
                > 0
            ):
                raise UserError(
                    self.env._(
                        "At most %(quantity)s of %(line)s, for %(amount)s, can be"
                        " returned.",
                        line=sold.display_name,
                        quantity=f"{max(quantity, 0):g}",
                        amount=sold.currency_id.format(max(amount, 0)),
                    )
                )
