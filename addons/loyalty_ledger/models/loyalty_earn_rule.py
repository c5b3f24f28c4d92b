# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from ast import literal_eval
from decimal import Decimal

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date
from odoo.tools.date_utils import float_to_time

from ..engine import Cap, Conditions, Effect, Period, Rule, Target
from .loyalty_transaction import exact

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CAPS = {
    "cap_receipt": Period.RECEIPT,
    "cap_day": Period.DAY,
    "cap_week": Period.WEEK,
    "cap_month": Period.MONTH,
    "cap_total": Period.TOTAL,
    "budget": Period.BUDGET,
}


class LoyaltyEarnRule(models.Model):
    """One way to earn, beside the points that the scheme gives for each amount."""

    _name = "loyalty.earn.rule"
    _description = "Loyalty Earning Rule"
    _inherit = ["mail.thread", "loyalty.kept.mixin"]
    _order = "scheme_id, sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self._default_scheme_id(),
        check_company=True,
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    unit = fields.Char(related="scheme_id.point_name_plural", string="Unit")

    # What it gives
    effect = fields.Selection(
        selection=[
            ("amount", "For each amount, in proportion"),
            ("step", "For each full amount"),
            ("percent", "Percent of the amount"),
            ("receipt", "Once a receipt"),
            ("unit", "For each unit"),
            ("multiplier", "Times what the other rules give"),
        ],
        string="Gives",
        required=True,
        default="amount",
        tracking=True,
    )
    target = fields.Selection(
        selection=[("points", "Points"), ("wallet", "Money into the wallet")],
        string="As",
        required=True,
        default="points",
        tracking=True,
    )
    value = fields.Float(
        required=True,
        default=1.0,
        digits="Loyalty Points",
        tracking=True,
        help="Points, or money for the wallet, percent, or a factor: 2 doubles what the"
        " other rules give.",
    )
    per_amount = fields.Monetary(string="For Each Amount", default=1.0, tracking=True)
    per_unit = fields.Float(
        string="For Each Units", default=1.0, digits="Product Unit", tracking=True
    )

    # How it stands beside the others
    best_of = fields.Char(
        tracking=True,
        help="Of all rules with the same word here, only the one that gives most on a"
        " receipt counts.",
    )
    exclusive = fields.Boolean(
        tracking=True, help="If this rule gives, the rules below it do not."
    )

    # Where and when
    channel_ids = fields.Many2many(comodel_name="loyalty.channel", string="Channels")
    store_ids = fields.Many2many(
        comodel_name="loyalty.store", string="Stores", check_company=True
    )
    payment_method_ids = fields.Many2many(
        comodel_name="loyalty.payment.method",
        string="Payment Methods",
        help="The sale is paid with one of these, in full or in part.",
    )
    date_from = fields.Date(string="From", tracking=True)
    date_to = fields.Date(string="Until", tracking=True)
    mon = fields.Boolean(string="Monday")
    tue = fields.Boolean(string="Tuesday")
    wed = fields.Boolean(string="Wednesday")
    thu = fields.Boolean(string="Thursday")
    fri = fields.Boolean(string="Friday")
    sat = fields.Boolean(string="Saturday")
    sun = fields.Boolean(string="Sunday")
    has_hours = fields.Boolean(string="At Certain Hours")
    hour_from = fields.Float(string="From Hour", default=8.0)
    hour_to = fields.Float(
        string="To Hour",
        default=12.0,
        help="If it is earlier than the first, the hours go over midnight.",
    )

    # On what
    product_category_ids = fields.Many2many(
        comodel_name="product.category",
        string="Categories",
        help="With all their sub-categories.",
    )
    product_ids = fields.Many2many(
        comodel_name="product.product", string="Products", check_company=True
    )
    product_tag_ids = fields.Many2many(comodel_name="product.tag", string="Tags")
    product_domain = fields.Char(
        string="Product Filter", help="Any other condition on the products."
    )
    minimum_quantity = fields.Float(string="At Least Units", digits="Product Unit")
    minimum_amount = fields.Monetary(string="At Least Amount")

    # For whom
    minimum_points = fields.Float(
        string="At Least Points",
        digits="Loyalty Points",
        help="What the member has before the purchase.",
    )
    on_birthday = fields.Boolean(string="Around the Birthday")
    birthday_before = fields.Integer(string="Days Before")
    birthday_after = fields.Integer(string="Days After")
    purchase_from = fields.Integer(
        string="From Purchase",
        help="1 is the first purchase of a member. 0: any.",
    )
    purchase_to = fields.Integer(
        string="To Purchase", help="1 and 1: only the first purchase. 0: no end."
    )

    # Limits
    cap_receipt = fields.Float(string="A Receipt", digits="Loyalty Points")
    cap_day = fields.Float(string="A Member in a Day", digits="Loyalty Points")
    cap_week = fields.Float(string="A Member in a Week", digits="Loyalty Points")
    cap_month = fields.Float(string="A Member in a Month", digits="Loyalty Points")
    cap_total = fields.Float(string="A Member in All", digits="Loyalty Points")
    budget = fields.Float(
        string="All Members Together",
        digits="Loyalty Points",
        tracking=True,
        help="When so much has been given, the rule gives nothing more.",
    )
    given = fields.Float(
        string="Given So Far", compute="_compute_given", digits="Loyalty Points"
    )
    summary = fields.Char(compute="_compute_summary")

    _value_positive = models.Constraint(
        "CHECK (value > 0 AND value < 1000000000)", "A rule gives more than zero."
    )
    _multiplier_more = models.Constraint(
        "CHECK (effect <> 'multiplier' OR (value > 1 AND value <= 1000))",
        "A rule that multiplies has a factor above 1.",
    )
    _percent_range = models.Constraint(
        "CHECK (effect <> 'percent' OR value <= 10000)",
        "A rule gives at most 10000 percent.",
    )
    _per_positive = models.Constraint(
        "CHECK (per_amount > 0 AND per_unit > 0)",
        "Say for each how much the rule gives, with a number above zero.",
    )
    _period_order = models.Constraint(
        "CHECK (date_from <= date_to)", "The last day is before the first."
    )
    _hours_range = models.Constraint(
        "CHECK (hour_from >= 0 AND hour_from < 24 AND hour_to > 0 AND hour_to <= 24"
        " AND hour_from <> hour_to)",
        "Hours go from 0:00 to 24:00, and do not begin and end at the same time.",
    )
    _birthday_range = models.Constraint(
        "CHECK (birthday_before BETWEEN 0 AND 180 AND birthday_after BETWEEN 0 AND"
        " 180)",
        "Days around the birthday are numbers from 0 to 180.",
    )
    _purchase_range = models.Constraint(
        "CHECK (purchase_from >= 0 AND purchase_to >= 0 AND"
        " (purchase_to = 0 OR purchase_from <= purchase_to))",
        "Purchases are counted from 1, and the last comes after the first.",
    )
    _limits_positive = models.Constraint(
        "CHECK (cap_receipt >= 0 AND cap_day >= 0 AND cap_week >= 0 AND cap_month >= 0"
        " AND cap_total >= 0 AND budget >= 0 AND minimum_quantity >= 0"
        " AND minimum_amount >= 0 AND minimum_points >= 0)",
        "Limits are zero (no limit) or more.",
    )

    @api.model
    def _default_scheme_id(self):
        schemes = self.env["loyalty.scheme"].search([], limit=2)
        return schemes if len(schemes) == 1 else False

    # === COMPUTE === #

    def _compute_given(self):
        # sudo: the sum tells nothing about a single member
        given = dict(
            self.env["loyalty.earn.award"]
            .sudo()
            ._read_group([("rule_id", "in", self.ids)], ["rule_id"], ["amount:sum"])
        )
        for rule in self:
            rule.given = given.get(rule, 0.0)

    @api.depends(lambda self: self._get_rule_fields())
    @api.depends_context("lang")
    def _compute_summary(self):
        for rule in self:
            rule.summary = rule.scheme_id and rule._get_summary()

    def _get_summary(self):
        """Say what the rule does, in a sentence."""
        self.ensure_one()
        parts = [self._get_effect_text(), *self._get_condition_texts()]
        return ", ".join(part for part in parts if part)

    def _get_effect_text(self):
        scheme = self.scheme_id
        worth = (
            scheme._format_money(self.value)
            if self.target == "wallet"
            else scheme._format_points(self.value)
        )
        number = f"{self.value:g}"
        if self.effect == "multiplier":
            return self.env._(
                "%(factor)s times what the other rules give", factor=number
            )
        if self.effect == "percent":
            if self.target == "wallet":
                return self.env._("%(percent)s %% into the wallet", percent=number)
            return self.env._(
                "%(percent)s %% of the amount in %(unit)s",
                percent=number,
                unit=scheme.point_name_plural,
            )
        if self.effect == "receipt":
            return self.env._("%(worth)s a receipt", worth=worth)
        if self.effect == "unit":
            return self.env._(
                "%(worth)s for each %(units)s units",
                worth=worth,
                units=f"{self.per_unit:g}",
            )
        amount = scheme._format_money(self.per_amount)
        if self.effect == "step":
            return self.env._(
                "%(worth)s for each full %(amount)s", worth=worth, amount=amount
            )
        return self.env._("%(worth)s for each %(amount)s", worth=worth, amount=amount)

    def _get_condition_texts(self):
        """Return the conditions as parts of a sentence."""
        self.ensure_one()
        goods = (
            self.product_ids.mapped("display_name")
            + self.product_category_ids.mapped("name")
            + self.product_tag_ids.mapped("name")
        )
        texts = [
            goods and self.env._("on %(goods)s", goods=", ".join(goods)),
            self.channel_ids
            and self.env._(
                "in %(channels)s", channels=", ".join(self.channel_ids.mapped("name"))
            ),
            self.store_ids
            and self.env._(
                "at %(stores)s", stores=", ".join(self.store_ids.mapped("name"))
            ),
            self.payment_method_ids
            and self.env._(
                "paid with %(methods)s",
                methods=", ".join(self.payment_method_ids.mapped("name")),
            ),
            self._get_weekday_text(),
            self.has_hours
            and self.env._(
                "%(start)s–%(end)s",
                start=_format_hour(self.hour_from),
                end=_format_hour(self.hour_to),
            ),
            self.date_from
            and self.env._("from %(day)s", day=format_date(self.env, self.date_from)),
            self.date_to
            and self.env._("until %(day)s", day=format_date(self.env, self.date_to)),
            self.on_birthday and self.env._("around the birthday"),
            self._get_purchase_text(),
        ]
        return [text for text in texts if text]

    def _get_weekday_text(self):
        labels = self.fields_get(WEEKDAYS, ["string"])
        return ", ".join(labels[day]["string"] for day in WEEKDAYS if self[day])

    def _get_purchase_text(self):
        first, last = self.purchase_from, self.purchase_to
        if first == last == 1:
            return self.env._("on the first purchase")
        if first > 1 and last:
            return self.env._(
                "from purchase %(first)s to %(last)s", first=first, last=last
            )
        if first > 1:
            return self.env._("from purchase %(first)s on", first=first)
        if last:
            return self.env._("on the first %(last)s purchases", last=last)
        return ""

    # === CONSTRAINS === #

    @api.constrains("product_domain")
    def _check_product_domain(self):
        for rule in self.filtered("product_domain"):
            try:
                domain = Domain(literal_eval(rule.product_domain))
                self.env["product.product"]._search(domain, limit=1)
            except (ValueError, SyntaxError, TypeError, KeyError, UserError) as error:
                raise ValidationError(
                    self.env._(
                        "The product filter of %(rule)s does not work: choose its"
                        " conditions in the filter editor again.",
                        rule=rule.name,
                    )
                ) from error

    @api.constrains("best_of", "effect", "target", "scheme_id", "active")
    def _check_best_of(self):
        for rule in self.filtered(lambda rule: rule.best_of and rule.active):
            kind = rule.effect == "multiplier", rule.target
            for other in self.search(
                [("scheme_id", "=", rule.scheme_id.id), ("best_of", "=", rule.best_of)]
            ):
                if (other.effect == "multiplier", other.target) != kind:
                    raise ValidationError(
                        self.env._(
                            "“%(rule)s” and “%(other)s” cannot be compared: one"
                            " multiplies and the other does not, or one gives points"
                            " and the other money. Give them different words in"
                            " “Best Of”.",
                            rule=rule.name,
                            other=other.name,
                        )
                    )

    @api.constrains("target", "scheme_id")
    def _check_wallet(self):
        for rule in self.filtered(lambda rule: rule.target == "wallet"):
            if not rule.scheme_id.has_wallet:
                raise ValidationError(
                    self.env._(
                        "%(scheme)s has no wallet into which “%(rule)s” could give"
                        " money. Turn the wallet on in the scheme first.",
                        scheme=rule.scheme_id.name,
                        rule=rule.name,
                    )
                )

    # === CRUD === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_given(self):
        # sudo: whether it has given anything is no secret to who may delete it
        if (
            self.env["loyalty.earn.award"]
            .sudo()
            .search_count([("rule_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "This rule has given points already. Archive it instead, so that"
                    " old transactions can still be explained."
                )
            )

    def copy_data(self, default=None):
        return [
            {"name": self.env._("%(name)s (copy)", name=rule.name), **values}
            if not (default and "name" in default)
            else values
            for rule, values in zip(self, super().copy_data(default), strict=True)
        ]

    def _apply_changes(self):
        self.env["loyalty.earn.budget"]._open(self.filtered("budget"))
        return super()._apply_changes()

    # === ACTIONS === #

    def action_view_awards(self):
        """Open what this rule has given."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_earn_award_action"
        )
        action["domain"] = [("rule_id", "=", self.id)]
        action["context"] = {}
        return action

    # === BUSINESS === #

    @api.model
    def _get_rule_fields(self):
        """Return the fields on which the meaning of a rule depends."""
        return [
            name
            for name, field in self._fields.items()
            if field.store
            and not field.related
            and name not in models.MAGIC_COLUMNS
            and not name.startswith(("message_", "activity_", "website_message"))
        ]

    def _prepare_rule(self):
        """Return the rule as the engine takes it.

        :rtype: ~..engine.Rule
        """
        self.ensure_one()
        per = {"unit": exact(self.per_unit), "percent": Decimal(1)}
        return Rule(
            key=f"rule:{self.id}",
            name=self.name,
            value=exact(self.value),
            per=per.get(self.effect, exact(self.per_amount)),
            effect=Effect(self.effect),
            target=Target(self.target),
            priority=self.sequence,
            group=self.best_of or None,
            exclusive=self.exclusive,
            conditions=Conditions(**self._prepare_conditions()),
            caps=tuple(
                Cap(period, exact(self[name]))
                for name, period in CAPS.items()
                if self[name]
            ),
            record=self.id,
        )

    def _prepare_conditions(self):
        """Return the arguments of :class:`~..engine.Conditions`."""
        self.ensure_one()
        purchases = None
        if self.purchase_from > 1 or self.purchase_to:
            # The engine counts the purchases made before
            purchases = (
                self.purchase_from - 1 if self.purchase_from > 1 else None,
                self.purchase_to - 1 if self.purchase_to else None,
            )
        return {
            "channels": frozenset(self.channel_ids.mapped("code")),
            "stores": frozenset(self.store_ids.ids),
            "payments": frozenset(self.payment_method_ids.mapped("code")),
            "categories": frozenset(self.product_category_ids.ids),
            "products": frozenset(self.product_ids.ids),
            "tags": frozenset(self.product_tag_ids.ids),
            "domain": bool(self._get_product_domain(self.id)),
            "minimum_quantity": exact(self.minimum_quantity),
            "minimum_amount": exact(self.minimum_amount),
            "minimum_points": exact(self.minimum_points),
            "weekdays": frozenset(
                number for number, day in enumerate(WEEKDAYS) if self[day]
            ),
            "hours": (self.hour_from, self.hour_to) if self.has_hours else None,
            "date_from": self.date_from or None,
            "date_to": self.date_to or None,
            "birthday": (self.birthday_before, self.birthday_after)
            if self.on_birthday
            else None,
            "purchases": purchases,
        }

    @api.model
    @tools.ormcache("rule_id", "lang")
    def _get_name(self, rule_id, lang):
        """Return what a rule is called, kept ready; ``False`` if it is gone.

        :param str lang: of who asks
        """
        # sudo: who reads an explanation need not see the rules
        return self.sudo().browse(rule_id).exists().name

    @api.model
    @tools.ormcache("rule_id")
    def _get_product_filter(self, rule_id):
        """Return the product filter of a rule as a list, empty if there is none."""
        # sudo: sales follow the rules whoever makes them
        text = self.sudo().browse(rule_id).product_domain
        return tuple(literal_eval(text)) if text else ()

    @api.model
    def _get_product_domain(self, rule_id):
        """Return the product filter of a rule.

        :return: a Domain, or ``None`` if there is none
        """
        found = self._get_product_filter(rule_id)
        return Domain(list(found)) if found else None


def _format_hour(hour):
    if hour == 24:
        return "24:00"
    return float_to_time(hour).strftime("%H:%M")
