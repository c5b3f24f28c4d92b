# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

from odoo import fields
from odoo.exceptions import UserError
from odoo.http import content_disposition, request, route
from odoo.tools import format_datetime

from odoo.addons.portal.controllers.portal import pager as portal_pager

from .portal import LoyaltyPortal

CSV_ROWS_AT_ONCE = 5_000
# What a spreadsheet would take for a formula
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class LoyaltyStatementPortal(LoyaltyPortal):
    """A member's statement of a period: as a page, as PDF and as CSV."""

    # === ROUTES === #

    @route("/my/loyalty/statement", type="http", auth="user", website=True)
    def portal_my_loyalty_statements(self, **kw):
        """Open the statement of the visitor's only card, or the list of cards."""
        members_sudo = self._get_loyalty_members()
        if len(members_sudo) != 1:
            return request.redirect("/my/loyalty")
        return request.redirect(f"/my/loyalty/{members_sudo.id}/statement")

    @route(
        [
            "/my/loyalty/<int:member_id>/statement",
            "/my/loyalty/<int:member_id>/statement/page/<int:page>",
        ],
        type="http",
        auth="user",
        website=True,
    )
    def portal_my_loyalty_statement(
        self, member_id, page=1, date_from=None, date_to=None, account_id=None, **kw
    ):
        """Show one account of the visitor in a period."""
        member_sudo = self._get_loyalty_own_member(member_id)
        if not member_sudo:
            raise request.not_found()
        period, error = self._get_loyalty_period(member_sudo, date_from, date_to)
        return request.render(
            "loyalty_portal.portal_my_loyalty_statement",
            {
                **self._prepare_loyalty_page_values(
                    member_sudo, request.env._("Statement")
                ),
                **self._prepare_loyalty_statement(
                    member_sudo, period, account_id, page
                ),
                "error": error,
            },
        )

    @route("/my/loyalty/<int:member_id>/statement.pdf", type="http", auth="user")
    def portal_my_loyalty_statement_pdf(
        self, member_id, date_from=None, date_to=None, **kw
    ):
        """Return the visitor's own statement as PDF."""
        member_sudo = self._get_loyalty_own_member(member_id)
        if not member_sudo:
            raise request.not_found()
        period, error = self._get_loyalty_period(member_sudo, date_from, date_to)
        if error:
            return self._redirect_to_loyalty_statement(member_sudo, date_from, date_to)
        # sudo: the member is the visitor's own
        report_sudo = request.env["ir.actions.report"].sudo()
        content, _type = report_sudo._render_qweb_pdf(
            "loyalty_ledger.report_statement",
            member_sudo.ids,
            data={
                "date_from": fields.Date.to_string(period[0]),
                "date_to": fields.Date.to_string(period[1]),
            },
        )
        return self._make_loyalty_file(
            content, "application/pdf", member_sudo, period, "pdf"
        )

    @route("/my/loyalty/<int:member_id>/statement.csv", type="http", auth="user")
    def portal_my_loyalty_statement_csv(
        self, member_id, date_from=None, date_to=None, **kw
    ):
        """Return the visitor's own entries as CSV."""
        member_sudo = self._get_loyalty_own_member(member_id)
        if not member_sudo:
            raise request.not_found()
        period, error = self._get_loyalty_period(member_sudo, date_from, date_to)
        if error:
            return self._redirect_to_loyalty_statement(member_sudo, date_from, date_to)
        return self._make_loyalty_file(
            self._prepare_loyalty_csv(member_sudo, period),
            "text/csv;charset=utf-8",
            member_sudo,
            period,
            "csv",
        )

    # === STEPS === #

    def _get_loyalty_period(self, member_sudo, date_from, date_to):
        """Return the period asked for, or this year's and what is wrong with it."""
        try:
            return member_sudo._get_statement_period(date_from, date_to), False
        except UserError as error:
            return member_sudo._get_statement_period(), str(error)

    def _redirect_to_loyalty_statement(self, member_sudo, date_from, date_to):
        """Open the page that shows what is wrong with the period."""
        query = urlencode({"date_from": date_from or "", "date_to": date_to or ""})
        return request.redirect(f"/my/loyalty/{member_sudo.id}/statement?{query}")

    def _get_loyalty_periods(self, member_sudo):
        """Return the periods to choose from: label, first and last day."""
        today = fields.Date.context_today(member_sudo)
        month = today.replace(day=1)
        before = month - timedelta(days=1)
        year = today.replace(month=1, day=1)
        return [
            (request.env._("This month"), month, today),
            (request.env._("Last month"), before.replace(day=1), before),
            (request.env._("This year"), year, today),
            (
                request.env._("Last year"),
                year.replace(year=year.year - 1),
                year - timedelta(days=1),
            ),
        ]

    def _prepare_loyalty_statement(self, member_sudo, period, account_id, page):
        sections = member_sudo._get_statement(*period)
        section = next(
            (one for one in sections if str(one["account"].id) == account_id),
            sections[0] if sections else None,
        )
        url = f"/my/loyalty/{member_sudo.id}/statement"
        args = {
            "date_from": fields.Date.to_string(period[0]),
            "date_to": fields.Date.to_string(period[1]),
        }
        pager = portal_pager(
            url=url,
            url_args={**args, "account_id": section and section["account"].id},
            total=section["count"] if section else 0,
            page=page,
            step=self._items_per_page,
        )
        if section:
            section["text"] = section["account"]._get_statement_texts(section)
            section["rows"] = member_sudo._get_statement_entries(
                section, limit=self._items_per_page, offset=pager["offset"]
            )
        return {
            "url": url,
            "args": args,
            "periods": self._get_loyalty_periods(member_sudo),
            "period": period,
            "sections": sections,
            "section": section,
            "pager": pager,
        }

    def _prepare_loyalty_csv(self, member_sudo, period):
        """Return the entries of all accounts, numbers as plain numbers."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(
            [
                request.env._("Account"),
                request.env._("Date"),
                request.env._("What"),
                request.env._("Where"),
                request.env._("Why"),
                request.env._("Amount"),
                request.env._("Pending"),
                request.env._("Balance"),
            ]
        )
        for section in member_sudo._get_statement(*period):
            for row in member_sudo._iter_statement_entries(section, CSV_ROWS_AT_ONCE):
                entry = row["entry"]
                date = format_datetime(
                    request.env, entry.date, dt_format="yyyy-MM-dd HH:mm:ss"
                )
                texts = [section["title"], date, row["what"], row["where"], row["why"]]
                writer.writerow(
                    [
                        *map(self._escape_loyalty_cell, texts),
                        f"{entry.amount:.4f}",
                        f"{entry.pending:.4f}",
                        f"{entry.balance_after:.4f}",
                    ]
                )
        # The mark lets spreadsheets read it as UTF-8
        return text.getvalue().encode("utf-8-sig")

    def _escape_loyalty_cell(self, text):
        """Keep spreadsheets from taking text for a formula."""
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text

    def _make_loyalty_file(self, content, content_type, member_sudo, period, ending):
        name = "-".join([member_sudo.number, *map(fields.Date.to_string, period)])
        return request.make_response(
            content,
            [
                ("Content-Type", content_type),
                ("Content-Length", len(content)),
                ("Content-Disposition", content_disposition(f"{name}.{ending}")),
                ("Cache-Control", "private, no-store"),
            ],
        )
