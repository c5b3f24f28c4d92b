# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_adjustment
from . import loyalty_adjustment_line
from . import loyalty_adjustment_reason
from . import loyalty_card
from . import loyalty_member
from . import loyalty_scheme
