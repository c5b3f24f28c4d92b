# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from odoo.addons.loyalty_ledger.ledger.sale import Sale


class LoyaltyEarnTrial(models.TransientModel):
    """A purchase to type in, to see what it would earn and why.

    Nothing is recorded. The engine computes it under the scheme's rules, or under
    changed ones.
    """

    _name = "loyalty.earn.trial"
    _description = "Trial of Earning Rules"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    unit = fields.Char(related="scheme_id.point_name_plural", string="Unit")
    rule_id = fields.Many2one(
        comodel_name="loyalty.earn.rule",
        string="Rule to Try",
        readonly=True,
        ondelete="cascade",
    )

    # The purchase
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        string="Copy of Sale",
        domain="[('scheme_id', '=', scheme_id), ('kind', '=', 'sale')]",
        ondelete="cascade",
        help="Fills in the products of that sale. You can change them.",
    )
    sale_currency_id = fields.Many2one(
        comodel_name="res.currency",
        compute="_compute_sale_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        compute="_compute_purchase",
        store=True,
        readonly=False,
        precompute=True,
        domain="[('scheme_id', '=', scheme_id)]",
        ondelete="cascade",
        help="Leave empty for a guest without purchases, points and birthday.",
    )
    channel_id = fields.Many2one(
        comodel_name="loyalty.channel",
        compute="_compute_purchase",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        ondelete="cascade",
    )
    store_id = fields.Many2one(
        comodel_name="loyalty.store",
        compute="_compute_purchase",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="cascade",
    )
    date = fields.Datetime(
        compute="_compute_purchase",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    payment_method_ids = fields.Many2many(
        comodel_name="loyalty.payment.method",
        string="Paid With",
        compute="_compute_payment_method_ids",
        store=True,
        readonly=False,
    )
    line_ids = fields.One2many(
        comodel_name="loyalty.earn.trial.line",
        inverse_name="trial_id",
        string="Products",
        compute="_compute_line_ids",
        store=True,
        readonly=False,
    )

    # The rules
    removed_rule_ids = fields.Many2many(
        comodel_name="loyalty.earn.rule",
        relation="loyalty_earn_trial_removed_rel",
        column1="trial_id",
        column2="rule_id",
        string="Rules Left Out",
        domain="[('scheme_id', '=', scheme_id), ('trigger', '=', 'purchase')]",
    )
    added_rule_ids = fields.Many2many(
        comodel_name="loyalty.earn.rule",
        relation="loyalty_earn_trial_added_rel",
        column1="trial_id",
        column2="rule_id",
        string="Archived Rules Added",
        context={"active_test": False},
        domain="[('scheme_id', '=', scheme_id), ('active', '=', False),"
        " ('trigger', '=', 'purchase')]",
    )

    # What it gives
    points = fields.Float(compute="_compute_result", digits="Loyalty Points")
    wallet = fields.Monetary(string="Into the Wallet", compute="_compute_result")
    worth = fields.Char(compute="_compute_result")
    headline = fields.Char(compute="_compute_result")
    problem = fields.Char(compute="_compute_result")
    explanation = fields.Html(compute="_compute_result", sanitize=False)

    # === COMPUTE === #

    @api.depends("scheme_id", "rule_id")
    def _compute_display_name(self):
        for trial in self:
            trial.display_name = self.env._(
                "Try It: %(name)s", name=trial.rule_id.name or trial.scheme_id.name
            )

    @api.depends("transaction_id", "scheme_id")
    def _compute_sale_currency_id(self):
        for trial in self:
            trial.sale_currency_id = (
                trial.transaction_id.currency_id or trial.scheme_id.currency_id
            )

    @api.depends("transaction_id")
    def _compute_purchase(self):
        for trial in self:
            sold = trial.transaction_id
            trial.member_id = sold.member_id or trial.member_id
            trial.channel_id = (
                sold.channel_id
                or trial.channel_id
                or self.env["loyalty.channel"]._get_by_code("pos")
            )
            trial.store_id = sold.store_id or trial.store_id
            trial.date = sold.date or trial.date or fields.Datetime.now()

    @api.depends("transaction_id")
    def _compute_payment_method_ids(self):
        for trial in self:
            sold = trial.transaction_id
            trial.payment_method_ids = (
                trial._find_payment_methods() if sold else trial.payment_method_ids
            )

    @api.depends("transaction_id")
    def _compute_line_ids(self):
        for trial in self:
            if not trial.transaction_id:
                trial.line_ids = trial.line_ids
                continue
            trial.line_ids = [
                Command.clear(),
                *(
                    Command.create(trial.line_ids._prepare_as_sold(line))
                    for line in trial.transaction_id.line_ids
                ),
            ]

    @api.depends(
        lambda self: [
            *self._get_purchase_fields(),
            *(f"line_ids.{name}" for name in self.line_ids._get_purchase_fields()),
        ]
    )
    @api.depends_context("lang")
    def _compute_result(self):
        for trial in self:
            trial.update(trial._get_result())

    @api.model
    def _get_purchase_fields(self):
        """Return the fields on which the result depends, beside the lines."""
        return [
            "scheme_id",
            "company_id",
            "rule_id",
            "sale_currency_id",
            "member_id",
            "channel_id",
            "store_id",
            "date",
            "payment_method_ids",
            "removed_rule_ids",
            "added_rule_ids",
        ]

    # === BUSINESS === #

    @api.model
    def _open(self, scheme, rule=None):
        """Return the action that opens a trial.

        :param rule: the loyalty.earn.rule in question; an archived one gives as if it
            was live
        """
        scheme.check_access("read")
        values = {"scheme_id": scheme.id}
        if rule:
            rule.check_access("read")
            values["rule_id"] = rule.id
            if not rule.active:
                values["added_rule_ids"] = [Command.link(rule.id)]
        trial = self.create(values)
        return {
            "type": "ir.actions.act_window",
            "name": trial.display_name,
            "res_model": self._name,
            "res_id": trial.id,
            "views": [(False, "form")],
            "target": "current",
        }

    def _get_result(self):
        """Return what the purchase gives, as the values of the result's fields."""
        self.ensure_one()
        result = {
            "points": 0.0,
            "wallet": 0.0,
            "worth": "",
            "headline": "",
            "problem": self._get_problem(),
            "explanation": False,
        }
        if result["problem"]:
            return result
        try:
            rules = self.scheme_id._get_draft_rules(
                self.removed_rule_ids._origin, self.added_rule_ids._origin
            )
        except UserError as error:
            return {**result, "problem": str(error)}
        given = self.env["loyalty.transaction"]._evaluate(
            self.scheme_id._origin,
            [(self.member_id._origin, self._prepare_sale())],
            rules,
        )[0]
        return {
            **result,
            "points": float(given.points),
            "wallet": float(given.wallet),
            "worth": self._get_worth(given),
            "headline": self._get_headline(given),
            "explanation": self._explain(given),
        }

    def _get_problem(self):
        """Return what is missing or does not fit, as a sentence, or ``False``."""
        scheme, member = self.scheme_id, self.member_id
        if member and member.scheme_id != scheme:
            return self.env._(
                "%(member)s is not a member of %(scheme)s. Choose another member or"
                " none.",
                member=member.display_name,
                scheme=scheme.name,
            )
        if not self.channel_id or not self.date or not self.sale_currency_id:
            return self.env._("Enter the date and the channel of the purchase.")
        if not self.line_ids:
            return self.env._("Add products, or choose a past sale to copy.")
        return False

    def _find_payment_methods(self):
        """Return what the sale was paid with, as far as it is known here."""
        codes = (self.transaction_id.payments or "").split(",")
        return self.env["loyalty.payment.method"].search([("code", "in", codes)])

    def _prepare_sale(self):
        """Return the purchase as a channel would report it."""
        self.ensure_one()
        return Sale(
            channel=self.channel_id.code,
            reference="trial",
            date=self.date,
            currency_id=self.sale_currency_id.id,
            company_id=self.company_id.id,
            store_id=self.store_id.id or None,
            payments=tuple(self.payment_method_ids.mapped("code")),
            lines=tuple(
                line._prepare_sale_line(str(number))
                for number, line in enumerate(self.line_ids, start=1)
            ),
        )

    def _get_worth(self, given):
        """Return what points and money together are worth, for a human."""
        scheme = self.scheme_id
        return scheme._format_money(
            scheme._points_to_money(given.points) + float(given.wallet)
        )

    def _get_headline(self, given):
        """Say what the purchase gives, and what of it the rule in question."""
        scheme = self.scheme_id
        parts = [scheme._format_points(given.points)]
        if given.wallet:
            parts.append(
                self.env._(
                    "%(money)s into the wallet",
                    money=scheme._format_money(given.wallet),
                )
            )
        rule = self.rule_id
        if rule:
            share = given.awards.get(f"rule:{rule._origin.id}")
            parts.append(
                self.env._(
                    "“%(rule)s” gives %(share)s of it",
                    rule=rule.name,
                    share=scheme._format_money(share)
                    if rule.target == "wallet"
                    else scheme._format_points(share),
                )
                if share
                else self.env._("“%(rule)s” gives nothing", rule=rule.name)
            )
        return ", ".join(parts)

    def _explain(self, given):
        """Return how the result came about, as a page."""
        scheme = self.scheme_id
        explained = self.env["loyalty.transaction"]._new_explained(
            scheme._origin,
            given,
            {
                str(number): line._get_description()
                for number, line in enumerate(self.line_ids, start=1)
            },
        )
        return self.env["ir.qweb"]._render(
            "loyalty_simulation.earn_trial_explanation",
            {
                **explained._get_calculation(),
                "lines": [
                    {
                        "name": line._get_description(),
                        "base": str(number) in given.bases
                        and scheme._format_money(given.bases[str(number)]),
                        "points": scheme._format_points(
                            given.lines.get(str(number), 0)
                        ),
                        "wallet": str(number) in given.wallet_lines
                        and scheme._format_money(given.wallet_lines[str(number)]),
                    }
                    for number, line in enumerate(self.line_ids, start=1)
                ],
                "points": scheme._format_points(given.points),
                "wallet": given.wallet and scheme._format_money(given.wallet),
            },
        )
