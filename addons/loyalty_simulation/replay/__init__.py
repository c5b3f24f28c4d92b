# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The arithmetic of a replay, in plain Python: what it counts, beside the ledger."""

from .history import Given, MemberState, PastSale, Side, Totals
from .progress import CONTROL, RETURNED, Progress
