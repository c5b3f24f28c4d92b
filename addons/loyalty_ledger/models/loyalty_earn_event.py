# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

SIGNUP = "signup"
BIRTHDAY = "birthday"
PROFILE = "profile_completed"
VISIT = "visit"
STANDARD_CODES = frozenset(
    (SIGNUP, BIRTHDAY, PROFILE, VISIT, "referral", "review", "newsletter")
)


class LoyaltyEarnEvent(models.Model):
    """A kind of event for which members may get points without buying anything."""

    _name = "loyalty.earn.event"
    _description = "Loyalty Event"
    _inherit = ["loyalty.kept.mixin"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        copy=False,
        help="Technical name by which automation rules and other systems say what"
        " happened. It cannot be changed once saved.",
    )
    description = fields.Text(
        translate=True, help="What happens, and who says so, for colleagues."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    manual = fields.Boolean(
        string="By Hand",
        help="Administrators may raise it on a member's form, once a day.",
    )
    rule_ids = fields.One2many(
        comodel_name="loyalty.earn.rule", inverse_name="event_id", string="Rules"
    )
    rule_count = fields.Integer(compute="_compute_rule_count")

    _code_unique = models.Constraint(
        "UNIQUE (code)", "Another event already has this code."
    )

    @api.depends("rule_ids")
    def _compute_rule_count(self):
        counts = dict(
            self.env["loyalty.earn.rule"]._read_group(
                [("event_id", "in", self.ids)], ["event_id"], ["__count"]
            )
        )
        for event in self:
            event.rule_count = counts.get(event._origin, 0)

    @api.constrains("code")
    def _check_code(self):
        for event in self:
            code = event.code
            if not code.isascii() or not code.isidentifier() or code != code.lower():
                raise ValidationError(
                    self.env._(
                        "The code “%(code)s” may hold only small letters, digits and"
                        " underscores, and begins with a letter.",
                        code=code,
                    )
                )

    def write(self, vals):
        if "code" in vals and any(event.code != vals["code"] for event in self):
            raise UserError(
                self.env._(
                    "The code of an event cannot be changed: what has happened is known"
                    " by it. Create another event instead."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: whether it ever happened is no secret to who may delete it
        happened_sudo = (
            self.env["loyalty.member.event"]
            .sudo()
            .search_count([("event_id", "in", self.ids)], limit=1)
        )
        if happened_sudo or any(event.code in STANDARD_CODES for event in self):
            raise UserError(
                self.env._(
                    "This event is part of the suite or has happened already. Archive"
                    " it instead."
                )
            )

    def action_view_rules(self):
        """Open the rules for this event."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_earn_rule_action"
        )
        action["domain"] = [("event_id", "=", self.id)]
        action["context"] = {
            "default_trigger": "event",
            "default_effect": "receipt",
            "default_event_id": self.id,
        }
        return action

    def action_view_member_events(self):
        """Open what happened so far."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_member_event_action"
        )
        action["domain"] = [("event_id", "=", self.id)]
        action["context"] = {}
        return action

    @api.model
    def _get_by_code(self, code):
        """Return the event with a code.

        :raise ValidationError: if there is none
        """
        event_id = self._get_id_by_code(code) if isinstance(code, str) else False
        if not event_id:
            raise ValidationError(
                self.env._(
                    "There is no event “%(code)s”. Create it in Loyalty >"
                    " Configuration > Events.",
                    code=code,
                )
            )
        return self.browse(event_id)

    @api.model
    @tools.ormcache("code")
    def _get_id_by_code(self, code):
        # sudo: which events exist is no secret, and whoever raises one may not see them
        return self.sudo().search([("code", "=", code)], limit=1).id
