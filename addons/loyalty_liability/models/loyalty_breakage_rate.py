# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import SQL_TRIANGLE, estimate


class LoyaltyBreakageRate(models.Model):
    """Which part of points of an age will never be spent; see ``engine.breakage``."""

    _name = "loyalty.breakage.rate"
    _description = "Loyalty Breakage"
    _order = "scheme_id, age"
    _rec_name = "age"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    age = fields.Integer(
        string="Months Since Earned", required=True, readonly=True, aggregator=None
    )
    exposed = fields.Float(
        string="Left at Its Start",
        digits="Loyalty Points",
        readonly=True,
        aggregator=None,
        help="Points that were left when this month of their life began, of all months"
        " in which points were earned and which are old enough.",
    )
    used = fields.Float(
        string="Spent Within",
        digits="Loyalty Points",
        readonly=True,
        help="Points of those that were spent in this month of their life, returns"
        " taken off.",
    )
    expired = fields.Float(
        string="Expired Within", digits="Loyalty Points", readonly=True
    )
    rate = fields.Float(
        string="Never Spent",
        digits=(16, 6),
        readonly=True,
        aggregator="avg",
        help="The part of points of this age that is expected never to be spent.",
    )

    _age_unique = models.UniqueIndex(
        "(scheme_id, age)", "There is one estimate for an age already."
    )

    @api.model
    def _estimate(self):
        """Estimate breakage anew from what has become of points so far."""
        self.env.flush_all()
        # All allocations there are, which no ORM could walk through
        rows = self.env.execute_query(
            SQL(SQL_TRIANGLE, month=fields.Date.today().replace(day=1))
        )
        triangles = {}
        for scheme_id, *figures in rows:
            triangles.setdefault(scheme_id, []).append(tuple(map(Decimal, figures)))
        self.search(Domain.TRUE).unlink()
        schemes = self.env["loyalty.scheme"].browse(triangles)
        self.create(
            [
                values
                for scheme in schemes
                for values in self._prepare_rates(scheme, triangles[scheme.id])
            ]
        )

    def _prepare_rates(self, scheme, months):
        rates = estimate(months, scheme.breakage_months)
        months = [*months, (0, 0, 0)]
        return [
            {
                "scheme_id": scheme.id,
                "age": age,
                "exposed": months[age][0],
                "used": months[age][1],
                "expired": months[age][2],
                "rate": rate,
            }
            for age, rate in enumerate(rates)
        ]
