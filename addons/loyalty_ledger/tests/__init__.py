# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_adjustment
from . import test_adjustment_tour
from . import test_anomaly
from . import test_audit
from . import test_budget
from . import test_concurrency
from . import test_due
from . import test_earn_rule
from . import test_earn_trial
from . import test_engine
from . import test_engine_vectors
from . import test_expiry
from . import test_hold
from . import test_hooks
from . import test_household
from . import test_invariants
from . import test_ledger
from . import test_manual_entry
from . import test_liability
from . import test_member
from . import test_merge
from . import test_migration
from . import test_migration_concurrency
from . import test_properties
from . import test_milestone
from . import test_rows
from . import test_scheme
from . import test_security
from . import test_statement
from . import test_tours
from . import test_transaction
from . import test_transfer
from . import test_wallet
from . import test_warning
