# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..ledger.move import Move, Op, Shortfall

BATCH = 500
# What only the steps of this model write once the household is there
STEP_FIELDS = {"head_id", "scheme_id", "member_ids", "active"}


class LoyaltyHousehold(models.Model):
    """Members who share one account: that of their head.

    The others keep accounts of their own, which stay empty: what still arrives there,
    like points of purchases made before, is brought over by a nightly job.
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
        """Found households of their heads; the others join."""
        for vals in vals_list:
            for name in STEP_FIELDS - {"head_id"}:
                vals.pop(name, None)
        households = super().create(vals_list)
        for household in households:
            household._join(household.head_id)
        return households

    def write(self, vals):
        """Leave who belongs to it to the buttons.

        :raise AccessError: for a field that the steps write
        """
        if not self.env.su and STEP_FIELDS & vals.keys():
            raise AccessError(
                self.env._("Who belongs to a household changes by its buttons alone.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_members(self):
        if self.sudo().member_ids:
            raise UserError(self.env._("Dissolve the household first."))

    # === ACTIONS === #

    def action_add_member(self):
        """Open the dialog by which a member joins."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_household_join_action"
        )
        action["context"] = {"default_household_id": self.id}
        return action

    def action_dissolve(self):
        """Let everybody go; the balance stays with the head."""
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
        """Open what the members bought."""
        return self.member_ids.action_view_transactions()

    # === BUSINESS: MEMBERS === #

    def _join(self, members):
        """Take members in, with what is on their accounts.

        :raise UserError: who cannot join, and why
        """
        self.ensure_one()
        self._lock_row()
        for member in members:
            self._check_can_join(member)
        pool = self.scheme_id._get_account(self.head_id)
        members._set_household(self, pool.ledger_sequence)
        self._pool_points()

    def _leave(self, members):
        """Let members go; what is on the shared account stays there.

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

        :raise UserError: why
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
        """Let one transaction at a time change who belongs to a household.

        The row is written, so that who waited with an older view runs again.
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
        """Bring over what has arrived on accounts of members. Safe to run again."""
        moved = self._pool_points(BATCH)
        self.env["ir.cron"]._commit_progress(moved, remaining=int(moved == BATCH))

    def _pool_points(self, limit=None):
        """Bring points and debts from members' own accounts to the shared ones.

        What is on hold stays until its order has spent it or given it back.

        :param int limit: how many accounts at most
        :return int: how many accounts were looked at
        """
        pairs = self._find_unpooled(limit)
        Ledger = self.env["loyalty.ledger"]
        rows = Ledger._lock({id_ for pair in pairs for id_ in pair})
        accounts = {row[0]: row for row in rows}
        spendable = (
            self.env["loyalty.card"].browse(own for own, _pool in pairs)
        )._get_spendable()
        moves = []
        for own_id, pool_id in pairs:
            _id, _scheme, _company, points, _pending, sequence, *_rest = accounts[
                own_id
            ]
            key = f"pool:{own_id}:{sequence + 1}"
            if spendable[own_id] > 0:
                moves += self._prepare_pool_moves(
                    key, own_id, pool_id, spendable[own_id]
                )
            elif points.startswith("-"):
                # A debt that a return has left: the household owes it
                moves += self._prepare_pool_moves(
                    key, pool_id, own_id, -Decimal(points)
                )
        Ledger._post(moves)
        return len(pairs)

    def _find_unpooled(self, limit=None):
        """Return the accounts of members that are not empty as they should be.

        :return: list of (id of the own account, id of the shared one)
        """
        for model in ("loyalty.member", "loyalty.household", "loyalty.card"):
            self.env[model].flush_model()
        # One statement: a member and its account are joined by contact and program
        return self.env.execute_query(
            SQL(
                """
                SELECT own.id, pool.id
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

        Who gives may owe afterwards: only a debt is given by the household, and it
        cannot refuse it.
        """
        return [
            Move(
                account_id=giver_id,
                key=key,
                kind="transfer_out",
                op=Op.DEBIT,
                points=points,
                shortfall=Shortfall.DEBT,
                reason=self.env._("Brought together in the household"),
            ),
            Move(
                account_id=recipient_id,
                key=key,
                kind="transfer_in",
                op=Op.CREDIT,
                points=points,
                giver_id=giver_id,
                reason=self.env._("Brought together in the household"),
            ),
        ]
