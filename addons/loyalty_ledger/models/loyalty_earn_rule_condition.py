# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import Operator, PayloadTest


class LoyaltyEarnRuleCondition(models.Model):
    """What a rule asks about what came with an event."""

    _name = "loyalty.earn.rule.condition"
    _description = "Loyalty Event Condition"
    _inherit = ["loyalty.kept.mixin"]
    _order = "rule_id, id"
    _rec_name = "key"

    rule_id = fields.Many2one(
        comodel_name="loyalty.earn.rule",
        required=True,
        index=True,
        ondelete="cascade",
    )
    key = fields.Char(
        string="What",
        required=True,
        help="The name of the value, as it comes with the event, for instance stars.",
    )
    operator = fields.Selection(
        selection=[
            ("=", "is"),
            ("!=", "is not"),
            (">", "is more than"),
            (">=", "is at least"),
            ("<", "is less than"),
            ("<=", "is at most"),
            ("contains", "contains"),
            ("set", "is there"),
        ],
        required=True,
        default="=",
    )
    value = fields.Char(
        help="Text without regard to case, a number, or yes or no. What did not come"
        " with the event meets no condition."
    )

    @api.constrains("key", "operator", "value")
    def _check_value(self):
        for condition in self:
            if condition.operator != "set" and not (condition.value or "").strip():
                raise ValidationError(
                    self.env._(
                        "Say with what “%(key)s” is compared, or choose “is there”.",
                        key=condition.key,
                    )
                )

    def _prepare_test(self):
        """Return the condition as the engine takes it."""
        self.ensure_one()
        return PayloadTest(
            key=self.key.strip(),
            operator=Operator(self.operator),
            value=self.value or "",
        )

    def _get_text(self):
        """Return the condition as a part of a sentence."""
        self.ensure_one()
        operators = dict(self._fields["operator"]._description_selection(self.env))
        parts = (self.key, operators[self.operator])
        if self.operator != "set":
            parts += (self.value,)
        return " ".join(parts)
