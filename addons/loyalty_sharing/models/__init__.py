# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_household
from . import loyalty_ledger_entry
from . import loyalty_member
from . import loyalty_member_code
from . import loyalty_member_merge
from . import loyalty_scheme
from . import loyalty_transfer
