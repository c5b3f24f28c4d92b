# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.loyalty_ledger.ledger.move import Move, Op, Shortfall

BATCH = 500
# Written by the methods of this model only, once the household exists
STEP_FIELDS = {"head_id", "scheme_id", "member_ids", "active"}


class LoyaltyHousehold(models.Model):
    """Members who share the account of their head.

    The other members keep their own accounts, which stay empty: a nightly job moves
    points that still arrive there, like those of earlier purchases, to the shared
    account.
    """

    _name = "loyalty.household"
    _description = "Loyalty Household"
    _inherit = ["mail.thread"]
    _order = "name, id"

    # === FIELDS === #

    name = fields.Char(required=True)
    head_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        help="All members of the household earn on the account of this member, and"
        " spend from it.",
    )
    scheme_id = fields.Many2one(
        related="head_id.scheme_id", store=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    active = fields.Boolean(default=True, readonly=True, tracking=True)
    member_ids = fields.One2many(
        comodel_name="loyalty.member",
        inverse_name="household_id",
        string="Members",
        readonly=True,
    )
    member_count = fields.Integer(compute="_compute_member_count")
    account_id = fields.Many2one(related="head_id.account_id")
    points_summary = fields.Char(related="head_id.points_summary", string="Balance")

    # === CONSTRAINTS AND INDEXES === #

    _head_unique = models.UniqueIndex(
        "(head_id) WHERE active", "This member is the head of a household already."
    )

    # === COMPUTE === #

    @api.depends("member_ids")
    def _compute_member_count(self):
        for household in self:
            household.member_count = len(household.member_ids)

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Create households with their heads as the first members."""
        for vals in vals_list:
            for name in STEP_FIELDS - {"head_id"}:
                vals.pop(name, None)
        households = super().create(vals_list)
        for household in households:
            household._join(household.head_id)
        return households

    def write(self, vals):
        """Let only the buttons change the members of a household.

        :raise AccessError: for a field that the methods of this model write
        """
        if not self.env.su and STEP_FIELDS & vals.keys():
            raise AccessError(
                self.env._(
                    "The members of a household cannot be edited. Use the buttons to"
                    " add or remove a member."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_members(self):
        if self.sudo().member_ids:
            raise UserError(self.env._("Dissolve the household first."))

    # === ACTIONS === #

    def action_add_member(self):
        """Open the dialog that adds a member."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_sharing.loyalty_household_join_action"
        )
        action["context"] = {"default_household_id": self.id}
        return action

    def action_dissolve(self):
        """Remove all members; the balance stays with the head."""
        self.check_access("write")
        for household in self:
            household._lock_row()
            household.member_ids._set_household(self.browse())
            # sudo: a step, see write
            household.sudo().active = False

    def action_view_entries(self):
        """Open the ledger entries of the shared account."""
        return self.head_id.action_view_entries()

    def action_view_transactions(self):
        """Open the transactions of all members."""
        return self.member_ids.action_view_transactions()

    # === BUSINESS: MEMBERS === #

    def _join(self, members):
        """Add members, and move the points of their own accounts to the shared one.

        :raise UserError: if a member cannot join
        """
        self.ensure_one()
        self._lock_row()
        for member in members:
            self._check_can_join(member)
        pool = self.scheme_id._get_account(self.head_id)
        members._set_household(self, pool.ledger_sequence)
        self._pool_points()

    def _leave(self, members):
        """Remove members; the points of the shared account stay there.

        :raise UserError: for the head
        """
        self.ensure_one()
        self._lock_row()
        if self.head_id in members:
            raise UserError(
                self.env._(
                    "%(member)s is the head of %(household)s, on whose account the"
                    " points are. Dissolve the household instead.",
                    member=self.head_id.display_name,
                    household=self.name,
                )
            )
        members._set_household(self.browse())

    def _check_can_join(self, member):
        """Refuse a member who cannot join this household.

        :raise UserError: with the reason
        """
        values = {
            "member": member.display_name,
            "household": self.name,
            "scheme": self.scheme_id.name,
        }
        self.scheme_id._check_open()
        if not self.active:
            raise UserError(self.env._("%(household)s has been dissolved.", **values))
        if member.scheme_id != self.scheme_id:
            raise UserError(
                self.env._(
                    "%(member)s is no member of %(scheme)s, in which this household"
                    " is.",
                    **values,
                )
            )
        if member.state != "active":
            raise UserError(
                self.env._(
                    "%(member)s is blocked or has left, and can join no household.",
                    **values,
                )
            )
        if member.household_id:
            raise UserError(
                self.env._(
                    "%(member)s belongs to %(other)s already, and has to leave it"
                    " first.",
                    other=member.sudo().household_id.name,
                    **values,
                )
            )

    def _lock_row(self):
        """Let one transaction at a time change the members of a household.

        The row is written, so that Odoo runs a transaction again that has waited with
        an older snapshot.
        """
        self.env["loyalty.household"].flush_model()
        self.env.execute_query(
            SQL(
                "UPDATE loyalty_household SET write_date = write_date WHERE id = %s"
                " RETURNING id",
                self.id,
            )
        )

    # === BUSINESS: POINTS === #

    @api.model
    def _cron_pool(self):
        """Move points of members to shared accounts. Safe to run again."""
        moved = self._pool_points(BATCH)
        self.env["ir.cron"]._commit_progress(moved, remaining=int(moved == BATCH))

    def _pool_points(self, limit=None):
        """Move points and debts from members' own accounts to the shared ones.

        Points on hold stay until the order has spent or released them.

        :param int limit: maximum number of accounts
        :return int: number of accounts that were processed
        """
        rows = self._find_unpooled(limit)
        Ledger = self.env["loyalty.ledger"]
        locked = Ledger._lock({id_ for row in rows for id_ in row[1:]})
        accounts = {row[0]: row for row in locked}
        spendable = (
            self.env["loyalty.card"].browse(own for _household, own, _pool in rows)
        )._get_spendable()
        moves = []
        for household_id, own_id, pool_id in rows:
            household = self.browse(household_id)
            _id, _scheme, _company, points, _pending, sequence, *_rest = accounts[
                own_id
            ]
            key = f"pool:{own_id}:{sequence + 1}"
            if spendable[own_id] > 0:
                moves += household._prepare_pool_moves(
                    key, own_id, pool_id, spendable[own_id]
                )
            elif points.startswith("-"):
                # A return has left a debt: the household owes it
                moves += household._prepare_pool_moves(
                    key, pool_id, own_id, -Decimal(points)
                )
        Ledger._post(moves)
        return len(rows)

    def _find_unpooled(self, limit=None):
        """Return the members' own accounts that hold points or a debt.

        :return: list of (id of the household, of the own account, of the shared one)
        """
        for model in ("loyalty.member", "loyalty.household", "loyalty.card"):
            self.env[model].flush_model()
        # One statement: a member and its account are joined by contact and program
        return self.env.execute_query(
            SQL(
                """
                SELECT household.id, own.id, pool.id
                  FROM loyalty_household household
                  JOIN loyalty_member head ON head.id = household.head_id
                  JOIN loyalty_scheme scheme ON scheme.id = head.scheme_id
                  JOIN loyalty_member member
                    ON member.household_id = household.id AND member.id <> head.id
                  JOIN loyalty_card own
                    ON own.program_id = scheme.points_program_id
                   AND own.partner_id = member.partner_id AND own.ledger_managed
                  JOIN loyalty_card pool
                    ON pool.program_id = scheme.points_program_id
                   AND pool.partner_id = head.partner_id AND pool.ledger_managed
                 WHERE (own.points > COALESCE(own.ledger_held, 0) OR own.points < 0)
                   AND %(scope)s
                 ORDER BY own.id
                 LIMIT %(limit)s
                """,
                scope=SQL("household.id = ANY(%s)", self.ids) if self else SQL("TRUE"),
                limit=limit,
            )
        )

    def _prepare_pool_moves(self, key, giver_id, recipient_id, points):
        """Return the moves between a member's own account and the shared one.

        The giving account may go below zero: the shared account gives only to settle
        a debt, and cannot refuse it.
        """
        self.ensure_one()
        values = {
            "key": key,
            "points": points,
            "res_model": self._name,
            "res_id": self.id,
            "reason": self.env._("Pooled in the household"),
        }
        return [
            Move(
                account_id=giver_id,
                kind="transfer_out",
                op=Op.DEBIT,
                shortfall=Shortfall.DEBT,
                **values,
            ),
            Move(
                account_id=recipient_id,
                kind="transfer_in",
                op=Op.CREDIT,
                giver_id=giver_id,
                **values,
            ),
        ]
