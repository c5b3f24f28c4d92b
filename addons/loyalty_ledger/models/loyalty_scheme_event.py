# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a scheme gives for events."""

from dataclasses import replace

from odoo import api, models, tools

from ..engine import RuleSet


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    def _get_event_rules(self, event):
        """Return the rules of this scheme for an event, compiled for the engine.

        The caps of the scheme are on what purchases give, and so have no say.

        :param event: loyalty.earn.event
        :rtype: ~..engine.RuleSet
        """
        self.ensure_one()
        return RuleSet(
            self._get_prepared_event_rules().get(event.id, ()),
            replace(self._get_policy(), caps=()),
        )

    @tools.ormcache("self.id")
    def _get_prepared_event_rules(self):
        """Return the rules for events by event id, kept ready; see ``_get_rules``."""
        # sudo: events follow the rules whoever raises them
        return {
            event_id: tuple(rules)
            for event_id, rules in self.sudo()
            .with_context(lang=None)
            ._prepare_event_rules()
            .items()
        }

    def _prepare_event_rules(self):
        """Return the rules for events; other modules add theirs.

        :return: list of :class:`~..engine.Rule` by id of the loyalty.earn.event
        """
        self.ensure_one()
        rules = {}
        for rule in self.earn_rule_ids:
            if rule.trigger == "event" and rule.event_id.active:
                rules.setdefault(rule.event_id.id, []).append(rule._prepare_rule())
        return rules

    @api.model
    @tools.ormcache("code")
    def _get_ids_giving_for(self, code):
        """Return the ids of the open schemes that give something for an event.

        What the suite itself raises is raised in these alone.
        """
        event_id = self.env["loyalty.earn.event"]._get_id_by_code(code)
        # sudo: events are raised whoever causes them
        schemes_sudo = self.sudo().search([("state", "=", "open")])
        return frozenset(
            scheme.id
            for scheme in schemes_sudo
            if event_id in scheme._get_prepared_event_rules()
        )
