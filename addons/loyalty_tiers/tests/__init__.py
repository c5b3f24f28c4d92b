# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_access
from . import test_benefit
from . import test_budget
from . import test_bulk
from . import test_concurrency
from . import test_event
from . import test_ladder
from . import test_manual
from . import test_merge
from . import test_night
from . import test_pricelist
from . import test_progress
from . import test_return
from . import test_upgrade
