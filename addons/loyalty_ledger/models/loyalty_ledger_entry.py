# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..ledger.move import MIGRATE, MIGRATE_UNDO


class LoyaltyLedgerEntry(models.Model):
    """One movement on one account, written once by the ledger service."""

    _name = "loyalty.ledger.entry"
    _description = "Loyalty Ledger Entry"
    _inherit = ["loyalty.append.only.mixin"]
    _order = "id desc"
    _rec_name = "key"

    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="account_id.partner_id")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    sequence = fields.Integer(
        required=True,
        readonly=True,
        help="Place of the entry in the chain of its account.",
    )
    kind = fields.Selection(
        selection=[
            ("earn", "Earned"),
            ("event", "Given for an event"),
            ("release", "Released"),
            ("redeem", "Redeemed"),
            ("return_earn", "Taken back"),
            ("return_redeem", "Given back"),
            ("top_up", "Topped up"),
            ("return_top_up", "Top-up taken back"),
            ("wallet_pay", "Paid with wallet"),
            ("return_wallet_pay", "Paid back to wallet"),
            ("refund", "Refunded to wallet"),
            ("cashback", "Cashback"),
            ("return_cashback", "Cashback taken back"),
            ("expire", "Expired"),
            ("adjust", "Adjusted"),
            ("merge_out", "Carried out by a merge"),
            ("merge_in", "Carried in by a merge"),
            ("transfer_out", "Passed on"),
            ("transfer_in", "Received"),
            ("opening", "Opening balance"),
            (MIGRATE, "Migrated"),
            (MIGRATE_UNDO, "Migration undone"),
        ],
        required=True,
        readonly=True,
    )
    amount = fields.Float(
        string="Available",
        digits="Loyalty Points",
        readonly=True,
        help="Effect on what the member can spend.",
    )
    pending = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        help="Effect on what waits for its release.",
    )
    requested = fields.Float(
        digits="Loyalty Points",
        readonly=True,
        aggregator=None,
        help="What was asked for. It differs from what moved where points to take"
        " back had been spent already.",
    )
    shortfall = fields.Float(
        string="Not Recovered",
        digits="Loyalty Points",
        readonly=True,
        help="Points that should have been taken back, but were spent already and"
        " given up.",
    )
    balance_after = fields.Float(
        string="Balance", digits="Loyalty Points", readonly=True, aggregator=None
    )
    pending_after = fields.Float(
        string="Pending Balance",
        digits="Loyalty Points",
        readonly=True,
        aggregator=None,
    )
    date = fields.Datetime(required=True, readonly=True)
    key = fields.Char(
        string="Idempotency Key",
        required=True,
        readonly=True,
        help="The same key is never posted twice on one account.",
    )
    reason = fields.Char(readonly=True)
    res_model = fields.Char(string="Source Model", readonly=True)
    res_id = fields.Many2oneReference(
        string="Source",
        model_field="res_model",
        readonly=True,
        help="The record that caused the entry.",
    )
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    source_transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        string="Sale",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The sale whose points are moved. A return names the sale that earned"
        " or spent them.",
    )
    channel_id = fields.Many2one(related="transaction_id.channel_id")
    member_id = fields.Many2one(
        related="transaction_id.member_id",
        string="Bought By",
        help="The member who earned or spent, if several members share the account.",
    )
    store_id = fields.Many2one(related="transaction_id.store_id")
    member_event_id = fields.Many2one(
        comodel_name="loyalty.member.event",
        string="Event",
        compute="_compute_member_event_id",
    )
    allocation_ids = fields.One2many(
        comodel_name="loyalty.ledger.allocation",
        inverse_name="entry_id",
        readonly=True,
    )
    prev_hash = fields.Char(string="Previous Hash", required=True, readonly=True)
    hash = fields.Char(required=True, readonly=True)
    # A user who has posted can be archived, but not deleted from what was posted
    create_uid = fields.Many2one(
        comodel_name="res.users",
        string="Posted By",
        readonly=True,
        ondelete="restrict",
    )
    write_uid = fields.Many2one(
        comodel_name="res.users",
        string="Last Updated by",
        readonly=True,
        ondelete="restrict",
    )

    _key_unique = models.UniqueIndex(
        "(account_id, key)", "This movement has been posted already."
    )
    _sequence_unique = models.UniqueIndex(
        "(account_id, sequence)", "Two entries cannot take the same place in a chain."
    )
    _date_idx = models.Index("(date, kind)")
    _moves_something = models.Constraint(
        "CHECK (amount <> 0 OR pending <> 0 OR shortfall <> 0)",
        "An entry must move points.",
    )

    def init(self):
        """Let the database itself refuse to change what has been posted."""
        result = super().init()
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION loyalty_ledger_append_only()
                RETURNS trigger AS $$
                BEGIN
                    RAISE EXCEPTION
                        'The loyalty ledger is append-only: %% on %% refused',
                        TG_OP, TG_TABLE_NAME
                        USING ERRCODE = 'restrict_violation';
                END
                $$ LANGUAGE plpgsql
                """
            )
        )
        self._guard_table(self._table)
        return result

    def _guard_table(self, table):
        """Attach the append-only guard to ``table``.

        Rows are guarded one by one: PostgreSQL itself sends an UPDATE of no row, for
        instance to forget a user who is deleted and has never posted anything.
        """
        # CREATE OR REPLACE would leave a trigger that somebody has disabled disabled
        for name, event, level in (
            ("loyalty_append_only", SQL("UPDATE OR DELETE"), SQL("ROW")),
            ("loyalty_never_empty", SQL("TRUNCATE"), SQL("STATEMENT")),
        ):
            self.env.cr.execute(
                SQL(
                    """
                    DROP TRIGGER IF EXISTS %(name)s ON %(table)s;
                    CREATE TRIGGER %(name)s BEFORE %(event)s ON %(table)s
                    FOR EACH %(level)s EXECUTE FUNCTION loyalty_ledger_append_only()
                    """,
                    name=SQL.identifier(name),
                    table=SQL.identifier(table),
                    event=event,
                    level=level,
                )
            )

    def _get_guarded_tables(self):
        """Return the tables that nothing is changed in or taken from."""
        return [self._table, self.env["loyalty.ledger.allocation"]._table]

    @api.depends("kind", "account_id.partner_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for entry in self:
            entry.display_name = self.env._(
                "%(kind)s – %(name)s",
                kind=kinds.get(entry.kind),
                name=entry.account_id.partner_id.name or entry.account_id.code,
            )

    @api.depends("res_model", "res_id")
    def _compute_member_event_id(self):
        events = self.env["loyalty.member.event"]._find_by_entries(self)
        for entry in self:
            entry.member_event_id = events.get(entry.id)

    @api.model
    def _get_action(self, domain):
        """Return the action that opens the entries of a domain."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_ledger_entry_action"
        )
        return {**action, "domain": list(domain), "context": {}}

    def _get_statement_row(self):
        """Return one line of a statement: when, what, where, why and how much.

        :return: dict of texts, and ``entry``
        """
        self.ensure_one()
        account, sale = self.account_id, self.transaction_id
        day = fields.Datetime.context_timestamp(self, self.date).date()
        return {
            "entry": self,
            "date": format_date(self.env, day),
            "what": self._get_statement_title(),
            "where": sale.store_id.name or sale.channel_id.name or "",
            "why": " ".join(self._get_statement_reasons()),
            "plus": self.amount > 0
            and account._format_statement(self.amount, unit=False),
            "minus": self.amount < 0
            and account._format_statement(self.amount, unit=False),
            "pending": self.pending
            and account._format_statement(self.pending, unit=False),
            "balance": account._format_statement(self.balance_after, unit=False),
        }

    def _get_statement_title(self):
        """Say on a statement what an entry is, in the user's language."""
        self.ensure_one()
        if self.member_event_id:
            return self.member_event_id.event_id.name
        sale = self.transaction_id.name or self.env._("a purchase")
        titles = {
            "earn": self.env._("Earned with %(sale)s", sale=sale),
            "release": self.env._("Now available"),
            "redeem": self.env._("Used for %(sale)s", sale=sale),
            "return_earn": self.env._("Taken back for %(sale)s", sale=sale),
            "return_redeem": self.env._("Given back for %(sale)s", sale=sale),
            "expire": self.env._("Expired"),
            "adjust": self.reason or self.env._("Corrected by us"),
            "opening": self.reason or self.env._("Opening balance"),
        }
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return titles.get(self.kind) or self.reason or kinds[self.kind]

    def _get_statement_reasons(self):
        """Return the sentences that say why an entry is as it is.

        :rtype: list[str]
        """
        self.ensure_one()
        if self.member_event_id:
            return self.member_event_id._explain()
        if self.kind not in ("earn", "return_earn", "return_redeem"):
            return []
        return self.transaction_id._explain() if self.transaction_id else []
