# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What sales and returns come to, for lists and figures."""

from odoo import api, fields, models
from odoo.tools import SQL

#: by the net figure, the field it is taken from
NET = {"net_earned": "points_earned", "net_redeemed": "points_redeemed"}

# Lines are read of the few sales alone that put money into a wallet
SQL_NET_AMOUNT = """
    CASE WHEN %(state)s = 'cancelled' THEN 0
         WHEN COALESCE(%(wallet_credited)s, 0) = 0 THEN %(amount_total)s
         ELSE %(amount_total)s - CASE WHEN %(kind)s = 'return' THEN -1 ELSE 1 END * (
            SELECT COALESCE(sum(abs(line.amount_incl)), 0)
              FROM loyalty_transaction_line line
             WHERE line.transaction_id = %(id)s AND line.wallet_credited <> 0)
    END
"""


class LoyaltyTransaction(models.Model):
    """A return says how much it takes back: added to a sale, that means nothing.

    The net figures are what has really been given and spent: returns count against the
    sales, and what was cancelled counts for nothing. Of the fields that they are taken
    from, no total is offered.
    """

    _inherit = "loyalty.transaction"

    points_earned = fields.Float(aggregator=None)
    points_redeemed = fields.Float(aggregator=None)
    base_amount = fields.Float(aggregator=None)
    amount_total = fields.Monetary(aggregator=None)
    wallet_spent = fields.Monetary(aggregator=None)
    wallet_credited = fields.Monetary(aggregator=None)
    wallet_cashback = fields.Monetary(aggregator=None)

    net_amount = fields.Monetary(
        compute="_compute_net",
        help="What was bought, less what came back. Money that was put into wallets is"
        " no purchase.",
    )
    net_earned = fields.Float(
        string="Net Points Earned",
        digits="Loyalty Points",
        compute="_compute_net",
        help="Points earned, less those taken back at returns.",
    )
    net_redeemed = fields.Float(
        string="Net Points Redeemed",
        digits="Loyalty Points",
        compute="_compute_net",
        help="Points redeemed, less those given back at returns.",
    )

    @api.depends(
        "kind",
        "state",
        "amount_total",
        "wallet_credited",
        "line_ids.amount_incl",
        "line_ids.wallet_credited",
        *NET.values(),
    )
    def _compute_net(self):
        for transaction in self:
            counts = transaction.state != "cancelled"
            sign = -1 if transaction.kind == "return" else 1
            # Amounts of returns are negative as they are
            bought = transaction.amount_total
            if transaction.wallet_credited:
                top_ups = transaction.line_ids.filtered("wallet_credited")
                bought -= sign * sum(map(abs, top_ups.mapped("amount_incl")))
            transaction.net_amount = counts * bought
            for net, name in NET.items():
                transaction[net] = counts * sign * transaction[name]

    def _field_to_sql(self, alias, fname, query=None):
        """Let the database add up and sort by what is not stored."""
        if fname != "net_amount" and fname not in NET:
            return super()._field_to_sql(alias, fname, query)
        columns = {
            name: self._field_to_sql(alias, name, query)
            for name in ("id", "kind", "state", "amount_total", "wallet_credited")
        }
        if fname == "net_amount":
            return SQL(SQL_NET_AMOUNT, **columns)
        return SQL(
            "CASE WHEN %(state)s = 'cancelled' THEN 0"
            " WHEN %(kind)s = 'return' THEN -%(value)s ELSE %(value)s END",
            state=columns["state"],
            kind=columns["kind"],
            value=self._field_to_sql(alias, NET[fname], query),
        )
