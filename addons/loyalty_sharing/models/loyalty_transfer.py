# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, float_compare

from odoo.addons.loyalty_ledger.ledger.move import Move, Op

DIGITS = 4
MESSAGE_LENGTH = 200
# Attempts of a member to name a recipient, successful or not: enough for a birthday,
# too few to find out who is a member
MAX_ATTEMPTS_PER_DAY = 10
WAITING_DAYS = 1
GC_BATCH = 1000
# The request of the member, fixed once a code has been sent for it
REQUEST_FIELDS = {"giver_id", "recipient_name", "points", "message"}
# Written by the methods of this model only, with the values of a new record
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
        help="The complete card number, member number, e-mail address or phone number.",
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
        size=MESSAGE_LENGTH, help="Shown on the recipient's statement."
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
        "Enter a number of points greater than zero.",
    )
    _not_to_oneself = models.Constraint(
        "CHECK (giver_id <> recipient_id)",
        "Members cannot give points to themselves. Enter another recipient.",
    )
    _given_idx = models.Index("(giver_id, create_date)")

    # === COMPUTE === #

    @api.depends("name")
    def _compute_display_name(self):
        for transfer in self:
            transfer.display_name = transfer.name or self.env._("New Transfer")

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Create every transfer as a draft, whatever values the caller passes."""
        Sequence_sudo = self.env["ir.sequence"].sudo()
        for vals in vals_list:
            self._check_number(vals)
            vals.update(STEP_DEFAULTS)
            vals["name"] = Sequence_sudo.next_by_code("loyalty.transfer")
        return super().create(vals_list)

    def write(self, vals):
        """Let only the buttons move a transfer on, and keep a request as it was sent.

        :raise AccessError: for a field that the methods of this model write
        :raise UserError: if the transfer is no longer a draft
        """
        self._check_number(vals)
        if not self.env.su:
            if vals.keys() & STEP_DEFAULTS.keys():
                raise AccessError(
                    self.env._(
                        "The status of a transfer cannot be edited. Use its buttons."
                    )
                )
            if vals.keys() & REQUEST_FIELDS and any(
                transfer.state != "draft" for transfer in self
            ):
                raise UserError(
                    self.env._(
                        "A code was already sent for this transfer. Cancel it and"
                        " create a new one."
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        if any(transfer.giver_entry_id for transfer in self):
            raise UserError(
                self.env._(
                    "A completed transfer cannot be deleted. Reverse it instead."
                )
            )

    @api.model
    def _check_number(self, vals):
        """Refuse values that are not a number of points, before the ORM stores them."""
        points = vals.get("points", 1)
        # NaN is neither above nor below anything
        if not isinstance(points, (int, float)) or not 0 < points < float("inf"):
            raise ValidationError(
                self.env._("Enter a number of points greater than zero.")
            )

    @api.autovacuum
    def _gc_transfers(self):
        """Cancel transfers that were not confirmed in time."""
        transfers = self.search(
            [
                ("state", "=", "waiting"),
                (
                    "write_date",
                    "<",
                    fields.Datetime.now() - timedelta(days=WAITING_DAYS),
                ),
            ],
            limit=GC_BATCH,
        )
        transfers._cancel(self.env._("The transfer was not confirmed in time."))
        return len(transfers), len(transfers) == GC_BATCH

    # === ACTIONS === #

    def action_send_code(self):
        """Find the recipient, and send the giver a code to confirm with.

        :raise UserError: if the transfer is not possible
        """
        self.check_access("write")
        for transfer in self:
            transfer._submit()
        return self.action_enter_code() if len(self) == 1 else True

    def action_enter_code(self):
        """Open the dialog for the code."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_sharing.loyalty_transfer_confirm_action"
        )
        action["context"] = {"default_transfer_id": self.id}
        return action

    def action_cancel(self):
        """Cancel transfers that have not been confirmed.

        :raise UserError: if one has been
        """
        self.check_access("write")
        self._lock_rows()
        if any(transfer.state not in ("draft", "waiting") for transfer in self):
            raise UserError(
                self.env._(
                    "A confirmed transfer cannot be cancelled. Reverse it instead."
                )
            )
        self._cancel()

    def action_reverse(self):
        """Give the points of confirmed transfers back to the giver.

        :raise AccessError: unless a loyalty manager
        :raise UserError: if the recipient has spent them
        """
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group(
            "loyalty_member.loyalty_member_group_manager"
        ):
            raise AccessError(
                self.env._("Only an administrator of Loyalty can reverse a transfer.")
            )
        for transfer in self:
            transfer._reverse()

    def action_view_entries(self):
        """Open the entries of both members."""
        return self.env["loyalty.ledger.entry"]._get_action(
            [("res_model", "=", self._name), ("res_id", "in", self.ids)]
        )

    # === BUSINESS: STEPS === #

    @api.model
    def _propose(self, giver, recipient_name, points, message=None):
        """Create a transfer on behalf of its giver, and send the code.

        A refused transfer is stored with the reason, so that attempts can be counted;
        the caller has to let the transaction succeed.

        :param giver: loyalty.member
        :param str recipient_name: see ``loyalty.member._find_named``
        :param float points: points to give
        :return: the transfer, waiting or cancelled with its ``refusal_reason``
        :raise UserError: after too many attempts today
        """
        giver._lock_codes()
        today = fields.Datetime.to_datetime(fields.Date.today())
        attempts = self.search_count(
            [("giver_id", "=", giver.id), ("create_date", ">=", today)]
        )
        if attempts >= MAX_ATTEMPTS_PER_DAY:
            raise UserError(
                self.env._(
                    "You have tried %(count)s times today. Try again tomorrow, or"
                    " contact us.",
                    count=attempts,
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
        """Find the recipient, and send the giver a code to confirm with.

        A waiting transfer gets a new code.
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
        # sudo: a member named exactly can receive, also if the user cannot see them
        member_sudo = self.env["loyalty.member"].sudo()
        giver_sudo = self.giver_id.sudo()
        country = giver_sudo.partner_id._get_member_country()
        recipient_sudo = member_sudo._find_named(
            self.recipient_name, giver_sudo.scheme_id, country
        )
        if recipient_sudo == giver_sudo:
            raise UserError(
                self.env._(
                    "Members cannot give points to themselves. Enter another recipient."
                )
            )
        return recipient_sudo

    def _confirm(self, code):
        """Move the points if the code is the one that was sent to the giver.

        Points move once, however often it is called.

        :param str code: as entered by the giver
        :raise UserError: if the code is wrong, or the transfer no longer possible; no
            points have moved
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
                    " their points: there is nothing to give back.",
                    giver=self.giver_id.display_name,
                    recipient=self.recipient_id.display_name,
                )
            )
        self.env["loyalty.ledger"]._lock((giver_account | account).ids)
        left = account._get_spendable()[account.id]
        if float_compare(float(left), self.points, precision_digits=DIGITS) < 0:
            raise UserError(
                self.env._(
                    "%(recipient)s has %(left)s left; %(points)s are needed to reverse"
                    " the transfer. Make an adjustment instead.",
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
        """Let one transaction at a time change a transfer.

        PostgreSQL refuses a transaction that has waited with an older snapshot, and
        Odoo runs the call again.
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
        """Refuse a step that the status of the transfer does not allow."""
        self.ensure_one()
        if self.state in states:
            return
        labels = dict(self._fields["state"]._description_selection(self.env))
        raise UserError(
            self.env._(
                "This cannot be done with %(name)s: its status is %(state)s.",
                name=self.display_name,
                state=labels[self.state],
            )
        )

    def _check_possible(self):
        """Refuse a transfer that the scheme or the state of a member rules out.

        :raise UserError: with a sentence for both a colleague and the giver
        """
        self.ensure_one()
        # sudo: the user need not have access to the recipient
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
                self.env._(
                    "Points cannot leave %(scheme)s. Choose one of its members.",
                    scheme=scheme.name,
                )
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
                    "%(spendable)s are available; the transfer needs %(points)s. Enter"
                    " fewer points.",
                    spendable=scheme._format_points(spendable),
                    points=scheme._format_points(points),
                )
            )

    def _check_limits(self):
        """Refuse a transfer beyond the limits per day and month."""
        self.ensure_one()
        today = fields.Date.today()
        self.scheme_id._check_transfer_limits(
            Decimal(str(self.points)),
            self._get_given_since(today),
            self._get_given_since(today.replace(day=1)),
        )

    def _get_given_since(self, day):
        """Return the points that the giver has given since a day, as Decimal."""
        # sudo: the limit counts also transfers that the user cannot see
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
        """Return the account of the giver and the one of the recipient."""
        members_sudo = (self.giver_id | self.recipient_id).sudo()
        accounts = self.sudo().scheme_id._get_accounts(members_sudo)
        return tuple(accounts[member.id] for member in members_sudo)

    def _prepare_moves(self, giver_account, recipient_account):
        """Return the debit of one account and the credit of the other.

        The reason names nobody: entries cannot be anonymized.
        """
        values = self._prepare_move_values(self._get_key())
        return [
            Move(
                account_id=giver_account.id,
                kind="transfer_out",
                op=Op.DEBIT,
                reason=self.env._("Given to another member"),
                **values,
            ),
            Move(
                account_id=recipient_account.id,
                kind="transfer_in",
                op=Op.CREDIT,
                giver_id=giver_account.id,
                reason=self.env._("Received from another member"),
                **values,
            ),
        ]

    def _prepare_undo_moves(self):
        sudo = self.sudo()
        values = {
            **self._prepare_move_values(self._get_undo_key()),
            "reason": self.env._("Transfer reversed"),
        }
        return [
            Move(
                account_id=sudo.recipient_entry_id.account_id._get_current().id,
                kind="transfer_out",
                op=Op.TAKE_BACK,
                undo=(sudo.recipient_entry_id.id,),
                **values,
            ),
            Move(
                account_id=sudo.giver_entry_id.account_id._get_current().id,
                kind="transfer_in",
                op=Op.RESTORE,
                undo=(sudo.giver_entry_id.id,),
                revive_until=sudo.scheme_id._get_revival_date(),
                **values,
            ),
        ]

    def _prepare_move_values(self, key):
        return {
            "key": key,
            "points": Decimal(str(self.points)),
            "res_model": self._name,
            "res_id": self.id,
        }

    # === STATEMENTS === #

    def _get_statement_title(self, entry):
        """Return the title of an entry, with the short name of the other member.

        :param entry: a loyalty.ledger.entry of this transfer
        """
        self.ensure_one()
        is_reversal = entry not in (self.giver_entry_id | self.recipient_entry_id)
        # The giver's points go out with the transfer and come in with its reversal
        is_giver = (entry.kind == "transfer_out") != is_reversal
        other = self.recipient_id if is_giver else self.giver_id
        values = {"name": other._get_short_name(), "message": self.message}
        if is_reversal and is_giver:
            return self.env._("Back from %(name)s", **values)
        if is_reversal:
            return self.env._("Gone back to %(name)s", **values)
        if is_giver:
            return self.env._("Given to %(name)s", **values)
        if self.message:
            return self.env._("From %(name)s: %(message)s", **values)
        return self.env._("From %(name)s", **values)
