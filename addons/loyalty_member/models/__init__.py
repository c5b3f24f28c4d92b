# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_kept_mixin
from . import loyalty_channel
from . import loyalty_scheme
from . import loyalty_store
from . import loyalty_member
from . import loyalty_member_duplicate
from . import loyalty_member_merge
from . import loyalty_member_card
from . import loyalty_member_code
from . import loyalty_member_code_attempt
from . import res_partner
