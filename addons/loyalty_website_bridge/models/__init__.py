# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    product_product,
    product_template,
    res_config_settings,
    sale_order,
    sale_order_line,
    website,
)
