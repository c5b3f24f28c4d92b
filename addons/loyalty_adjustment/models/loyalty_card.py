# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class LoyaltyCard(models.Model):
    _inherit = "loyalty.card"

    @api.model
    def _check_may_adjust(self, changes):
        """Keep corrections of balances within the limits of the scheme.

        :raise UserError: with the limit, unless in superuser mode
        """
        result = super()._check_may_adjust(changes)
        if self.env.su:
            return result
        user = self.env.user
        accounts = self.browse(card.id for card, points in changes.items() if points)
        done = accounts._get_adjusted_today(user)
        for (scheme, kind), cards in accounts.grouped(
            lambda card: (card.scheme_id, card.ledger_kind)
        ).items():
            each, total = scheme._get_adjustment_limits(user, kind)
            sizes = {card: abs(Decimal(str(changes[card]))) for card in cards}
            if sum(sizes.values()) <= total and all(
                size + done.get(card.id, 0) <= each for card, size in sizes.items()
            ):
                continue
            raise UserError(
                self.env._(
                    "Without approval you may give or take up to %(each)s per account"
                    " and day, and up to %(total)s at once. Make an adjustment instead"
                    " (Loyalty > Transactions > Adjustments), which another"
                    " administrator can approve.",
                    each=scheme._format_value(each, kind),
                    total=scheme._format_value(total, kind),
                )
            )
        return result

    def _get_adjusted_today(self, user):
        """Return what a user has given or taken today without approval.

        It counts corrections without a source, adjustments that nobody else has
        approved, and events raised by hand. Entries of other sources, like a migration,
        do not count.

        :return dict: Decimal points by account id
        """
        if not self.ids:
            return {}
        # One statement for all accounts, as the ORM cannot add up absolute values
        self.env["loyalty.adjustment"].flush_model(["decided_by_id"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT entry.account_id, sum(abs(entry.amount))::text
                  FROM loyalty_ledger_entry entry
                  LEFT JOIN loyalty_adjustment adjustment
                    ON entry.res_model = 'loyalty.adjustment'
                   AND adjustment.id = entry.res_id
                  LEFT JOIN loyalty_member_event event
                    ON entry.res_model = 'loyalty.member.event'
                   AND event.id = entry.res_id
                 WHERE entry.account_id = ANY(%s) AND entry.create_uid = %s
                   AND entry.date >= %s
                   AND (entry.kind IN ('adjust', 'opening') AND entry.res_model IS NULL
                        OR adjustment.id IS NOT NULL
                           AND adjustment.decided_by_id IS NULL
                        OR event.by_hand)
                 GROUP BY entry.account_id
                """,
                self.ids,
                user.id,
                fields.Date.today(),
            )
        )
        return {account_id: Decimal(points) for account_id, points in rows}
