# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The explanation as a calculation: a row for each rule that gave."""

from odoo import models


class LoyaltyTransaction(models.Model):
    _inherit = "loyalty.transaction"

    def _get_calculation(self):
        """Return how the points came about, for a page.

        :return: ``rows``, a list of dict with the texts ``rule``, ``lines``, ``base``,
            ``factor``, ``cap`` and ``result``; ``notes``, sentences on what else
            counted; ``skipped``, sentences on rules that gave nothing
        :rtype: dict
        """
        self.ensure_one()
        trace = self.trace or []
        return {
            "rows": [
                self._get_calculation_row(item)
                for item in trace
                if item.get("code") == "rule"
            ],
            "notes": [
                sentence
                for item in trace
                if item.get("code") != "rule" and (sentence := self._explain_item(item))
            ],
            "skipped": self._explain_skipped_rules(),
        }

    def _get_calculation_row(self, item):
        lines = item.get("lines")
        cap = item.get("cap")
        return {
            "rule": self._get_rule_name(item["rule"], item["name"]),
            "lines": self.env._("All that earns")
            if lines is None
            else ", ".join(self._get_line_names(lines)),
            "base": self._get_base_text(item),
            "factor": self._get_factor_text(item),
            "cap": cap
            and self.env._(
                "%(limit)s, instead of %(uncapped)s",
                limit=self._explain_cap(cap, item),
                uncapped=self._format_given(item, "uncapped"),
            ),
            "result": self._format_given(item, "given"),
        }

    def _get_base_text(self, item):
        """Return on what a rule gave: money, units, or what other rules gave."""
        effect = item.get("effect", "amount")
        if effect == "unit":
            return self.env._(
                "%(quantity)s units", quantity=f"{float(item['quantity']):g}"
            )
        if effect == "multiplier":
            return self._format_given(item, "base")
        return self.scheme_id._format_money(item["base"])

    def _get_factor_text(self, item):
        """Return what a rule gives for its base."""
        effect = item.get("effect", "amount")
        number = f"{float(item['value']):g}"
        value = self._format_given(item, "value")
        if effect == "multiplier":
            return self.env._("%(number)s times", number=number)
        if effect == "percent":
            return self.env._("%(number)s %%", number=number)
        if effect == "receipt":
            return self.env._("%(value)s a receipt", value=value)
        if effect == "unit":
            return self.env._(
                "%(value)s for each %(per)s units",
                value=value,
                per=f"{float(item['per']):g}",
            )
        per = self.scheme_id._format_money(item["per"])
        if effect == "step":
            return self.env._("%(value)s for each full %(per)s", value=value, per=per)
        return self.env._("%(value)s for each %(per)s", value=value, per=per)
