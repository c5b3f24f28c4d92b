# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.fields import Domain


class LoyaltyStatement(models.TransientModel):
    """The period of a statement, and what it says in short."""

    _name = "loyalty.statement"
    _description = "Loyalty Statement of a Member"

    member_id = fields.Many2one(
        comodel_name="loyalty.member", required=True, ondelete="cascade"
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self._default_date_from(),
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: fields.Date.context_today(self),
    )
    available_account_ids = fields.Many2many(
        comodel_name="loyalty.card", compute="_compute_available_account_ids"
    )
    has_choice = fields.Boolean(compute="_compute_available_account_ids")
    account_ids = fields.Many2many(
        comodel_name="loyalty.card",
        relation="loyalty_statement_account_rel",
        column1="statement_id",
        column2="account_id",
        string="Accounts",
        compute="_compute_account_ids",
        store=True,
        readonly=False,
    )
    preview = fields.Html(compute="_compute_preview")

    @api.model
    def _default_date_from(self):
        return self.env["loyalty.member"]._get_statement_period()[0]

    @api.depends("member_id")
    def _compute_available_account_ids(self):
        for statement in self:
            member = statement.member_id
            accounts = member and member._get_statement_accounts()
            statement.available_account_ids = accounts
            statement.has_choice = bool(accounts) and len(accounts) > 1

    @api.depends("member_id")
    def _compute_account_ids(self):
        for statement in self:
            statement.account_ids = statement.available_account_ids

    @api.depends("member_id", "date_from", "date_to", "account_ids")
    def _compute_preview(self):
        for statement in self:
            statement.preview = statement._is_period() and self.env["ir.qweb"]._render(
                "loyalty_ledger.statement_preview",
                {"sections": statement._get_preview_sections()},
            )

    def action_print(self):
        """Print the statement."""
        self.ensure_one()
        self._check_period()
        return self.env.ref("loyalty_ledger.loyalty_statement_report").report_action(
            self.member_id,
            data={
                "member_ids": self.member_id.ids,
                "account_ids": self.account_ids.ids,
                "date_from": fields.Date.to_string(self.date_from),
                "date_to": fields.Date.to_string(self.date_to),
            },
        )

    def action_view_entries(self):
        """Open the entries of the statement, from where they can be exported."""
        self.ensure_one()
        self._check_period()
        return self.env["loyalty.ledger.entry"]._get_action(
            Domain.OR(section["domain"] for section in self._get_sections())
        )

    def _is_period(self):
        return bool(
            self.member_id
            and self.date_from
            and self.date_to
            and self.date_from <= self.date_to
        )

    def _check_period(self):
        self.member_id._get_statement_period(self.date_from, self.date_to)

    def _get_sections(self):
        # Ids of what is chosen on a form that is not saved yet have an origin
        accounts = self.account_ids._origin & self.available_account_ids._origin
        return self.member_id._origin._get_statement(
            self.date_from, self.date_to, accounts
        )

    def _get_preview_sections(self):
        return [
            {**section, "text": section["account"]._get_statement_texts(section)}
            for section in self._get_sections()
        ]
