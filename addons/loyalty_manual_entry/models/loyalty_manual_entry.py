# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import math

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import format_datetime

CODE_PURPOSE = "manual_entry"
TOTAL_KEY = "total"
REDEEM_KEY = "redeem"
MAX_LISTED = 3


class LoyaltyManualEntry(models.Model):
    """A receipt of a store without an integrated till, typed by hand.

    Nothing moves until somebody other than who typed it, or the member by a one-time
    code, has verified it; then it is recorded as any other sale or return.
    """

    _name = "loyalty.manual.entry"
    _description = "Loyalty Receipt Entered by Hand"
    _inherit = ["mail.thread", "mail.activity.mixin"]
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
        help="What the goods cost with tax, before any points pay for them.",
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
        help="What the receipt earns. On a return: what is taken back.",
    )
    points_max = fields.Float(
        string="May Be Spent",
        digits="Loyalty Points",
        compute="_compute_quote",
        compute_sudo=True,
    )
    quote = fields.Char(compute="_compute_quote", compute_sudo=True)
    problem = fields.Char(
        string="To Be Solved", compute="_compute_problem", compute_sudo=True
    )

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
        help="Everybody who typed or changed this receipt. None of them verifies it.",
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
        help="Who verified the receipt, or entered the member's code.",
    )
    verify_date = fields.Datetime(string="Verified On", copy=False, readonly=True)
    code_digest = fields.Char(
        copy=False,
        readonly=True,
        help="Fingerprint of what the member was asked to confirm.",
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
        for vals in vals_list:
            # Whatever the caller says: a receipt begins as a draft of its author
            vals.update(self._get_initial_values())
            vals.update(self._get_clean_values(vals))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and self._get_initial_values().keys() & vals.keys():
            raise AccessError(
                self.env._(
                    "A receipt is verified, posted and cancelled by its buttons alone."
                )
            )
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
        """Confirm receipts that somebody else has typed."""
        self.check_access("write")
        self._check_state("draft")
        self._check_second_person()
        self._check_ready()
        self._set_verified("user")

    def action_verify_and_post(self):
        """Confirm receipts that somebody else has typed, and let their points move."""
        self.filtered(lambda entry: entry.state == "draft").action_verify()
        self.action_post()

    def action_post(self):
        """Let the points of verified receipts move, all of them or none."""
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
        # sudo: what was confirmed is nobody's to change
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
        """Cancel receipts; what the posted ones have moved is reversed exactly."""
        self.check_access("write")
        self._check_state("draft", "verified", "posted")
        standing = self.return_ids.filtered(lambda entry: entry.state == "posted")
        if standing - self:
            raise UserError(
                self.env._(
                    "Goods of this receipt came back: cancel %(returns)s first.",
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
            # sudo: see write
            entry.sudo().write(
                {"state": "cancelled", "revision": entry.revision + posted}
            )

    def action_draft(self):
        """Take verified or cancelled receipts back, to correct them."""
        self.check_access("write")
        self._check_state("verified", "cancelled")
        # sudo: see write
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
        """Open what was recorded of this receipt."""
        self.ensure_one()
        return self.transaction_id.get_formview_action()

    def action_view_returns(self):
        """Open the returns of these receipts."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_manual_entry_action"
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

    # === BUSINESS: WHO MAY CHANGE WHAT === #

    @api.model
    def _get_initial_values(self):
        """Return the fields that only the buttons change, as they begin."""
        return {
            "state": "draft",
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
        """Return those of the values that are kept otherwise than they were typed.

        :raise ValidationError: an amount that is no number
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
        """Return the fields that say what was bought, and by whom."""
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
                    "%(receipts)s cannot be changed any more. Set it back to draft"
                    " first, or cancel it if it is posted.",
                    receipts=closed._get_names(),
                )
            )

    def _note_author(self):
        """Note who has had a hand in these receipts."""
        news = self.filtered(lambda entry: self.env.user not in entry.author_ids)
        # sudo: see write
        news.sudo().write({"author_ids": [Command.link(self.env.uid)]})

    def _check_state(self, *states):
        others = self.filtered(lambda entry: entry.state not in states)
        if others:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "This cannot be done with %(receipts)s: %(state)s.",
                    receipts=others._get_names(),
                    state=labels[others[0].state],
                )
            )

    def _check_second_person(self):
        own = self.filtered(lambda entry: self.env.user in entry.author_ids)
        if own:
            raise UserError(
                self.env._(
                    "You have typed or changed %(receipts)s yourself. Ask somebody"
                    " else to verify it, or have a code sent to the member.",
                    receipts=own._get_names(),
                )
            )

    def _set_verified(self, how):
        # sudo: see write
        self.sudo().write(
            {
                "state": "verified",
                "verified_how": how,
                "verified_by_id": self.env.uid,
                "verify_date": fields.Datetime.now(),
            }
        )

    def _get_names(self):
        """Name receipts for a sentence, a few of them at most."""
        names = ", ".join(self[:MAX_LISTED].mapped("display_name"))
        if len(self) <= MAX_LISTED:
            return names
        return self.env._(
            "%(names)s and %(count)s more", names=names, count=len(self) - MAX_LISTED
        )
