# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from psycopg2.errors import UniqueViolation
from psycopg2.extensions import TransactionRollbackError

from odoo import api, fields, models
from odoo.tools import SQL

MEMBERS_AT_ONCE = 20_000
ATTEMPTS = 3


class LoyaltyTierRun(models.Model):
    """How far the look at all members of a scheme has come on a day.

    A run that was stopped goes on behind the last member; one that is made twice finds
    nothing to do.
    """

    _name = "loyalty.tier.run"
    _description = "Nightly Tier Run"
    _order = "day desc, id desc"
    _rec_name = "day"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    day = fields.Date(required=True, readonly=True)
    last_member_id = fields.Integer(readonly=True)
    member_count = fields.Integer(string="Members Seen", readonly=True)
    change_count = fields.Integer(string="Members Moved", readonly=True)
    warning_count = fields.Integer(string="Members Warned", readonly=True)
    finished = fields.Boolean(readonly=True)

    _once = models.UniqueIndex(
        "(scheme_id, day)", "A scheme has one run a day, which goes on if it stopped."
    )

    @api.model
    def _cron_evaluate(self):
        """Prove the figures of all members, and move those whose time has come."""
        schemes = self.env["loyalty.scheme"].search(
            [("state", "=", "open"), ("tier_ids", "!=", False)]
        )
        for scheme in schemes:
            if not self._open_run(scheme)._continue():
                return

    @api.model
    def _open_run(self, scheme):
        """Return the run of today, a new one if there is none."""
        day = scheme._get_tier_settings().today()
        domain = [("scheme_id", "=", scheme.id), ("day", "=", day)]
        return self.search(domain) or self.create({"scheme_id": scheme.id, "day": day})

    @api.model
    def _restart(self, scheme):
        """Let all members of a scheme be looked at as soon as possible."""
        self.search([("scheme_id", "=", scheme.id), ("finished", "=", True)]).filtered(
            lambda run: run.day == scheme._get_tier_settings().today()
        ).write({"finished": False, "last_member_id": 0, "member_count": 0})
        self.env.ref("loyalty_tiers.ir_cron_evaluate_tiers")._trigger()

    def _continue(self, batch_size=MEMBERS_AT_ONCE):
        """Look at the members behind the last one, a range at a time.

        :return bool: whether the run came to its end
        """
        self.ensure_one()
        commit_progress = self.env["ir.cron"]._commit_progress
        while not self.finished:
            last_id, count = self._find_range(batch_size)
            if not commit_progress(remaining=count):
                return False
            if count:
                self._evaluate_patiently(last_id, count)
            else:
                self.finished = True
            if not commit_progress(count):
                return False
        return True

    def _find_range(self, size):
        """Return the id of the last member of the next range, and how many it has."""
        # SQL: a range of ids is all that is asked of the next thousands of members
        return self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(max(id), 0), count(*) FROM (
                    SELECT id FROM loyalty_member
                     WHERE scheme_id = %s AND id > %s ORDER BY id LIMIT %s
                ) member
                """,
                self.scheme_id.id,
                self.last_member_id,
                size,
            )
        )[0]

    def _evaluate_patiently(self, last_id, count):
        """Look at a range, again if something was sold to its members meanwhile."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.env.cr.savepoint():
                    self._evaluate_range(last_id, count)
                return
            except (TransactionRollbackError, UniqueViolation):
                if attempt == ATTEMPTS:
                    raise
                # A new transaction sees the sale
                self.env["ir.cron"]._commit_progress()

    def _evaluate_range(self, last_id, count):
        scheme = self.scheme_id
        settings = scheme._get_tier_settings()
        service = self.env["loyalty.tier.service"]
        members = SQL("BETWEEN %s AND %s", self.last_member_id + 1, last_id)
        service._count(scheme, settings, members)
        moved = 0
        while changes := service._evaluate_some(scheme, settings, members):
            moved += sum(change["cause"] != "kept" for change in changes)
            if not any(c["until"] and c["until"] < self.day for c in changes):
                break
            # The nights of a whole period were missed: on to the next one
        # Also of those whose tier has got another price list
        self.env["loyalty.member"]._follow_pricelists(scheme, members)
        warned = self.env["loyalty.tier.warning"]._warn(scheme, settings, members)
        self.write(
            {
                "last_member_id": last_id,
                "member_count": self.member_count + count,
                "change_count": self.change_count + moved,
                "warning_count": self.warning_count + warned,
            }
        )

    @api.autovacuum
    def _gc_old(self, limit=1000):
        """Forget runs of more than a year ago.

        :return: (number deleted, whether more are left)
        """
        day = fields.Date.subtract(fields.Date.today(), years=1)
        runs = self.search([("day", "<", day)], limit=limit)
        runs.unlink()
        return len(runs), len(runs) == limit
