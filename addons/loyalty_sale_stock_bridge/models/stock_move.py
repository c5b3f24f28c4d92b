# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_done(self, cancel_backorder=False):
        """Let points that wait for goods know that these have left."""
        moves = super()._action_done(cancel_backorder=cancel_backorder)
        # sudo: who works in a warehouse need not see sales orders
        moves.sudo().sale_line_id.order_id._loyalty_start_pending()
        return moves
