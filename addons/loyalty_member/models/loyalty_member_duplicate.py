# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One person who is a member twice: finding such members, and merging them."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"
    # What members have is theirs also under the names of those merged into them: ask
    # for it with child_of
    _parent_name = "merged_into_id"

    # === FIELDS === #

    merged_into_id = fields.Many2one(
        comodel_name="loyalty.member",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The membership under which this customer earns and spends.",
    )
    merge_ids = fields.One2many(
        comodel_name="loyalty.member.merge",
        inverse_name="winner_id",
        string="Merged Members",
        domain=[("state", "=", "merged")],
        readonly=True,
    )
    merge_count = fields.Integer(compute="_compute_merge_count")
    phone_sanitized = fields.Char(
        related="partner_id.phone_sanitized", string="Phone (International)"
    )
    has_duplicates = fields.Boolean(
        string="Possible Duplicate",
        compute="_compute_has_duplicates",
        search="_search_has_duplicates",
        help="Another member of the scheme has the same phone number or e-mail.",
    )

    # === CONSTRAINTS AND INDEXES === #

    _merged_means_into = models.Constraint(
        "CHECK ((state = 'merged') = (merged_into_id IS NOT NULL))",
        "A merged member needs the member who stays, and nobody else has one.",
    )

    # === COMPUTE === #

    @api.depends("merge_ids")
    def _compute_merge_count(self):
        counts = dict(
            self.env["loyalty.member.merge"]._read_group(
                [("winner_id", "in", self.ids), ("state", "=", "merged")],
                ["winner_id"],
                ["__count"],
            )
        )
        for member in self:
            member.merge_count = counts.get(member._origin, 0)

    @api.depends("partner_id.phone_sanitized", "partner_id.email_normalized", "state")
    def _compute_has_duplicates(self):
        duplicates = self.search(
            Domain("has_duplicates", "=", True) & Domain("id", "in", self.ids)
        )
        for member in self:
            member.has_duplicates = member._origin in duplicates

    def _search_has_duplicates(self, operator, value):
        if operator != "in" or set(value) != {True}:
            return NotImplemented
        for model in ("loyalty.member", "res.partner"):
            self.env[model].flush_model()
        # One statement over all members: phones and e-mails are those of contacts
        return Domain(
            "id",
            "in",
            SQL(
                """(
                WITH person AS (
                    SELECT member.id, member.scheme_id,
                           NULLIF(partner.phone_sanitized, '') AS phone,
                           NULLIF(partner.email_normalized, '') AS email
                      FROM loyalty_member member
                      JOIN res_partner partner ON partner.id = member.partner_id
                     WHERE member.state <> 'merged'
                )
                SELECT id
                  FROM (SELECT id, phone, email,
                               count(*) OVER (PARTITION BY scheme_id, phone) AS phones,
                               count(*) OVER (PARTITION BY scheme_id, email) AS emails
                          FROM person) counted
                 WHERE (phone IS NOT NULL AND phones > 1)
                    OR (email IS NOT NULL AND emails > 1)
                )"""
            ),
        )

    # === ACTIONS === #

    def action_unmerge(self):
        """Make this merged member a member apart again.

        :raise AccessError: unless a loyalty manager
        :raise UserError: why it is not possible any more
        """
        self.env["loyalty.member.merge"].search(
            [("duplicate_id", "in", self.ids), ("state", "=", "merged")]
        ).action_undo()

    def action_view_merges(self):
        """Open the members who were merged into these."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_member.loyalty_member_merge_action"
        )
        action["domain"] = [("winner_id", "in", self.ids)]
        return action

    # === BUSINESS: WHO STAYS === #

    def _get_survivor(self):
        """Return the member under whom each of these earns and spends.

        :return: loyalty.member, one for each of these and in their order
        """
        ids = []
        # sudo: who stays matters also to who cannot see the one merged
        for survivor in self.sudo():
            while survivor.merged_into_id:
                survivor = survivor.merged_into_id  # noqa: PLW2901
            ids.append(survivor.id)
        return self.browse(ids)

    def _get_holders(self):
        """Return this member and those into whom it was merged, the survivor last.

        What this one has is theirs as well.
        """
        self.ensure_one()
        # sudo: see _get_survivor
        holders = self.sudo()
        while holders[-1].merged_into_id:
            holders += holders[-1].merged_into_id
        return holders.with_env(self.env)

    def _check_immutable(self, vals):
        if not self.env.su and "merged_into_id" in vals:
            raise AccessError(
                self.env._("Members are merged and unmerged by the buttons alone.")
            )
        return super()._check_immutable(vals)

    # === BUSINESS: MERGING === #

    def _merge(self, duplicates, reason):
        """Let other members, who are the same person, become this one.

        All in one transaction, or nothing.

        :param duplicates: loyalty.member records of the same scheme
        :param str reason: for colleagues
        :return: loyalty.member.merge, one for each duplicate
        :raise AccessError: unless a loyalty manager
        :raise UserError: why it is not possible
        """
        self.ensure_one()
        self._check_may_merge(duplicates)
        (self | duplicates)._lock_for_merge()
        self._check_can_merge(duplicates)
        # sudo: records of merges are written here alone
        merges_sudo = (
            self.env["loyalty.member.merge"]
            .sudo()
            .create(
                [
                    self._prepare_merge_values(duplicate, reason)
                    for duplicate in duplicates
                ]
            )
        )
        merges_sudo._apply()
        merges = merges_sudo.with_env(self.env)
        merges._announce()
        return merges

    def _check_may_merge(self, duplicates):
        """Refuse who may not merge or unmerge members.

        :raise AccessError: unless a loyalty manager, who is none of them
        """
        if self.env.su:
            return
        (self | duplicates).check_access("write")
        if not self.env.user.has_group("loyalty_member.loyalty_member_group_manager"):
            raise AccessError(
                self.env._("Only an administrator of Loyalty merges members.")
            )
        if self.env.user.partner_id in (self | duplicates).partner_id:
            raise AccessError(
                self.env._(
                    "This is your own membership. Ask another administrator to merge"
                    " or unmerge it."
                )
            )

    def _check_can_merge(self, duplicates):
        """Refuse members who cannot become one.

        :raise UserError: with the member and what to do
        """
        self.ensure_one()
        if not duplicates or self in duplicates:
            raise UserError(
                self.env._("Choose at least two members, and the one who stays.")
            )
        if len((self | duplicates).scheme_id) > 1:
            raise UserError(
                self.env._(
                    "These members belong to different schemes, and each scheme keeps"
                    " members of its own. Merge those of one scheme."
                )
            )
        if self.state != "active":
            raise UserError(
                self.env._(
                    "%(member)s is not active. Choose an active member to stay.",
                    member=self.display_name,
                )
            )
        for duplicate in duplicates:
            duplicate._check_can_be_merged()

    def _check_can_be_merged(self):
        """Refuse a member who cannot go on as another.

        :raise UserError: with the member and what to do
        """
        self.ensure_one()
        if self.state == "merged":
            raise UserError(
                self.env._(
                    "%(member)s has been merged into %(survivor)s already.",
                    member=self.display_name,
                    survivor=self.sudo().merged_into_id.display_name,
                )
            )
        if self.state == "blocked":
            raise UserError(
                self.env._(
                    "%(member)s is blocked. Lift the block first, or leave this member"
                    " out: merging would let the points be spent.",
                    member=self.display_name,
                )
            )

    def _prepare_merge_values(self, duplicate, reason):
        return {
            "winner_id": self.id,
            "duplicate_id": duplicate.id,
            "reason": reason,
            "former_state": duplicate.state,
            "card_ids": [Command.set(duplicate.card_ids.ids)],
        }

    def _lock_for_merge(self):
        """Let one transaction at a time merge or unmerge these members.

        The rows are written, so that who waited with an older view runs again.
        """
        for model in ("loyalty.member", "loyalty.member.merge"):
            self.env[model].flush_model()
        self.env.execute_query(
            SQL(
                """
                UPDATE loyalty_member SET write_date = write_date
                 WHERE id IN (SELECT id FROM loyalty_member WHERE id = ANY(%s)
                               ORDER BY id FOR NO KEY UPDATE)
                RETURNING id
                """,
                self.ids,
            )
        )

    # === BUSINESS: PREVIEW === #

    def _get_merge_facts(self):
        """Return what a merge is about to move, as (label, text).

        A hook for modules that give members something of their own.

        :rtype: list[tuple[str, str]]
        """
        self.ensure_one()
        numbers = self.card_ids.filtered(lambda card: card.state == "active")
        return [
            (self.env._("Member number"), self.number),
            (
                self.env._("Cards"),
                ", ".join(numbers.mapped("number")) or self.env._("none"),
            ),
        ]

    def _get_merge_warnings(self, duplicates):
        """Return sentences on what the merge of ``duplicates`` into this one ends.

        :rtype: list[str]
        """
        return []
