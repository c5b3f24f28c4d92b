# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_scheme
from . import loyalty_scheme_wallet
from . import loyalty_program
from . import loyalty_card
from . import loyalty_card_statement
from . import loyalty_ledger
from . import loyalty_ledger_due
from . import loyalty_ledger_entry
from . import loyalty_ledger_allocation
from . import loyalty_ledger_lot
from . import loyalty_ledger_warning
from . import loyalty_ledger_audit
from . import loyalty_ledger_audit_finding
from . import loyalty_hold
from . import loyalty_anomaly
from . import loyalty_adjustment_reason
from . import loyalty_adjustment
from . import loyalty_adjustment_line
from . import loyalty_transaction
from . import loyalty_transaction_wallet
from . import loyalty_transaction_line
from . import loyalty_member
from . import loyalty_member_code
from . import loyalty_member_household
from . import loyalty_member_statement
from . import loyalty_member_transfer
from . import loyalty_household
from . import loyalty_scheme_transfer
from . import loyalty_transfer
from . import loyalty_manual_entry
from . import loyalty_manual_entry_check
from . import loyalty_manual_entry_post
from . import loyalty_manual_entry_line
from . import loyalty_member_wallet
