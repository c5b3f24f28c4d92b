# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_manual_entry
from . import loyalty_manual_entry_line
from . import loyalty_member_code
