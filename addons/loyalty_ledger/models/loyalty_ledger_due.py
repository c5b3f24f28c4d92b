# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from ..ledger.chain import GENESIS, SQL_ROW

ACCOUNTS_AT_ONCE = 5000
ACCOUNTS_LISTED = 100_000
ATTEMPTS = 3


class LoyaltyLedgerDue(models.AbstractModel):
    """What falls due by itself, posted for all accounts by one statement a batch.

    The outcome is that of ``loyalty.ledger._post`` with a move EXPIRE or RELEASE an
    account, down to the hash; ``test_due.py`` compares the two. SQL, because a night
    may bring millions of lots, which need not travel to Python and back.
    """

    _name = "loyalty.ledger.due"
    _description = "Loyalty Ledger Nightly Service"

    @api.model
    def _expire(self, day, batch_size=ACCOUNTS_AT_ONCE):
        """Expire the points whose last day was before ``day``. Safe to run again."""
        self._run("expire", day, batch_size)

    @api.model
    def _release(self, day, batch_size=ACCOUNTS_AT_ONCE):
        """Make the points available that are due on ``day``. Safe to run again."""
        self._run("release", day, batch_size)

    def _run(self, kind, day, batch_size):
        """Post one entry an account, in the order of accounts, and commit each batch.

        What a run that was stopped has posted is not due any more: the next one goes
        on with the rest.
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        last_id = 0
        while account_ids := self._find_accounts(kind, day, last_id):
            last_id = account_ids[-1]
            # Each batch begins a transaction, and so sees what was sold until then
            if not commit_progress(remaining=len(account_ids)):
                return
            for batch in split_every(batch_size, account_ids):
                self._post_patiently(kind, day, batch)
                if not commit_progress(len(batch)):
                    return

    def _post_patiently(self, kind, day, account_ids):
        """Post a batch, again if an account was sold to in the very moment."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.env.cr.savepoint():
                    self._post(kind, day, account_ids)
                return
            except SerializationFailure:
                if attempt == ATTEMPTS:
                    raise
                # A new transaction sees the sale
                self.env["ir.cron"]._commit_progress()

    def _get_due_condition(self, kind, day):
        """Return which lots are due, as SQL over ``loyalty_ledger_lot lot``."""
        if kind == "expire":
            return SQL(
                "lot.remaining > 0 AND lot.state = 'available'"
                " AND lot.expiry_date < %s",
                day,
            )
        return SQL(
            "lot.remaining > 0 AND lot.state = 'pending' AND lot.release_date <= %s",
            day,
        )

    def _find_accounts(self, kind, day, after, limit=ACCOUNTS_LISTED):
        """Return ids of accounts with due lots, the lowest above ``after`` first."""
        self.env["loyalty.ledger.lot"].flush_model()
        return [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT lot.account_id FROM loyalty_ledger_lot lot
                     WHERE %(due)s AND lot.account_id > %(after)s
                     ORDER BY lot.account_id
                     LIMIT %(limit)s
                    """,
                    due=self._get_due_condition(kind, day),
                    after=after,
                    limit=limit,
                )
            )
        ]

    def _post(self, kind, day, account_ids):
        """Post what is due on some accounts, but for those that are locked.

        Who is being sold to right now has their turn in the next run.
        """
        self.env["loyalty.card"].flush_model()
        self.env["loyalty.hold"].flush_model()
        account_ids = [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT id FROM loyalty_card
                     WHERE id = ANY(%s) AND ledger_managed
                     ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
                    """,
                    list(account_ids),
                )
            )
        ]
        if not account_ids:
            return
        rows = self.env.execute_query(
            SQL(
                """
                WITH account AS MATERIALIZED (%(accounts)s),
                     %(parts)s,
                     fresh AS MATERIALIZED (%(entries)s),
                     entry AS (%(insert_entries)s),
                     changed_lot AS (%(update_lots)s),
                     allocation AS (%(insert_allocations)s)
                UPDATE loyalty_card card
                   SET points = fresh.balance_after,
                       ledger_pending = fresh.pending_after,
                       ledger_sequence = fresh.sequence, ledger_hash = fresh.hash,
                       write_date = now() AT TIME ZONE 'UTC', write_uid = %(uid)s
                  FROM fresh
                 WHERE card.id = fresh.account_id
                RETURNING card.id, (fresh.balance_after - fresh.amount)::text,
                          fresh.balance_after::text
                """,
                accounts=self._get_accounts_query(account_ids),
                parts=getattr(self, f"_get_{kind}_parts")(day, account_ids),
                entries=self._get_entries_query(kind),
                insert_entries=self._get_insert_entries_query(),
                update_lots=self._get_update_lots_query(),
                insert_allocations=self._get_insert_allocations_query(),
                uid=self.env.uid,
            )
        )
        self._invalidate([row[0] for row in rows])
        if kind == "release":
            self.env["loyalty.ledger"]._notify_milestones(
                {id_: (float(old), float(new)) for id_, old, new in rows}
            )

    def _invalidate(self, account_ids):
        """Forget what the ORM had cached of the rows just written."""
        self.env["loyalty.card"].browse(account_ids).invalidate_recordset(flush=False)
        self.env["loyalty.ledger.lot"].invalidate_model(flush=False)

    def _get_accounts_query(self, account_ids):
        """Return the accounts with what can be taken without touching holds."""
        return SQL(
            """
            SELECT card.id, program.scheme_id, card.company_id,
                   round(card.points::numeric, 4) AS points,
                   COALESCE(card.ledger_pending, 0) AS pending,
                   COALESCE(card.ledger_sequence, 0) + 1 AS sequence,
                   COALESCE(card.ledger_hash, %(genesis)s) AS prev_hash,
                   GREATEST(
                       round(card.points::numeric, 4) - COALESCE(held.points, 0), 0
                   ) AS free
              FROM loyalty_card card
              JOIN loyalty_program program ON program.id = card.program_id
              LEFT JOIN (
                   SELECT account_id, sum(amount - captured) AS points
                     FROM loyalty_hold
                    WHERE account_id = ANY(%(ids)s)
                      AND state = 'active' AND deadline >= %(now)s
                    GROUP BY account_id
              ) held ON held.account_id = card.id
             WHERE card.id = ANY(%(ids)s)
            """,
            genesis=GENESIS,
            ids=account_ids,
            now=fields.Datetime.now(),
        )

    def _get_expire_parts(self, day, account_ids):
        """Return the SQL that takes expired points, what ends first before the rest.

        :return: the common table expressions ``moved`` (what each account moves),
            ``allocated`` (what goes into lots and out of them) and ``change`` (the
            sum of that by lot)
        """
        return SQL(
            """
            due AS (
                SELECT lot.account_id, lot.id AS lot_id,
                       LEAST(
                           lot.remaining,
                           account.free + lot.remaining - sum(lot.remaining) OVER (
                               PARTITION BY lot.account_id
                               ORDER BY lot.expiry_date, lot.id
                           )
                       ) AS part
                  FROM loyalty_ledger_lot lot
                  JOIN account ON account.id = lot.account_id
                 WHERE lot.account_id = ANY(%(ids)s) AND %(due)s
            ), allocated AS MATERIALIZED (
                SELECT account_id, lot_id, -part AS amount, FALSE AS is_settlement
                  FROM due WHERE part > 0
            ), moved AS (
                SELECT account_id, sum(amount) AS amount, 0 AS pending
                  FROM allocated GROUP BY account_id
            ), change AS (
                SELECT lot_id, amount FROM allocated
            )
            """,
            ids=account_ids,
            due=self._get_due_condition("expire", day),
        )

    def _get_release_parts(self, day, account_ids):
        """Return the SQL that releases points and lets them pay off debts.

        Points and debts are laid side by side in the order of their lots: where they
        overlap, the one pays for the other.

        :return: see ``_get_expire_parts``
        """
        return SQL(
            """
            due AS MATERIALIZED (
                SELECT lot.account_id, lot.id AS lot_id, lot.remaining AS points,
                       sum(lot.remaining) OVER (
                           PARTITION BY lot.account_id ORDER BY lot.id
                       ) AS reach
                  FROM loyalty_ledger_lot lot
                 WHERE lot.account_id = ANY(%(ids)s) AND %(due)s
            ), debt AS (
                SELECT lot.account_id, lot.id AS lot_id, -lot.remaining AS points,
                       sum(-lot.remaining) OVER (
                           PARTITION BY lot.account_id ORDER BY lot.id
                       ) AS reach
                  FROM loyalty_ledger_lot lot
                 WHERE lot.account_id = ANY(%(ids)s) AND lot.remaining < 0
            ), paid AS MATERIALIZED (
                SELECT due.account_id, due.lot_id, debt.lot_id AS debt_id,
                       LEAST(due.reach, debt.reach)
                       - GREATEST(due.reach - due.points, debt.reach - debt.points)
                       AS points
                  FROM due
                  JOIN debt ON debt.account_id = due.account_id
                   AND debt.reach > due.reach - due.points
                   AND due.reach > debt.reach - debt.points
            ), allocated AS MATERIALIZED (
                SELECT account_id, lot_id, 0 AS amount, FALSE AS is_settlement FROM due
                UNION ALL
                SELECT account_id, lot_id, -points, TRUE FROM paid
                UNION ALL
                SELECT account_id, debt_id, points, TRUE FROM paid
            ), moved AS (
                SELECT account_id, sum(points) AS amount, -sum(points) AS pending
                  FROM due GROUP BY account_id
            ), change AS (
                SELECT lot_id, sum(amount) AS amount FROM allocated GROUP BY lot_id
            )
            """,
            ids=account_ids,
            due=self._get_due_condition("release", day),
        )

    def _get_entries_query(self, kind):
        """Return the rows of the entries, sealed with the hash of the chain.

        More lots may fall due on the same day after a first run: the key holds the
        place in the chain, and that a lot is due is what stops it from moving twice.
        """
        return SQL(
            """
            SELECT e.*,
                   encode(sha256(convert_to(%(row)s, 'UTF8')), 'hex') AS hash
              FROM (
                SELECT account.id AS account_id, account.scheme_id,
                       account.company_id, account.sequence, %(kind)s AS kind,
                       moved.amount, moved.pending, abs(moved.amount) AS requested,
                       0::numeric AS shortfall,
                       account.points + moved.amount AS balance_after,
                       account.pending + moved.pending AS pending_after,
                       %(now)s::timestamp AS date,
                       %(kind)s || ':' || account.sequence AS key,
                       NULL AS reason, NULL AS res_model,
                       NULL::int AS res_id, NULL::int AS transaction_id,
                       NULL::int AS source_transaction_id, account.prev_hash
                  FROM moved JOIN account ON account.id = moved.account_id
              ) e
            """,
            row=SQL(SQL_ROW),
            kind=SQL("%s::varchar", kind),
            now=fields.Datetime.now().replace(microsecond=0),
        )

    def _get_insert_entries_query(self):
        log_columns, log_values = self.env["loyalty.ledger"]._get_log_columns(
            self.env["loyalty.ledger.entry"]
        )
        return SQL(
            """
            INSERT INTO loyalty_ledger_entry (
                account_id, scheme_id, company_id, sequence, kind, amount, pending,
                requested, shortfall, balance_after, pending_after, date, key,
                prev_hash, hash %(log_columns)s
            )
            SELECT account_id, scheme_id, company_id, sequence, kind, amount, pending,
                   requested, shortfall, balance_after, pending_after, date, key,
                   prev_hash, hash %(log_values)s
              FROM fresh
             ORDER BY account_id
            RETURNING id, account_id
            """,
            log_columns=log_columns,
            log_values=log_values,
        )

    def _get_update_lots_query(self):
        return SQL(
            """
            UPDATE loyalty_ledger_lot lot
               SET remaining = lot.remaining + change.amount, state = 'available'
              FROM change
             WHERE lot.id = change.lot_id
            """
        )

    def _get_insert_allocations_query(self):
        return SQL(
            """
            INSERT INTO loyalty_ledger_allocation
                   (entry_id, lot_id, amount, is_settlement)
            SELECT entry.id, allocated.lot_id, allocated.amount,
                   allocated.is_settlement
              FROM allocated JOIN entry ON entry.account_id = allocated.account_id
            """
        )
