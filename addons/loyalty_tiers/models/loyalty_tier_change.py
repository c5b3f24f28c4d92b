# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import AccessError


class LoyaltyTierChange(models.Model):
    """That a member came into a tier or left one, and why. Written once.

    Automation rules act on it, and other modules by ``_after_record``.
    """

    _name = "loyalty.tier.change"
    _description = "Loyalty Tier Change"
    _inherit = "loyalty.tier.record.mixin"
    _order = "id desc"

    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(related="member_id.partner_id")
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    from_id = fields.Many2one(
        comodel_name="loyalty.tier",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        string="To",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    date = fields.Date(
        required=True, readonly=True, index=True, help="On the scheme's clock."
    )
    from_until = fields.Date(
        string="Last Day Before",
        readonly=True,
        help="Until when the tier before would have been kept.",
    )
    until = fields.Date(
        string="Kept Until",
        readonly=True,
        help="The last day of the period in which the tier is kept.",
    )
    cause = fields.Selection(
        selection=[
            ("join", "Joined"),
            ("upgrade", "Reached the threshold"),
            ("downgrade", "The period is over"),
            ("return", "Purchases came back"),
            ("manual", "By hand"),
            ("manual_end", "End of a tier given by hand"),
            ("leave", "Left the scheme"),
            ("merge", "Merged into another member"),
        ],
        required=True,
        readonly=True,
    )
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    reason = fields.Char(readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="By",
        readonly=True,
        ondelete="set null",
        help="Who did it. Empty if the rules did.",
    )

    @api.depends("from_id", "tier_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for change in self:
            change.display_name = self.env._(
                "%(before)s → %(after)s",
                before=change.from_id.name or self.env._("No tier"),
                after=change.tier_id.name or self.env._("No tier"),
            )

    def _goes_on_from(self, past):
        """Tell whether a tier is entered again that had only been interrupted.

        :param past: the change by which it was lost the last time, or ``None``
        """
        self.ensure_one()
        if not past:
            return False
        return past.cause == "return" or (
            past.cause in ("leave", "merge")
            and (self.cause == "join" or self.date == past.date)
        )

    def write(self, vals):
        """Refuse: history is written once.

        :raise AccessError: always
        """
        self._refuse_change()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        self._refuse_change()

    def _refuse_change(self):
        raise AccessError(
            self.env._(
                "The history of tiers is written once. Set the tier of the member"
                " again instead: that is a new line."
            )
        )
