# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import math
from hashlib import sha256

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import float_compare, float_is_zero, format_date, format_datetime

from odoo.addons.loyalty_ledger.ledger.sale import Sale, SaleLine

CODE_PURPOSE = "manual_entry"
TOTAL_KEY = "total"
REDEEM_KEY = "redeem"
MAX_LISTED = 3


class LoyaltyManualEntry(models.Model):
    """A receipt of a store without an integrated till, entered by hand.

    No points move until a second user, or the member with a one-time code, has verified
    it. Then it is recorded like any other sale or return.
    """

    _name = "loyalty.manual.entry"
    _description = "Loyalty Receipt Entered by Hand"
    _inherit = ["loyalty.workflow.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "date desc, id desc"
    _rec_names_search = ["receipt_number"]

    # === FIELDS === #

    kind = fields.Selection(
        selection=[("sale", "Sale"), ("return", "Return")],
        default="sale",
        required=True,
    )
    state = fields.Selection(
        selection=[
            ("draft", "To Verify"),
            ("verified", "Verified"),
            ("posted", "Posted"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        default="draft",
        required=True,
        copy=False,
        readonly=True,
        index=True,
        tracking=True,
    )
    store_id = fields.Many2one(
        comodel_name="loyalty.store",
        default=lambda self: self._default_store_id(),
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        compute="_compute_company_id",
        store=True,
        required=True,
        precompute=True,
        index=True,
        ondelete="restrict",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    receipt_number = fields.Char(required=True, copy=False, tracking=True)
    date = fields.Datetime(default=fields.Datetime.now, required=True, tracking=True)
    identifier = fields.Char(
        string="Card, Phone or Name",
        help="Scan or type the member's card, their phone number or their whole name.",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        compute="_compute_member_id",
        store=True,
        readonly=False,
        precompute=True,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
    )
    scheme_id = fields.Many2one(related="member_id.scheme_id", store=True)
    point_unit = fields.Char(related="scheme_id.point_name_plural")
    earn_tax = fields.Selection(related="scheme_id.earn_tax")

    # Goods
    line_ids = fields.One2many(
        comodel_name="loyalty.manual.entry.line",
        inverse_name="entry_id",
        string="Lines",
        copy=True,
    )
    amount = fields.Monetary(
        compute="_compute_amounts",
        store=True,
        readonly=False,
        tracking=True,
        help="The price of the goods with tax, before points pay for any of it.",
    )
    amount_untaxed = fields.Monetary(
        string="Amount without Tax",
        compute="_compute_amounts",
        store=True,
        readonly=False,
        help="For schemes that earn on prices without tax.",
    )

    # Points
    points_redeemed = fields.Float(
        string="Points to Spend",
        digits="Loyalty Points",
        copy=False,
        tracking=True,
    )
    points_earned = fields.Float(
        string="Points",
        digits="Loyalty Points",
        compute="_compute_quote",
        compute_sudo=True,
        help="The points that a sale earns, or that a return takes back.",
    )
    points_max = fields.Float(
        string="Maximum to Spend",
        digits="Loyalty Points",
        compute="_compute_quote",
        compute_sudo=True,
    )
    quote = fields.Char(compute="_compute_quote", compute_sudo=True)
    problem = fields.Char(compute="_compute_problem", compute_sudo=True)

    # Return
    origin_id = fields.Many2one(
        comodel_name="loyalty.manual.entry",
        string="Original Receipt",
        index="btree_not_null",
        ondelete="restrict",
        copy=False,
        domain=[("kind", "=", "sale"), ("state", "=", "posted")],
    )
    return_ids = fields.One2many(
        comodel_name="loyalty.manual.entry",
        inverse_name="origin_id",
        string="Returns",
        readonly=True,
    )
    return_count = fields.Integer(compute="_compute_return_count")

    # Verification and posting
    author_ids = fields.Many2many(
        comodel_name="res.users",
        string="Entered By",
        copy=False,
        readonly=True,
        help="The users who entered or changed this receipt. They cannot verify it.",
    )
    verified_how = fields.Selection(
        selection=[("user", "By a Second Person"), ("code", "By the Member's Code")],
        string="Verified",
        copy=False,
        readonly=True,
    )
    verified_by_id = fields.Many2one(
        comodel_name="res.users",
        copy=False,
        readonly=True,
        ondelete="restrict",
        help="The user who verified the receipt or entered the member's code.",
    )
    verify_date = fields.Datetime(string="Verified On", copy=False, readonly=True)
    code_digest = fields.Char(
        copy=False,
        readonly=True,
        help="Fingerprint of the content that the member was asked to confirm.",
    )
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    revision = fields.Integer(
        copy=False,
        readonly=True,
        help="How often the receipt was posted and cancelled again.",
    )

    # === CONSTRAINTS AND INDEXES === #

    _receipt_uniq = models.UniqueIndex(
        "(store_id, lower(receipt_number))",
        "This receipt of the store has been entered already. Search for its number to"
        " see it.",
    )
    # No amount is so high; PostgreSQL takes NaN for more than any number
    _amounts_check = models.Constraint(
        "CHECK (COALESCE(amount, 0) BETWEEN 0 AND 1e12"
        " AND COALESCE(amount_untaxed, 0) BETWEEN 0 AND 1e12)",
        "The amount of a receipt cannot be negative. For goods that came back, enter a"
        " return.",
    )
    _points_check = models.Constraint(
        "CHECK (COALESCE(points_redeemed, 0) BETWEEN 0 AND 1e12)",
        "The points to spend cannot be negative.",
    )
    _origin_check = models.Constraint(
        "CHECK (kind = 'return' OR origin_id IS NULL)",
        "Only a return refers to an original receipt.",
    )

    # === DEFAULTS === #

    @api.model
    def _default_store_id(self):
        """Return the store that the user manages, or the only one there is."""
        stores = self.env["loyalty.store"]
        companies = Domain("company_id", "in", [False, *self.env.companies.ids])
        for domain in (Domain("user_id", "=", self.env.uid), Domain.TRUE):
            found = stores.search(domain & companies, limit=2)
            if len(found) == 1:
                return found
        return stores

    # === COMPUTE === #

    @api.depends("receipt_number", "store_id")
    def _compute_display_name(self):
        for entry in self:
            entry.display_name = " ".join(
                filter(
                    None,
                    (entry.store_id.code or entry.store_id.name, entry.receipt_number),
                )
            )

    @api.depends("store_id")
    def _compute_company_id(self):
        for entry in self:
            entry.company_id = (
                entry.store_id.company_id or entry.company_id or self.env.company
            )

    @api.depends("identifier", "company_id", "origin_id")
    def _compute_member_id(self):
        for entry in self:
            if entry.origin_id:
                entry.member_id = entry.origin_id.member_id
                continue
            found = entry._find_members()
            # Without an identifier the member was chosen from the list
            if not entry.identifier or entry.member_id in found:
                entry.member_id = entry.member_id
            else:
                entry.member_id = found if len(found) == 1 else False

    @api.depends("line_ids.amount", "line_ids.amount_untaxed", "amount")
    def _compute_amounts(self):
        for entry in self:
            lines = entry.line_ids
            if lines:
                entry.amount = sum(lines.mapped("amount"))
                entry.amount_untaxed = sum(lines.mapped("amount_untaxed"))
            else:
                entry.amount = entry.amount or 0.0
                entry.amount_untaxed = entry.amount

    @api.depends(lambda self: self._get_quote_fields())
    def _compute_quote(self):
        for entry in self:
            quote = entry._get_quote()
            entry.points_earned = quote.get("points", 0.0)
            entry.points_max = quote.get("max_redeem", 0.0)
            entry.quote = entry._get_quote_text(quote)

    @api.depends(
        lambda self: (
            *self._get_quote_fields(),
            "state",
            "member_id.state",
            "scheme_id.state",
        )
    )
    def _compute_problem(self):
        for entry in self:
            entry.problem = entry.state == "draft" and entry._get_problem()

    @api.depends("return_ids")
    def _compute_return_count(self):
        counts = dict(
            self._read_group(
                [("origin_id", "in", self.ids)], ["origin_id"], ["__count"]
            )
        )
        for entry in self:
            entry.return_count = counts.get(entry._origin, 0)

    # === CONSTRAINS === #

    @api.constrains("receipt_number")
    def _check_receipt_number(self):
        for entry in self:
            if not entry.receipt_number.strip():
                raise ValidationError(
                    self.env._("Enter the number that is printed on the receipt.")
                )

    @api.constrains("date")
    def _check_date(self):
        for entry in self:
            if entry.date > fields.Datetime.now():
                raise ValidationError(
                    self.env._(
                        "Receipt %(number)s is dated %(date)s, which is in the future.",
                        number=entry.receipt_number,
                        date=format_datetime(self.env, entry.date),
                    )
                )

    @api.constrains("amount", "line_ids")
    def _check_sum(self):
        for entry in self:
            total = sum(entry.line_ids.mapped("amount"))
            if entry.line_ids and entry.currency_id.compare_amounts(
                entry.amount, total
            ):
                raise ValidationError(
                    self.env._(
                        "The lines of receipt %(number)s do not add up to its amount.",
                        number=entry.receipt_number,
                    )
                )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(
            [{**vals, **self._get_clean_values(vals)} for vals in vals_list]
        )

    def write(self, vals):
        content = self._get_content_fields() & vals.keys()
        if content:
            self._check_editable()
        result = super().write({**vals, **self._get_clean_values(vals)})
        if content:
            self._note_author()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        if any(entry.state != "draft" or entry.revision for entry in self):
            raise UserError(
                self.env._("Only drafts can be deleted. Cancel the receipt instead.")
            )

    # === ACTIONS === #

    def action_verify(self):
        """Verify receipts that other users have entered."""
        self.check_access("write")
        self._check_state("draft")
        self._check_second_person()
        self._check_ready()
        self._set_verified("user")

    def action_verify_and_post(self):
        """Verify receipts that other users have entered, and post them."""
        self.filtered(lambda entry: entry.state == "draft").action_verify()
        self.action_post()

    def action_post(self):
        """Record verified receipts as sales and returns, all of them or none."""
        self.check_access("write")
        self._check_state("verified")
        self._check_ready()
        self._post()

    def action_send_code(self):
        """Send the member a code, and ask for it."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft")
        self._check_ready()
        sent_to = self.member_id._send_code(CODE_PURPOSE, self, self._get_code_text())
        # sudo: only the buttons write it
        self.sudo().code_digest = self._get_content_digest()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Code of the Member"),
            "res_model": "loyalty.manual.entry.confirm",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_entry_id": self.id, "default_sent_to": sent_to},
        }

    def action_cancel(self):
        """Cancel receipts, and reverse exactly what the posted ones have moved."""
        self.check_access("write")
        self._check_state("draft", "verified", "posted")
        standing = self.return_ids.filtered(lambda entry: entry.state == "posted")
        if standing - self:
            raise UserError(
                self.env._(
                    "This receipt has returns. Cancel %(returns)s first.",
                    returns=standing._get_names(),
                )
            )
        # Returns first, so that each receipt gets back what it had
        for entry in self.sorted(lambda entry: entry.kind == "sale"):
            posted = entry.state == "posted"
            if posted:
                entry.transaction_id._cancel(
                    self.env._("cancelled by %(user)s", user=self.env.user.name)
                )
            # sudo: only the buttons write it
            entry.sudo().write(
                {"state": "cancelled", "revision": entry.revision + posted}
            )

    def action_draft(self):
        """Set verified or cancelled receipts back to draft, to correct them."""
        self.check_access("write")
        self._check_state("verified", "cancelled")
        # sudo: only the buttons write it
        self.sudo().write(
            {
                "state": "draft",
                "verified_how": False,
                "verified_by_id": False,
                "verify_date": False,
                "code_digest": False,
            }
        )

    def action_return(self):
        """Open a new return of this receipt with all of its lines."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("posted")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Return of %(receipt)s", receipt=self.display_name),
            "res_model": self._name,
            "views": [(False, "form")],
            "context": self._get_return_context(),
        }

    def action_view_transaction(self):
        """Open the transaction that records this receipt."""
        self.ensure_one()
        return self.transaction_id.get_formview_action()

    def action_view_returns(self):
        """Open the returns of these receipts."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_manual_entry.loyalty_manual_entry_action"
        )
        action["domain"] = [("origin_id", "in", self.ids)]
        action["context"] = {"create": False}
        return action

    def _get_return_context(self):
        """Return the context in which a new form is a return of this receipt."""
        context = {
            "default_kind": "return",
            "default_origin_id": self.id,
            "default_store_id": self.store_id.id,
        }
        if self.line_ids:
            context["default_line_ids"] = [
                Command.create(line._prepare_return_values()) for line in self.line_ids
            ]
        else:
            context["default_amount"] = self.amount
        return context

    # === BUSINESS: RIGHTS TO CHANGE === #

    @api.model
    def _get_workflow_defaults(self):
        """Start a receipt as a draft of the user who enters it."""
        return {
            **super()._get_workflow_defaults(),
            "author_ids": [Command.set(self.env.user.ids)],
            "verified_how": False,
            "verified_by_id": False,
            "verify_date": False,
            "code_digest": False,
            "transaction_id": False,
            "revision": 0,
        }

    @api.model
    def _get_clean_values(self, vals):
        """Return the values that are stored differently from how they were entered.

        :raise ValidationError: for an amount that is not a number
        """
        self._check_finite(vals, ("amount", "amount_untaxed", "points_redeemed"))
        for command in vals.get("line_ids") or ():
            if len(command) > 2 and isinstance(command[2], dict):
                self.line_ids._check_finite(command[2])
        number = vals.get("receipt_number")
        return {"receipt_number": number.strip()} if number else {}

    @api.model
    def _check_finite(self, vals, names):
        if not all(math.isfinite(vals.get(name) or 0) for name in names):
            raise ValidationError(self.env._("Enter amounts and points as numbers."))

    @api.model
    def _get_content_fields(self):
        """Return the fields that describe the purchase and the member."""
        return {
            "kind",
            "store_id",
            "company_id",
            "receipt_number",
            "date",
            "identifier",
            "member_id",
            "line_ids",
            "amount",
            "amount_untaxed",
            "points_redeemed",
            "origin_id",
        }

    def _check_editable(self):
        closed = self.filtered(lambda entry: entry.state != "draft")
        if closed:
            raise UserError(
                self.env._(
                    "%(receipts)s can only be changed as a draft. Set it back to draft"
                    " first, or cancel it if it is posted.",
                    receipts=closed._get_names(),
                )
            )

    def _note_author(self):
        """Record the user as an author of these receipts."""
        news = self.filtered(lambda entry: self.env.user not in entry.author_ids)
        # sudo: only the buttons write it
        news.sudo().write({"author_ids": [Command.link(self.env.uid)]})

    def _check_second_person(self):
        own = self.filtered(lambda entry: self.env.user in entry.author_ids)
        if own:
            raise UserError(
                self.env._(
                    "You have entered or changed %(receipts)s yourself. Ask a colleague"
                    " to verify it, or send the member a code.",
                    receipts=own._get_names(),
                )
            )

    def _set_verified(self, how):
        # sudo: only the buttons write it
        self.sudo().write(
            {
                "state": "verified",
                "verified_how": how,
                "verified_by_id": self.env.uid,
                "verify_date": fields.Datetime.now(),
            }
        )

    # === BUSINESS: THE MEMBER === #

    def _find_members(self):
        """Return the members with this card, phone number or whole name."""
        self.ensure_one()
        members = self.env["loyalty.member"]
        identifier = (self.identifier or "").strip()
        if not identifier or not self.company_id:
            return members
        card = members._find_by_code(identifier, company=self.company_id)
        if card:
            return card.member_id
        companies = Domain("company_id", "in", [self.company_id.id, False])
        try:
            phone = self.env["res.partner"]._normalize_member_phone(
                identifier, self.company_id.country_id
            )
        except ValidationError:
            phone = None
        if phone:
            return members.search(
                companies & Domain("partner_id.phone_sanitized", "=", phone),
                limit=MAX_LISTED,
            )
        # What the user types has no wildcards
        name = identifier.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return members.search(
            companies & Domain("partner_id.name", "=ilike", name), limit=MAX_LISTED
        )

    def _check_member(self):
        """Refuse a receipt without a member who may earn and spend.

        :raise UserError: with the reason
        """
        if not self.member_id:
            raise UserError(self._get_unknown_message())
        company = self.member_id.company_id
        if company and company != self.company_id:
            raise UserError(
                self.env._(
                    "%(member)s is a member at %(company)s, and %(store)s belongs to"
                    " %(store_company)s.",
                    member=self.member_id.display_name,
                    company=company.name,
                    store=self.store_id.name,
                    store_company=self.company_id.name,
                )
            )
        self.member_id._check_can_transact()
        card = self.env["loyalty.member"]._find_by_code(
            self.identifier, company=self.company_id
        )
        if card and card.number == self.identifier.strip():
            card._check_usable()

    def _get_unknown_message(self):
        if not self.identifier:
            return self.env._(
                "The receipt has no member. Scan the card or choose the member."
            )
        found = self._find_members()
        if found:
            return self.env._(
                "“%(identifier)s” may be %(members)s: choose the member.",
                identifier=self.identifier,
                members=", ".join(
                    f"{member.display_name} ({member.number})" for member in found
                ),
            )
        card = self.env["loyalty.member"]._find_by_code(
            self.identifier, company=self.company_id
        )
        if card:
            return card._get_unusable_message()
        return self.env._(
            "No member has the card, phone number or name “%(identifier)s”. Check it,"
            " or enrol the customer first.",
            identifier=self.identifier,
        )

    # === BUSINESS: CHECKS === #

    def _get_problem(self):
        """Return why this receipt cannot be posted, or ``False``."""
        try:
            self._check_entry()
        except UserError as error:
            return str(error)
        return False

    def _check_ready(self):
        """Refuse receipts that cannot be posted.

        :raise UserError: with the first reason, and what to do
        """
        for entry in self:
            # sudo: as in the field that shows the problem
            problem = entry.sudo()._get_problem()
            if problem and len(self) > 1:
                problem = self.env._(
                    "%(receipt)s: %(problem)s",
                    receipt=entry.display_name,
                    problem=problem,
                )
            if problem:
                raise UserError(problem)

    def _check_entry(self):
        """Refuse a receipt that cannot be posted."""
        self.ensure_one()
        self._check_receipt_is_new()
        if self.kind == "return":
            self._check_origin()
        self._check_member()
        self._check_amounts()
        if self.kind == "return":
            self._check_returned()
        else:
            self._check_spent()

    def _check_receipt_is_new(self):
        """Refuse a second entry of a receipt before the unique index does."""
        number = (self.receipt_number or "").strip()
        if not number or not self.store_id:
            return
        others = self.search(
            [
                ("store_id", "=", self.store_id.id),
                ("receipt_number", "=", number),
                ("id", "not in", self._origin.ids),
            ],
            limit=1,
        )
        if others:
            raise UserError(
                self.env._(
                    "Receipt %(number)s of %(store)s was entered already, by %(user)s"
                    " on %(date)s.",
                    number=number,
                    store=self.store_id.name,
                    user=others.create_uid.name,
                    date=format_date(self.env, others.create_date),
                )
            )

    def _check_amounts(self):
        if self.currency_id.compare_amounts(self.amount, 0) <= 0:
            raise UserError(self.env._("Enter the amount of the receipt."))
        for line in self.line_ids:
            if not line._get_description():
                raise UserError(
                    self.env._(
                        "A line has no description. Choose a product or a category, or"
                        " describe the goods in a few words."
                    )
                )

    def _check_spent(self):
        """Refuse to spend more points than the quote allows."""
        points = self.points_redeemed
        digits = self.env["decimal.precision"].precision_get("Loyalty Points")
        if float_is_zero(points, precision_digits=digits):
            return
        scheme = self.scheme_id
        quote = self._get_quote()
        if float_compare(points, quote["min_redeem"], precision_digits=digits) < 0:
            raise UserError(
                self.env._(
                    "At least %(minimum)s must be spent at a time, not %(points)s.",
                    minimum=scheme._format_points(quote["min_redeem"]),
                    points=scheme._format_points(points),
                )
            )
        if float_compare(points, quote["max_redeem"], precision_digits=digits) > 0:
            raise UserError(
                self.env._(
                    "%(member)s can spend at most %(maximum)s on this receipt, not"
                    " %(points)s.",
                    member=self.member_id.display_name,
                    maximum=scheme._format_points(quote["max_redeem"]),
                    points=scheme._format_points(points),
                )
            )

    def _check_origin(self):
        if not self.origin_id:
            raise UserError(
                self.env._("The return has no original receipt. Choose one.")
            )
        if self.origin_id.kind != "sale" or self.origin_id.state != "posted":
            raise UserError(
                self.env._(
                    "%(receipt)s is not a posted sale. Choose a posted sale.",
                    receipt=self.origin_id.display_name,
                )
            )
        if self.member_id != self.origin_id.member_id:
            raise UserError(
                self.env._(
                    "%(receipt)s was a sale to %(member)s.",
                    receipt=self.origin_id.display_name,
                    member=self.origin_id.member_id.display_name,
                )
            )
        if self.date and self.date < self.origin_id.date:
            raise UserError(
                self.env._(
                    "The return is dated before the sale of %(date)s. Correct the"
                    " date.",
                    date=format_datetime(self.env, self.origin_id.date),
                )
            )

    def _check_returned(self):
        """Refuse to return more than was sold and has not been returned yet."""
        origin = self.origin_id
        if self.line_ids and not origin.line_ids:
            raise UserError(
                self.env._(
                    "%(receipt)s was entered as one amount. Enter the return as one"
                    " amount, too.",
                    receipt=origin.display_name,
                )
            )
        if origin.line_ids and (
            not self.line_ids or self.line_ids.origin_line_id - origin.line_ids
        ):
            raise UserError(
                self.env._(
                    "Choose the lines of %(receipt)s that were returned.",
                    receipt=origin.display_name,
                )
            )
        if self.line_ids:
            self.line_ids._check_returned()
            return
        earlier = origin.return_ids.filtered(lambda entry: entry.state == "posted")
        left = origin.amount - sum(earlier.mapped("amount"))
        if self.currency_id.compare_amounts(self.amount, left) > 0:
            raise UserError(
                self.env._(
                    "At most %(left)s of %(receipt)s can be returned, not %(amount)s.",
                    receipt=origin.display_name,
                    left=self.currency_id.format(left),
                    amount=self.currency_id.format(self.amount),
                )
            )

    # === BUSINESS: QUOTE === #

    @api.model
    def _get_quote_fields(self):
        return (
            "kind",
            "state",
            "store_id",
            "receipt_number",
            "date",
            "identifier",
            "member_id",
            "amount",
            "amount_untaxed",
            "points_redeemed",
            "origin_id",
            "line_ids.amount",
            "line_ids.amount_untaxed",
            "line_ids.quantity",
            "line_ids.product_id",
            "line_ids.name",
            "line_ids.category_id",
            "line_ids.origin_line_id",
        )

    def _get_quote(self):
        """Return what the receipt moves, before and after it is posted.

        :return dict: ``points``; for sales not posted what ``_quote`` says; for
            returns, and what is posted, ``redeemed``
        """
        self.ensure_one()
        if self.transaction_id and self.state == "posted":
            return {
                "points": self.transaction_id.points_earned,
                "redeemed": self.transaction_id.points_redeemed,
            }
        if not self.member_id or not self.date or self.state == "cancelled":
            return {}
        if self.kind == "sale":
            return self.env["loyalty.transaction"]._quote(
                self.member_id, self.scheme_id, self._get_sale()
            )
        try:
            taken, given = self.origin_id.transaction_id._quote_return(self._get_sale())
        except (UserError, ValueError):
            # The field "problem" shows the reason
            return {}
        return {"points": float(taken), "redeemed": float(given)}

    def _get_quote_text(self, quote):
        """Return a quote as a sentence for the user."""
        if not quote:
            return False
        scheme = self.scheme_id
        points = scheme._format_points(quote["points"])
        if self.kind == "return":
            return self.env._(
                "Takes back %(points)s and gives back %(redeemed)s.",
                points=points,
                redeemed=scheme._format_points(quote["redeemed"]),
            )
        if self.state == "posted":
            return self.env._(
                "Earned %(points)s and spent %(redeemed)s.",
                points=points,
                redeemed=scheme._format_points(quote["redeemed"]),
            )
        return self.env._(
            "Earns %(points)s. The balance is %(balance)s, of which %(maximum)s can be"
            " spent here.",
            points=points,
            balance=scheme._format_points(quote["balance"]),
            maximum=scheme._format_points(quote["max_redeem"]),
        )

    # === BUSINESS: POSTING === #

    def _get_sale(self):
        """Return this receipt in the form that a transaction is recorded from."""
        self.ensure_one()
        return Sale(
            channel="manual",
            reference=self._get_reference(),
            date=self.date,
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            lines=tuple(self._get_sale_lines()),
            store_id=self.store_id.id or None,
            redeemed=self.points_redeemed if self.kind == "sale" else 0,
            res_model=self._name,
            res_id=self._origin.id or None,
            name=self.display_name,
        )

    def _get_reference(self):
        """Return the reference of the transaction.

        A receipt that is posted again after it was cancelled, perhaps for another
        member, is another sale.
        """
        reference = f"{self.store_id.id}/{(self.receipt_number or '').lower()}"
        return f"{reference}#{self.revision}" if self.revision else reference

    def _get_sale_lines(self):
        """Return the goods, and the amount that points pay, as a list of SaleLine."""
        if self.line_ids:
            lines = [line._get_sale_line() for line in self.line_ids]
        else:
            lines = [
                SaleLine(
                    key=TOTAL_KEY,
                    product_id=None,
                    quantity=1.0,
                    amount_incl=self.amount,
                    amount_excl=self.amount_untaxed,
                    name=self.receipt_number or "",
                    origin_key=TOTAL_KEY if self.kind == "return" else None,
                )
            ]
        paid = self._get_paid_with_points()
        if paid:
            lines.append(
                SaleLine(
                    key=REDEEM_KEY,
                    product_id=None,
                    quantity=1.0,
                    amount_incl=-paid,
                    amount_excl=-paid,
                    name=self.env._("Paid with points"),
                    is_reward=True,
                )
            )
        return lines

    def _get_paid_with_points(self):
        """Return the amount that points pay, in the currency of the receipt."""
        if self.kind == "return" or not self.points_redeemed or not self.scheme_id:
            return 0.0
        scheme = self.scheme_id
        return scheme.currency_id._convert(
            scheme._points_to_money(self.points_redeemed),
            self.currency_id,
            self.company_id,
            self.date,
        )

    def _post(self):
        sales = self.filtered(lambda entry: entry.kind == "sale")
        transactions = self.env["loyalty.transaction"]._record_many(
            [(entry.member_id, entry._get_sale()) for entry in sales]
        )
        for entry, transaction in zip(sales, transactions, strict=True):
            entry._set_posted(transaction)
        # A receipt is paid: the waiting time begins with the sale
        for day, entries in sales.grouped(lambda entry: entry.date.date()).items():
            entries.transaction_id._start_pending(day)
        for entry in self - sales:
            transaction = entry.origin_id.transaction_id
            entry._set_posted(transaction._record_return(entry._get_sale()))

    def _set_posted(self, transaction):
        # sudo: only the buttons write it
        self.sudo().write({"state": "posted", "transaction_id": transaction.id})

    # === BUSINESS: THE MEMBER'S CODE === #

    def _verify_by_code(self, code):
        """Verify this receipt with the code that its member was sent, and post it.

        :raise UserError: if the code is wrong, or the receipt has changed since
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft")
        if self.code_digest != self._get_content_digest():
            raise UserError(
                self.env._(
                    "The receipt has changed since the code was sent. Send a new code."
                )
            )
        self.member_id._check_code(CODE_PURPOSE, code, self)
        self._set_verified("code")
        self.action_post()

    def _get_content_digest(self):
        """Return a fingerprint of the content that the member is asked to confirm."""
        sale = self._get_sale()
        content = [
            sale.digest(),
            sale.reference,
            str(sale.date),
            self.kind,
            self.member_id.id,
            self.origin_id.id,
        ]
        return sha256(json.dumps(content).encode()).hexdigest()

    def _get_code_text(self):
        """Return the text that describes the receipt to the member."""
        values = {
            "receipt": self.receipt_number,
            "store": self.store_id.name,
            "amount": self.currency_id.format(self.amount),
            "points": self.scheme_id._format_points(self.points_redeemed),
        }
        if self.kind == "return":
            return self.env._(
                "Receipt %(receipt)s of %(store)s: you returned goods for %(amount)s.",
                **values,
            )
        if self.points_redeemed:
            return self.env._(
                "Receipt %(receipt)s of %(store)s: you bought goods for %(amount)s and"
                " spend %(points)s.",
                **values,
            )
        return self.env._(
            "Receipt %(receipt)s of %(store)s: you bought goods for %(amount)s.",
            **values,
        )
