from . import account_move, payment_transaction, sale_order, sale_order_line
