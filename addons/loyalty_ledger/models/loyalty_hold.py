# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import float_compare, format_datetime

from ..ledger.move import Move, Op


class LoyaltyHold(models.Model):
    """Value set aside for an order or a payment until captured or released."""

    _name = "loyalty.hold"
    _description = "Loyalty Hold"
    _order = "id desc"
    _rec_name = "owner"

    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="account_id.partner_id")
    scheme_id = fields.Many2one(related="account_id.program_id.scheme_id")
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    owner = fields.Char(
        required=True,
        readonly=True,
        help="The order or payment for which the points are set aside.",
    )
    holder = fields.Char(string="For", compute="_compute_holder")
    has_document = fields.Boolean(compute="_compute_holder")
    amount = fields.Float(string="Set Aside", digits="Loyalty Points", readonly=True)
    captured = fields.Float(
        digits="Loyalty Points",
        required=True,
        readonly=True,
        default=0.0,
        help="How much of it has been spent.",
    )
    date = fields.Date(
        string="Since",
        required=True,
        readonly=True,
        default=fields.Date.today,
        help="Points that could be spent on this day stay good for the order, even if"
        " they expire meanwhile.",
    )
    is_exclusive = fields.Boolean(
        readonly=True,
        help="The account is for one use: while this hold is active, no other can be.",
    )
    deadline = fields.Datetime(required=True, readonly=True)
    state = fields.Selection(
        selection=[
            ("active", "Active"),
            ("captured", "Captured"),
            ("released", "Released"),
            ("expired", "Timed out"),
        ],
        required=True,
        readonly=True,
        default="active",
    )

    _owner_unique = models.UniqueIndex(
        "(account_id, owner) WHERE state = 'active'",
        "These points are set aside for this order already.",
    )
    _exclusive_unique = models.UniqueIndex(
        "(account_id) WHERE state = 'active' AND is_exclusive",
        "This can be used once, and an order has set it aside already.",
    )
    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "A hold must set points aside."
    )
    _captured_in_range = models.Constraint(
        "CHECK (captured BETWEEN 0 AND amount)",
        "No more can be spent of a hold than it has set aside.",
    )
    _deadline_idx = models.Index("(deadline) WHERE state = 'active'")

    @api.depends("owner")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_holder(self):
        # sudo: that an order is in the way is told, whoever may open it
        documents = self.sudo()._get_documents()
        for hold in self:
            document_sudo = documents.get(hold.id)
            hold.holder = (
                self._name_document(document_sudo)
                if document_sudo
                else hold._get_unknown_holder()
            )
            hold.has_document = bool(document_sudo) and (
                document_sudo.with_env(self.env).has_access("read")
            )

    def action_open_document(self):
        """Open the order or payment for which the points are set aside."""
        self.ensure_one()
        self.check_access("read")
        document = self.sudo()._get_documents().get(self.id)
        if not document:
            raise UserError(
                self.env._(
                    "%(holder)s cannot be opened: it is not recorded yet, or it is"
                    " gone.",
                    holder=self.holder,
                )
            )
        document = document.with_env(self.env)
        document.check_access("read")
        return document.get_formview_action()

    def action_release(self):
        """Give back what is set aside, at the request of a manager.

        :raise AccessError: for anyone else
        """
        self.check_access("read")
        if not self.env.user.has_group("loyalty_member.loyalty_member_group_manager"):
            raise AccessError(
                self.env._("Ask a loyalty manager to give back points on hold.")
            )
        accounts = self.account_id
        self.env["loyalty.ledger"]._lock(accounts.ids)
        accounts._end_holds(
            [(hold.account_id.id, hold.owner) for hold in self], "released"
        )

    def _get_documents(self):
        """Return what points are set aside for, as far as it is known here.

        A hook for the modules that set points aside.

        :return: records of any model, by the id of the hold
        :rtype: dict
        """
        return {}

    def _name_document(self, document):
        """Return by what people know a document."""
        return document.display_name

    def _get_unknown_holder(self):
        """Return words for an owner that has no document."""
        return self.owner

    def _renew(self, points, deadline):
        """Set aside another number of points, until another time.

        :param Decimal points: on top of what has been captured
        """
        self.ensure_one()
        open_points = self.amount - self.captured
        points = float(points)
        values = {"amount": self.captured + points, "deadline": deadline}
        if (
            float_compare(points, open_points, precision_digits=4) > 0
            or self.deadline < fields.Datetime.now()
        ):
            # Only what was set aside all the time stays good after its last day
            values["date"] = fields.Date.today()
        self.write(values)

    def _capture(self, points, key, stays=False, **values):
        """Spend points that are set aside.

        :param points: float or Decimal, no more than what is still set aside
        :param str key: idempotency key; the same one returns the first entry
        :param bool stays: whether the rest stays on hold; it is released otherwise
        :param values: more of :class:`~..ledger.move.Move`
        :return: loyalty.ledger.entry
        :raise UserError: the hold is not active any more, or smaller
        """
        self.ensure_one()
        return self.env["loyalty.ledger"]._post(
            [
                Move(
                    account_id=self.sudo().account_id.id,
                    key=key,
                    kind=values.pop("kind", "redeem"),
                    op=Op.DEBIT,
                    points=Decimal(str(points)),
                    hold_owner=self.sudo().owner,
                    hold_needed=True,
                    hold_stays=stays,
                    **values,
                )
            ]
        )

    def _get_ended_message(self):
        """Return a sentence that says why the hold cannot be captured."""
        self.ensure_one()
        if self.state == "captured":
            return self.env._(
                "What was set aside for %(owner)s has been spent already.",
                owner=self.holder,
            )
        if self.state == "released":
            return self.env._(
                "What was set aside for %(owner)s has been given back already.",
                owner=self.holder,
            )
        return self.env._(
            "What was set aside for %(owner)s could be spent until %(deadline)s.",
            owner=self.holder,
            deadline=format_datetime(self.env, self.deadline),
        )

    @api.autovacuum
    def _gc_timed_out(self, limit=1000):
        """Free what nobody captured in time.

        :return: (number freed, whether more are left)
        """
        now = fields.Datetime.now()
        holds = self.search(
            [("state", "=", "active"), ("deadline", "<", now)],
            order="account_id, id",
            limit=limit,
        )
        holds.account_id._free_timed_out_holds(now)
        return len(holds), len(holds) == limit
