# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyEarnReplayMember(models.Model):
    """What a running replay has counted for a member; deleted at its end.

    In its own table, so that a batch reads and writes only the members who bought.
    """

    _name = "loyalty.earn.replay.member"
    _description = "Member in a Running Replay"
    _log_access = False

    replay_id = fields.Many2one(
        comodel_name="loyalty.earn.replay",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member", required=True, readonly=True, ondelete="cascade"
    )
    sale_count = fields.Integer(readonly=True)
    points_before = fields.Float(digits="Loyalty Points", readonly=True)
    points_after = fields.Float(digits="Loyalty Points", readonly=True)
    wallet_before = fields.Float(digits="Loyalty Points", readonly=True)
    wallet_after = fields.Float(digits="Loyalty Points", readonly=True)
    history = fields.Json(readonly=True)

    _member_unique = models.UniqueIndex("(replay_id, member_id)")
