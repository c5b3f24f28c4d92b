# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

#: checks of which the expected and the found are hashes
HASHED = ("chain_is_whole", "chain_ends_at_the_account")


class LoyaltyLedgerAuditFinding(models.Model):
    """What did not add up when the books were checked."""

    _name = "loyalty.ledger.audit.finding"
    _description = "Loyalty Ledger Audit Finding"
    _order = "audit_id desc, id"

    audit_id = fields.Many2one(
        comodel_name="loyalty.ledger.audit",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty when the database as a whole is meant.",
    )
    partner_id = fields.Many2one(related="account_id.partner_id", string="Member")
    account_kind = fields.Selection(related="account_id.ledger_kind", string="Of")
    scheme_id = fields.Many2one(related="account_id.scheme_id")
    company_id = fields.Many2one(
        related="account_id.company_id", store=True, index="btree_not_null"
    )
    check_type = fields.Selection(
        selection=[
            ("balance_is_sum_of_entries", "The balance is what the entries add up to"),
            ("balance_is_sum_of_lots", "The balance is what is left in the lots"),
            (
                "pending_is_sum_of_entries",
                "The pending points are what the entries add up to",
            ),
            (
                "pending_is_sum_of_lots",
                "The pending points are what is left in the lots",
            ),
            ("held_is_sum_of_holds", "The points on hold are those of the holds"),
            (
                "balance_follows_entries",
                "Every entry carries the balance that it leads to",
            ),
            (
                "entries_are_allocated",
                "Every entry put its points into lots or took them from lots",
            ),
            ("lots_are_allocated", "Every lot holds what the entries left in it"),
            ("chain_is_whole", "No entry was changed, removed or slipped in"),
            (
                "chain_ends_at_the_account",
                "The last entry is the one that the account names",
            ),
            ("account_is_managed", "An account with entries is kept in the ledger"),
            ("guards_stand", "The database refuses to change what was posted"),
        ],
        string="What Should Hold",
        required=True,
        readonly=True,
    )
    expected = fields.Char(readonly=True)
    found = fields.Char(readonly=True)
    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        string="First Entry in Trouble",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    @api.depends("check_type", "partner_id")
    def _compute_display_name(self):
        checks = dict(self._fields["check_type"]._description_selection(self.env))
        for finding in self:
            finding.display_name = checks.get(finding.check_type)

    def _record_anomalies(self):
        """Mark the accounts in trouble, each once until somebody has looked."""
        self.env["loyalty.anomaly"]._record(
            [
                {
                    "kind": "audit",
                    "account_id": finding.account_id.id,
                    "entry_id": finding.entry_id.id,
                    "key": f"audit:{finding.check_type}",
                    "note": finding._get_note(),
                }
                for finding in self
                if finding.scheme_id
            ]
        )

    def _get_note(self):
        """Say what does not hold, to people: hashes tell them nothing."""
        self.ensure_one()
        if self.check_type in HASHED:
            return self.env._("This does not hold: %(check)s.", check=self.display_name)
        return self.env._(
            "This does not hold: %(check)s. Expected %(expected)s, found %(found)s.",
            check=self.display_name,
            expected=self.expected,
            found=self.found,
        )
