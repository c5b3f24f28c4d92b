# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_earn_replay
from . import loyalty_earn_replay_line
from . import loyalty_earn_replay_member
from . import loyalty_earn_rule
from . import loyalty_scheme
