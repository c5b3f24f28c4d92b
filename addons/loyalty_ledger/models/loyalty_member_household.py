# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Members who share the account of a household."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..ledger.flow import POINTS

HOUSEHOLD_FIELDS = {"household_id", "household_sequence"}


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    household_id = fields.Many2one(
        comodel_name="loyalty.household",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        help="Its members share one account.",
    )
    household_sequence = fields.Integer(
        copy=False,
        readonly=True,
        help="Last entry of the shared account that was there before the member.",
    )
    household_earned = fields.Float(
        string="Earned Here",
        compute="_compute_household_points",
        compute_sudo=True,
        digits="Loyalty Points",
        help="What this member has earned on the account of the household, returns"
        " taken off.",
    )
    household_spent = fields.Float(
        string="Spent Here",
        compute="_compute_household_points",
        compute_sudo=True,
        digits="Loyalty Points",
    )

    @api.depends("household_id", "transaction_ids")
    def _compute_household_points(self):
        totals = {}
        for member, account, kind, earned, spent in self.env[
            "loyalty.transaction"
        ]._read_group(
            [
                ("member_id", "in", self.ids),
                ("account_id", "in", self.account_id.ids),
                ("state", "=", "posted"),
            ],
            ["member_id", "account_id", "kind"],
            ["points_earned:sum", "points_redeemed:sum"],
        ):
            sign = -1 if kind == "return" else 1
            before = totals.get((member, account), (0.0, 0.0))
            totals[member, account] = (
                before[0] + sign * earned,
                before[1] + sign * spent,
            )
        for member in self:
            member.household_earned, member.household_spent = totals.get(
                (member._origin, member.account_id), (0.0, 0.0)
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_household_write(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_household_write(vals)
        return super().write(vals)

    @api.model
    def _check_household_write(self, vals):
        if not self.env.su and HOUSEHOLD_FIELDS & vals.keys():
            raise AccessError(
                self.env._("Members join and leave a household by its buttons alone.")
            )

    def action_leave(self):
        """Leave the household as well; its head dissolves it first.

        :raise UserError: for the head of others
        """
        for member in self.filtered("household_id"):
            household = member.household_id
            if household.head_id != member:
                household._leave(member)
            elif household.member_ids == member:
                household.action_dissolve()
            else:
                raise UserError(
                    self.env._(
                        "%(member)s is the head of %(household)s. Dissolve the"
                        " household first: its points stay with %(member)s.",
                        member=member.display_name,
                        household=household.name,
                    )
                )
        return super().action_leave()

    def action_leave_household(self):
        """Leave the household; what is on its account stays there.

        :raise UserError: for its head
        """
        self.check_access("write")
        for household, members in self.grouped("household_id").items():
            if household:
                household._leave(members)

    def _leave_household(self):
        """Leave the household before being merged; a head who is alone dissolves it."""
        for member in self.sudo().filtered("household_id"):
            household = member.household_id
            if household.head_id == member:
                household.action_dissolve()
            else:
                household._leave(member)

    def _get_account_partner(self, kind=POINTS):
        """Return the contact whose account this member uses.

        A household shares points; each of its members has a wallet of their own.

        :param str kind: ``POINTS`` or ``WALLET``
        :rtype: res.partner
        """
        self.ensure_one()
        survivor = self._get_survivor()
        if survivor != self:
            return survivor._get_account_partner(kind)
        # sudo: whose account it is matters also to who cannot see the household
        household_sudo = self.sudo().household_id
        if not household_sudo or kind != POINTS:
            return self.partner_id
        return household_sudo.head_id.partner_id.with_env(self.env)

    def _set_household(self, household, sequence=0):
        # sudo: a step of the household, see _check_household_write
        self.sudo().write(
            {"household_id": household.id, "household_sequence": sequence}
        )
