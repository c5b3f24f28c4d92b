# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a member had, got and spent in a period."""

from datetime import UTC, datetime, time, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

DATES_AHEAD = 6

# The books are in the order of their chain, and so is a statement: a sale that a till
# reports late stands where it was booked, with its own date. A period therefore begins
# with the first entry that bears a date in it and ends before the first one that bears
# a later date. So the balances of a statement follow from each other, and the next
# statement opens with what this one closes with.
SQL_BALANCES = """
    SELECT account.id, COALESCE(first.sequence, past.sequence, 0) AS first,
           past.sequence AS past,
           COALESCE(opening.balance_after, 0), COALESCE(closing.balance_after, 0),
           COALESCE(closing.pending_after, 0),
           moved.plus, moved.minus, moved.count
      FROM unnest(%(ids)s::int[], %(floors)s::int[]) account (id, floor)
      LEFT JOIN LATERAL (
            SELECT sequence FROM loyalty_ledger_entry
             WHERE account_id = account.id AND date >= %(start)s
               AND sequence > account.floor
             ORDER BY sequence LIMIT 1
           ) first ON TRUE
      LEFT JOIN LATERAL (
            SELECT sequence FROM loyalty_ledger_entry
             WHERE account_id = account.id AND date >= %(stop)s
               AND sequence > account.floor
             ORDER BY sequence LIMIT 1
           ) past ON TRUE
      LEFT JOIN LATERAL (
            SELECT balance_after FROM loyalty_ledger_entry
             WHERE account_id = account.id
               AND sequence < COALESCE(first.sequence, %(end)s)
             ORDER BY sequence DESC LIMIT 1
           ) opening ON TRUE
      LEFT JOIN LATERAL (
            SELECT balance_after, pending_after FROM loyalty_ledger_entry
             WHERE account_id = account.id
               AND sequence < COALESCE(past.sequence, %(end)s)
             ORDER BY sequence DESC LIMIT 1
           ) closing ON TRUE
      LEFT JOIN LATERAL (
            SELECT COALESCE(sum(GREATEST(amount, 0)), 0) AS plus,
                   COALESCE(sum(LEAST(amount, 0)), 0) AS minus, count(*) AS count
              FROM loyalty_ledger_entry
             WHERE account_id = account.id AND sequence >= first.sequence
               AND sequence < COALESCE(past.sequence, %(end)s)
           ) moved ON TRUE
"""
END = 2**31 - 1


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    def action_open_statement(self):
        """Ask for the period of a statement."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_statement_action"
        )
        action["context"] = {"default_member_id": self.id}
        return action

    @api.model
    def _get_statement_period(self, date_from=None, date_to=None):
        """Return the first and the last day of a statement.

        :param date_from: a date, or text as in ``2026-01-31``; the first day of the
            year of ``date_to`` if omitted
        :param date_to: likewise; today if omitted
        :return: two dates
        :raise UserError: if that is no period
        """
        try:
            last = fields.Date.to_date(date_to) or fields.Date.context_today(self)
            first = fields.Date.to_date(date_from) or last.replace(month=1, day=1)
        except (ValueError, TypeError) as error:
            raise UserError(
                self.env._("Choose the first and the last day of the statement.")
            ) from error
        if not 1900 < first.year <= last.year < 9999 or first > last:
            raise UserError(
                self.env._("The first day of a statement comes before the last one.")
            )
        return first, last

    def _get_statement_accounts(self):
        """Return all that holds value for this member, points first.

        A member who shares an account has the shared one as well.

        :rtype: loyalty.card
        """
        self.ensure_one()
        accounts = (
            self.env["loyalty.card"]
            .with_context(active_test=False)
            .search(
                [
                    ("program_id.scheme_id", "=", self.scheme_id.id),
                    ("partner_id", "=", self.partner_id.id),
                    ("ledger_managed", "=", True),
                ],
                order="id",
            )
        )
        shared = self.account_id.with_env(self.env)
        return (shared | accounts).sorted(
            lambda account: (account._is_money(), account.id)
        )

    def _get_statement_floor(self, account):
        """Return the last entry of an account that the member may not see.

        A hook for modules in which members share an account.

        :return: its place in the chain; 0 if there is none
        """
        self.ensure_one()
        return 0

    def _get_statement(self, date_from, date_to, accounts=None):
        """Return what a statement says of each account of a member.

        :param date date_from: the first day, in the user's time zone
        :param date date_to: the last day
        :param accounts: some of ``_get_statement_accounts``; all if omitted
        :return: list of dicts: ``account``, ``title``, ``opening``, ``closing``,
            ``pending`` (at the end of the period), ``plus``, ``minus`` (below zero),
            ``count`` and ``domain`` of the entries, ``ahead`` (what is to come, as of
            today). Values are floats, points or money.
        """
        self.ensure_one()
        if accounts is None:
            accounts = self._get_statement_accounts()
        if not accounts:
            return []
        accounts.check_access("read")
        ahead = self._get_statement_ahead(accounts)
        return [
            {
                **values,
                "title": values["account"]._get_statement_title(),
                "ahead": ahead.get(values["account"].id, []),
            }
            for values in self._read_statement(date_from, date_to, accounts)
        ]

    def _read_statement(self, date_from, date_to, accounts):
        """Return balances from the entries that carry them, by one statement.

        The ORM would ask once for each account and end.
        """
        self.env["loyalty.ledger.entry"].flush_model()
        rows = self.env.execute_query(
            SQL(
                SQL_BALANCES,
                ids=accounts.ids,
                floors=[self._get_statement_floor(account) for account in accounts],
                start=self._get_statement_moment(date_from),
                stop=self._get_statement_moment(date_to + timedelta(days=1)),
                end=END,
            )
        )
        found = {row[0]: row[1:] for row in rows}
        sections = []
        for account in accounts:
            first, past, opening, closing, pending, plus, minus, count = found[
                account.id
            ]
            sections.append(
                {
                    "account": account,
                    "opening": opening,
                    "closing": closing,
                    "pending": pending,
                    "plus": plus,
                    "minus": minus,
                    "count": count,
                    "domain": Domain("account_id", "=", account.id)
                    & Domain("sequence", ">=", first)
                    & Domain("sequence", "<", past or END)
                    if count
                    else Domain("id", "=", False),
                }
            )
        return sections

    def _get_statement_moment(self, day):
        """Return when a day begins for the user, in naive UTC."""
        start = self.env.tz.localize(datetime.combine(day, time.min))
        return start.astimezone(UTC).replace(tzinfo=None)

    def _get_statement_ahead(self, accounts):
        """Return what is going to happen to the lots of accounts, the next dates first.

        :return dict: list of ``text`` and ``is_pending`` by account id
        """
        today = fields.Date.context_today(self)
        groups = [
            (False, lot_account, day, points)
            for lot_account, day, points in self.env["loyalty.ledger.lot"]._read_group(
                [
                    ("account_id", "in", accounts.ids),
                    ("state", "=", "available"),
                    ("remaining", ">", 0),
                    ("expiry_date", ">=", today),
                ],
                ["account_id", "expiry_date:day"],
                ["remaining:sum"],
                order="expiry_date:day",
            )
        ]
        groups += [
            (True, lot_account, day, points)
            for lot_account, day, points in self.env["loyalty.ledger.lot"]._read_group(
                [
                    ("account_id", "in", accounts.ids),
                    ("state", "=", "pending"),
                    ("remaining", ">", 0),
                ],
                ["account_id", "release_date:day"],
                ["remaining:sum"],
                order="release_date:day",
            )
        ]
        ahead = {}
        for is_pending, account, day, points in groups:
            rows = ahead.setdefault((account.id, is_pending), [])
            if len(rows) < DATES_AHEAD:
                rows.append(account._get_ahead_text(is_pending, day, points))
        return {
            account.id: [
                {"is_pending": is_pending, "text": text}
                for is_pending in (True, False)
                for text in ahead.get((account.id, is_pending), [])
            ]
            for account in accounts
        }

    def _get_statement_entries(self, section, limit=None, offset=0):
        """Return entries of a statement in the order of the books.

        :param dict section: one of ``_get_statement``
        :return: list of dicts, see ``loyalty.ledger.entry._get_statement_row``
        """
        entries = self.env["loyalty.ledger.entry"].search(
            section["domain"], order="sequence", limit=limit, offset=offset
        )
        return [entry._get_statement_row() for entry in entries]

    def _iter_statement_entries(self, section, size):
        """Yield all entries of a statement in the order of the books, however many.

        :param dict section: one of ``_get_statement``
        :param int size: how many are kept in memory
        """
        Entry = self.env["loyalty.ledger.entry"]
        after = Domain.TRUE
        while entries := Entry.search(
            section["domain"] & after, order="sequence", limit=size
        ):
            yield from (entry._get_statement_row() for entry in entries)
            after = Domain("sequence", ">", entries[-1].sequence)
            entries.invalidate_recordset(flush=False)

    def _get_statement_values(self, date_from, date_to, accounts=None):
        """Return a statement as text, for a page of paper.

        :return: dict with ``period`` and ``sections``
        """
        sections = self._get_statement(date_from, date_to, accounts)
        for section in sections:
            section["rows"] = self._get_statement_entries(section)
            section["text"] = section["account"]._get_statement_texts(section)
        return {
            "period": self.env._(
                "%(first)s – %(last)s",
                first=format_date(self.env, date_from),
                last=format_date(self.env, date_to),
            ),
            "sections": sections,
        }
