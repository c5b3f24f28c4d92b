# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import Period

ZERO = Decimal(0)
#: what is left of a budget when sales begin to queue up for it
LAST_PART = Decimal("0.05")
#: no sale stays uncommitted for so long
ROLL_UP_LAG = timedelta(hours=1)


class LoyaltyEarnBudget(models.Model):
    """What rules with a budget have given to all members, summed up to some moment.

    Sales never write to it while there is plenty left, so that they do not wait for
    each other; what has been given since that moment is added up from the awards.
    Only the last part of a budget is served one sale after the other, and so never
    overdrawn.
    """

    _name = "loyalty.earn.budget"
    _description = "Loyalty Earning Budget"
    _rec_name = "rule_id"
    # Counted anew by itself
    _log_access = False

    rule_id = fields.Many2one(
        comodel_name="loyalty.earn.rule",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    given = fields.Float(digits="Loyalty Points", readonly=True)
    counted_until = fields.Datetime(readonly=True)

    _rule_unique = models.UniqueIndex("(rule_id)")

    @api.model
    def _open(self, rules):
        """Open a budget for rules that have none."""
        # sudo: who edits a rule need not write to its budget
        known_sudo = self.sudo().search([("rule_id", "in", rules.ids)]).rule_id
        self.sudo().create([{"rule_id": rule.id} for rule in rules - known_sudo])

    @api.model
    def _get_given(self, rule_ids):
        """Return what rules have given to all members, as Decimal by rule id."""
        self.env["loyalty.earn.award"].flush_model()
        self.flush_model()
        # SQL: sums of numeric columns come as float from the ORM
        return {
            rule_id: Decimal(given)
            for rule_id, given in self.env.execute_query(
                SQL(
                    """
                    SELECT budget.rule_id,
                           (COALESCE(budget.given, 0) + COALESCE(recent.given, 0))::text
                      FROM loyalty_earn_budget budget
                      LEFT JOIN LATERAL (
                           SELECT sum(award.amount) AS given
                             FROM loyalty_earn_award award
                            WHERE award.rule_id = budget.rule_id
                              AND award.posted_at
                                  >= COALESCE(budget.counted_until, '-infinity')
                      ) recent ON true
                     WHERE budget.rule_id = ANY(%s)
                    """,
                    list(rule_ids),
                )
            )
        }

    @api.model
    def _queue_up(self, rules):
        """Let sales come one after the other where a budget is nearly used up.

        The second of two at the same time finds the row changed, and Odoo runs it
        again on what the first has left.

        :param RuleSet rules: by which sales are going to be recorded
        """
        budgets = {
            rule.record: cap.amount
            for rule in rules.rules
            for cap in rule.caps
            if cap.period is Period.BUDGET and rule.record
        }
        if not budgets:
            return
        given = self._get_given(budgets)
        scarce = [
            rule_id
            for rule_id, amount in budgets.items()
            if amount - given.get(rule_id, ZERO) < amount * LAST_PART
        ]
        if scarce:
            # SQL: the row is written to for its lock alone
            self.env.cr.execute(
                SQL(
                    "UPDATE loyalty_earn_budget SET given = given WHERE id IN ("
                    "SELECT id FROM loyalty_earn_budget WHERE rule_id = ANY(%s)"
                    " ORDER BY id FOR UPDATE)",
                    scarce,
                )
            )

    @api.autovacuum
    def _count_anew(self):
        """Sum up what was given until a moment before which nothing is open."""
        until = fields.Datetime.now() - ROLL_UP_LAG
        self.env["loyalty.earn.award"].flush_model()
        # SQL: one statement for all rules, and exact
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_earn_budget budget
                   SET given = COALESCE((
                           SELECT sum(award.amount) FROM loyalty_earn_award award
                            WHERE award.rule_id = budget.rule_id
                              AND award.posted_at < %(until)s
                       ), 0),
                       counted_until = %(until)s
                """,
                until=until,
            )
        )
        self.invalidate_model(flush=False)
