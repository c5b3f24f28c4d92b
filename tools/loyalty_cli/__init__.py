# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What stands behind the command ``./loyalty``. Standard library only: it runs before
anything is installed.
"""
