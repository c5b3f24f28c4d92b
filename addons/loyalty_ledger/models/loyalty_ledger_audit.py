# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, format_datetime

#: A person waits for no more than this; larger ledgers are left to the nightly job
ENTRIES_TO_WAIT_FOR = 200_000
ACTIVITY = "mail.mail_activity_data_warning"


class LoyaltyLedgerAudit(models.Model):
    """One check of the books: of all accounts, of a scheme's, or of some."""

    _name = "loyalty.ledger.audit"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Loyalty Ledger Audit"
    _order = "id desc"

    date = fields.Datetime(
        required=True, readonly=True, default=lambda self: fields.Datetime.now()
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Asked For By",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty where the nightly job checks the books by itself.",
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty when the accounts of all schemes are checked.",
    )
    account_ids = fields.Many2many(
        comodel_name="loyalty.card",
        relation="loyalty_ledger_audit_account_rel",
        column1="audit_id",
        column2="account_id",
        string="Accounts",
        readonly=True,
        help="Empty when all accounts are checked.",
    )
    state = fields.Selection(
        selection=[
            ("running", "Under way"),
            ("clean", "Everything adds up"),
            ("findings", "Something does not add up"),
        ],
        string="Result",
        required=True,
        readonly=True,
        default="running",
    )
    account_count = fields.Integer(string="Accounts Checked", readonly=True)
    entry_count = fields.Integer(string="Entries Checked", readonly=True)
    duration = fields.Float(
        string="Seconds", readonly=True, digits=(12, 1), aggregator=None
    )
    last_account_id = fields.Integer(
        string="Checked Up To", readonly=True, aggregator=None
    )
    finding_ids = fields.One2many(
        comodel_name="loyalty.ledger.audit.finding",
        inverse_name="audit_id",
        string="Findings",
        readonly=True,
    )
    scope = fields.Char(compute="_compute_scope")
    asked_by = fields.Char(string="Started By", compute="_compute_asked_by")
    finding_count = fields.Integer(
        string="Findings of Your Companies", compute="_compute_finding_count"
    )

    _unfinished_idx = models.Index("(id) WHERE state = 'running'")

    @api.depends("date", "scheme_id")
    def _compute_display_name(self):
        for audit in self:
            date = format_datetime(self.env, audit.date, dt_format="short")
            audit.display_name = (
                self.env._(
                    "%(scheme)s, %(date)s", scheme=audit.scheme_id.name, date=date
                )
                if audit.scheme_id
                else date
            )

    @api.depends("scheme_id", "account_ids")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_scope(self):
        for audit in self:
            # sudo: whose accounts they are is told only of those that the user sees
            accounts = audit.sudo().account_ids.sudo(self.env.su)
            if audit.scheme_id:
                audit.scope = audit.scheme_id.name
            elif not accounts:
                audit.scope = self.env._("All Schemes")
            elif seen := accounts._filtered_access("read"):
                names = seen.sudo().partner_id.mapped("display_name")
                audit.scope = ", ".join(names)
            else:
                audit.scope = self.env._("Accounts of another company")

    @api.depends("user_id")
    def _compute_asked_by(self):
        for audit in self:
            audit.asked_by = audit.user_id.name or self.env._("Nightly job")

    @api.depends("finding_ids")
    def _compute_finding_count(self):
        counts = dict(
            self.env["loyalty.ledger.audit.finding"]._read_group(
                [("audit_id", "in", self.ids)], ["audit_id"], ["__count"]
            )
        )
        for audit in self:
            audit.finding_count = counts.get(audit._origin, 0)

    def action_check_books(self):
        """Check all accounts and open what was found, whichever audits are selected.

        :raise AccessError: unless the user is a loyalty auditor or manager
        """
        return self._check_books()

    @api.model
    def _check_books(self, scheme=None, accounts=None):
        """Check books now, or hand a large ledger to the scheduled job.

        :param scheme: whose accounts; all if omitted
        :param accounts: which accounts; all if omitted
        :return: the action that opens the audit
        :raise AccessError: unless the user is a loyalty auditor or manager
        """
        self._check_may_audit()
        # sudo: an auditor changes nothing by hand, not even what an audit says
        audit_sudo = self.sudo().create(
            {
                "user_id": self.env.uid,
                "scheme_id": scheme and scheme.id,
                "account_ids": accounts and accounts.ids,
            }
        )
        if audit_sudo._count_entries() > ENTRIES_TO_WAIT_FOR:
            self.env.ref("loyalty_ledger.ir_cron_audit").sudo()._trigger()
        else:
            while audit_sudo._check_range():
                pass
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": audit_sudo.id,
            "views": [(False, "form")],
        }

    def _check_may_audit(self):
        """Refuse who may not see the whole ledger.

        :raise AccessError: unless a loyalty auditor or manager
        """
        if not self.env.user.has_group("loyalty_member.loyalty_member_group_auditor"):
            raise AccessError(
                self.env._("Only auditors and managers of loyalty check the books.")
            )

    @api.model
    def _cron_audit(self):
        """Finish what is under way, and check the whole ledger once a day.

        What one run of the job cannot finish, the next one goes on with.
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        today = fields.Datetime.now().replace(hour=0, minute=0, second=0)
        if not self.search_count([("user_id", "=", False), ("date", ">=", today)]):
            self.create({})
        for audit in self.search([("state", "=", "running")], order="id"):
            while left := audit._check_range():
                if not commit_progress(1, remaining=left):
                    return
        commit_progress(1, remaining=0)

    def _check_range(self):
        """Check the next accounts; a whole audit begins with the database's guards.

        :return int: how many accounts are left; 0 when the audit is over
        """
        self.ensure_one()
        Ledger = self.env["loyalty.ledger"]
        self.env.flush_all()
        start = time.monotonic()
        findings = []
        if not self.last_account_id and not self.scheme_id and not self.account_ids:
            findings += Ledger._audit_guards()
        account_ids = Ledger._read_audit_range(self._get_scope(), self.last_account_id)
        if account_ids:
            entries, found = Ledger._audit_accounts(account_ids)
            findings += found
            self.account_count += len(account_ids)
            self.entry_count += entries
            self.last_account_id = account_ids[-1]
        self._add_findings(findings)
        self.duration += time.monotonic() - start
        left = self._count_left() if account_ids else 0
        if not left:
            self._finish()
        return left

    def _get_scope(self):
        """Return the condition on ``loyalty_card card`` of what is checked."""
        if self.account_ids:
            return SQL("card.id = ANY(%s)", self.account_ids.ids)
        if self.scheme_id:
            return SQL(
                "card.program_id IN"
                " (SELECT id FROM loyalty_program WHERE scheme_id = %s)",
                self.scheme_id.id,
            )
        return SQL("TRUE")

    def _count_entries(self):
        """Return about how many entries are to be checked."""
        # One sum over the accounts, instead of a count over all entries
        return self.env.execute_query(
            SQL(
                "SELECT COALESCE(sum(card.ledger_sequence), 0) FROM loyalty_card card"
                " WHERE card.ledger_managed AND %s",
                self._get_scope(),
            )
        )[0][0]

    def _count_left(self):
        return self.env.execute_query(
            SQL(
                "SELECT count(*) FROM loyalty_card card"
                " WHERE card.ledger_managed AND card.id > %s AND %s",
                self.last_account_id,
                self._get_scope(),
            )
        )[0][0]

    def _add_findings(self, findings):
        records = self.env["loyalty.ledger.audit.finding"].create(
            [
                {
                    "audit_id": self.id,
                    "account_id": finding.account_id,
                    "check_type": finding.check,
                    "expected": finding.expected,
                    "found": finding.found,
                    "entry_id": finding.entry_id,
                }
                for finding in findings
            ]
        )
        records._record_anomalies()

    def _finish(self):
        """Say how it went, and call the managers if something does not add up."""
        self.state = "findings" if self.finding_ids else "clean"
        if self.finding_ids:
            self._call_managers()

    def _call_managers(self):
        """Give every loyalty manager one thing to do about the findings."""
        if not self.user_id:
            # The newest nightly audit says it all
            self.search(
                [("user_id", "=", False), ("id", "!=", self.id)]
            ).activity_unlink([ACTIVITY])
        managers = self.env.ref(
            "loyalty_member.loyalty_member_group_manager"
        ).all_user_ids.filtered(
            lambda user: user.active and user != self.env.ref("base.user_root")
        )
        for manager in managers:
            self.activity_schedule(
                ACTIVITY,
                user_id=manager.id,
                summary=self.with_context(lang=manager.lang).env._(
                    "The loyalty ledger does not add up: %(count)s findings",
                    count=len(self.finding_ids),
                ),
            )
