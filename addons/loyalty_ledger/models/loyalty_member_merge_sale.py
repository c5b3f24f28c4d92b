# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..ledger.flow import POINTS, WALLET


class LoyaltyMemberMergeSale(models.Model):
    """A sale that became another member's by a merge, as it was before.

    The sales themselves are rewritten, so that whatever counts or returns them finds
    them with the member who stays and with the account that has the points.
    """

    _name = "loyalty.member.merge.sale"
    _description = "Sale of a Merged Member"
    _order = "id"
    _rec_name = "transaction_id"
    # The merge says who did it and when
    _log_access = False

    merge_id = fields.Many2one(
        comodel_name="loyalty.member.merge",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="merge_id.company_id")
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member", required=True, readonly=True, ondelete="restrict"
    )
    account_id = fields.Many2one(
        comodel_name="loyalty.card", required=True, readonly=True, ondelete="restrict"
    )
    wallet_account_id = fields.Many2one(
        comodel_name="loyalty.card", readonly=True, ondelete="restrict"
    )

    _sale_unique = models.UniqueIndex(
        "(merge_id, transaction_id)", "This sale is in the merge already."
    )

    @api.model
    def _take(self, merge):
        """Let the sales of the duplicate be those of who stays, and keep what was.

        Plain SQL: a member may have years of sales.
        """
        points, wallet = merge._get_line(POINTS), merge._get_line(WALLET)
        self.env["loyalty.transaction"].flush_model()
        values = {
            "merge": merge.id,
            "member": merge.duplicate_id.id,
            "winner": merge.winner_id.id,
            "points": points.account_id.id or None,
            "points_target": points.target_id.id or None,
            "wallet": wallet.account_id.id or None,
            "wallet_target": wallet.target_id.id or None,
        }
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO loyalty_member_merge_sale
                       (merge_id, transaction_id, member_id, account_id,
                        wallet_account_id)
                SELECT %(merge)s, id, member_id, account_id, wallet_account_id
                  FROM loyalty_transaction
                 WHERE member_id = %(member)s OR account_id = %(points)s
                    OR wallet_account_id = %(wallet)s
                """,
                **values,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_transaction sale
                   SET member_id = CASE WHEN sale.member_id = %(member)s
                                        THEN %(winner)s ELSE sale.member_id END,
                       account_id = CASE WHEN sale.account_id = %(points)s
                                         THEN %(points_target)s
                                         ELSE sale.account_id END,
                       wallet_account_id = CASE WHEN sale.wallet_account_id = %(wallet)s
                                                THEN %(wallet_target)s
                                                ELSE sale.wallet_account_id END
                  FROM loyalty_member_merge_sale kept
                 WHERE kept.merge_id = %(merge)s AND sale.id = kept.transaction_id
                """,
                **values,
            )
        )
        self._change_awards(merge)

    @api.model
    def _give_back(self, merge):
        """Let the sales be the duplicate's again, and the returns of them."""
        self.env["loyalty.transaction"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_transaction sale
                   SET member_id = kept.member_id, account_id = kept.account_id,
                       wallet_account_id = CASE
                           WHEN sale.wallet_account_id IS NOT NULL
                           THEN COALESCE(kept.wallet_account_id, %(wallet)s,
                                         sale.wallet_account_id)
                       END
                  FROM loyalty_member_merge_sale kept
                 WHERE kept.merge_id = %(merge)s
                   AND (sale.id = kept.transaction_id
                        OR sale.origin_id = kept.transaction_id)
                """,
                merge=merge.id,
                wallet=merge._get_line(WALLET).account_id.id or None,
            )
        )
        self._change_awards(merge)

    @api.model
    def _get_period(self, merge):
        """Return when the first and the last sale of a merge were, or ``None``.

        :rtype: tuple[datetime, datetime]
        """
        # The ORM cannot aggregate what is another model's
        [period] = self.env.execute_query(
            SQL(
                """
                SELECT min(sale.date), max(sale.date)
                  FROM loyalty_member_merge_sale kept
                  JOIN loyalty_transaction sale ON sale.id = kept.transaction_id
                 WHERE kept.merge_id = %s AND kept.member_id = %s
                """,
                merge.id,
                merge.duplicate_id.id,
            )
        )
        return period

    @api.model
    def _change_awards(self, merge):
        """Let the caps of the rules count the sales where they are."""
        self.env["loyalty.earn.award"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_earn_award award SET member_id = sale.member_id
                  FROM loyalty_member_merge_sale kept
                  JOIN loyalty_transaction sale ON sale.id = kept.transaction_id
                 WHERE kept.merge_id = %s AND award.transaction_id = sale.id
                """,
                merge.id,
            )
        )
        self.env["loyalty.transaction"].invalidate_model()
        self.env["loyalty.earn.award"].invalidate_model()
