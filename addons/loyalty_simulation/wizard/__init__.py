# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_earn_trial
from . import loyalty_earn_trial_line
from . import loyalty_tier_trial
from . import loyalty_tier_trial_line
from . import loyalty_tier_trial_move
