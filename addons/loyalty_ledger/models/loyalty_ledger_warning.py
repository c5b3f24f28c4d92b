# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date, split_every

WARNINGS_AT_ONCE = 1000
WARNINGS_LISTED = 100_000
DAYS_KEPT = 365


class LoyaltyLedgerWarning(models.Model):
    """The event that points of a member will expire, once for a last day.

    Made by a nightly job through ``create``, so that automation rules and other
    modules can act on it; nothing is sent from here.
    """

    _name = "loyalty.ledger.warning"
    _description = "Loyalty Expiry Warning"
    _order = "expiry_date desc, id desc"

    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(related="member_id.partner_id")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    expiry_date = fields.Date(
        string="Last Day",
        required=True,
        readonly=True,
        index=True,
        help="The last day on which the points can be spent.",
    )
    points = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        help="The points that would expire, as of the day of the warning.",
    )

    _once = models.UniqueIndex(
        "(account_id, expiry_date)", "The member has been warned of this day already."
    )

    @api.depends("points", "scheme_id", "expiry_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for warning in self:
            warning.display_name = self.env._(
                "%(points)s expire on %(date)s",
                points=warning.account_id._format_value(warning.points),
                date=format_date(self.env, warning.expiry_date),
            )

    @api.model
    def _cron_warn(self):
        """Warn of each day that comes near, by account. Safe to run again."""
        commit_progress = self.env["ir.cron"]._commit_progress
        last_id = 0
        while rows := self._find_expiring(last_id):
            # An account that the limit has cut off is looked at again
            last_id = rows[-1]["account_id"] - 1
            if not commit_progress(remaining=len(rows)):
                return
            for batch in split_every(WARNINGS_AT_ONCE, rows):
                self.create(batch)
                if not commit_progress(len(batch)):
                    return

    def _find_expiring(self, after, limit=WARNINGS_LISTED):
        """Return the values of warnings that are due, by account above ``after``.

        Members who have left or are blocked, and closed schemes, are not warned: the
        points cannot be spent anyway.
        """
        self.flush_model()
        self.env["loyalty.scheme"].flush_model()
        self.env["loyalty.member"].flush_model()
        # SQL, because the days before differ by scheme and millions of lots are read
        rows = self.env.execute_query(
            SQL(
                """
                SELECT lot.account_id, member.id, lot.scheme_id, lot.company_id,
                       lot.expiry_date, sum(lot.remaining)
                  FROM loyalty_ledger_lot lot
                  JOIN loyalty_scheme scheme ON scheme.id = lot.scheme_id
                  JOIN loyalty_card card ON card.id = lot.account_id
                  JOIN loyalty_member member
                    ON member.scheme_id = lot.scheme_id
                   AND member.partner_id = card.partner_id
                 WHERE lot.remaining > 0 AND lot.state = 'available'
                   AND lot.account_id > %(after)s
                   AND lot.expiry_date >= %(day)s
                   AND lot.expiry_date <= %(day)s + (
                       SELECT max(expiry_warning_days) FROM loyalty_scheme
                   )
                   AND scheme.expiry_warning_days > 0
                   AND lot.expiry_date <= %(day)s + scheme.expiry_warning_days
                   AND scheme.state = 'open' AND scheme.active
                   AND member.state = 'active'
                   AND NOT EXISTS (
                       SELECT FROM loyalty_ledger_warning warning
                        WHERE warning.account_id = lot.account_id
                          AND warning.expiry_date = lot.expiry_date
                   )
                 GROUP BY 1, 2, 3, 4, 5
                 ORDER BY 1, 5
                 LIMIT %(limit)s
                """,
                after=after,
                day=fields.Date.today(),
                limit=limit,
            )
        )
        names = (
            "account_id",
            "member_id",
            "scheme_id",
            "company_id",
            "expiry_date",
            "points",
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    @api.autovacuum
    def _gc_past(self, limit=10_000):
        """Forget warnings of days that are long over.

        :return: (number deleted, whether more are left)
        """
        day = fields.Date.today() - timedelta(days=DAYS_KEPT)
        warnings = self.search([("expiry_date", "<", day)], limit=limit)
        warnings.unlink()
        return len(warnings), len(warnings) == limit
