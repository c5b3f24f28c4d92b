# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class LoyaltyTierRecordMixin(models.AbstractModel):
    """Lines of which a night writes hundreds of thousands, and which stay as they are.

    One statement writes all of them. Where something acts on each new line, which is an
    automation rule or a module that extends ``create``, they go through ``create``.
    """

    _name = "loyalty.tier.record.mixin"
    _description = "Lines of Tiers Written Once"

    @api.model
    def _record(self, vals_list):
        """Write lines, then let other modules act on them together.

        :param vals_list: dictionaries with the same names of stored fields, ``None``
            where there is nothing
        :return: the new lines, in their order
        """
        if not vals_list:
            return self
        if self._is_create_extended():
            records = self.create(vals_list)
        else:
            records = self._insert(vals_list)
        records._after_record()
        return records

    def _after_record(self):
        """Act on lines that were just written.

        A hook for other modules, called once for all of them: a night writes thousands.
        """

    @api.model
    def _is_create_extended(self):
        """Return whether more happens by ``create`` than that lines are written."""
        return type(self).create is not models.BaseModel.create

    @api.model
    def _insert(self, vals_list):
        ledger = self.env["loyalty.ledger"]
        ids = ledger._next_ids(self._table, len(vals_list))
        types = {name: self._fields[name].column_type[0] for name in vals_list[0]}
        ledger._insert_columns(
            self,
            {"id": "int4", **types},
            [ids, *([vals[name] for vals in vals_list] for name in types)],
        )
        return self.browse(ids)
