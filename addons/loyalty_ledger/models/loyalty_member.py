# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..ledger.flow import POINTS


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="Points Account",
        compute="_compute_account",
        compute_sudo=True,
    )
    points_balance = fields.Float(
        compute="_compute_account", compute_sudo=True, digits="Loyalty Points"
    )
    points_pending = fields.Float(
        compute="_compute_account", compute_sudo=True, digits="Loyalty Points"
    )
    point_unit = fields.Char(related="scheme_id.point_name_plural")
    points_value = fields.Monetary(compute="_compute_points_value", compute_sudo=True)
    points_summary = fields.Char(compute="_compute_points_value", compute_sudo=True)
    expiry_summary = fields.Char(compute="_compute_expiry", compute_sudo=True)
    transaction_count = fields.Integer(
        compute="_compute_transactions", compute_sudo=True
    )
    transaction_ids = fields.One2many(
        comodel_name="loyalty.transaction",
        inverse_name="member_id",
        string="Transactions",
        readonly=True,
    )

    is_staff = fields.Boolean(
        string="Staff",
        compute="_compute_is_staff",
        compute_sudo=True,
        store=True,
        help="The member is a user of this Odoo. A scheme may give staff nothing on"
        " purchases.",
    )
    anomaly_count = fields.Integer(
        string="Open Anomalies", compute="_compute_anomaly_count", compute_sudo=True
    )

    @api.model
    def _get_buyer_fields(self):
        return [*super()._get_buyer_fields(), "is_staff"]

    def _get_badge(self):
        """Return what tills, receipts and the portal show beside a member's name.

        A hook for modules that give members a standing.

        :return: empty, or ``name``, ``color``, ``color_text``, ``icon``, ``image`` (a
            data URI or ``False``), ``text`` (what leads to the next one), ``percent``
            and ``next`` (its name), ``warning`` (that it ends soon, or ``False``)
        :rtype: dict
        """
        return {}

    @api.depends("partner_id.user_ids.share", "partner_id.user_ids.active")
    def _compute_is_staff(self):
        for member in self:
            member.is_staff = any(
                user.active and not user.share for user in member.partner_id.user_ids
            )

    @api.depends("scheme_id.points_program_id", "partner_id", "merged_into_id")
    def _compute_account(self):
        partners = {member: member._get_account_partner() for member in self}
        accounts = self.env["loyalty.card"]._find_accounts(
            self.scheme_id.points_program_id,
            self.env["res.partner"].union(*partners.values()),
        )
        for member in self:
            scheme = member.scheme_id
            account = accounts.get(
                (scheme.points_program_id, partners[member]),
                self.env["loyalty.card"],
            )
            member.account_id = account
            member.points_balance = account.points
            member.points_pending = account.ledger_pending

    @api.depends("points_balance")
    @api.depends_context("lang")
    def _compute_points_value(self):
        for member in self:
            scheme, points = member.scheme_id, member.points_balance
            member.points_value = scheme and scheme._points_to_money(points)
            member.points_summary = scheme and self.env._(
                "%(points)s, worth %(value)s",
                points=scheme._format_points(points),
                value=scheme._format_points_value(points),
            )

    @api.depends("account_id")
    def _compute_expiry(self):
        for member in self:
            lots = member._get_expiring_lots()
            member.expiry_summary = bool(lots) and self.env._(
                "%(points)s expire on %(date)s",
                points=member.scheme_id._format_points(sum(lots.mapped("remaining"))),
                date=format_date(self.env, lots[0].expiry_date),
            )

    @api.depends("transaction_ids")
    def _compute_transactions(self):
        counts = dict(
            self.env["loyalty.transaction"]._read_group(
                [("member_id", "in", self.ids)], ["member_id"], ["__count"]
            )
        )
        for member in self:
            member.transaction_count = counts.get(member._origin, 0)

    @api.depends("account_id", "merge_ids.state")
    def _compute_anomaly_count(self):
        counts = self._count_with_merged(
            "loyalty.anomaly", Domain("state", "=", "open")
        )
        for member in self:
            member.anomaly_count = counts[member._origin]

    def action_view_anomalies(self):
        """Open the anomalies of these members."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_anomaly_action"
        )
        action["domain"] = [("member_id", "child_of", self.ids)]
        return action

    def action_view_transactions(self):
        """Open the transactions of these members."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_transaction_action"
        )
        action["domain"] = [("member_id", "in", self.ids)]
        return action

    def action_view_entries(self):
        """Open the ledger entries of these members."""
        return self.env["loyalty.ledger.entry"]._get_action(
            [("account_id", "in", self.account_id.ids)]
        )

    def action_check_books(self):
        """Check the accounts of these members and open what was found.

        :raise AccessError: unless the user is a loyalty auditor or manager
        """
        return self.account_id.action_check_books()

    def _get_card_values(self):
        return {
            **super()._get_card_values(),
            "highlight": self.scheme_id._format_points(self.points_balance),
        }

    def _get_account_partner(self, kind=POINTS):
        """Return the contact whose account this member uses.

        A hook for modules in which members share an account.

        :param str kind: ``POINTS`` or ``WALLET``
        :rtype: res.partner
        """
        self.ensure_one()
        return self._get_survivor().partner_id

    @api.model
    def _get_account_partner_sql(self, alias):
        """Return an SQL expression for the contact whose points account is used.

        The same as ``_get_account_partner`` for points of members who have not been
        merged, in queries over many members.

        :param str alias: the table loyalty_member in the query
        :rtype: SQL
        """
        return SQL.identifier(alias, "partner_id")

    def _get_expiring_lots(self):
        """Return the lots that expire next, all on the same day."""
        self.ensure_one()
        Lot_sudo = self.env["loyalty.ledger.lot"].sudo()
        lots_sudo = Lot_sudo.search(
            [
                ("account_id", "=", self.account_id.id),
                ("remaining", ">", 0),
                ("expiry_date", ">=", fields.Date.today()),
                ("state", "=", "available"),
            ],
            order="expiry_date, id",
        )
        return lots_sudo.filtered(
            lambda lot: lot.expiry_date == lots_sudo[0].expiry_date
        )
