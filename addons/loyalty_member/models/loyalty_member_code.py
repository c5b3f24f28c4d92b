# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets
from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.tools import consteq, hmac

CODE_DIGITS = 6
VALID_MINUTES = 10
MAX_ATTEMPTS = 5
RESEND_SECONDS = 30
MAX_SENT_PER_HOUR = 5
KEPT_DAYS = 7
GC_BATCH = 10_000


class LoyaltyMemberCode(models.Model):
    """A one-time code by which a member says yes to something.

    Made by ``loyalty.member._send_code`` and checked by ``_check_code`` alone. A code
    counts for one purpose and one document; the newest sent for them counts. Modules
    add what they need a code for to ``purpose``.
    """

    _name = "loyalty.member.code"
    _description = "One-Time Code of a Member"
    _order = "id desc"
    _rec_name = "purpose"

    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="member_id.company_id")
    purpose = fields.Selection(
        selection=[("identity", "Proof of identity")],
        required=True,
        readonly=True,
    )
    res_model = fields.Char(string="Document Model", readonly=True)
    res_id = fields.Many2oneReference(
        model_field="res_model", string="Document", readonly=True
    )
    digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    sent_date = fields.Datetime(
        default=fields.Datetime.now, required=True, readonly=True, index=True
    )
    expiry_date = fields.Datetime(required=True, readonly=True)
    used_date = fields.Datetime(readonly=True)
    attempt_ids = fields.One2many(
        comodel_name="loyalty.member.code.attempt",
        inverse_name="code_id",
        string="Attempts",
        readonly=True,
    )

    # === CRUD === #

    @api.autovacuum
    def _gc_codes(self):
        """Forget codes of last week, with the attempts at them."""
        codes = self.search(
            [("sent_date", "<", fields.Datetime.now() - timedelta(days=KEPT_DAYS))],
            limit=GC_BATCH,
        )
        count = len(codes)
        codes.unlink()
        return count, count == GC_BATCH

    # === BUSINESS: SENDING === #

    @api.model
    def _draw(self, member, purpose, record=None):
        """Draw a code that nobody can guess.

        :return: the record, and the code itself, which is kept nowhere
        :rtype: tuple[loyalty.member.code, str]
        """
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        values = {
            "member_id": member.id,
            "purpose": purpose,
            **self._get_document_values(record),
        }
        return (
            self.create(
                {
                    **values,
                    "digest": self._get_digest(values, code),
                    "sent_date": fields.Datetime.now(),
                    "expiry_date": fields.Datetime.now()
                    + timedelta(minutes=VALID_MINUTES),
                }
            ),
            code,
        )

    @api.model
    def _get_document_values(self, record):
        """Return what a code keeps of the document that it is for."""
        return {
            "res_model": record._name if record else False,
            "res_id": record.id if record else False,
        }

    @api.model
    def _get_digest(self, values, code):
        """Return what is kept of a code.

        There are only a million codes: a plain hash would be turned back in no time,
        so the secret of the database goes in.
        """
        message = (
            values["member_id"],
            values["purpose"],
            values["res_model"] or "",
            values["res_id"] or 0,
            code,
        )
        return hmac(self.env(su=True), "loyalty_member-code", message)

    @api.model
    def _check_may_send(self, member):
        """Refuse to flood a member with codes.

        :raise UserError: a code was sent a moment ago, or too many within the hour
        """
        now = fields.Datetime.now()
        codes = self.search(
            [
                ("member_id", "=", member.id),
                ("sent_date", ">", now - timedelta(hours=1)),
            ]
        )
        wait = 0
        if codes:
            wait = RESEND_SECONDS - int((now - codes[0].sent_date).total_seconds())
        if wait > 0:
            raise UserError(
                self.env._(
                    "A code was sent to %(member)s a moment ago. Look for it, or ask"
                    " for another one in %(seconds)s seconds.",
                    member=member.display_name,
                    seconds=wait,
                )
            )
        if len(codes) >= MAX_SENT_PER_HOUR:
            raise UserError(
                self.env._(
                    "%(count)s codes were sent to %(member)s within the hour. Use the"
                    " last one, or try again in an hour.",
                    count=len(codes),
                    member=member.display_name,
                )
            )

    # === BUSINESS: CHECKING === #

    @api.model
    def _find_newest(self, member, purpose, record=None):
        """Return the code that counts for a purpose and a document, if any."""
        return self.search(
            [
                ("member_id", "=", member.id),
                ("purpose", "=", purpose),
                *(
                    (name, "=", value)
                    for name, value in self._get_document_values(record).items()
                ),
            ],
            limit=1,
        )

    def _use(self, code):
        """Use up this code.

        :param str code: what the member has entered
        :raise UserError: it is not the code, or is one no longer
        """
        if not self:
            raise UserError(
                self.env._("No code was sent for this. Have a code sent first.")
            )
        self.ensure_one()
        if self.used_date:
            raise UserError(self.env._("This code has been used. Have a new one sent."))
        if self.expiry_date <= fields.Datetime.now():
            raise UserError(
                self.env._(
                    "The code was valid for %(minutes)s minutes and has expired. Have"
                    " a new one sent.",
                    minutes=VALID_MINUTES,
                )
            )
        left = self._count_attempt()
        code = "".join(str(code or "").split())
        values = {
            "member_id": self.member_id.id,
            "purpose": self.purpose,
            "res_model": self.res_model,
            "res_id": self.res_id,
        }
        if not consteq(self.digest, self._get_digest(values, code)):
            raise UserError(self._get_wrong_message(left))
        self.used_date = fields.Datetime.now()

    def _get_wrong_message(self, left):
        if not left:
            return self.env._(
                "That is not the code that was sent, and it was the last attempt."
                " Have a new code sent."
            )
        if left == 1:
            return self.env._(
                "That is not the code that was sent. One attempt is left."
            )
        return self.env._(
            "That is not the code that was sent. %(left)s attempts are left.", left=left
        )

    def _count_attempt(self):
        """Count an attempt before it is known whether it succeeds.

        In a transaction of its own, so that it stays counted whatever becomes of the
        caller's: otherwise who makes the call fail could guess for ever. And in a row
        of its own, since the caller is about to write on the code.

        :return int: how many attempts are left
        :raise UserError: none was left
        :raise ConcurrencyError: somebody makes an attempt at the same moment; Odoo
            then runs the call again
        """
        with self.env.registry.cursor() as cr:
            attempts = self.env["loyalty.member.code.attempt"].with_env(self.env(cr=cr))
            number = attempts.search_count([("code_id", "=", self.id)]) + 1
            if number > MAX_ATTEMPTS:
                raise UserError(
                    self.env._(
                        "A wrong code was entered %(count)s times, so that it counts no"
                        " more. Have a new one sent.",
                        count=MAX_ATTEMPTS,
                    )
                )
            try:
                attempts.create({"code_id": self.id, "number": number})
            except UniqueViolation as error:
                raise ConcurrencyError(
                    self.env._("The code is being checked by another process.")
                ) from error
        return MAX_ATTEMPTS - number
