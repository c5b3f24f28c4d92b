# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import accumulate

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..ledger.audit import (
    ACCOUNTS_AT_ONCE,
    ENTRIES_AT_ONCE,
    SQL_CHECK,
    SQL_GUARDS,
    SQL_RANGE,
    Finding,
    read_findings,
)
from ..ledger.book import (
    ZERO,
    Account,
    Hold,
    Lot,
    NotEnough,
    NothingToRestore,
    NotOnHold,
)
from ..ledger.chain import GENESIS
from ..ledger.flow import WALLET
from ..ledger.move import Op
from ..ledger.rows import to_array

# Odoo lets psycopg2 read numeric columns as float; the exact value comes as text.
QUANTUM = Decimal("0.0001")
# The balance is a float of Odoo's, which PostgreSQL casts to 15 digits: with four of
# them after the point, this is where it would stop being exact.
LARGEST = Decimal(10) ** 11
SELF_SIZED = (Op.RELEASE, Op.EXPIRE)
CARRIES = (Op.CARRY_OUT, Op.CARRY_IN)
NEEDS_OPEN_LOTS = (Op.TAKE_BACK, Op.EXPIRE, Op.RELEASE, *CARRIES)
# So many lots are enough for nearly every debit; who collects for years has thousands
LOTS_AT_FIRST = 30


class LoyaltyLedger(models.AbstractModel):
    """The one way in: every movement of points goes through ``_post``."""

    _name = "loyalty.ledger"
    _description = "Loyalty Ledger Service"

    def _post(self, moves):
        """Post moves, in their order, in a constant number of queries.

        The accounts are locked first, in the order of their ids, and stay locked
        until the transaction ends. A key that an account has seen before moves
        nothing.

        :param moves: iterable of :class:`~..ledger.move.Move`
        :return: the entries, in the order of the moves; the first entry for a
            repeated key; nothing for a RELEASE or an EXPIRE that found nothing
        :rtype: loyalty.ledger.entry
        :raise UserError: too few points
        :raise ValidationError: a bad amount, key or account; a key that was used for
            another movement
        """
        moves = [self._check_move(move) for move in moves]
        Entry = self.env["loyalty.ledger.entry"]
        if not moves:
            return Entry
        accounts = self._load_accounts(moves)
        posted = self._load_posted(moves)
        undone = self._load_undone(moves)
        self._load_lots(accounts, moves, undone)
        self._load_strangers(accounts, moves, undone)
        points_before = {account.id: account.points for account in accounts.values()}
        results, fresh = [], []
        for move in moves:
            spot = (move.account_id, move.key)
            if spot in posted:
                self._check_same_movement(move, *posted[spot][1:])
                results.append(posted[spot][0])
                continue
            self._check_not_merged(accounts[move.account_id], move)
            if move.giver_id:
                move = self._take_over(move, posted)  # noqa: PLW2901
            entry = self._apply(accounts[move.account_id], move, undone)
            if entry:
                fresh.append(entry)
                results.append(entry)
                posted[spot] = (entry, move.kind, entry.requested)
        if fresh:
            self._save(accounts, fresh)
            self._record_shortfalls(fresh)
            self._notify_milestones(
                {
                    id_: (float(before), float(accounts[id_].points))
                    for id_, before in points_before.items()
                }
            )
        return Entry.browse(
            result if isinstance(result, int) else result.id for result in results
        )

    def _lock(self, account_ids):
        """Lock accounts against any other movement until the transaction ends.

        ``lock_for_update`` of the ORM skips rows that are locked; here the second
        comer has to wait. Under REPEATABLE READ PostgreSQL then refuses it with a
        serialization failure if the first changed the balance, and Odoo runs the
        whole call again on the new balance.

        :return: one tuple an account: id, scheme, company, points, pending, sequence
            of the last entry, its hash, the smallest step of what it counts, the
            holds that still count, as lists of owner, id, points and day, and the
            account to which all has gone, if any
        """
        self.env["loyalty.card"].flush_model()
        self.env["loyalty.hold"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT card.id, program.scheme_id, card.company_id,
                       card.points::numeric::text,
                       COALESCE(card.ledger_pending, 0)::text,
                       COALESCE(card.ledger_sequence, 0), card.ledger_hash,
                       CASE WHEN program.program_type = 'ewallet'
                            THEN currency.rounding
                            ELSE scheme.points_rounding
                       END::text,
                       (SELECT json_agg(json_build_array(
                                   owner, id, (amount - captured)::text, date
                               ))
                          FROM loyalty_hold
                         WHERE account_id = card.id AND state = 'active'
                           AND deadline >= %(now)s),
                       card.ledger_successor_id
                  FROM loyalty_card card
                  JOIN loyalty_program program ON program.id = card.program_id
                  JOIN loyalty_scheme scheme ON scheme.id = program.scheme_id
                  JOIN res_currency currency ON currency.id = scheme.currency_id
                 WHERE card.id = ANY(%(ids)s) AND card.ledger_managed
                 ORDER BY card.id
                   FOR NO KEY UPDATE OF card
                """,
                ids=sorted(set(account_ids)),
                now=fields.Datetime.now(),
            )
        )

    def _schedule_release(self, transactions, day, kinds=None, but=()):
        """Say when what sales have pending becomes available, if it is not known.

        :param transactions: loyalty.transaction
        :param date day: the first day on which it can be spent
        :param kinds: only what came by entries of these kinds
        :param but: not what came by entries of these
        """
        self._lock(transactions._get_accounts().ids)
        # Plain SQL: nobody writes lots through the ORM
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_ledger_lot lot SET release_date = %(day)s
                  FROM loyalty_ledger_lot root
                  JOIN loyalty_ledger_entry entry ON entry.id = root.entry_id
                 WHERE lot.transaction_id = ANY(%(ids)s)
                   AND lot.state = 'pending' AND lot.release_date IS NULL
                   AND root.id = COALESCE(lot.root_id, lot.id)
                   AND (%(kinds)s::varchar[] IS NULL OR entry.kind = ANY(%(kinds)s))
                   AND entry.kind <> ALL(%(but)s::varchar[])
                """,
                day=day,
                ids=transactions.ids,
                kinds=kinds and list(kinds),
                but=list(but),
            )
        )
        self.env["loyalty.ledger.lot"].invalidate_model(["release_date"], flush=False)

    def _check_move(self, move):
        """Return the move with amounts and date in ledger form.

        :raise ValidationError: if no one could make sense of it
        """
        if not move.key or not move.key.isprintable():
            raise ValidationError(
                self.env._("A ledger movement needs a key of printable characters.")
            )
        if move.reason and not move.reason.isprintable():
            move = replace(move, reason=" ".join(move.reason.split()))
        when = (move.date or fields.Datetime.now()).replace(microsecond=0)
        if move.op in CARRIES:
            return replace(move, date=when, points=None)
        if move.op in SELF_SIZED:
            if not move.day:
                raise ValidationError(
                    self.env._("Releasing or expiring points needs a day.")
                )
            return replace(move, date=when, points=None)
        points = move.points
        if not isinstance(points, Decimal) or not points.is_finite():
            raise ValidationError(
                self.env._("%(points)s is not a number of points.", points=points)
            )
        if points >= LARGEST:
            raise ValidationError(
                self.env._("%(points)s are too many points.", points=points)
            )
        points = points.quantize(QUANTUM)
        if points <= 0:
            raise ValidationError(
                self.env._("A movement must be of more than zero points.")
            )
        return replace(move, date=when, points=points)

    def _load_accounts(self, moves):
        """Lock and return the accounts of ``moves``, by id, with their holds."""
        wanted = {move.account_id for move in moves}
        accounts = {
            row[0]: Account(
                id=row[0],
                scheme_id=row[1],
                company_id=row[2],
                points=Decimal(row[3]).quantize(QUANTUM),
                pending=Decimal(row[4]).quantize(QUANTUM),
                sequence=row[5],
                hash=row[6] or GENESIS,
                step=Decimal(row[7] or 1),
                held={
                    owner: Hold(id_, Decimal(points), date.fromisoformat(day))
                    for owner, id_, points, day in row[8] or ()
                },
                successor_id=row[9],
            )
            for row in self._lock(wanted)
        }
        if len(accounts) < len(wanted):
            raise ValidationError(
                self.env._(
                    "There is no managed loyalty account with number %(ids)s.",
                    ids=", ".join(str(x) for x in sorted(wanted - set(accounts))),
                )
            )
        return accounts

    def _load_posted(self, moves):
        """Return what has been posted already under the keys of ``moves``."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT entry.id, entry.account_id, entry.key, entry.kind,
                       entry.requested::text
                  FROM loyalty_ledger_entry entry
                  JOIN UNNEST(%s::int[], %s::text[]) AS move (account_id, key)
                    ON move.account_id = entry.account_id AND move.key = entry.key
                """,
                [move.account_id for move in moves],
                [move.key for move in moves],
            )
        )
        return {(row[1], row[2]): (row[0], row[3], Decimal(row[4])) for row in rows}

    def _check_same_movement(self, move, kind, requested):
        """Raise if a key comes back with something else."""
        if move.kind == kind and move.points in (None, requested):
            return
        raise ValidationError(
            self.env._(
                "The key %(key)s was used for another movement: %(old_kind)s of"
                " %(old)s points, not %(new_kind)s of %(new)s.",
                key=move.key,
                old_kind=kind,
                old=requested,
                new_kind=move.kind,
                new=move.points,
            )
        )

    def _load_undone(self, moves):
        """Return what the entries to undo put into or took from lots.

        :return dict: by entry id, a list of (lot id, amount); payments of debts are
            left out, they do not belong to what is undone
        """
        entry_ids = sorted({entry_id for move in moves for entry_id in move.undo})
        undone = defaultdict(list)
        if entry_ids:
            for entry_id, lot_id, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT entry_id, lot_id, amount::text
                      FROM loyalty_ledger_allocation
                     WHERE entry_id = ANY(%s) AND is_settlement IS NOT TRUE
                    """,
                    entry_ids,
                )
            ):
                undone[entry_id].append((lot_id, Decimal(amount)))
        return undone

    def _load_lots(self, accounts, moves, undone):
        """Read the lots that ``moves`` can touch.

        Of an account that is only debited, those that are spent first; the others as
        well where these are not enough.
        """
        opened, debited = set(), defaultdict(list)
        for move in moves:
            if move.op in NEEDS_OPEN_LOTS or move.slide_to:
                opened.add(move.account_id)
            elif move.op == Op.DEBIT:
                debited[move.account_id].append(move)
        # What comes back may be spent after lots that would not have been read
        opened |= debited.keys() & {
            move.account_id for move in moves if move.op == Op.RESTORE
        }
        first = sorted(debited.keys() - opened)
        named = sorted({lot_id for parts in undone.values() for lot_id, _a in parts})
        self._read_lots(accounts, opened, first, named)
        short = [
            id_
            for id_ in first
            if not accounts[id_].take_stock(
                sum(move.points for move in debited[id_]),
                max(move.date.date() for move in debited[id_]),
            )
        ]
        if short:
            again = {id_: accounts[id_] for id_ in short}
            for account in again.values():
                account.lots, account.unread = [], ZERO
            self._read_lots(again, short, [], [])

    def _read_lots(self, accounts, opened, first, named):
        """Read lots into ``accounts``; see the indexes of the lot.

        :param dict accounts: by id; of all of them the debts
        :param opened: ids of those of which all open lots are wanted
        :param first: ids of those of which the first lots in spending order are
        :param named: ids of lots that are wanted whatever is left of them
        """
        columns = SQL(
            "lot.id, lot.account_id, lot.amount::text, lot.remaining::text, lot.state,"
            " lot.expiry_date, lot.release_date, lot.transaction_id, lot.root_id"
        )
        self.env["loyalty.ledger.lot"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT %(columns)s FROM loyalty_ledger_lot lot
                 WHERE lot.account_id = ANY(%(opened)s) AND lot.remaining <> 0
                UNION
                SELECT %(columns)s
                  FROM UNNEST(%(first)s::int[]) AS account (id)
                 CROSS JOIN LATERAL (
                       SELECT * FROM loyalty_ledger_lot
                        WHERE account_id = account.id AND remaining <> 0
                          AND state = 'available'
                        ORDER BY expiry_date, id
                        LIMIT %(limit)s
                 ) lot
                UNION
                SELECT %(columns)s FROM loyalty_ledger_lot lot
                 WHERE lot.account_id = ANY(%(all)s) AND lot.remaining < 0
                UNION
                SELECT %(columns)s FROM loyalty_ledger_lot lot
                 WHERE lot.id = ANY(%(named)s) AND lot.account_id = ANY(%(all)s)
                 ORDER BY 1
                """,
                columns=columns,
                opened=sorted(opened),
                first=first,
                limit=LOTS_AT_FIRST,
                all=sorted(accounts),
                named=named,
            )
        )
        for row in rows:
            id_, account_id, amount, remaining, *rest, root_id = row
            accounts[account_id].lots.append(
                Lot(id_, Decimal(amount), Decimal(remaining), *rest, root_id=root_id)
            )

    def _load_strangers(self, accounts, moves, undone):
        """Read the lots of other accounts that ``moves`` undo; most often none."""
        own = {
            account.id: {lot.id for lot in account.lots}
            for account in accounts.values()
        }
        named = {
            move: {
                lot_id
                for entry_id in move.undo
                for lot_id, _amount in undone.get(entry_id, ())
            }
            - own[move.account_id]
            for move in moves
            if move.undo
        }
        if not any(named.values()):
            return
        strangers = {
            id_: Lot(id_, Decimal(amount), ZERO, *rest, root_id=root_id)
            for id_, amount, *rest, root_id in self.env.execute_query(
                SQL(
                    """
                    SELECT id, amount::text, state, expiry_date, release_date,
                           transaction_id, root_id
                      FROM loyalty_ledger_lot WHERE id = ANY(%s)
                    """,
                    sorted(set().union(*named.values())),
                )
            )
        }
        for move, lot_ids in named.items():
            accounts[move.account_id].strangers.update(
                (lot_id, strangers[lot_id]) for lot_id in lot_ids
            )

    def _check_not_merged(self, account, move):
        """Refuse to move points on an account whose member was merged into another.

        :raise ValidationError: naming who has the points
        """
        if not account.successor_id or move.op in CARRIES:
            return
        # sudo: whose points they are now is what the person has to know
        cards_sudo = self.env["loyalty.card"].sudo()
        raise ValidationError(
            self.env._(
                "%(member)s was merged into another member. The points are on the"
                " account of %(survivor)s.",
                member=cards_sudo.browse(account.id).partner_id.display_name,
                survivor=cards_sudo.browse(
                    account.successor_id
                ).partner_id.display_name,
            )
        )

    def _take_over(self, move, posted):
        """Return the credit with the last days of what its giver was debited.

        :raise ValidationError: if the two do not belong together
        """
        given = posted.get((move.giver_id, move.key), (None,))[0]
        if move.op == Op.CARRY_IN and not isinstance(given, int):
            return replace(move, parts=given.carried if given else ())
        if given is None or isinstance(given, int) or -given.amount != move.points:
            raise ValidationError(
                self.env._(
                    "What is passed on with the key %(key)s was not taken from the"
                    " account of who gives it.",
                    key=move.key,
                )
            )
        return replace(move, parts=given.taken)

    def _apply(self, account, move, undone):
        """Do one move in memory and put what goes wrong into words."""
        net = defaultdict(Decimal)
        for entry_id in move.undo:
            for lot_id, amount in undone.get(entry_id, ()):
                net[lot_id] += amount
        try:
            entry = account.apply(move, net)
        except NotEnough as error:
            raise UserError(
                self._not_enough_message(account, error.points, error.spendable)
            ) from error
        except NotOnHold as error:
            raise UserError(self._not_on_hold_message(account, error.owner)) from error
        except NothingToRestore as error:
            raise ValidationError(
                self.env._("More points would be given back than were taken.")
            ) from error
        for total in (account.points, account.pending):
            if abs(total) >= LARGEST:
                raise ValidationError(
                    self.env._("%(points)s are too many points.", points=total)
                )
        return entry

    def _not_enough_message(self, account, points, spendable):
        """Return a sentence that a cashier understands."""
        card_sudo = self.env["loyalty.card"].sudo().browse(account.id)
        values = {
            "name": card_sudo.partner_id.display_name or card_sudo.code,
            "spendable": card_sudo._format_value(spendable),
            "points": card_sudo._format_value(points),
        }
        if card_sudo.ledger_kind == WALLET:
            return self.env._(
                "%(name)s can spend %(spendable)s of the wallet, not %(points)s."
                " Use less or pay another way.",
                **values,
            )
        return self.env._(
            "%(name)s can spend %(spendable)s, not %(points)s."
            " Use fewer or pay another way.",
            **values,
        )

    def _not_on_hold_message(self, account, owner):
        """Return a sentence that says what became of a hold."""
        # sudo: who spends need not see holds
        hold_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search(
                [("account_id", "=", account.id), ("owner", "=", owner)],
                order="id desc",
                limit=1,
            )
        )
        if not hold_sudo:
            return self.env._("No points are set aside for %(owner)s.", owner=owner)
        return hold_sudo._get_ended_message()

    def _save(self, accounts, entries):
        """Write entries, lots, allocations and balances.

        Plain SQL, because the ORM would take a query a record, and because nobody can
        create these records through the ORM.
        """
        self._insert_entries(entries)
        moved = {entry.move.account_id for entry in entries}
        lots = [lot for id_ in moved for lot in accounts[id_].lots]
        self._insert_lots([lot for lot in lots if lot.id is None])
        self._update_lots([lot for lot in lots if lot.entry is None and lot.changed])
        self._insert_allocations(entries)
        self._update_accounts([accounts[id_] for id_ in moved])
        self._capture_holds([accounts[id_] for id_ in moved])
        self._invalidate(moved, lots)

    def _record_shortfalls(self, entries):
        """Leave what could not be recovered for somebody to look at."""
        short = [entry for entry in entries if entry.shortfall]
        if short:
            self.env["loyalty.anomaly"]._record_shortfalls(short)

    def _next_ids(self, table, count):
        """Take ``count`` ids of a table's sequence."""
        return [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    "SELECT nextval(%s::regclass) FROM generate_series(1, %s)",
                    f"{table}_id_seq",
                    count,
                )
            )
        ]

    def _insert_dicts(self, model, types, rows, suffix=None):
        """Insert rows by one statement.

        :param model: the model whose table takes them
        :param dict types: PostgreSQL type by column
        :param rows: list of dictionaries with the keys of ``types``
        :param SQL suffix: for instance an ON CONFLICT clause
        """
        self._insert_columns(
            model, types, [[row[name] for row in rows] for name in types], suffix
        )

    def _insert_rows(self, model, types, rows):
        """Insert rows, given as tuples in the order of ``types``, by one statement."""
        self._insert_columns(model, types, list(zip(*rows, strict=True)))

    def _insert_columns(self, model, types, columns, suffix=None):
        """Insert rows, given by column in the order of ``types``, by one statement."""
        if not columns or not columns[0]:
            return
        log_columns, log_values = self._get_log_columns(model)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO %(table)s (%(columns)s %(log_columns)s)
                SELECT data.* %(log_values)s
                  FROM UNNEST(%(values)s) AS data
                %(suffix)s
                """,
                table=SQL.identifier(model._table),
                columns=SQL(", ").join(map(SQL.identifier, types)),
                log_columns=log_columns,
                log_values=log_values,
                values=SQL(", ").join(
                    SQL("%s::%s[]", to_array(column, type_), SQL.identifier(type_))
                    for type_, column in zip(types.values(), columns, strict=True)
                ),
                suffix=suffix or SQL(""),
            )
        )

    def _get_log_columns(self, model):
        """Return what an INSERT adds for a model that says who wrote its records."""
        if not model._log_access:
            return SQL(""), SQL("")
        return (
            SQL(", create_uid, create_date, write_uid, write_date"),
            SQL(
                ", %(uid)s, %(now)s, %(uid)s, %(now)s",
                uid=self.env.uid,
                now=SQL("now() AT TIME ZONE 'UTC'"),
            ),
        )

    def _insert_entries(self, entries):
        types = {
            "account_id": "int4",
            "scheme_id": "int4",
            "company_id": "int4",
            "sequence": "int4",
            "kind": "varchar",
            "amount": "numeric",
            "pending": "numeric",
            "requested": "numeric",
            "shortfall": "numeric",
            "balance_after": "numeric",
            "pending_after": "numeric",
            "date": "timestamp",
            "key": "varchar",
            "reason": "varchar",
            "res_model": "varchar",
            "res_id": "int4",
            "transaction_id": "int4",
            "source_transaction_id": "int4",
            "prev_hash": "varchar",
            "hash": "varchar",
        }
        self._insert_dicts(
            self.env["loyalty.ledger.entry"],
            types,
            [entry.row for entry in entries],
            SQL("RETURNING id, account_id, sequence"),
        )
        ids = {(row[1], row[2]): row[0] for row in self.env.cr.fetchall()}
        for entry in entries:
            entry.id = ids[entry.row["account_id"], entry.row["sequence"]]

    def _insert_lots(self, lots):
        if not lots:
            return
        ids = self._next_ids("loyalty_ledger_lot", len(lots))
        for lot, id_ in zip(lots, ids, strict=True):
            lot.id = id_
        self._insert_rows(
            self.env["loyalty.ledger.lot"],
            {
                "id": "int4",
                "account_id": "int4",
                "scheme_id": "int4",
                "company_id": "int4",
                "entry_id": "int4",
                "transaction_id": "int4",
                "amount": "numeric",
                "remaining": "numeric",
                "state": "varchar",
                "release_date": "date",
                "expiry_date": "date",
                "root_id": "int4",
            },
            [
                (
                    lot.id,
                    lot.entry.row["account_id"],
                    lot.entry.row["scheme_id"],
                    lot.entry.row["company_id"],
                    lot.entry.id,
                    lot.transaction_id,
                    lot.amount,
                    lot.remaining,
                    lot.state,
                    lot.release_date,
                    lot.expiry_date,
                    lot.root_id,
                )
                for lot in lots
            ],
        )

    def _update_lots(self, lots):
        if not lots:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_ledger_lot lot
                   SET remaining = new.remaining, state = new.state,
                       expiry_date = new.expiry_date
                  FROM UNNEST(%s::int[], %s::numeric[], %s::varchar[], %s::date[])
                    AS new (id, remaining, state, expiry_date)
                 WHERE lot.id = new.id
                """,
                to_array([lot.id for lot in lots], "int4"),
                to_array([lot.remaining for lot in lots], "numeric"),
                to_array([lot.state for lot in lots], "varchar"),
                to_array([lot.expiry_date for lot in lots], "date"),
            )
        )

    def _insert_allocations(self, entries):
        self._insert_rows(
            self.env["loyalty.ledger.allocation"],
            {
                "entry_id": "int4",
                "lot_id": "int4",
                "amount": "numeric",
                "is_settlement": "bool",
            },
            [
                (entry.id, lot.id, amount, settlement)
                for entry in entries
                for lot, amount, settlement in entry.allocations
            ],
        )

    def _update_accounts(self, accounts):
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card card
                   SET points = new.points, ledger_pending = new.pending,
                       ledger_sequence = new.sequence, ledger_hash = new.hash,
                       ledger_held = COALESCE(card.ledger_held, 0) - new.freed,
                       write_date = now() AT TIME ZONE 'UTC', write_uid = %s
                  FROM UNNEST(%s::int[], %s::numeric[], %s::numeric[], %s::int[],
                              %s::varchar[], %s::numeric[])
                    AS new (id, points, pending, sequence, hash, freed)
                 WHERE card.id = new.id
                """,
                self.env.uid,
                [account.id for account in accounts],
                [account.points for account in accounts],
                [account.pending for account in accounts],
                [account.sequence for account in accounts],
                [account.hash for account in accounts],
                [sum(hold.freed for hold in account.captured) for account in accounts],
            )
        )

    def _capture_holds(self, accounts):
        """Write what debits have captured of holds."""
        holds = [hold for account in accounts for hold in account.captured]
        if not holds:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_hold hold
                   SET captured = hold.captured + new.captured,
                       state = CASE WHEN new.ended THEN 'captured' ELSE hold.state END
                  FROM UNNEST(%s::int[], %s::numeric[], %s::bool[])
                    AS new (id, captured, ended)
                 WHERE hold.id = new.id
                """,
                [hold.id for hold in holds],
                [hold.captured for hold in holds],
                [hold.ended for hold in holds],
            )
        )
        self.env["loyalty.hold"].browse(hold.id for hold in holds).invalidate_recordset(
            flush=False
        )

    def _invalidate(self, account_ids, lots):
        """Forget what the ORM had cached of the rows just written."""
        self.env["loyalty.card"].browse(account_ids).invalidate_recordset(flush=False)
        self.env["loyalty.ledger.lot"].browse(
            lot.id for lot in lots
        ).invalidate_recordset(flush=False)

    def _notify_milestones(self, changes):
        """Let the native mails "when reaching" go out for managed programs too.

        :param dict changes: points before and after, by id of the account
        """
        grown = {
            id_: change for id_, change in changes.items() if change[1] > change[0]
        }
        if not grown or self.env.context.get("loyalty_no_mail"):
            return
        # sudo: who sells need not see what the program sends
        if (
            self.env["loyalty.mail"]
            .sudo()
            .search_count(
                [
                    ("trigger", "=", "points_reach"),
                    ("program_id.ledger_managed", "=", True),
                ],
                limit=1,
            )
        ):
            cards_sudo = self.env["loyalty.card"].sudo().browse(grown)
            cards_sudo._send_points_reach_communication(
                {
                    card: dict(zip(("old", "new"), grown[card.id], strict=True))
                    for card in cards_sudo
                }
            )

    def _audit(self, accounts=None):
        """Check the books.

        :param accounts: managed accounts; all of them if omitted, and then the
            guards of the database as well
        :return: one ``Finding`` for everything that does not add up
        :rtype: list
        """
        self.env.flush_all()
        if accounts is None:
            scope, findings = SQL("TRUE"), self._audit_guards()
        else:
            scope, findings = SQL("card.id = ANY(%s)", accounts.ids), []
        after = 0
        while account_ids := self._read_audit_range(scope, after):
            findings += self._audit_accounts(account_ids)[1]
            after = account_ids[-1]
        return findings

    def _read_audit_range(self, scope, after):
        """Return the accounts to check next, as many as fit into memory.

        :param SQL scope: condition on ``loyalty_card card``
        :param int after: the last account that has been checked
        :return: ids in ascending order, empty at the end
        """
        rows = self.env.execute_query(
            SQL(SQL_RANGE, after=after, scope=scope, limit=ACCOUNTS_AT_ONCE)
        )
        # The last account of a range may be larger than all that is allowed
        totals = accumulate((entries for _id, entries in rows), initial=0)
        return [
            row[0]
            for row, before in zip(rows, totals, strict=False)
            if before < ENTRIES_AT_ONCE
        ]

    def _audit_accounts(self, account_ids):
        """Check the books of accounts by one statement.

        :return: (number of their entries, list of ``Finding``)
        """
        # Millions of rows are compared where they are, and in one view of them
        return read_findings(
            self.env.execute_query(SQL(SQL_CHECK, ids=list(account_ids)))
        )

    def _audit_guards(self):
        """Check that the database still refuses what it has to refuse."""
        Entry = self.env["loyalty.ledger.entry"]
        return [
            Finding(None, "guards_stand", name, "")
            for (name,) in self.env.execute_query(
                SQL(
                    SQL_GUARDS,
                    tables=Entry._get_guarded_tables(),
                    indexes=[
                        Entry._key_unique.full_name(Entry),
                        Entry._sequence_unique.full_name(Entry),
                    ],
                )
            )
        ]
