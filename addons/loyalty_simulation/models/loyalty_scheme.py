# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dataclasses import replace

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.loyalty_ledger.engine import Rule, RuleSet
from odoo.addons.loyalty_ledger.models.loyalty_scheme import BASE, LAST


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    def action_try(self):
        """Open a trial: a purchase to type in, to see what it earns."""
        self.ensure_one()
        return self.env["loyalty.earn.trial"]._open(self)

    def action_replay(self):
        """Open a new replay of the scheme's past sales."""
        self.ensure_one()
        return self.env["loyalty.earn.replay"]._open(self)

    def action_try_tiers(self):
        """Open a copy of the tier thresholds, to see which members would move.

        :raise AccessError: unless the user may set up the scheme
        """
        self.ensure_one()
        return self.env["loyalty.tier.trial"]._open(self)

    def _get_draft_rules(self, removed, added, base=None):
        """Return the rules as they would be after a change, for the engine.

        :param removed: loyalty.earn.rule to leave out
        :param added: archived loyalty.earn.rule to add
        :param base: points per amount, as (points, amount) in Decimal; those of the
            scheme if omitted
        :rtype: ~odoo.addons.loyalty_ledger.engine.RuleSet
        :raise UserError: for rules of another scheme, rules for events, or rules that
            exclude each other
        """
        self.ensure_one()
        foreign = (removed | added).filtered(lambda rule: rule.scheme_id != self)
        if foreign:
            raise UserError(
                self.env._(
                    "“%(rule)s” belongs to another scheme. Choose rules of %(scheme)s.",
                    rule=foreign[0].name,
                    scheme=self.name,
                )
            )
        for rule in added.filtered(lambda rule: rule.trigger == "event"):
            raise UserError(
                self.env._(
                    "“%(rule)s” rewards an event, so purchases do not change what it"
                    " gives. Choose rules for purchases.",
                    rule=rule.name,
                )
            )
        rules = {rule.key: rule for rule in self._get_prepared_rules()}
        # sudo: the rules apply to sales of every user
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
        """Change the scheme's points per amount.

        :param dict rules: :class:`~odoo.addons.loyalty_ledger.engine.Rule` by key
        """
        if not points:
            rules.pop(BASE, None)
            return
        base = rules.get(BASE) or Rule(
            key=BASE, name=self.name, value=points, priority=LAST
        )
        rules[BASE] = replace(base, value=points, per=amount)
