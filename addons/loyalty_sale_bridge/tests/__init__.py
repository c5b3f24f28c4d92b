# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    test_cancel,
    test_concurrency,
    test_credit_note,
    test_delivered,
    test_earn_rule,
    test_hold,
    test_member_merge,
    test_native,
    test_queries,
    test_redeem,
    test_refund_to_wallet,
    test_sequences,
    test_settle,
    test_wallet,
)
