# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_adjustment
from . import test_adjustment_tour
from . import test_limits
from . import test_menus
