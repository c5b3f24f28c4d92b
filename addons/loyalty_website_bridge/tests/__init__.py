# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    test_cart,
    test_paid_cart,
    test_portal,
    test_review,
    test_tours,
    test_wallet,
)
