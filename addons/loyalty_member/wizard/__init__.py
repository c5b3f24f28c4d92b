# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import base_partner_merge
from . import loyalty_member_block
from . import loyalty_member_card_generate
from . import loyalty_member_enrol
from . import loyalty_member_merge_wizard
