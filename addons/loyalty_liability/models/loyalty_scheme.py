# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    breakage_months = fields.Integer(
        string="Never Spent After",
        default=36,
        tracking=True,
        help="Points that are unspent this many months after they were earned count as"
        " never spent in the liability report. Members keep the points.",
    )
    breakage_summary = fields.Char(compute="_compute_breakage_summary")

    _breakage_months_range = models.Constraint(
        "CHECK (breakage_months BETWEEN 1 AND 600)",
        "Enter a number of months from 1 to 600.",
    )

    @api.depends("breakage_months", "point_name_plural")
    @api.depends_context("lang")
    def _compute_breakage_summary(self):
        # sudo: the estimate tells nothing about a single member
        Rate_sudo = self.env["loyalty.breakage.rate"].sudo()
        rates = Rate_sudo.search([("scheme_id", "in", self.ids)], order="age")
        by_scheme = rates.grouped("scheme_id")
        for scheme in self:
            scheme.breakage_summary = scheme._get_breakage_summary(
                by_scheme.get(scheme._origin, Rate_sudo)
            )

    def _get_breakage_summary(self, rates):
        """Say what is expected, and from how much history, in a sentence."""
        self.ensure_one()
        points = self.point_name_plural or self.env._("points")
        if not rates:
            return self.env._(
                "There is no full month of history yet: all %(points)s count as points"
                " that will be spent.",
                points=points,
            )
        return self.env._(
            "Of 100 %(points)s earned today, %(count)s are expected never to be spent."
            " This estimate is based on %(months)s months of history.",
            points=points,
            count=self._format_number(round(rates[0].rate * 100, 1)),
            months=len(rates) - 1,
        )
