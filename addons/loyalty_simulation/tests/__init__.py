# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_earn_replay
from . import test_earn_replay_concurrency
from . import test_earn_trial
from . import test_menus
from . import test_replay_tiers
from . import test_tier_trial
