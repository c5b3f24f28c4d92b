# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_tier_record_mixin
from . import loyalty_tier
from . import loyalty_tier_benefit
from . import loyalty_tier_change
from . import loyalty_tier_figure
from . import loyalty_tier_gift
from . import loyalty_tier_run
from . import loyalty_tier_service
from . import loyalty_tier_warning
from . import loyalty_scheme
from . import loyalty_card
from . import loyalty_earn_rule
from . import loyalty_member
from . import loyalty_member_merge
from . import loyalty_member_pricelist
from . import loyalty_transaction
