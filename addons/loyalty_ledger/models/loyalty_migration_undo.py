# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

from ..ledger.move import MIGRATION_KEY, UNDO_KEY, Move, Op, Shortfall
from .loyalty_migration_run import MOVES_AT_ONCE


class LoyaltyMigration(models.Model):
    """Giving a program back to Odoo, as long as nothing has been sold with it."""

    _inherit = "loyalty.migration"

    def action_undo(self):
        """Give the program back to Odoo, with every card as it was.

        The entries stay, each with its exact opposite behind it.

        :raise UserError: if value has moved since
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("done")
        # sudo: the steps write what nobody may write by hand
        self.sudo()._give_back()

    def _give_back(self):
        programs = self.program_id | self.own_program_id
        self._lock_native(programs)
        self._check_nothing_moved()
        self._reverse_entries()
        self._unlink_program()
        self._restore_cards()
        self._leave_members()
        self.write({"state": "undone", "undo_date": fields.Datetime.now()})
        self.message_post(
            body=self.env._(
                "Undone: %(program)s is Odoo's again, with %(before)s points on"
                " %(cards)s cards.",
                program=self.program_id.name,
                before=self._format_total(self.points_before),
                cards=self.card_count,
            ),
            subtype_xmlid="mail.mt_note",
        )

    def _check_nothing_moved(self):
        """Refuse to take back what somebody has built upon.

        Points that have expired by themselves are no obstacle: they come back.

        :raise UserError: with what has happened
        """
        # The first of what may be many; each part has an index
        rows = self.env.execute_query(
            SQL(
                """
                (SELECT 'sale', member_partner.name, sale.date
                   FROM loyalty_transaction sale
                   JOIN loyalty_member member ON member.id = sale.member_id
                   JOIN res_partner member_partner
                     ON member_partner.id = member.partner_id
                  WHERE sale.scheme_id = %(scheme)s LIMIT 1)
                 UNION ALL
                (SELECT entry.kind, COALESCE(partner.name, card.code), entry.date
                   FROM loyalty_ledger_entry entry
                   JOIN loyalty_card card ON card.id = entry.account_id
                   LEFT JOIN res_partner partner ON partner.id = card.partner_id
                  WHERE card.program_id = %(program)s AND card.ledger_managed
                    AND entry.kind <> 'expire' AND entry.key NOT LIKE %(keys)s
                  ORDER BY entry.id LIMIT 1)
                 UNION ALL
                (SELECT 'hold', COALESCE(partner.name, card.code), hold.date::timestamp
                   FROM loyalty_hold hold
                   JOIN loyalty_card card ON card.id = hold.account_id
                   LEFT JOIN res_partner partner ON partner.id = card.partner_id
                  WHERE card.program_id = %(program)s AND hold.state = 'active' LIMIT 1)
                """,
                scheme=self.scheme_id.id,
                program=self.program_id.id,
                keys="migration%",
            )
        )
        if not rows:
            return
        kind, name, date = rows[0]
        kinds = dict(
            self.env["loyalty.ledger.entry"]
            ._fields["kind"]
            ._description_selection(self.env)
        )
        kinds |= {"sale": self.env._("Sale"), "hold": self.env._("Points on hold")}
        raise UserError(
            self.env._(
                "%(scheme)s is in use: %(what)s of %(name)s on %(date)s. A migration"
                " can be undone until something is earned, spent or corrected.",
                scheme=self.scheme_id.name,
                what=kinds[kind],
                name=name,
                date=fields.Date.to_string(date),
            )
        )

    def _reverse_entries(self):
        """Post the exact opposite of each entry, the last one first.

        Also of what expired meanwhile, which goes back to its lot before that is
        emptied.
        """
        Ledger = self.env["loyalty.ledger"].with_context(loyalty_no_mail=True)
        for rows in split_every(MOVES_AT_ONCE, self._read_entries(), list):
            Ledger._post([self._prepare_reversal(*row) for row in rows])

    def _read_entries(self):
        """Return the entries since the program was taken over, the last one first.

        :return: one tuple an entry: id, account, amount
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT entry.id, entry.account_id, entry.amount::text
                  FROM loyalty_ledger_entry entry
                  JOIN loyalty_card card ON card.id = entry.account_id
                 WHERE card.program_id = %(program)s AND card.ledger_managed
                   AND entry.sequence >= (
                       SELECT min(own.sequence) FROM loyalty_ledger_entry own
                        WHERE own.account_id = entry.account_id
                          AND own.key LIKE %(key)s)
                 ORDER BY entry.account_id, entry.sequence DESC
                """,
                program=self.program_id.id,
                key=f"{MIGRATION_KEY}{self.id}:%",
            )
        )

    def _prepare_reversal(self, entry_id, account_id, amount):
        amount = Decimal(amount)
        return Move(
            account_id=account_id,
            key=f"{UNDO_KEY}{self.id}:{entry_id}",
            kind="opening",
            op=Op.TAKE_BACK if amount > 0 else Op.RESTORE,
            points=abs(amount),
            undo=(entry_id,),
            shortfall=Shortfall.DEBT,
            reason=self.env._("Migration undone"),
        )

    def _unlink_program(self):
        """Make the program Odoo's again, and the scheme's own one its own again."""
        scheme_sudo = self.scheme_id.sudo()
        program_sudo = self.program_id.sudo()
        own_sudo = self.own_program_id.sudo().with_context(active_test=False)
        scheme_sudo.points_program_id = own_sudo
        program_sudo.scheme_id = False
        if own_sudo:
            own_sudo.scheme_id = scheme_sudo
            self.env.flush_all()
            self._set_own_accounts(own_sudo, managed=True)
            scheme_sudo._sync_points_program()
        self._restore_program(program_sudo)
        self.env.flush_all()

    def _restore_program(self, program):
        values = self.native_values
        Reward = self.env["loyalty.reward"]
        if values.get("new_reward_id"):
            # Orders may refer to it: archived, never deleted
            Reward.browse(values["new_reward_id"]).exists().active = False
        if program.active != values["active"]:
            program.active = values["active"]
        for name in ("name", "portal_point_name"):
            program.update_field_translations(name, values[name])
        for was in values["rewards"]:
            reward = Reward.browse(was["id"]).exists()
            reward.write(was["values"])
            if reward:
                reward.update_field_translations("description", was["description"])

    def _restore_cards(self):
        """Turn all accounts of the program into native cards, as they were.

        SQL, for the reason of ``_set_own_accounts``.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET ledger_managed = FALSE WHERE program_id = %s",
                self.program_id.id,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card
                   SET points = line.native_points, active = TRUE,
                       expiration_date = line.native_expiry, merged_into_id = NULL
                  FROM loyalty_migration_line line
                 WHERE line.migration_id = %s AND card.id = line.card_id
                """,
                self.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(flush=False)

    def _leave_members(self):
        """End the memberships that this migration has made.

        Their numbers and cards stay known: enrolling again revives them. Cards that
        had no contact lose the anonymous one, which is named like its card.
        """
        members = self.env["loyalty.member"].search(
            [("migration_id", "=", self.id), ("state", "=", "active")]
        )
        members.with_context(tracking_disable=True).action_leave()
        self.env.flush_all()
        # One statement for however many cards
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE loyalty_card card SET partner_id = NULL
                  FROM res_partner partner, loyalty_member member
                 WHERE card.program_id = %s AND partner.id = card.partner_id
                   AND partner.is_anonymous_member AND partner.name = card.code
                   AND member.partner_id = partner.id AND member.migration_id = %s
                RETURNING partner.id
                """,
                self.program_id.id,
                self.id,
            )
        )
        self.env["loyalty.card"].invalidate_model(["partner_id"], flush=False)
        strangers = self.env["res.partner"].browse(row[0] for row in rows)
        strangers.with_context(tracking_disable=True).active = False
