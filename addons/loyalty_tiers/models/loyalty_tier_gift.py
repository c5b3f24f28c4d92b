# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

ENTRIES = ("join", "upgrade", "manual")


class LoyaltyTierGift(models.Model):
    """That a member got the gift of a tier, once for each time it was reached."""

    _name = "loyalty.tier.gift"
    _description = "Loyalty Tier Gift"
    _order = "id desc"
    _rec_name = "tier_id"

    change_id = fields.Many2one(
        comodel_name="loyalty.tier.change",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    tier_id = fields.Many2one(
        comodel_name="loyalty.tier",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )

    _once = models.UniqueIndex(
        "(change_id)", "The gift of this tier has been given already."
    )

    @api.model
    def _grant(self, changes):
        """Give the gifts of tiers that members have just come into.

        Who has lost a tier by a return and reaches it again had the gift already, and
        so had who goes on in a tier under another name when members are merged, or
        comes back into it when they are members apart again.

        :param loyalty.tier.change changes: the newest ones of members of one scheme
        """
        tiers = changes[:1].scheme_id.tier_ids.filtered(lambda tier: tier._has_gift())
        if not tiers:
            return
        changes = changes.filtered(lambda c: c.cause in ENTRIES and c.tier_id in tiers)
        if not changes:
            return
        known = self.search([("change_id", "in", changes.ids)]).change_id
        new = changes - known - self._find_repeated(changes)
        self.create(
            [
                {
                    "change_id": change.id,
                    "member_id": change.member_id.id,
                    "tier_id": change.tier_id.id,
                }
                for change in new
            ]
        )
        for tier, its_changes in new.grouped("tier_id").items():
            tier._grant_gifts(its_changes.member_id)

    def _find_repeated(self, changes):
        """Return the changes into a tier that was lost for no reason of its own.

        By a return, or with the membership; and whose gift was given.
        """
        given = self.search(
            [
                ("member_id", "child_of", changes.member_id.ids),
                ("tier_id", "in", changes.tier_id.ids),
            ]
        )
        had = {
            (holder, gift.tier_id)
            for gift in given
            for holder in gift.member_id._get_holders()
        }
        candidates = changes.filtered(lambda c: (c.member_id, c.tier_id) in had)
        if not candidates:
            return candidates
        left = {}
        for past in changes.search(
            [
                ("member_id", "child_of", candidates.member_id.ids),
                ("from_id", "in", candidates.tier_id.ids),
            ],
            order="id",
        ):
            for holder in past.member_id._get_holders():
                left[holder, past.from_id] = past
        return candidates.filtered(
            lambda c: c._goes_on_from(left.get((c.member_id, c.tier_id)))
        )
