# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LoyaltyEarnReplayMember(models.Model):
    """How far a running replay is with a member; gone when it is over.

    A table of its own, so that a batch reads and writes the members who bought in it,
    however many there are.
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
