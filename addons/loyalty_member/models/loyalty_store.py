# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.base.models.res_partner import _tz_get


class LoyaltyStore(models.Model):
    _name = "loyalty.store"
    _description = "Loyalty Store"
    _inherit = ["mail.thread"]
    _order = "sequence, name, id"
    _check_company_auto = True
    _rec_names_search = ["name", "code"]

    name = fields.Char(required=True, tracking=True)
    code = fields.Char(
        copy=False,
        tracking=True,
        help="Short name of the store in tills and outside systems.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        selection=[
            ("own", "Own Store"),
            ("partner", "Partner"),
            ("online", "Online"),
            ("event", "Event"),
        ],
        default="own",
        required=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        default=lambda self: self._default_company_id(),
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Address",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Store Manager",
        check_company=True,
        domain=[("share", "=", False)],
        ondelete="set null",
        tracking=True,
    )
    tz = fields.Selection(
        selection="_selection_tz",
        string="Time Zone",
        default=lambda self: self._default_tz(),
        help="The time zone in which this store's days begin and end.",
    )
    member_ids = fields.One2many(
        comodel_name="loyalty.member",
        inverse_name="store_id",
        string="Members",
    )
    member_count = fields.Integer(compute="_compute_member_count")

    _code_company_uniq = models.UniqueIndex(
        "(code, COALESCE(company_id, 0)) WHERE code IS NOT NULL",
        "Another store of this company already has this code.",
    )

    # === DEFAULTS === #

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.model
    def _default_tz(self):
        return self.env.company.partner_id.tz or self.env.user.tz

    # === COMPUTE === #

    @api.model
    def _selection_tz(self):
        return _tz_get(self)

    @api.depends("member_ids")
    def _compute_member_count(self):
        counts = dict(
            self.env["loyalty.member"]._read_group(
                [("store_id", "in", self.ids)], ["store_id"], ["__count"]
            )
        )
        for store in self:
            store.member_count = counts.get(store._origin, 0)

    # === ACTIONS === #

    def action_view_members(self):
        """Open the members who enrolled in this store."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_member.loyalty_member_action"
        )
        action["domain"] = [("store_id", "=", self.id)]
        action["context"] = {"default_store_id": self.id}
        return action
