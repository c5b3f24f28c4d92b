# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rules of a scheme as they would be after a change."""

from dataclasses import replace

from odoo import models
from odoo.exceptions import UserError

from ..engine import Rule, RuleSet
from .loyalty_scheme import BASE, LAST


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    def action_try(self):
        """Open a purchase to be typed in, to see what it gives."""
        self.ensure_one()
        return self.env["loyalty.earn.trial"]._open(self)

    def action_replay(self):
        """Open a new replay of the scheme's past sales."""
        self.ensure_one()
        return self.env["loyalty.earn.replay"]._open(self)

    def _get_draft_rules(self, removed, added, base=None):
        """Return the rules as they would be after a change, for the engine.

        :param removed: loyalty.earn.rule that would give nothing any more
        :param added: loyalty.earn.rule that would give as well, archived ones
        :param base: what the scheme would give for each amount: (points, amount) as
            Decimal; as it is if omitted
        :rtype: ~..engine.RuleSet
        :raise UserError: for rules of another scheme, rules for events, or rules that
            cannot stand together
        """
        self.ensure_one()
        foreign = (removed | added).filtered(lambda rule: rule.scheme_id != self)
        if foreign:
            raise UserError(
                self.env._(
                    "“%(rule)s” is no rule of %(scheme)s. Choose rules of that scheme.",
                    rule=foreign[0].name,
                    scheme=self.name,
                )
            )
        for rule in added.filtered(lambda rule: rule.trigger == "event"):
            raise UserError(
                self.env._(
                    "“%(rule)s” is for an event: whatever a member buys, it gives the"
                    " same.",
                    rule=rule.name,
                )
            )
        rules = {rule.key: rule for rule in self._get_prepared_rules()}
        # sudo: as sales follow the rules whoever makes them
        for rule in (removed - added).sudo().with_context(lang=None):
            rules.pop(rule._prepare_rule().key, None)
        for rule in added.sudo().with_context(lang=None):
            prepared = rule._prepare_rule()
            rules[prepared.key] = prepared
        if base:
            self._replace_base(rules, *base)
        try:
            return RuleSet(rules.values(), self._get_policy())
        except ValueError as error:
            raise UserError(
                self.env._(
                    "Rules with the same word in “Best Of” cannot be compared: one"
                    " multiplies and the other does not, or one gives points and the"
                    " other money. Leave one of them out: %(rules)s",
                    rules=", ".join((added - removed).mapped("name")),
                )
            ) from error

    def _replace_base(self, rules, points, amount):
        """Change what the scheme gives for each amount.

        :param dict rules: :class:`~..engine.Rule` by key
        """
        if not points:
            rules.pop(BASE, None)
            return
        base = rules.get(BASE) or Rule(
            key=BASE, name=self.name, value=points, priority=LAST
        )
        rules[BASE] = replace(base, value=points, per=amount)
