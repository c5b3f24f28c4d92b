# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import loyalty_hold
from . import loyalty_program
from . import loyalty_scheme
from . import pos_config
from . import pos_config_quote
from . import pos_order
from . import pos_order_wallet
from . import pos_order_line
from . import pos_payment_method
from . import pos_session
from . import res_config_settings
