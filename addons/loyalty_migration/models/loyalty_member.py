# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.fields import Domain


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    migration_id = fields.Many2one(
        comodel_name="loyalty.migration",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The migration that enrolled this member.",
    )

    @api.model
    def _find_by_code(self, code, scheme=None, company=None):
        """Find a member also by the code of a migrated card, even of a merged one."""
        card = super()._find_by_code(code, scheme, company)
        if card or not (code or "").strip():
            return card
        native = (
            self.env["loyalty.card"]
            .with_context(active_test=False)
            .search(
                [
                    ("code", "in", self._get_scanned_codes(code.strip())),
                    "|",
                    ("ledger_managed", "=", True),
                    ("merged_into_id.ledger_managed", "=", True),
                ],
                limit=1,
            )
        )
        account = native.merged_into_id or native
        member = self.search(
            Domain("partner_id", "=", account.partner_id.id)
            & Domain("scheme_id", "=", account.program_id.scheme_id.id)
            & self._get_lookup_domain(scheme, company),
            limit=1,
        )._get_survivor()
        return member.main_card_id or member.card_ids[:1]

    def _raise_signed_up(self):
        """Raise nothing for contacts whom a migration enrolls: they are not new."""
        if self.env.context.get("loyalty_migration_enrol"):
            return None
        return super()._raise_signed_up()
