# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rules that give when something happens to a member, not when they buy."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

#: what a rule for an event cannot ask, as nothing is bought
PURCHASE_RELATIONS = (
    "product_category_ids",
    "product_ids",
    "product_tag_ids",
    "payment_method_ids",
)
PURCHASE_VALUES = {
    "product_domain": False,
    "minimum_quantity": 0.0,
    "minimum_amount": 0.0,
    "purchase_from": 0,
    "purchase_to": 0,
    "cap_receipt": 0.0,
}


class LoyaltyEarnRule(models.Model):
    _inherit = "loyalty.earn.rule"

    trigger = fields.Selection(
        selection=[("purchase", "A purchase"), ("event", "An event")],
        string="Gives For",
        required=True,
        default="purchase",
        tracking=True,
    )
    event_id = fields.Many2one(
        comodel_name="loyalty.earn.event",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
    )
    payload_condition_ids = fields.One2many(
        comodel_name="loyalty.earn.rule.condition",
        inverse_name="rule_id",
        string="Event Conditions",
        copy=True,
        help="All of them have to be met by what came with the event.",
    )

    _event_known = models.Constraint(
        "CHECK ((trigger = 'event') = (event_id IS NOT NULL))",
        "Choose the event for which the rule gives.",
    )
    _event_once = models.Constraint(
        "CHECK (trigger <> 'event' OR effect = 'receipt')",
        "An event gives a fixed value: choose “Once a receipt” as what the rule gives.",
    )

    @api.onchange("trigger")
    def _onchange_trigger(self):
        if self.trigger != "event":
            self.event_id = False
            self.payload_condition_ids = [Command.clear()]
            return
        self.effect = "receipt"
        for name in PURCHASE_RELATIONS:
            self[name] = [Command.clear()]
        for name, nothing in PURCHASE_VALUES.items():
            self[name] = nothing

    @api.constrains("trigger", *PURCHASE_RELATIONS, *PURCHASE_VALUES)
    def _check_event_conditions(self):
        labels = self.fields_get([*PURCHASE_RELATIONS, *PURCHASE_VALUES], ["string"])
        for rule in self.filtered(lambda rule: rule.trigger == "event"):
            for name in (*PURCHASE_RELATIONS, *PURCHASE_VALUES):
                if rule[name]:
                    raise ValidationError(
                        self.env._(
                            "“%(rule)s” is for an event, where nothing is bought: leave"
                            " “%(field)s” empty.",
                            rule=rule.name,
                            field=labels[name]["string"],
                        )
                    )

    @api.constrains("trigger", "payload_condition_ids")
    def _check_payload_conditions(self):
        for rule in self:
            if rule.trigger != "event" and rule.payload_condition_ids:
                raise ValidationError(
                    self.env._(
                        "“%(rule)s” is for purchases: nothing comes with them that its"
                        " event conditions could look at.",
                        rule=rule.name,
                    )
                )

    def _prepare_conditions(self):
        return {
            **super()._prepare_conditions(),
            "payload": tuple(
                condition._prepare_test() for condition in self.payload_condition_ids
            ),
        }

    def _get_effect_text(self):
        if self.trigger != "event":
            return super()._get_effect_text()
        scheme = self.scheme_id
        return self.env._(
            "%(worth)s for “%(event)s”",
            worth=scheme._format_money(self.value)
            if self.target == "wallet"
            else scheme._format_points(self.value),
            event=self.event_id.name or "…",
        )

    def _get_condition_texts(self):
        conditions = self.payload_condition_ids.filtered("key")
        return super()._get_condition_texts() + [
            self.env._("if %(condition)s", condition=condition._get_text())
            for condition in conditions
        ]
