from . import loyalty_sale_redeem
