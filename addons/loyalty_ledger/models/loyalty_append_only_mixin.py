# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.exceptions import AccessError


class LoyaltyAppendOnlyMixin(models.AbstractModel):
    """Records that are added by one service alone, in SQL, and never change."""

    _name = "loyalty.append.only.mixin"
    _description = "Loyalty Records That Never Change"

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse: the service that adds these records does not come this way.

        :raise AccessError: always
        """
        self._refuse_change()
        return super().create(vals_list)

    def write(self, vals):
        """Refuse: what has happened is never changed.

        :raise AccessError: always
        """
        self._refuse_change()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        self._refuse_change()

    def _refuse_change(self):
        raise AccessError(
            self.env._(
                "Ledger entries are posted by the ledger alone and never change."
                " Post a correction instead."
            )
        )
