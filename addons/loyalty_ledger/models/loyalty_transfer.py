# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, float_compare

from ..ledger.move import Move, Op

DIGITS = 4
MESSAGE_LENGTH = 200
# How often a member may name somebody within a day, right or wrong: enough for a
# birthday, too little to find out who is a member
TRIES_A_DAY = 10
KEPT_WAITING_DAYS = 1
GC_BATCH = 1000
# What is asked for: fixed as soon as the member has been sent a code for it
REQUEST_FIELDS = {"giver_id", "recipient_name", "points", "message"}
# What only the steps of this model write, with the values of a new record
STEP_DEFAULTS = {
    "name": False,
    "state": "draft",
    "recipient_id": False,
    "code_sent_to": False,
    "done_date": False,
    "refusal_reason": False,
    "giver_entry_id": False,
    "recipient_entry_id": False,
    "reversed_by_id": False,
    "reverse_date": False,
}


class LoyaltyTransfer(models.Model):
    """Points that a member gives to another member of the scheme."""

    _name = "loyalty.transfer"
    _description = "Loyalty Transfer"
    _inherit = ["mail.thread"]
    _order = "id desc"

    # === FIELDS === #

    name = fields.Char(string="Number", copy=False, readonly=True)
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("waiting", "Waiting for Code"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
            ("reversed", "Reversed"),
        ],
        string="Status",
        default="draft",
        required=True,
        copy=False,
        readonly=True,
        index=True,
        tracking=True,
    )
    giver_id = fields.Many2one(
        comodel_name="loyalty.member",
        string="From",
        required=True,
        index=True,
        ondelete="restrict",
    )
    scheme_id = fields.Many2one(
        related="giver_id.scheme_id", store=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id", store=True, index="btree_not_null"
    )
    recipient_name = fields.Char(
        string="To",
        required=True,
        copy=False,
        help="Number of the card or of the member, e-mail address or phone number, all"
        " of it.",
    )
    recipient_id = fields.Many2one(
        comodel_name="loyalty.member",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    points = fields.Float(digits="Loyalty Points", required=True)
    point_unit = fields.Char(related="scheme_id.point_name_plural")
    message = fields.Char(
        size=MESSAGE_LENGTH, help="The recipient reads it on the statement."
    )
    code_sent_to = fields.Char(copy=False, readonly=True)
    done_date = fields.Datetime(
        string="Confirmed On", copy=False, readonly=True, index="btree_not_null"
    )
    refusal_reason = fields.Char(copy=False, readonly=True)
    giver_entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    recipient_entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    reversed_by_id = fields.Many2one(
        comodel_name="res.users", copy=False, readonly=True, ondelete="restrict"
    )
    reverse_date = fields.Datetime(string="Reversed On", copy=False, readonly=True)

    # === CONSTRAINTS AND INDEXES === #

    _points_range = models.Constraint(
        "CHECK (points > 0 AND points < 100000000000)",
        "Say how many points are given: a number above zero.",
    )
    _not_to_oneself = models.Constraint(
        "CHECK (giver_id <> recipient_id)", "Nobody gives points to themselves."
    )
    _given_idx = models.Index("(giver_id, create_date)")

    # === COMPUTE === #

    @api.depends("name")
    def _compute_display_name(self):
        for transfer in self:
            transfer.display_name = transfer.name or self.env._("New transfer")

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Start every transfer as a draft, whatever the caller says."""
        Sequence_sudo = self.env["ir.sequence"].sudo()
        for vals in vals_list:
            self._check_number(vals)
            vals.update(STEP_DEFAULTS)
            vals["name"] = Sequence_sudo.next_by_code("loyalty.transfer")
        return super().create(vals_list)

    def write(self, vals):
        """Leave the steps to the buttons, and what was confirmed as it is.

        :raise AccessError: for a field that the steps write
        :raise UserError: if the transfer is no longer a draft
        """
        self._check_number(vals)
        if not self.env.su:
            if vals.keys() & STEP_DEFAULTS.keys():
                raise AccessError(
                    self.env._("A transfer moves on by its buttons alone.")
                )
            if vals.keys() & REQUEST_FIELDS and any(
                transfer.state != "draft" for transfer in self
            ):
                raise UserError(
                    self.env._(
                        "The member has been asked to confirm this transfer as it is."
                        " Cancel it and make a new one."
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        if any(transfer.giver_entry_id for transfer in self):
            raise UserError(
                self.env._("What was transferred stays on record. Reverse it instead.")
            )

    @api.model
    def _check_number(self, vals):
        """Refuse what is no number of points, before the ORM stores it as it is."""
        points = vals.get("points", 1)
        # NaN is neither above nor below anything
        if not isinstance(points, (int, float)) or not 0 < points < float("inf"):
            raise ValidationError(
                self.env._("Say how many points are given: a number above zero.")
            )

    @api.autovacuum
    def _gc_transfers(self):
        """Cancel what nobody has confirmed."""
        transfers = self.search(
            [
                ("state", "=", "waiting"),
                (
                    "write_date",
                    "<",
                    fields.Datetime.now() - timedelta(days=KEPT_WAITING_DAYS),
                ),
            ],
            limit=GC_BATCH,
        )
        transfers._cancel(self.env._("It was not confirmed in time."))
        return len(transfers), len(transfers) == GC_BATCH

    # === ACTIONS === #

    def action_send_code(self):
        """Find the recipient, and send the giver a code by which to confirm.

        :raise UserError: if the transfer is not possible, in a sentence
        """
        self.check_access("write")
        for transfer in self:
            transfer._submit()
        return self.action_enter_code() if len(self) == 1 else True

    def action_enter_code(self):
        """Open the dialog for the code that the giver was sent."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_transfer_confirm_action"
        )
        action["context"] = {"default_transfer_id": self.id}
        return action

    def action_cancel(self):
        """Call off what has not been confirmed.

        :raise UserError: if it has been
        """
        self.check_access("write")
        self._lock_rows()
        if any(transfer.state not in ("draft", "waiting") for transfer in self):
            raise UserError(
                self.env._("Only what has not been confirmed can be cancelled.")
            )
        self._cancel()

    def action_reverse(self):
        """Give confirmed points back to who gave them.

        :raise AccessError: unless a loyalty manager
        :raise UserError: if the recipient has them no longer
        """
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group(
            "loyalty_member.loyalty_member_group_manager"
        ):
            raise AccessError(
                self.env._("Only an administrator of Loyalty reverses a transfer.")
            )
        for transfer in self:
            transfer._reverse()

    def action_view_entries(self):
        """Open the entries of both sides."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_ledger_entry_action"
        )
        action["domain"] = [
            (
                "key",
                "in",
                [key for t in self for key in (t._get_key(), t._get_undo_key())],
            ),
            ("scheme_id", "in", self.scheme_id.ids),
        ]
        return action

    # === BUSINESS: STEPS === #

    @api.model
    def _propose(self, giver, recipient_name, points, message=None):
        """Make a transfer on behalf of its giver, and send the code.

        What is refused is kept with its reason, so that tries can be counted; the
        caller lets the transaction end well.

        :param giver: loyalty.member
        :param str recipient_name: see ``loyalty.member._find_named``
        :param float points: how many
        :return: the transfer, waiting or cancelled with its ``refusal_reason``
        :raise UserError: too many tries for today
        """
        giver._lock_codes()
        today = fields.Datetime.to_datetime(fields.Date.today())
        tries = self.search_count(
            [("giver_id", "=", giver.id), ("create_date", ">=", today)]
        )
        if tries >= TRIES_A_DAY:
            raise UserError(
                self.env._(
                    "You have tried %(count)s times today. Go on tomorrow, or ask us.",
                    count=tries,
                )
            )
        transfer = self.create(
            {
                "giver_id": giver.id,
                "recipient_name": recipient_name,
                "points": points,
                "message": (message or "").strip()[:MESSAGE_LENGTH],
            }
        )
        try:
            with self.env.cr.savepoint():
                transfer._submit()
        except UserError as error:
            transfer._cancel(str(error))
        return transfer

    def _submit(self):
        """Find the recipient, and send the giver a code by which to confirm.

        Again for one that is waiting: a new code.
        """
        self.ensure_one()
        self._check_state("draft", "waiting")
        giver, scheme = self.giver_id, self.scheme_id
        # sudo: a step, see write
        self_sudo = self.sudo()
        if self.state == "draft":
            self_sudo.recipient_id = self._find_recipient()
        self._check_possible()
        self._check_limits()
        sent_to = giver._send_code(
            "transfer",
            self,
            self.env._(
                "You give %(points)s to %(recipient)s.",
                points=scheme._format_points(self.points),
                recipient=self.recipient_id._get_short_name(),
            ),
        )
        self_sudo.write({"state": "waiting", "code_sent_to": sent_to})

    def _find_recipient(self):
        # sudo: whoever is named exactly may receive, also unseen by who gives
        member_sudo = self.env["loyalty.member"].sudo()
        giver_sudo = self.giver_id.sudo()
        country = giver_sudo.partner_id._get_member_country()
        recipient_sudo = member_sudo._find_named(
            self.recipient_name, giver_sudo.scheme_id, country
        )
        if recipient_sudo == giver_sudo:
            raise UserError(self.env._("Nobody gives points to themselves."))
        return recipient_sudo

    def _confirm(self, code):
        """Move the points, if this is the code that the giver was sent.

        Once for however often it is called.

        :param str code: what the giver has entered
        :raise UserError: wrong code, or not possible any more; nothing has moved
        """
        self.ensure_one()
        self._lock_rows()
        if self.state == "done":
            return
        self._check_state("waiting")
        self.giver_id._check_code("transfer", code, self)
        accounts = self._get_accounts()
        self.env["loyalty.ledger"]._lock(account.id for account in accounts)
        self._check_possible()
        self._check_limits()
        entries = self.env["loyalty.ledger"]._post(self._prepare_moves(*accounts))
        # sudo: a step, see write
        self.sudo().write(
            {
                "state": "done",
                "done_date": fields.Datetime.now(),
                "giver_entry_id": entries[0].id,
                "recipient_entry_id": entries[1].id,
            }
        )

    def _reverse(self):
        """Post the exact opposite of a confirmed transfer."""
        self.ensure_one()
        self._lock_rows()
        if self.state == "reversed":
            return
        self._check_state("done")
        # sudo: entries are read in whatever company
        taken_sudo = self.sudo().giver_entry_id
        given_sudo = self.sudo().recipient_entry_id
        account = given_sudo.account_id._get_current()
        giver_account = taken_sudo.account_id._get_current()
        if account == giver_account:
            raise UserError(
                self.env._(
                    "%(giver)s and %(recipient)s have been merged since and share"
                    " their points: nothing is to go back.",
                    giver=self.giver_id.display_name,
                    recipient=self.recipient_id.display_name,
                )
            )
        self.env["loyalty.ledger"]._lock((giver_account | account).ids)
        left = account._get_spendable()[account.id]
        if float_compare(float(left), self.points, precision_digits=DIGITS) < 0:
            raise UserError(
                self.env._(
                    "%(recipient)s has %(left)s left of what is to go back:"
                    " %(points)s. Make an adjustment instead.",
                    recipient=self.recipient_id.display_name,
                    left=self.scheme_id._format_points(left),
                    points=self.scheme_id._format_points(self.points),
                )
            )
        self.env["loyalty.ledger"]._post(self._prepare_undo_moves())
        # sudo: a step, see write
        self.sudo().write(
            {
                "state": "reversed",
                "reversed_by_id": self.env.user.id,
                "reverse_date": fields.Datetime.now(),
            }
        )

    def _cancel(self, reason=False):
        # sudo: a step, see write
        self.sudo().write({"state": "cancelled", "refusal_reason": reason})

    def _lock_rows(self):
        """Let one transaction at a time move a transfer on.

        Who waited with an older view is refused by PostgreSQL, and Odoo runs the call
        again.
        """
        self.env.execute_query(
            SQL(
                "SELECT id FROM loyalty_transfer WHERE id = ANY(%s) ORDER BY id"
                " FOR NO KEY UPDATE",
                self.ids,
            )
        )
        self.invalidate_recordset(["state"])

    # === BUSINESS: CHECKS === #

    def _check_state(self, *states):
        """Refuse a step that does not follow from where the transfer is."""
        self.ensure_one()
        if self.state in states:
            return
        labels = dict(self._fields["state"]._description_selection(self.env))
        raise UserError(
            self.env._(
                "%(name)s is not waiting for this: its status is %(state)s.",
                name=self.display_name,
                state=labels[self.state],
            )
        )

    def _check_possible(self):
        """Refuse what the scheme or the state of the two members rules out.

        :raise UserError: with a sentence that both a colleague and the giver may read
        """
        self.ensure_one()
        # sudo: the recipient may be nobody whom the user can see
        sudo = self.sudo()
        scheme, giver, recipient = sudo.scheme_id, sudo.giver_id, sudo.recipient_id
        scheme._check_open()
        if not scheme.transfer_allowed:
            raise UserError(
                self.env._(
                    "Members of %(scheme)s cannot give points to each other.",
                    scheme=scheme.name,
                )
            )
        if recipient.scheme_id != scheme:
            raise UserError(
                self.env._("Points stay within %(scheme)s.", scheme=scheme.name)
            )
        for member in giver | recipient:
            if member.state != "active":
                raise UserError(
                    self.env._(
                        "%(member)s can neither give nor receive points at the moment.",
                        member=member._get_short_name(),
                    )
                )
        if giver._get_account_partner() == recipient._get_account_partner():
            raise UserError(
                self.env._(
                    "%(giver)s and %(recipient)s share their points already.",
                    giver=giver._get_short_name(),
                    recipient=recipient._get_short_name(),
                )
            )
        points = Decimal(str(self.points))
        scheme._check_transfer_size(points)
        self._check_balance(points)

    def _check_balance(self, points):
        account_sudo = self.sudo().giver_id.account_id
        spendable = account_sudo._get_spendable().get(account_sudo.id, Decimal(0))
        if points > spendable:
            scheme = self.scheme_id
            raise UserError(
                self.env._(
                    "There are %(spendable)s to give, not %(points)s.",
                    spendable=scheme._format_points(spendable),
                    points=scheme._format_points(points),
                )
            )

    def _check_limits(self):
        """Refuse to give more than is allowed in a day or in a month."""
        self.ensure_one()
        today = fields.Date.today()
        self.scheme_id._check_transfer_limits(
            Decimal(str(self.points)),
            self._get_given_since(today),
            self._get_given_since(today.replace(day=1)),
        )

    def _get_given_since(self, day):
        """Return what the giver has given from a day on, as Decimal."""
        # sudo: the limit counts all that was given, whoever may see it
        [[points]] = self.sudo()._read_group(
            Domain("giver_id", "=", self.giver_id.id)
            & Domain("state", "=", "done")
            & Domain("done_date", ">=", fields.Datetime.to_datetime(day)),
            [],
            ["points:sum"],
        )
        return Decimal(str(points or 0)).quantize(Decimal("0.0001"))

    # === BUSINESS: THE LEDGER === #

    def _get_key(self):
        return f"transfer:{self.id}"

    def _get_undo_key(self):
        return f"transfer:{self.id}:undo"

    def _get_accounts(self):
        """Return the account that gives and the one that receives."""
        members_sudo = (self.giver_id | self.recipient_id).sudo()
        accounts = self.sudo().scheme_id._get_accounts(members_sudo)
        return tuple(accounts[member.id] for member in members_sudo)

    def _prepare_moves(self, giver_account, recipient_account):
        """Return what leaves one account and what arrives on the other.

        The reason names nobody: entries are for ever, names are not.
        """
        points = Decimal(str(self.points))
        return [
            Move(
                account_id=giver_account.id,
                key=self._get_key(),
                kind="transfer_out",
                op=Op.DEBIT,
                points=points,
                reason=self.env._("Given to another member"),
            ),
            Move(
                account_id=recipient_account.id,
                key=self._get_key(),
                kind="transfer_in",
                op=Op.CREDIT,
                points=points,
                giver_id=giver_account.id,
                reason=self.env._("Received from another member"),
            ),
        ]

    def _prepare_undo_moves(self):
        sudo = self.sudo()
        points = Decimal(str(self.points))
        reason = self.env._("Transfer reversed")
        return [
            Move(
                account_id=sudo.recipient_entry_id.account_id._get_current().id,
                key=self._get_undo_key(),
                kind="transfer_out",
                op=Op.TAKE_BACK,
                points=points,
                undo=(sudo.recipient_entry_id.id,),
                reason=reason,
            ),
            Move(
                account_id=sudo.giver_entry_id.account_id._get_current().id,
                key=self._get_undo_key(),
                kind="transfer_in",
                op=Op.RESTORE,
                points=points,
                undo=(sudo.giver_entry_id.id,),
                revive_until=sudo.scheme_id._get_revival_date(),
                reason=reason,
            ),
        ]

    # === FOR PEOPLE === #

    @api.model
    def _find_by_entries(self, entries):
        """Return the transfer behind each entry that belongs to one.

        :return dict: loyalty.transfer by id of the entry, in superuser mode
        """
        ids = {}
        for entry in entries:
            part, _sep, rest = entry.key.partition(":")
            number = rest.partition(":")[0]
            if (
                part == "transfer"
                and number.isdigit()
                and entry.kind in ("transfer_in", "transfer_out")
            ):
                ids[entry.id] = int(number)
        # sudo: who may read an entry may read what it says; see _get_statement_title
        found = self.sudo().browse(set(ids.values())).exists()
        return {
            entry_id: self.sudo().browse(id_)
            for entry_id, id_ in ids.items()
            if id_ in found._ids
        }

    def _get_statement_title(self, entry):
        """Say on a statement what an entry is, naming the other as far as allowed.

        :param entry: a loyalty.ledger.entry of this transfer
        """
        self.ensure_one()
        is_giver = entry.account_id == self.giver_entry_id.account_id
        other = self.recipient_id if is_giver else self.giver_id
        values = {"name": other._get_short_name(), "message": self.message}
        if entry.key == self._get_undo_key():
            if is_giver:
                return self.env._("Back from %(name)s", **values)
            return self.env._("Gone back to %(name)s", **values)
        if is_giver:
            return self.env._("Given to %(name)s", **values)
        if self.message:
            return self.env._("From %(name)s: %(message)s", **values)
        return self.env._("From %(name)s", **values)
