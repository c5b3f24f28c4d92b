# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What becomes of accounts and sales when members are merged and unmerged."""

from odoo import fields, models
from odoo.fields import Command


class LoyaltyMemberMerge(models.Model):
    _inherit = "loyalty.member.merge"

    account_ids = fields.One2many(
        comodel_name="loyalty.member.merge.account",
        inverse_name="merge_id",
        string="Accounts",
        readonly=True,
    )
    sale_count = fields.Integer(
        string="Purchases",
        compute="_compute_sale_count",
        help="Sales and returns of the merged member, which are those of the member"
        " who stays for as long as the two are merged.",
    )

    def _compute_sale_count(self):
        counts = dict(
            self.env["loyalty.member.merge.sale"]._read_group(
                [("merge_id", "in", self.ids)], ["merge_id"], ["__count"]
            )
        )
        for merge in self:
            merge.sale_count = counts.get(merge._origin, 0)

    def _apply(self):
        """Bring the points to the account of who stays, and the sales to the member.

        The accounts are locked before anything is read from them, in the order of
        their ids, as by every sale.
        """
        for merge in self:
            duplicate = merge.duplicate_id
            merge.account_ids = [
                Command.create(values) for values in merge._prepare_accounts()
            ]
            merge.account_ids._carry_over()
            self.env["loyalty.member.merge.sale"]._take(merge)
            merge.env["loyalty.earn.award"]._count_events_for(
                duplicate, merge.winner_id
            )
        return super()._apply()

    def _prepare_accounts(self):
        """Return one line an account of the duplicate."""
        self.ensure_one()
        scheme = self.scheme_id
        return [
            {
                "kind": kind,
                "account_id": account.id,
                "target_id": scheme._get_account(self.winner_id, kind).id,
            }
            for kind, account in self.duplicate_id._get_own_accounts()
        ]

    def _get_line(self, kind):
        """Return what became of an account, nothing where there was none.

        :param str kind: ``POINTS`` or ``WALLET``
        """
        self.ensure_one()
        return self.account_ids.filtered(lambda line: line.kind == kind)

    def _revert(self):
        """Bring back what came from the duplicate and is still there."""
        result = super()._revert()
        for merge in self:
            self.env["loyalty.member.merge.sale"]._give_back(merge)
            merge.env["loyalty.earn.award"]._count_events_for(
                merge.duplicate_id, merge.duplicate_id
            )
            merge.account_ids._carry_back()
        return result
