# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class LoyaltyEarnRule(models.Model):
    _inherit = "loyalty.earn.rule"

    def action_try(self):
        """Open a trial: a purchase to type in, to see what this rule gives."""
        self.ensure_one()
        return self.env["loyalty.earn.trial"]._open(self.scheme_id, self)

    def action_replay(self):
        """Open a new replay, with this rule if it is archived, else without it."""
        self.ensure_one()
        return self.env["loyalty.earn.replay"]._open(self.scheme_id, self)

    def action_draft(self):
        """Copy the rule, to change the copy and try it while this one goes on."""
        self.ensure_one()
        draft = self.copy({"active": False})
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": draft.id,
            "views": [(False, "form")],
        }
