# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whose a receipt is, and what keeps it from being posted."""

from odoo import models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import float_compare, float_is_zero, format_date, format_datetime

from .loyalty_manual_entry import MAX_LISTED


class LoyaltyManualEntry(models.Model):
    _inherit = "loyalty.manual.entry"

    # === BUSINESS: THE MEMBER === #

    def _find_members(self):
        """Return the members whom the identifier may mean: by card, phone or name."""
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
        # Between the wildcards of the person who types there are none
        name = identifier.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return members.search(
            companies & Domain("partner_id.name", "=ilike", name), limit=MAX_LISTED
        )

    def _check_member(self):
        """Refuse a receipt of nobody, or of somebody who may not earn or spend."""
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
                "Whose receipt is it? Scan the card or choose the member."
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

    # === BUSINESS: WHAT IS WRONG === #

    def _get_problem(self):
        """Return the sentence that keeps this receipt from being posted, if any."""
        try:
            self._check_entry()
        except UserError as error:
            return str(error)
        return False

    def _check_ready(self):
        """Refuse receipts that are not in order, naming the first of several.

        :raise UserError: what is wrong, and what to do
        """
        for entry in self:
            # sudo: as in the problem that the person sees
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
        """Say while typing that the receipt is there already; the index refuses it."""
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
            raise UserError(self.env._("Enter what was paid for the goods."))
        for line in self.line_ids:
            if not line._get_description():
                raise UserError(
                    self.env._(
                        "Say for each line what it is: a product, a category or a few"
                        " words."
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
                self.env._("Choose the original receipt that the goods were sold on.")
            )
        if self.origin_id.kind != "sale" or self.origin_id.state != "posted":
            raise UserError(
                self.env._(
                    "%(receipt)s is not a posted sale: nothing of it can come back.",
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
                    "The goods cannot have come back before they were sold, on"
                    " %(date)s.",
                    date=format_datetime(self.env, self.origin_id.date),
                )
            )

    def _check_returned(self):
        """Refuse that more comes back than was sold and has not come back yet."""
        origin = self.origin_id
        if self.line_ids and not origin.line_ids:
            raise UserError(
                self.env._(
                    "%(receipt)s was entered as one amount. Enter what came back as"
                    " one amount, too.",
                    receipt=origin.display_name,
                )
            )
        if origin.line_ids and (
            not self.line_ids or self.line_ids.origin_line_id - origin.line_ids
        ):
            raise UserError(
                self.env._(
                    "Say which lines of %(receipt)s came back.",
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
                    "Of %(receipt)s at most %(left)s can come back, not %(amount)s.",
                    receipt=origin.display_name,
                    left=self.currency_id.format(left),
                    amount=self.currency_id.format(self.amount),
                )
            )
