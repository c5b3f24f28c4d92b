# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.exceptions import UserError


class LoyaltyStatementReport(models.AbstractModel):
    """Statements on paper, one a member."""

    _name = "report.loyalty_ledger.report_statement"
    _description = "Loyalty Statement"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return the members and the period.

        :param dict data: ``date_from`` and ``date_to``, see
            ``loyalty.member._get_statement_period``; ``member_ids`` in place of
            ``docids``; ``account_ids`` for some accounts instead of all
        :raise UserError: if the period or the ids are none
        """
        data = data or {}
        members = self._browse("loyalty.member", docids or data.get("member_ids"))
        date_from, date_to = members._get_statement_period(
            data.get("date_from"), data.get("date_to")
        )
        accounts = self._browse("loyalty.card", data.get("account_ids"))
        return {
            "doc_ids": members.ids,
            "doc_model": members._name,
            "docs": members,
            "date_from": date_from,
            "date_to": date_to,
            "accounts": accounts,
        }

    def _browse(self, model, ids):
        """Return records whose ids come from outside, if the user may read them."""
        try:
            records = self.env[model].browse(int(id_) for id_ in ids or ())
        except (TypeError, ValueError) as error:
            raise UserError(
                self.env._("Choose the members whose statements you want.")
            ) from error
        records.check_access("read")
        return records.exists()
