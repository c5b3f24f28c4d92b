# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import base_partner_merge
from . import loyalty_anomaly_close
from . import loyalty_card_update_balance
from . import loyalty_member_event_raise
from . import loyalty_statement
