# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
from decimal import Decimal

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.tools import SQL, split_every

from ..ledger.move import MIGRATION_KEY, Move, Op, Shortfall
from .loyalty_migration import LINES_AT_ONCE

_logger = logging.getLogger(__name__)

PARTNERS_AT_ONCE = 500
MOVES_AT_ONCE = 5000
ATTEMPTS = 5


class LoyaltyMigration(models.Model):
    """Taking a program over.

    First its contacts become members, batch by batch, while tills go on selling: that
    moves nothing. Then the program changes hands in one transaction, under lock.
    """

    _inherit = "loyalty.migration"

    def action_run(self):
        """Take the program over, large ones in the background.

        :raise UserError: with what stands in the way
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("checked")
        self._refuse(self._get_problems())
        # sudo: the steps write what nobody may write by hand
        self_sudo = self.sudo()
        self_sudo.state = "running"
        if self.card_count > LINES_AT_ONCE:
            self.env.ref("loyalty_ledger.ir_cron_run_migrations").sudo()._trigger()
            return
        self_sudo._enrol_all()
        self_sudo._take_over()

    def action_stop(self):
        """Take back that a program is being taken over, before it changes hands."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("running")
        # sudo: the steps write what nobody may write by hand
        self.sudo()._leave_members()
        self.sudo().state = "checked"

    def _refuse(self, problems):
        if problems:
            raise UserError("\n".join(problems))

    # === BACKGROUND === #

    @api.model
    def _cron_run(self, batch_size=PARTNERS_AT_ONCE):
        """Go on with what is being taken over. Safe to stop and to run again."""
        for migration in self.search([("state", "=", "running")], order="id"):
            try:
                if not migration._run_in_batches(batch_size):
                    return
            except (UserError, ValidationError) as error:
                # One that cannot go on must not keep the others waiting
                self.env.cr.rollback()
                _logger.info("Migration %s cannot go on: %s", migration.id, error)
                migration._give_up(str(error))
            self.env["ir.cron"]._commit_progress()

    def _run_in_batches(self, batch_size):
        """Enrol in batches, then take over.

        :return bool: whether there is time for more
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self._count_waiting() + 1)
        while count := self._patiently(self._enrol_batch, batch_size):
            if not commit_progress(count):
                return False
        self._patiently(self._take_over)
        return commit_progress(1) > 0

    def _patiently(self, step, *args):
        """Do a step, again if somebody was sold to in the very moment."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.env.cr.savepoint():
                    return step(*args)
            except (SerializationFailure, ConcurrencyError):
                if attempt == ATTEMPTS:
                    raise
                # A new transaction sees the sale
                self.env["ir.cron"]._commit_progress()
        return None

    def _give_up(self, why):
        self.write({"state": "checked", "problems": why})
        self.message_post(body=why, subtype_xmlid="mail.mt_note")

    # === MEMBERS === #

    def _enrol_all(self):
        while self._enrol_batch():
            continue

    def _enrol_batch(self, limit=PARTNERS_AT_ONCE):
        """Make some more contacts members.

        Who has left the scheme of their own accord is left alone; who was a member
        by a migration that was undone comes back with the same number.

        :return int: how many contacts were enrolled
        """
        self._name_cards(limit)
        partner_ids = self._find_waiting(limit)
        partners = self.env["res.partner"].browse(partner_ids)
        if not partners:
            return 0
        Member = self.env["loyalty.member"].with_context(
            tracking_disable=True, loyalty_no_mail=True, loyalty_ledger_migration=True
        )
        members = Member._enrol(partners, self.scheme_id)
        members.migration_id = self
        members.flush_recordset()
        return len(partners)

    def _get_waiting_query(self, columns):
        """Return the contacts with a card who are no members yet, as SQL."""
        return SQL(
            """
            SELECT %(columns)s
              FROM loyalty_card card
              LEFT JOIN loyalty_member member
                ON member.partner_id = card.partner_id
               AND member.scheme_id = %(scheme)s
             WHERE card.program_id = %(program)s
               AND card.active AND card.partner_id IS NOT NULL
               AND (member.id IS NULL
                    OR (member.state = 'left' AND member.migration_id IS NOT NULL))
            """,
            columns=columns,
            scheme=self.scheme_id.id,
            program=self.program_id.id,
        )

    def _find_waiting(self, limit):
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "%s GROUP BY card.partner_id ORDER BY card.partner_id LIMIT %s",
                self._get_waiting_query(SQL("card.partner_id")),
                limit,
            )
        )
        return [row[0] for row in rows]

    def _count_waiting(self):
        self.env.flush_all()
        [[count]] = self.env.execute_query(
            self._get_waiting_query(SQL("count(DISTINCT card.partner_id)"))
        )
        return count

    def _name_cards(self, limit):
        """Give cards without a contact that have points an anonymous one."""
        cards = self.env["loyalty.card"].search(
            [
                ("program_id", "=", self.program_id.id),
                ("partner_id", "=", False),
                ("points", "!=", 0),
            ],
            order="id",
            limit=limit,
        )
        if not cards:
            return
        partners = self.env["res.partner"].create(
            [
                {
                    "name": card.code,
                    "is_anonymous_member": True,
                    "company_id": self.scheme_id.company_id.id,
                }
                for card in cards
            ]
        )
        # One statement for all, whom the ORM would write one by one
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card SET partner_id = new.partner_id
                  FROM UNNEST(%s::int[], %s::int[]) AS new (id, partner_id)
                 WHERE card.id = new.id
                """,
                cards.ids,
                partners.ids,
            )
        )
        cards.invalidate_recordset(["partner_id"], flush=False)

    # === THE CHANGE OF HANDS === #

    def _take_over(self):
        """Let the scheme take the program over, within this one transaction.

        Whoever sells meanwhile waits, is then refused an outdated view by PostgreSQL
        and sells again, with the ledger.

        :raise UserError: with what stands in the way
        """
        self._lock_native(self.scheme_id.sudo().points_program_id | self.program_id)
        self._enrol_all()
        self.env["loyalty.migration.line"]._replace_lines(self)
        self._count_lines()
        self._refuse(self._get_problems())
        self._link_program()
        self._open_accounts()
        self._post_openings()
        self.write(
            {"state": "done", "run_date": fields.Datetime.now(), "problems": False}
        )
        self.message_post(
            body=self.env._(
                "Taken over: %(cards)s cards with %(before)s points are now"
                " %(accounts)s accounts with %(after)s. Rounding: %(difference)s.",
                cards=self.card_count,
                accounts=self.account_count,
                before=self._format_total(self.points_before),
                after=self._format_total(self.points_after),
                difference=self._format_total(self.points_difference),
            ),
            subtype_xmlid="mail.mt_note",
        )

    def _lock_native(self, programs):
        """Lock programs with their cards against everything that is sold.

        FOR UPDATE also keeps new cards out, since a card refers to its program, and
        the change of the program that follows makes PostgreSQL refuse them to whoever
        has waited. Cards from before the lock that this transaction cannot see yet
        are found by a second one.

        :raise ConcurrencyError: if there are any; Odoo then runs the call again
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "SELECT id FROM loyalty_program WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                programs.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                "SELECT id FROM loyalty_card WHERE program_id = ANY(%s)"
                " ORDER BY id FOR NO KEY UPDATE",
                programs.ids,
            )
        )
        newest = SQL(
            """
            SELECT (SELECT max(id) FROM loyalty_card WHERE program_id = ANY(%s)),
                   (SELECT max(id) FROM loyalty_ledger_entry WHERE scheme_id = %s)
            """,
            programs.ids,
            self.scheme_id.id,
        )
        self.env.cr.execute(newest)
        seen = self.env.cr.fetchone()
        with self.env.registry.cursor() as cr:
            cr.execute(newest)
            if cr.fetchone() != seen:
                raise ConcurrencyError(
                    self.env._("Somebody has just got a card. Try again.")
                )

    def _link_program(self):
        """Make the program the one of the scheme, and note how it was."""
        scheme_sudo = self.scheme_id.sudo()
        program_sudo = self.program_id.sudo()
        own_sudo = scheme_sudo.points_program_id
        self.write(
            {
                "own_program_id": own_sudo.id,
                "native_values": self._prepare_native_values(),
            }
        )
        if own_sudo:
            self._set_own_accounts(own_sudo, managed=False)
            own_sudo.write({"scheme_id": False, "active": False})
        program_sudo.scheme_id = scheme_sudo
        scheme_sudo.points_program_id = program_sudo
        if not self._get_money_reward():
            self._add_money_reward()
        scheme_sudo._sync_points_program()
        self.env.flush_all()

    def _add_money_reward(self):
        """Let points pay, where they bought other rewards only."""
        scheme_sudo = self.scheme_id.sudo()
        reward = self.env["loyalty.reward"].create(
            {**scheme_sudo._prepare_reward_values(), "program_id": self.program_id.id}
        )
        self.native_values = {**self.native_values, "new_reward_id": reward.id}

    def _prepare_native_values(self):
        """Return how the program was, for the way back."""
        program_sudo = self.program_id.sudo()
        return {
            "active": program_sudo.active,
            "name": self._get_translations(program_sudo, "name"),
            "portal_point_name": self._get_translations(
                program_sudo, "portal_point_name"
            ),
            "rewards": [
                {
                    "id": reward.id,
                    "values": {
                        "discount": reward.discount,
                        "discount_applicability": reward.discount_applicability,
                        "required_points": reward.required_points,
                    },
                    "description": self._get_translations(reward, "description"),
                }
                for reward in self._get_money_rewards()
            ],
        }

    @api.model
    def _get_translations(self, record, name):
        """Return a field in every language."""
        values, _context = record.get_field_translations(name)
        return {value["lang"]: value["value"] for value in values}

    def _set_own_accounts(self, program, managed):
        """Put away the empty accounts of a scheme's own program, or fetch them back.

        The ORM lets nobody turn an account into a card.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET ledger_managed = %(managed)s,"
                " active = %(managed)s WHERE program_id = %(program)s",
                managed=managed,
                program=program.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(flush=False)

    def _open_accounts(self):
        """Turn the cards into accounts without points, and put the others away.

        A last day on the card would end the account; it goes to the points. SQL, for
        the reason of ``_set_own_accounts``.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card
                   SET points = 0, ledger_pending = 0, ledger_held = 0,
                       ledger_managed = line.card_id = line.account_id
                                        AND line.action <> 'out',
                       active = line.card_id = line.account_id
                                AND line.action <> 'out',
                       merged_into_id = NULLIF(line.account_id, line.card_id),
                       expiration_date = NULL
                  FROM loyalty_migration_line line
                 WHERE line.migration_id = %s AND card.id = line.card_id
                """,
                self.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(flush=False)

    def _post_openings(self):
        """Post one opening entry for each card that had points."""
        Ledger = self.env["loyalty.ledger"].with_context(loyalty_no_mail=True)
        for rows in split_every(MOVES_AT_ONCE, self._read_openings(), list):
            Ledger._post([self._prepare_opening(*row) for row in rows])
        self.env["loyalty.migration.line"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_migration_line line SET entry_id = entry.id
                  FROM loyalty_ledger_entry entry
                 WHERE line.migration_id = %(id)s
                   AND entry.account_id = line.account_id
                   AND entry.key = %(key)s || line.card_id
                """,
                id=self.id,
                key=self._get_key(""),
            )
        )
        self.env["loyalty.migration.line"].invalidate_model(["entry_id"], flush=False)

    def _read_openings(self):
        """Return what to post: account by account, debts last so that they are paid.

        :return: one tuple a card: account, card, code, points, last day
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT line.account_id, line.card_id, card.code, line.points::text,
                       line.expiry_date
                  FROM loyalty_migration_line line
                  JOIN loyalty_card card ON card.id = line.card_id
                 WHERE line.migration_id = %s AND line.points <> 0
                 ORDER BY line.account_id, line.points < 0, line.card_id
                """,
                self.id,
            )
        )

    def _get_key(self, card_id):
        return f"{MIGRATION_KEY}{self.id}:{card_id}"

    def _prepare_opening(self, account_id, card_id, code, points, expiry_date):
        points = Decimal(points)
        return Move(
            account_id=account_id,
            key=self._get_key(card_id),
            kind="opening",
            op=Op.CREDIT if points > 0 else Op.DEBIT,
            points=abs(points),
            expiry_date=expiry_date,
            shortfall=Shortfall.DEBT,
            reason=self.env._("Brought over from card %(code)s", code=code),
        )
