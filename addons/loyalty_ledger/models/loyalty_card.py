# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.tools import SQL, float_compare, format_datetime

from ..ledger.flow import POINTS, WALLET
from ..ledger.move import Move, Op

DIGITS = 4
HOLD_MINUTES = 30
LEDGER_FIELDS = {
    "ledger_managed",
    "ledger_pending",
    "ledger_held",
    "ledger_sequence",
    "ledger_hash",
    "ledger_one_use",
    "ledger_successor_id",
}


class LoyaltyCard(models.Model):
    """An account: the native card of a managed program, kept by the ledger."""

    _inherit = "loyalty.card"

    ledger_managed = fields.Boolean(
        string="Kept in the Ledger",
        copy=False,
        readonly=True,
        help="Points move through ledger entries only.",
    )
    scheme_id = fields.Many2one(related="program_id.scheme_id")
    ledger_kind = fields.Selection(
        selection=[(POINTS, "Points"), (WALLET, "Wallet")],
        compute="_compute_ledger_kind",
        help="A wallet holds money in the currency of its scheme.",
    )
    ledger_pending = fields.Float(
        string="Pending Points",
        digits="Loyalty Points",
        copy=False,
        readonly=True,
        help="Points that are earned, but not yet available.",
    )
    ledger_held = fields.Float(
        string="Points on Hold",
        digits="Loyalty Points",
        copy=False,
        readonly=True,
        help="Points set aside for orders that are being paid.",
    )
    ledger_sequence = fields.Integer(string="Last Entry", copy=False, readonly=True)
    ledger_hash = fields.Char(copy=False, readonly=True)
    ledger_one_use = fields.Boolean(
        string="One Use",
        copy=False,
        readonly=True,
        help="One order at a time can set aside what is on this account.",
    )
    ledger_successor_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="Account Merged Into",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Where the points are since the member was merged into another.",
    )
    entry_ids = fields.One2many(
        comodel_name="loyalty.ledger.entry",
        inverse_name="account_id",
        string="Entries",
        readonly=True,
    )
    lot_ids = fields.One2many(
        comodel_name="loyalty.ledger.lot",
        inverse_name="account_id",
        string="Lots",
        readonly=True,
    )
    hold_ids = fields.One2many(
        comodel_name="loyalty.hold",
        inverse_name="account_id",
        string="Holds",
        readonly=True,
    )

    # The index cannot look into the program, hence the flag on the card itself.
    _account_unique = models.UniqueIndex(
        "(program_id, partner_id) WHERE ledger_managed",
        "This contact has an account in this scheme already.",
    )

    @api.depends("program_id.program_type")
    def _compute_ledger_kind(self):
        for card in self:
            # sudo: what it counts is told with any balance
            wallet = card.sudo().program_id.program_type == "ewallet"
            card.ledger_kind = WALLET if wallet else POINTS

    @api.model_create_multi
    def create(self, vals_list):
        """Open accounts with zero points; a starting balance becomes an entry."""
        Program = self.env["loyalty.program"].sudo()
        balances = []
        for vals in vals_list:
            program_id = vals.get("program_id") or self.default_get(["program_id"]).get(
                "program_id"
            )
            managed = Program.browse(program_id or []).ledger_managed
            for name in LEDGER_FIELDS - {"ledger_one_use"}:
                vals.pop(name, None)
            vals["ledger_managed"] = managed
            balances.append(vals.get("points") if managed else None)
            if managed:
                self._check_may_manage()
                vals["points"] = 0.0
        cards = super().create(vals_list)
        self._check_may_adjust(dict(zip(cards, balances, strict=True)))
        for card, balance in zip(cards, balances, strict=True):
            if balance:
                card._adjust(balance, self.env._("Opening balance"), kind="opening")
        return cards

    def write(self, vals):
        """Turn a foreign write of points into an entry of the ledger.

        Plain users may not touch an account at all. Where native code of a bridged
        channel writes points that the bridge settles itself, the bridge sets the
        context key ``loyalty_ledger_ignore_points``: the points of managed cards are
        then left out. A remote caller who sets it only loses its write.
        """
        self._check_ledger_fields(vals)
        managed = self.filtered("ledger_managed")
        if not managed:
            return super().write(vals)
        ignored = self.env.context.get("loyalty_ledger_ignore_points")
        if ignored and set(vals) <= {"points"}:
            return super(LoyaltyCard, self - managed).write(vals)
        managed._check_may_manage()
        vals = dict(vals)
        result = super(LoyaltyCard, self - managed).write(vals)
        target = vals.pop("points", None)
        if vals:
            result = super(LoyaltyCard, managed).write(vals)
        if target is not None and not ignored:
            self._check_may_adjust({card: target - card.points for card in managed})
            for card in managed:
                if float_compare(target, card.points, precision_digits=DIGITS):
                    card._adjust(target - card.points, self.env._("Balance corrected"))
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_entries(self):
        if self.sudo().entry_ids:
            raise UserError(
                self.env._(
                    "An account with entries cannot be deleted: the ledger keeps"
                    " everything. Archive it instead."
                )
            )

    def action_view_entries(self):
        """Open the ledger entries of this account."""
        return self.env["loyalty.ledger.entry"]._get_action(
            [("account_id", "in", self.ids)]
        )

    def action_check_books(self):
        """Check these accounts and open what was found.

        :raise AccessError: unless the user is a loyalty auditor or manager
        """
        self.check_access("read")
        return self.env["loyalty.ledger.audit"]._check_books(
            accounts=self.filtered("ledger_managed")
        )

    @api.model
    def _open_accounts(self, program, partners):
        """Open an account for each partner.

        :raise ConcurrencyError: if one has been opened by a transaction that this
            one cannot see; Odoo then runs the call again
        """
        if not partners:
            return self.browse()
        try:
            with self.env.cr.savepoint():
                return self.with_context(
                    loyalty_no_mail=True, tracking_disable=True
                ).create(
                    [
                        {"program_id": program.id, "partner_id": partner.id}
                        for partner in partners
                    ]
                )
        except UniqueViolation as error:
            raise ConcurrencyError(
                self.env._("The account is being opened by somebody else.")
            ) from error

    @api.model
    def _find_accounts(self, programs, partners):
        """Find the accounts of contacts in managed programs, open or archived.

        By SQL, for each sale and quote asks and the ORM takes several times as long to
        say the same. What the accounts hold is put where the ORM would have put it.

        :return dict: loyalty.card by (loyalty.program, res.partner)
        """
        if not programs.ids or not partners.ids:
            return {}
        names = ("program_id", "partner_id", "points", "ledger_pending")
        self.flush_model([*names, "ledger_managed"])
        accounts = {}
        for id_, *values in self.env.execute_query(
            SQL(
                """
                SELECT id, program_id, partner_id, points, ledger_pending
                  FROM loyalty_card
                 WHERE program_id = ANY(%s) AND partner_id = ANY(%s) AND ledger_managed
                """,
                programs.ids,
                partners.ids,
            )
        ):
            account = self.browse(id_)
            for name, value in zip(names, values, strict=True):
                self._fields[name]._insert_cache(account, (value,))
            accounts[programs.browse(values[0]), partners.browse(values[1])] = account
        return accounts

    def _check_may_manage(self):
        """Refuse a write to an account by someone without the right.

        :raise AccessError: unless in superuser mode or a loyalty manager
        """
        if self.env.su or self.env.user.has_group(
            "loyalty_member.loyalty_member_group_manager"
        ):
            return
        raise AccessError(
            self.env._(
                "Only administrators of Loyalty can correct a balance. Ask one of them."
            )
        )

    @api.model
    def _check_may_adjust(self, changes):
        """Refuse corrections of balances that the user may not make.

        Nobody corrects their own balance. A hook for modules that set limits; whether
        the user may correct any balance at all is checked by the caller.

        :param dict changes: points to add or, if negative, to take, by account
        :raise UserError: with the reason, unless in superuser mode
        """
        if self.env.su:
            return
        accounts = self.browse(card.id for card, points in changes.items() if points)
        if self.env.user.partner_id in accounts.partner_id:
            raise UserError(
                self.env._(
                    "You cannot correct the balance of your own account. Ask another"
                    " administrator of Loyalty."
                )
            )

    def _format_value(self, value):
        """Write what is on such an account, or moves on it, for a human.

        :param value: float or Decimal, points or money
        """
        self.ensure_one()
        # sudo: how a brand calls its points is no secret
        account_sudo = self.sudo()
        return account_sudo.scheme_id._format_value(value, account_sudo.ledger_kind)

    def _check_ledger_fields(self, vals):
        """Refuse to write what belongs to the ledger service.

        Neither does a card become an account by writing, nor an account a card.

        :raise ValidationError: if the balance would no longer follow from entries
        """
        moves_program = "program_id" in vals and (
            any(card.ledger_managed for card in self)
            # sudo: who may not see the program must not put a card into it
            or self.env["loyalty.program"]
            .sudo()
            .browse(vals["program_id"] or [])
            .ledger_managed
        )
        if LEDGER_FIELDS & vals.keys() or moves_program:
            raise ValidationError(
                self.env._("The ledger alone writes the balances of an account.")
            )

    def _adjust(self, points, reason, kind="adjust"):
        """Correct the balance of accounts.

        :param float points: to add, or to take if negative
        :param str reason: for the statement
        :return: loyalty.ledger.entry
        :raise UserError: if the account has fewer points than are taken
        """
        value = Decimal(str(points))
        return self.env["loyalty.ledger"]._post(
            [
                Move(
                    account_id=card.id,
                    key=f"{kind}:{card.ledger_sequence + 1}",
                    kind=kind,
                    op=Op.CREDIT if value > 0 else Op.DEBIT,
                    points=abs(value),
                    expiry_date=card._get_adjustment_expiry(value),
                    reason=reason,
                )
                for card in self
            ]
        )

    def _get_adjustment_expiry(self, value):
        if value <= 0:
            return None
        return self.sudo().scheme_id._get_expiry_date(fields.Date.today(), self)

    def _get_spendable(self, exclude_owner=None):
        """Return what each account can spend now.

        :param str exclude_owner: whose own hold is not in the way
        :return dict: Decimal points by account id: available lots that have not
            expired, less what others have on hold, never negative, and what that
            hold has set aside
        """
        standing = self._get_standing(exclude_owner)
        return {id_: spendable for id_, (spendable, _ending) in standing.items()}

    def _get_standing(self, exclude_owner=None):
        """Return what each account can spend now, and when some of it ends next.

        :param str exclude_owner: see ``_get_spendable``
        :return dict: Decimal points, and a date or ``None``, by account id
        """
        standing = dict.fromkeys(self.ids, (Decimal(0), None))
        if not self.ids:
            return standing
        # Points and holds change by SQL under lock; one statement reads both. Debts
        # lower what there is, but not below what the owner was promised.
        self.env["loyalty.ledger.lot"].flush_model()
        self.env["loyalty.hold"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT card.id,
                       GREATEST(
                           COALESCE(there.points, 0) - COALESCE(hold.others, 0),
                           LEAST(COALESCE(hold.own, 0), COALESCE(there.promised, 0))
                       )::text,
                       there.ending
                  FROM loyalty_card card
                  LEFT JOIN LATERAL (
                       SELECT sum(amount - captured)
                                  FILTER (WHERE owner IS DISTINCT FROM %(owner)s)
                                  AS others,
                              sum(amount - captured) FILTER (WHERE owner = %(owner)s)
                                  AS own,
                              min(date) FILTER (WHERE owner = %(owner)s) AS date
                         FROM loyalty_hold
                        WHERE account_id = card.id
                          AND state = 'active' AND deadline >= %(now)s
                  ) hold ON TRUE
                  LEFT JOIN LATERAL (
                       SELECT sum(remaining) FILTER (
                                  WHERE COALESCE(expiry_date, 'infinity') >= %(day)s
                              ) AS points,
                              sum(remaining) FILTER (
                                  WHERE remaining > 0
                                    AND COALESCE(expiry_date, 'infinity')
                                        >= LEAST(hold.date, %(day)s)
                              ) AS promised,
                              min(expiry_date) FILTER (
                                  WHERE remaining > 0 AND expiry_date >= %(day)s
                              ) AS ending
                         FROM loyalty_ledger_lot
                        WHERE account_id = card.id
                          AND state = 'available' AND remaining <> 0
                  ) there ON TRUE
                 WHERE card.id = ANY(%(ids)s)
                """,
                day=fields.Date.today(),
                now=fields.Datetime.now(),
                owner=exclude_owner or None,
                ids=self.ids,
            )
        )
        for card_id, points, ending in rows:
            standing[card_id] = Decimal(points), ending
        return standing

    def _get_current(self):
        """Return the accounts on which the points of these are by now.

        Others where members have been merged.
        """
        accounts = self
        while moved := accounts.filtered("ledger_successor_id"):
            accounts = accounts - moved | moved.ledger_successor_id
        return accounts

    def _check_no_holds(self):
        """Refuse while an order has something of these accounts set aside.

        :raise UserError: with who it is set aside for, and until when
        """
        self._free_timed_out_holds(fields.Datetime.now())
        # sudo: holds are in the way whoever sees them
        hold_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search(
                [("account_id", "in", self.ids), ("state", "=", "active")],
                order="deadline",
                limit=1,
            )
        )
        if hold_sudo:
            raise UserError(
                self.env._(
                    "%(owner)s has %(points)s of %(member)s set aside until"
                    " %(deadline)s. Wait until it is paid, or release it (Loyalty >"
                    " Transactions > Holds).",
                    owner=hold_sudo.holder,
                    points=hold_sudo.account_id._format_value(
                        hold_sudo.amount - hold_sudo.captured
                    ),
                    member=hold_sudo.partner_id.display_name,
                    deadline=format_datetime(self.env, hold_sudo.deadline),
                )
            )

    def _set_successor(self, account):
        """Say where the points of these accounts are from now on.

        Plain SQL, as nobody writes what belongs to the ledger through the ORM.

        :param account: a loyalty.card; empty for the accounts themselves
        """
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET ledger_successor_id = %s WHERE id = ANY(%s)",
                account.id or None,
                self.ids,
            )
        )
        self.invalidate_recordset(["ledger_successor_id"], flush=False)

    def _hold(self, owner, points, minutes=HOLD_MINUTES):
        """Set points aside for an order or a payment.

        A second call replaces what the owner had on hold; zero points release it.

        :param str owner: identifies the order or payment, e.g. "pos:<uuid>"
        :param points: float or Decimal
        :param int minutes: after which the hold no longer counts
        :return: the active hold, or an empty loyalty.hold
        :raise UserError: if the account cannot spend as much
        """
        self.ensure_one()
        points = Decimal(str(points))
        if not points.is_finite() or points < 0:
            raise ValidationError(
                self.env._("%(points)s is not a number of points.", points=points)
            )
        Ledger = self.env["loyalty.ledger"]
        Ledger._lock(self.ids)
        self._free_timed_out_holds(fields.Datetime.now(), owner=owner)
        if not points:
            self._end_holds([(self.id, owner)], "released")
            return self.env["loyalty.hold"].sudo()
        hold_sudo = self._get_active_hold_sudo(owner)
        spendable = self._get_spendable(exclude_owner=owner)[self.id]
        if points > spendable:
            raise UserError(Ledger._not_enough_message(self, points, spendable))
        deadline = fields.Datetime.now() + timedelta(minutes=minutes)
        if hold_sudo:
            hold_sudo._renew(points, deadline)
        else:
            hold_sudo = hold_sudo.create(
                self._prepare_hold_values(owner, points, deadline)
            )
        self._update_held()
        return hold_sudo

    def _get_active_hold_sudo(self, owner):
        """Return the active hold of ``owner``.

        :raise UserError: if another owner has one on an account for one use
        """
        # sudo: holds are written here alone, whoever sells
        holds_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search([("account_id", "=", self.id), ("state", "=", "active")])
        )
        own_sudo = holds_sudo.filtered(lambda hold: hold.owner == owner)
        others_sudo = holds_sudo - own_sudo
        if others_sudo and self.ledger_one_use:
            raise UserError(
                self.env._(
                    "This can be used once, and %(owner)s has set it aside until"
                    " %(deadline)s.",
                    owner=others_sudo[0].holder,
                    deadline=format_datetime(self.env, others_sudo[0].deadline),
                )
            )
        return own_sudo

    def _prepare_hold_values(self, owner, points, deadline):
        return {
            "account_id": self.id,
            "company_id": self.company_id.id,
            "owner": owner,
            "amount": float(points),
            "deadline": deadline,
            "is_exclusive": self.ledger_one_use,
        }

    def _release_hold(self, owner):
        """Give back what an order or payment had set aside, if anything."""
        self.env["loyalty.ledger"]._lock(self.ids)
        self._end_holds([(account_id, owner) for account_id in self.ids], "released")

    def _free_timed_out_holds(self, now, owner=None):
        """End the holds whose time is over, but for those of ``owner``."""
        self.env["loyalty.ledger"]._lock(self.ids)
        holds_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search(
                [
                    ("account_id", "in", self.ids),
                    ("state", "=", "active"),
                    ("deadline", "<", now),
                    ("owner", "!=", owner or ""),
                ]
            )
        )
        if holds_sudo:
            holds_sudo.write({"state": "expired"})
            holds_sudo.account_id._update_held()

    def _end_holds(self, owners, state):
        """End active holds.

        :param owners: list of (account id, owner)
        :param str state: what becomes of them
        """
        by_account = defaultdict(set)
        for account_id, owner in owners:
            by_account[account_id].add(owner)
        # sudo: holds are written by the ledger alone
        holds_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search([("account_id", "in", list(by_account)), ("state", "=", "active")])
            .filtered(lambda hold: hold.owner in by_account[hold.account_id.id])
        )
        if holds_sudo:
            holds_sudo.write({"state": state})
            holds_sudo.account_id._update_held()

    def _update_held(self):
        """Write the sum of active holds on the accounts.

        It also makes the row change, so that a second transaction that waited for
        the lock is refused its outdated view and runs again.
        """
        self.env["loyalty.hold"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card
                   SET ledger_held = (
                       SELECT COALESCE(sum(hold.amount - hold.captured), 0)
                         FROM loyalty_hold hold
                        WHERE hold.account_id = card.id AND hold.state = 'active'
                   )
                 WHERE card.id = ANY(%s)
                """,
                self.ids,
            )
        )
        self.invalidate_recordset(["ledger_held"], flush=False)

    @api.model
    def _cron_expire_points(self):
        """Expire points whose last day is over. Safe to run again."""
        self.env["loyalty.ledger.due"]._expire(fields.Date.today())

    @api.model
    def _cron_release_points(self):
        """Make pending points available whose day has come. Safe to run again."""
        self.env["loyalty.ledger.due"]._release(fields.Date.today())
