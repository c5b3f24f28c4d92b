# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from decimal import Decimal

from odoo import models


class LoyaltyTransaction(models.Model):
    _inherit = "loyalty.transaction"

    def _quote_return(self, sale):
        """Say what a return would do to points. Writes nothing.

        :param Sale sale: as for ``_record_return``
        :return: the points taken back, and the points given back
        :rtype: tuple[Decimal, Decimal]
        """
        self.ensure_one()
        lines, shares = self._match_returned_lines(sale)
        taken = sum(
            (
                self._get_returned_points(line, share)
                for line, share in zip(lines.values(), shares, strict=True)
            ),
            Decimal(0),
        )
        return taken, self._get_returned_redemption(sale)

    def _get_returned_part(self, sale):
        """Return which part of the goods sold has come back with a return.

        :param Sale sale: the return, recorded or not
        :return: up to 1
        :rtype: Decimal
        """
        self.ensure_one()
        rewards = set(self.line_ids.filtered("is_reward").mapped("external_id"))
        sold = self.line_ids - self.line_ids.filtered("is_reward")
        earlier = self.return_ids.filtered(
            lambda other: other.state == "posted" and other.reference != sale.reference
        )
        amounts = [line.amount_incl for line in earlier.line_ids if not line.is_reward]
        amounts += [
            line.amount_incl for line in sale.lines if line.origin_key not in rewards
        ]
        total = self._sum_exactly(sold.mapped("amount_incl"))
        return (
            min(self._sum_exactly(amounts) / total, Decimal(1)) if total else Decimal(1)
        )

    def _sum_exactly(self, amounts):
        return sum((abs(Decimal(str(round(x, 6)))) for x in amounts), Decimal(0))
