# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """Keep how much money people may put into wallets: what their points were worth."""
    cr.execute(
        """
        UPDATE loyalty_scheme
           SET adjust_user_wallet_limit = adjust_user_limit * value.point,
               adjust_user_wallet_total = adjust_user_total * value.point,
               adjust_manager_wallet_limit = adjust_manager_limit * value.point,
               adjust_manager_wallet_total = adjust_manager_total * value.point
          FROM (SELECT id, redeem_value / redeem_points AS point FROM loyalty_scheme)
               value
         WHERE value.id = loyalty_scheme.id AND loyalty_scheme.has_wallet
        """
    )
