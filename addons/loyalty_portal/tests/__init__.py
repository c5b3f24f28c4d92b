# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_portal, test_portal_statement, test_portal_wallet, test_tours
