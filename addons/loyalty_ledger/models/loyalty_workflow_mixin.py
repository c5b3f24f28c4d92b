# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.exceptions import AccessError, UserError

MAX_LISTED = 3


class LoyaltyWorkflowMixin(models.AbstractModel):
    """A document that only its buttons move from one status to the next.

    The model has a field ``state``. Methods behind the buttons check the user's rights
    and then write in superuser mode.
    """

    _name = "loyalty.workflow.mixin"
    _description = "Loyalty Document with Guarded Steps"

    @api.model
    def _get_workflow_defaults(self):
        """Return the fields that only the buttons write, with their first values."""
        return {"state": "draft"}

    @api.model_create_multi
    def create(self, vals_list):
        """Start every document at its first step, whatever values the caller gives."""
        return super().create(
            [{**vals, **self._get_workflow_defaults()} for vals in vals_list]
        )

    def write(self, vals):
        """Leave the steps to the buttons.

        :raise AccessError: for a field that only the buttons write
        """
        if not self.env.su and self._get_workflow_defaults().keys() & vals.keys():
            raise AccessError(
                self.env._(
                    "Use the buttons to move %(documents)s to the next step.",
                    documents=self._get_names(),
                )
            )
        return super().write(vals)

    def _check_state(self, *states):
        """Refuse a step that is not possible in the status of these documents.

        :raise UserError: with the first status in which it is not possible
        """
        others = self.filtered(lambda document: document.state not in states)
        if others:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "The status of %(documents)s is %(state)s, so this step is not"
                    " possible. Reload the page to see the possible steps.",
                    documents=others._get_names(),
                    state=labels[others[0].state],
                )
            )

    def _get_names(self):
        """Return the names of these documents for a sentence, a few of them at most."""
        names = ", ".join(self[:MAX_LISTED].mapped("display_name"))
        if len(self) <= MAX_LISTED:
            return names
        return self.env._(
            "%(names)s and %(count)s more", names=names, count=len(self) - MAX_LISTED
        )
