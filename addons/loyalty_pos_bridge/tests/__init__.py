# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_settlement
from . import test_earn_rule
from . import test_prices
from . import test_waiting
from . import test_queries
from . import test_quote
from . import test_returns
from . import test_native
from . import test_rights
from . import test_till_rpc
from . import test_enrol_by_phone
from . import test_member_merge
from . import test_concurrency
from . import test_pos_js
from . import test_wallet
from . import test_tours
