# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which tier a member deserves, without the ORM."""

from .ladder import Decision, Downgrade, Figures, Ladder, Policy, State, Step, Threshold
from .window import Window
