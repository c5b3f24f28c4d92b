# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

STANDARD_CODES = frozenset({"pos", "sale", "website", "api", "manual", "import"})


class LoyaltyChannel(models.Model):
    _name = "loyalty.channel"
    _inherit = ["loyalty.kept.mixin"]
    _description = "Sales Channel of a Loyalty Scheme"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        copy=False,
        help="Technical name by which a sales system says where a sale came from. "
        "It cannot be changed once saved.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    _code_uniq = models.Constraint(
        "UNIQUE (code)",
        "Another channel already has this code.",
    )

    # === CONSTRAINTS === #

    @api.constrains("code")
    def _check_code(self):
        for channel in self:
            if not channel.code.replace("_", "").isalnum() or (
                channel.code != channel.code.lower()
            ):
                raise ValidationError(
                    self.env._(
                        "The channel code %(code)s may hold only small letters, "
                        "digits and underscores.",
                        code=channel.code,
                    )
                )

    # === CRUD === #

    def write(self, vals):
        if "code" in vals and any(channel.code != vals["code"] for channel in self):
            raise UserError(
                self.env._(
                    "The code of a channel cannot be changed: past sales are known "
                    "by it. Create another channel instead."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_standard(self):
        if any(channel.code in STANDARD_CODES for channel in self):
            raise UserError(
                self.env._("This channel is part of the suite. Archive it instead.")
            )

    # === BUSINESS === #

    @api.model
    def _get_by_code(self, code):
        """Return the channel that a sales system names by its code.

        :param str code: technical code, e.g. ``pos``
        :raise ValidationError: when no channel has this code
        :rtype: loyalty.channel
        """
        channel_id = self._get_id_by_code(code)
        if not channel_id:
            raise ValidationError(
                self.env._(
                    "There is no loyalty channel with the code “%(code)s”. Create it "
                    "in Loyalty > Configuration > Channels.",
                    code=code,
                )
            )
        return self.browse(channel_id)

    @api.model
    @tools.ormcache("code")
    def _get_id_by_code(self, code):
        # sudo: which channels exist is no secret, and sales users lack the ACL
        channel_sudo = self.sudo().with_context(active_test=False)
        return channel_sudo.search([("code", "=", code)], limit=1).id
