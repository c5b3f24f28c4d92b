# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models
from odoo.tools import SQL

# Lots are added up first, by all that is asked for, so that schemes and rates are
# joined to some hundred rows whatever the number of lots.
SQL_LIABILITY = """
    WITH owed AS (
        SELECT lot.scheme_id, lot.company_id, lot.state, card.program_id,
               date_trunc('month', lot.expiry_date)::date AS expiry_month,
               GREATEST(
                   date_part('year', %(today)s::date)::int * 12
                   + date_part('month', %(today)s::date)::int
                   - date_part('year', entry.date)::int * 12
                   - date_part('month', entry.date)::int, 0
               ) AS age,
               sum(lot.remaining) AS remaining
          FROM loyalty_ledger_lot lot
          JOIN loyalty_ledger_lot root ON root.id = COALESCE(lot.root_id, lot.id)
          JOIN loyalty_ledger_entry entry ON entry.id = root.entry_id
          JOIN loyalty_card card ON card.id = lot.account_id
         WHERE lot.remaining <> 0
         GROUP BY 1, 2, 3, 4, 5, 6
    ), last AS (
        SELECT scheme_id, max(age) AS age FROM loyalty_breakage_rate GROUP BY scheme_id
    ), valued AS (
        SELECT owed.*, scheme.currency_id,
               owed.program_id = scheme.points_program_id AS is_points,
               owed.remaining * CASE
                   WHEN owed.program_id = scheme.points_program_id
                   THEN scheme.redeem_value / scheme.redeem_points ELSE 1
               END AS value,
               CASE WHEN owed.program_id = scheme.points_program_id
                     AND owed.remaining > 0
                    THEN COALESCE(rate.rate, 0) ELSE 0
               END AS rate
          FROM owed
          JOIN loyalty_scheme scheme ON scheme.id = owed.scheme_id
          LEFT JOIN last ON last.scheme_id = owed.scheme_id
          LEFT JOIN loyalty_breakage_rate rate
            ON rate.scheme_id = owed.scheme_id AND rate.age = LEAST(owed.age, last.age)
    )
    SELECT row_number() OVER () AS id, scheme_id, company_id, currency_id,
           CASE WHEN is_points THEN 'points' ELSE 'wallet' END AS kind,
           state, expiry_month, age AS age_months,
           CASE WHEN age < 3 THEN '00' WHEN age < 6 THEN '03' WHEN age < 12 THEN '06'
                WHEN age < 24 THEN '12' ELSE '24' END AS age,
           CASE WHEN is_points THEN remaining ELSE 0 END AS points,
           value, value * rate AS breakage_value, value * (1 - rate) AS net_value
      FROM valued
"""


class LoyaltyLiabilityReport(models.Model):
    """What schemes owe their members, by when it expires and how old it is."""

    _name = "loyalty.liability.report"
    _description = "Loyalty Liability"
    _auto = False
    _order = "scheme_id, expiry_month"
    _rec_name = "scheme_id"
    _depends = {
        "loyalty.scheme": ["redeem_value", "redeem_points", "currency_id"],
        "loyalty.breakage.rate": ["rate", "age"],
    }

    scheme_id = fields.Many2one(comodel_name="loyalty.scheme", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(comodel_name="res.currency", readonly=True)
    kind = fields.Selection(
        selection=[("points", "Points"), ("wallet", "Wallet")], readonly=True
    )
    state = fields.Selection(
        selection=[("pending", "Pending"), ("available", "Available")], readonly=True
    )
    expiry_month = fields.Date(
        string="Expires In", readonly=True, help="Empty: it does not expire."
    )
    age = fields.Selection(
        selection=[
            ("00", "0 to 3 months"),
            ("03", "3 to 6 months"),
            ("06", "6 to 12 months"),
            ("12", "12 to 24 months"),
            ("24", "24 months or more"),
        ],
        readonly=True,
        help="Months since it was earned or paid in.",
    )
    age_months = fields.Integer(string="Age in Months", readonly=True, aggregator=None)
    points = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        help="What members owe after returns is taken off.",
    )
    value = fields.Monetary(
        readonly=True,
        help="What points pay for by the settings of today, and money in wallets.",
    )
    breakage_value = fields.Monetary(
        string="Expected Never Spent",
        readonly=True,
        help="Estimated from what became of the points of earlier months. Money in"
        " wallets is expected to be spent in full.",
    )
    net_value = fields.Monetary(
        string="Net Liability",
        readonly=True,
        help="The value less what is expected never to be spent.",
    )

    @property
    def _table_query(self):
        # Age is counted from today, which a view of the database could not be told
        return SQL(SQL_LIABILITY, today=fields.Date.today())
