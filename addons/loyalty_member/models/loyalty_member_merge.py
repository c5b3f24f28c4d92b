# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyMemberMerge(models.Model):
    """One membership that was merged into another, and what it takes to undo it.

    Records are made by ``loyalty.member._merge`` alone. A module that gives members
    something of their own extends ``_apply`` and ``_revert``.
    """

    _name = "loyalty.member.merge"
    _description = "Merged Loyalty Member"
    _inherit = ["mail.thread"]
    _order = "id desc"

    # === FIELDS === #

    winner_id = fields.Many2one(
        comodel_name="loyalty.member",
        string="Merged Into",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The member who stays.",
    )
    duplicate_id = fields.Many2one(
        comodel_name="loyalty.member",
        string="Member",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    scheme_id = fields.Many2one(
        related="winner_id.scheme_id", store=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    state = fields.Selection(
        selection=[("merged", "Merged"), ("undone", "Unmerged")],
        string="Status",
        default="merged",
        required=True,
        readonly=True,
        tracking=True,
    )
    reason = fields.Char(required=True, readonly=True)
    former_state = fields.Selection(
        selection=[("active", "Active"), ("left", "Left")],
        string="Status Before",
        required=True,
        readonly=True,
    )
    card_ids = fields.Many2many(
        comodel_name="loyalty.member.card",
        string="Cards",
        readonly=True,
        help="What the member held: the cards work for the one who stays.",
    )
    undone_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Unmerged By",
        readonly=True,
        ondelete="restrict",
    )
    undone_date = fields.Datetime(string="Unmerged On", readonly=True)

    # === CONSTRAINTS AND INDEXES === #

    _not_into_oneself = models.Constraint(
        "CHECK (winner_id <> duplicate_id)", "Nobody is a duplicate of themselves."
    )
    _one_at_a_time = models.UniqueIndex(
        "(duplicate_id) WHERE state = 'merged'",
        "This member has been merged into another already.",
    )

    # === COMPUTE === #

    @api.depends("duplicate_id", "winner_id")
    def _compute_display_name(self):
        for merge in self:
            merge.display_name = self.env._(
                "%(duplicate)s into %(winner)s",
                duplicate=merge.duplicate_id.display_name,
                winner=merge.winner_id.display_name,
            )

    # === ACTIONS === #

    def action_undo(self):
        """Make two members of one again.

        :raise AccessError: unless a loyalty manager
        :raise UserError: why it is not possible any more
        """
        self.check_access("read")
        self.winner_id._check_may_merge(self.duplicate_id)
        for merge in self:
            merge._undo()

    # === BUSINESS === #

    def _apply(self):
        """Do what it means that one member is a duplicate of another.

        :raise UserError: why the two cannot be merged; then nothing is done
        """
        for merge in self:
            merge.card_ids._hand_over(merge.winner_id)
            merge.duplicate_id.write(
                {
                    "state": "merged",
                    "merged_into_id": merge.winner_id.id,
                    "block_reason": False,
                }
            )

    def _undo(self):
        """Undo one merge, whatever has happened since, as far as it goes."""
        self.ensure_one()
        (self.winner_id | self.duplicate_id)._lock_for_merge()
        if self.state == "undone":
            return
        self._check_can_undo()
        # sudo: a step, which nobody may write
        self_sudo = self.sudo()
        self_sudo.write(
            {
                "state": "undone",
                "undone_by_id": self.env.user.id,
                "undone_date": fields.Datetime.now(),
            }
        )
        self_sudo._revert()
        self._announce_undo()

    def _check_can_undo(self):
        """Refuse what cannot be undone.

        :raise UserError: why
        """
        self.ensure_one()
        if self.winner_id.state == "merged":
            raise UserError(
                self.env._(
                    "%(winner)s has been merged into %(survivor)s since. Unmerge those"
                    " two first.",
                    winner=self.winner_id.display_name,
                    survivor=self.winner_id.merged_into_id.display_name,
                )
            )

    def _revert(self):
        """Give back to the duplicate what came with the merge and is still there.

        :raise UserError: why it cannot be undone; then nothing is done
        """
        for merge in self:
            # The cards that the winner has passed on or replaced are the winner's
            held = merge.card_ids.filtered(
                lambda card, merge=merge: card.member_id == merge.winner_id
            )
            held._hand_over(merge.duplicate_id)
            merge.duplicate_id.write(
                {"state": merge.former_state, "merged_into_id": False}
            )

    def _announce(self):
        """Leave a note with both members."""
        for merge in self:
            values = merge._get_note_values()
            merge.winner_id.message_post(
                body=self.env._(
                    "%(duplicate)s (%(number)s) was merged into this member:"
                    " %(reason)s",
                    **values,
                )
            )
            merge.duplicate_id.message_post(
                body=self.env._(
                    "Merged into %(winner)s (%(winner_number)s): %(reason)s", **values
                )
            )

    def _announce_undo(self):
        for merge in self:
            values = merge._get_note_values()
            merge.winner_id.message_post(
                body=self.env._(
                    "%(duplicate)s (%(number)s) is a member apart again.", **values
                )
            )
            merge.duplicate_id.message_post(
                body=self.env._(
                    "No longer merged into %(winner)s (%(winner_number)s).", **values
                )
            )

    def _get_note_values(self):
        self.ensure_one()
        return {
            "duplicate": self.duplicate_id.display_name,
            "number": self.duplicate_id.number,
            "winner": self.winner_id.display_name,
            "winner_number": self.winner_id.number,
            "reason": self.reason,
        }
