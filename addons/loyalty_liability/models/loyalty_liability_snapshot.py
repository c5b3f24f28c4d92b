# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

FIGURES = (
    "points_available",
    "points_pending",
    "points_value",
    "wallet_value",
    "breakage_value",
    "net_value",
)


class LoyaltyLiabilitySnapshot(models.Model):
    """What a scheme owed its members at the end of a month."""

    _name = "loyalty.liability.snapshot"
    _description = "Loyalty Liability of a Month"
    _order = "month desc, scheme_id"
    _rec_name = "month"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    month = fields.Date(required=True, readonly=True)
    date = fields.Date(
        string="As Of",
        required=True,
        readonly=True,
        help="The last day of the month on which the nightly job recorded the figures.",
    )
    points_available = fields.Float(digits="Loyalty Points", readonly=True)
    points_pending = fields.Float(digits="Loyalty Points", readonly=True)
    points_value = fields.Monetary(string="Value of Points", readonly=True)
    wallet_value = fields.Monetary(string="In Wallets", readonly=True)
    breakage_value = fields.Monetary(string="Expected Never Spent", readonly=True)
    net_value = fields.Monetary(
        string="Net Liability",
        readonly=True,
        help="Points and wallets, less what is expected never to be spent.",
    )

    _month_unique = models.UniqueIndex(
        "(scheme_id, month)", "The figures of this month are there already."
    )

    # === TOTALS === #

    # What was owed in June and in July is not owed twice: of several months the last
    # one counts, of each scheme.

    @api.model
    def _read_group(
        self,
        domain,
        groupby=(),
        aggregates=(),
        having=(),
        offset=0,
        limit=None,
        order=None,
    ):
        days = [spec for spec in groupby if spec.split(":")[0] in ("month", "date")]
        groups = super()._read_group(domain, ["scheme_id", *days], ["id:recordset"])
        last_ids = [
            max(snapshots, key=lambda snapshot: snapshot.month).id
            for *_group, snapshots in groups
        ]
        last = self.with_context(loyalty_liability_snapshots=last_ids)
        return super(LoyaltyLiabilitySnapshot, last)._read_group(
            domain, groupby, aggregates, having, offset, limit, order
        )

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        """Read one grouping after the other: for each other snapshots count."""
        results = []
        for groupby in grouping_sets:
            known = {*groupby, *aggregates}
            terms = [term.strip() for term in (order or "").split(",")]
            own_order = ", ".join(t for t in terms if t.split(" ")[0] in known)
            results.append(
                self._read_group(domain, groupby, aggregates, order=own_order or None)
            )
        return results

    def _read_group_select(self, aggregate_spec, query):
        select = super()._read_group_select(aggregate_spec, query)
        ids = self.env.context.get("loyalty_liability_snapshots")
        if ids is None or aggregate_spec.split(":")[0] not in FIGURES:
            return select
        return SQL(
            "%s FILTER (WHERE %s = ANY(%s))",
            select,
            SQL.identifier(self._table, "id"),
            list(ids),
        )

    # === BUSINESS === #

    @api.model
    def _cron_liability(self):
        """Estimate breakage and record the month's liability. Safe to run again."""
        self.env["loyalty.breakage.rate"]._estimate()
        self._record_month()

    @api.model
    def _record_month(self):
        """Record what schemes owe today as the liability of this month."""
        today = fields.Date.today()
        month = today.replace(day=1)
        known = {
            snapshot.scheme_id: snapshot
            for snapshot in self.search([("month", "=", month)])
        }
        new = []
        for scheme, values in self._read_figures().items():
            values["date"] = today
            if snapshot := known.get(scheme):
                snapshot.write(values)
            else:
                new.append({**values, "scheme_id": scheme.id, "month": month})
        self.create(new)

    def _read_figures(self):
        """Return what each scheme owes now, also those that owe nothing."""
        schemes = (
            self.env["loyalty.scheme"]
            .with_context(active_test=False)
            .search(Domain.TRUE)
        )
        figures = {scheme: dict.fromkeys(FIGURES, 0.0) for scheme in schemes}
        for scheme, kind, state, points, value, breakage, net in self.env[
            "loyalty.liability.report"
        ]._read_group(
            [],
            ["scheme_id", "kind", "state"],
            ["points:sum", "value:sum", "breakage_value:sum", "net_value:sum"],
        ):
            total = figures[scheme]
            if kind == "points":
                total[f"points_{state}"] += points
                total["points_value"] += value
            else:
                total["wallet_value"] += value
            total["breakage_value"] += breakage
            total["net_value"] += net
        return figures
