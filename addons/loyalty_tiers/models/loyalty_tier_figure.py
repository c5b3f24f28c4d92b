# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class LightMany2one(fields.Many2one):
    """A link that the database does not check.

    To check it for each of ten million rows takes twice as long as to write them.
    """

    def update_db_foreign_key(self, model, column):
        """Leave it out."""


class LoyaltyTierFigure(models.Model):
    """What a member has done in a month, as far as it counts for tiers.

    Brought up to date with every sale, and proved by the nightly job, so that windows
    of any length are a few rows and never all sales. Nothing is lost where the database
    does not check their members: nobody deletes a member, who has a card at least.
    """

    _name = "loyalty.tier.figure"
    _description = "Loyalty Tier Figure"
    _order = "month desc, id desc"
    _log_access = False

    member_id = LightMany2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    month = fields.Date(required=True, readonly=True, help="The first day of it.")
    points = fields.Float(digits="Loyalty Points", readonly=True)
    spend = fields.Float(digits="Loyalty Points", readonly=True)
    visits = fields.Integer(readonly=True)

    _member_month = models.UniqueIndex(
        "(member_id, month) INCLUDE (points, spend, visits)",
        "A member has one line a month.",
    )
