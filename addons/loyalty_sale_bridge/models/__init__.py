# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    account_journal,
    account_move,
    account_move_refund,
    account_payment,
    loyalty_hold,
    payment_transaction,
    sale_order,
    sale_order_line,
    sale_order_quote,
    sale_order_redeem,
    sale_order_settle,
    sale_order_wallet,
)
