# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_card
from . import loyalty_member
from . import loyalty_migration
from . import loyalty_migration_line
from . import res_partner
