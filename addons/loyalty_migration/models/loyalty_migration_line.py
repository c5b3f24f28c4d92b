# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from odoo.addons.loyalty_ledger.models.loyalty_ledger import LARGEST, QUANTUM

COLUMNS = {
    "migration_id": "int4",
    "card_id": "int4",
    "account_id": "int4",
    "partner_id": "int4",
    "company_id": "int4",
    "action": "varchar",
    "problem": "varchar",
    "native_points": "float8",
    "native_expiry": "date",
    "points": "numeric",
    "difference": "numeric",
    "expiry_date": "date",
    "is_newcomer": "bool",
    "is_negative": "bool",
    "is_expired": "bool",
    "is_phone_bad": "bool",
}


class LoyaltyMigrationLine(models.Model):
    """One card of the program, and what the migration does with it."""

    _name = "loyalty.migration.line"
    _description = "Card of a Migration"
    _order = "id"
    _rec_name = "card_id"
    # Every dry run writes the lines anew; the migration logs the user and the date
    _log_access = False

    migration_id = fields.Many2one(
        comodel_name="loyalty.migration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    card_id = fields.Many2one(
        comodel_name="loyalty.card",
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
        help="The card that receives the points.",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Contact",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    action = fields.Selection(
        selection=[
            ("open", "Becomes the account"),
            ("merge", "Added to the contact's oldest card"),
            ("anonymous", "Becomes the account of an anonymous member"),
            ("out", "Left out: no contact, no points"),
        ],
        required=True,
        readonly=True,
    )
    problem = fields.Selection(
        selection=[
            ("company", "The contact belongs to another company"),
            ("number", "The balance is not a number that the ledger can store"),
        ],
        readonly=True,
    )
    native_points = fields.Float(string="Card Balance", readonly=True)
    native_expiry = fields.Date(string="Card Expiration Date", readonly=True)
    points = fields.Float(
        string="Opening Balance", digits="Loyalty Points", readonly=True
    )
    difference = fields.Float(string="Rounding", digits="Loyalty Points", readonly=True)
    expiry_date = fields.Date(
        readonly=True,
        help="The last day on which the opening balance can be spent. Empty: the points"
        " do not expire.",
    )
    is_newcomer = fields.Boolean(string="New Member", readonly=True)
    is_negative = fields.Boolean(string="Below Zero", readonly=True)
    is_expired = fields.Boolean(
        string="Expired",
        readonly=True,
        help="The expiration date of the card has passed. The points are migrated, and"
        " then expire in the ledger.",
    )
    is_phone_bad = fields.Boolean(
        string="Unreadable Phone",
        readonly=True,
        help="The contact becomes a member, but a till does not find the member by this"
        " phone number until somebody corrects it.",
    )
    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        string="Opening Entry",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    _card_unique = models.UniqueIndex(
        "(migration_id, card_id)", "This card already has a line in this migration."
    )

    def _make_lines(self, migration, phones_seen=None):
        """Create a line for each active card of a program.

        :param migration: loyalty.migration with a scheme
        :param dict phones_seen: by contact, whether a dry run found the phone bad
        """
        rows = self._read_cards(migration)
        seen = phones_seen or {}
        phones = {partner_id for partner_id, is_bad in seen.items() if is_bad}
        phones |= self._find_bad_phones({row[2] for row in rows if row[8]} - set(seen))
        scheme_sudo = migration.scheme_id.sudo()
        today = fields.Date.today()
        default_expiry = scheme_sudo._get_expiry_date(today)
        self.env["loyalty.ledger"]._insert_rows(
            self,
            COLUMNS,
            [
                self._prepare_row(migration, phones, default_expiry, today, *row)
                for row in rows
            ],
        )
        self.invalidate_model(flush=False)
        migration.invalidate_recordset(["line_ids"], flush=False)

    def _replace_lines(self, migration):
        """Create the lines again at the moment of the migration.

        Plain SQL: the ORM would read every line to delete it. ANALYZE, because the
        next statements join the new lines with cards and entries. The result of the
        check of phones is kept from the dry run.

        :param migration: loyalty.migration with a scheme
        """
        self.env.flush_all()
        seen = dict(
            self.env.execute_query(
                SQL(
                    "DELETE FROM loyalty_migration_line WHERE migration_id = %s"
                    " RETURNING partner_id, is_phone_bad",
                    migration.id,
                )
            )
        )
        self._make_lines(migration, seen)
        self.env.cr.execute(SQL("ANALYZE loyalty_migration_line"))

    def _read_cards(self, migration):
        """Return the active native cards of a program, by one statement.

        :return: one tuple per card: id, account, contact, its company, whether it is an
            anonymous member of this migration, whether it joins, points as float and
            in full, whether it has a phone, last day
        """
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """
                SELECT card.id,
                       first_value(card.id) OVER (
                           PARTITION BY COALESCE(card.partner_id, -card.id)
                           ORDER BY card.id
                       ),
                       card.partner_id, partner.company_id,
                       partner.is_anonymous_member AND partner.name = card.code
                           AND member.migration_id = %(migration)s,
                       member.id IS NULL OR member.migration_id = %(migration)s
                           OR (member.state = 'left'
                               AND member.migration_id IS NOT NULL),
                       COALESCE(card.points, 0),
                       COALESCE(card.points, 0)::numeric::text,
                       COALESCE(partner.phone, '') <> '', card.expiration_date
                  FROM loyalty_card card
                  LEFT JOIN res_partner partner ON partner.id = card.partner_id
                  LEFT JOIN loyalty_member member
                    ON member.partner_id = card.partner_id
                   AND member.scheme_id = %(scheme)s
                 WHERE card.program_id = %(program)s
                   AND card.active AND card.ledger_managed IS NOT TRUE
                 ORDER BY card.id
                """,
                migration=migration.id,
                scheme=migration.scheme_id.id,
                program=migration.program_id.id,
            )
        )

    def _find_bad_phones(self, partner_ids):
        """Return the ids of contacts whose phone cannot be read."""
        bad = set()
        # sudo: the phone is checked, not shown
        Partner_sudo = self.env["res.partner"].sudo()
        for partner in Partner_sudo.browse(partner_ids):
            try:
                Partner_sudo._normalize_member_phone(
                    partner.phone, partner._get_member_country()
                )
            except ValidationError:
                bad.add(partner.id)
        return bad

    def _prepare_row(
        self,
        migration,
        bad_phones,
        default_expiry,
        today,
        card_id,
        account_id,
        partner_id,
        partner_company_id,
        anonymous,
        joins,
        native_points,
        exact,
        _has_phone,
        last_day,
    ):
        """Return one line in the order of ``COLUMNS``."""
        company = migration.company_id
        exact = Decimal(exact)
        problem = None
        if not exact.is_finite() or abs(exact) >= LARGEST:
            problem, exact = "number", Decimal(0)
        elif company and partner_company_id not in (company.id, None):
            problem = "company"
        # Odoo's floats carry noise beyond the fourth decimal
        exact = exact.quantize(QUANTUM)
        points = migration.scheme_id.sudo()._round_points(exact)
        return (
            migration.id,
            card_id,
            account_id,
            partner_id,
            company.id or None,
            self._get_action(card_id, account_id, partner_id, anonymous, exact),
            problem,
            native_points,
            last_day,
            points,
            points - exact,
            last_day or default_expiry if points > 0 else None,
            bool(joins and (partner_id or exact)),
            points < 0,
            bool(last_day and last_day < today),
            partner_id in bad_phones,
        )

    @api.model
    def _get_action(self, card_id, account_id, partner_id, anonymous, points):
        if not partner_id and not points:
            return "out"
        if not partner_id or anonymous:
            return "anonymous"
        return "open" if card_id == account_id else "merge"

    @api.depends("card_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.card_id.code
