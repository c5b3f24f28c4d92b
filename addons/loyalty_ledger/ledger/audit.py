# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an audit asks the database, and how it reads the answer.

Accounts are checked in ranges, each by one statement that reads every entry, lot and
allocation of the range once: the work grows with the number of entries, the memory with
the range alone. The statement answers with the accounts that are in trouble and with
nothing else.

A card that has left the ledger is in order as long as its last entry says so and its
entries add up to nothing: what is on the card since then is not the ledger's.

The lateral sums are on purpose. Grouping the allocations and joining them would let
PostgreSQL read the whole table for every range, which grows with the square.
"""

from dataclasses import dataclass

from .chain import GENESIS, SQL_ROW
from .move import MIGRATE_UNDO

#: A range ends with the account that reaches one of these
ACCOUNTS_AT_ONCE = 20_000
ENTRIES_AT_ONCE = 200_000

SQL_RANGE = """
    SELECT card.id, GREATEST(COALESCE(card.ledger_sequence, 0), 1)
      FROM loyalty_card card
     WHERE card.id > %(after)s
       AND %(scope)s
       AND (card.ledger_managed OR EXISTS (
            SELECT 1 FROM loyalty_ledger_entry e WHERE e.account_id = card.id))
     ORDER BY card.id
     LIMIT %(limit)s
"""

SQL_CHECK = rf"""
    WITH account AS MATERIALIZED (
        SELECT card.id,
               card.ledger_managed OR gone.back AS managed,
               CASE WHEN card.ledger_managed OR NOT gone.back
                    THEN round(COALESCE(card.points, 0)::numeric, 4)
                    ELSE 0 END AS points,
               COALESCE(card.ledger_pending, 0) AS pending,
               COALESCE(card.ledger_held, 0) AS held,
               COALESCE(card.ledger_sequence, 0) AS sequence,
               COALESCE(card.ledger_hash, '{GENESIS}') AS hash
          FROM loyalty_card card
          CROSS JOIN LATERAL (
            SELECT NOT card.ledger_managed AND EXISTS (
                SELECT 1 FROM loyalty_ledger_entry e
                 WHERE e.account_id = card.id AND e.sequence = card.ledger_sequence
                   AND e.kind = '{MIGRATE_UNDO}') AS back
          ) gone
         WHERE card.id = ANY(%(ids)s)
    ),
    chain AS (
        SELECT e.account_id, e.id, e.sequence, e.amount, e.pending,
               e.balance_after, e.pending_after, e.prev_hash, e.hash,
               encode(sha256(convert_to({SQL_ROW}, 'UTF8')), 'hex') AS expected_hash,
               lag(e.hash, 1, '{GENESIS}') OVER chained AS hash_before,
               row_number() OVER chained AS place,
               sum(e.amount) OVER chained AS balance,
               sum(e.pending) OVER chained AS waiting,
               allocated.amount AS allocated
          FROM loyalty_ledger_entry e
          CROSS JOIN LATERAL (
            SELECT COALESCE(sum(a.amount), 0) AS amount
              FROM loyalty_ledger_allocation a
             WHERE a.entry_id = e.id
          ) allocated
         WHERE e.account_id = ANY(%(ids)s)
        WINDOW chained AS (PARTITION BY e.account_id ORDER BY e.sequence
                           ROWS UNBOUNDED PRECEDING)
    ),
    book AS MATERIALIZED (
        SELECT account_id,
               count(*) AS entries,
               sum(amount) AS amount,
               sum(pending) AS pending,
               max(ARRAY[lpad(sequence::text, 10, '0'), hash]) AS last,
               min(ARRAY[lpad(sequence::text, 10, '0'), id::text,
                         CASE WHEN place <> sequence THEN place::text
                              WHEN hash_before <> prev_hash THEN hash_before
                              ELSE expected_hash END,
                         CASE WHEN place <> sequence THEN sequence::text
                              WHEN hash_before <> prev_hash THEN prev_hash
                              ELSE hash END])
                   FILTER (WHERE place <> sequence OR hash_before <> prev_hash
                              OR expected_hash <> hash) AS broken,
               min(ARRAY[lpad(sequence::text, 10, '0'), id::text,
                         trim_scale(balance)::text || ' + ' || trim_scale(waiting),
                         trim_scale(balance_after)::text || ' + '
                         || trim_scale(pending_after)])
                   FILTER (WHERE balance <> balance_after
                              OR waiting <> pending_after) AS miscounted,
               min(ARRAY[lpad(sequence::text, 10, '0'), id::text,
                         trim_scale(amount + pending)::text,
                         trim_scale(allocated)::text])
                   FILTER (WHERE amount + pending <> allocated) AS unallocated
          FROM chain
         GROUP BY account_id
    ),
    store AS (
        SELECT lot.account_id,
               COALESCE(sum(lot.remaining) FILTER (WHERE lot.state = 'available'), 0)
                   AS available,
               COALESCE(sum(lot.remaining) FILTER (WHERE lot.state = 'pending'), 0)
                   AS pending,
               min(ARRAY[lpad(lot.id::text, 10, '0'), lot.entry_id::text,
                         trim_scale(allocated.amount)::text,
                         trim_scale(lot.remaining)::text])
                   FILTER (WHERE allocated.amount <> lot.remaining) AS unallocated
          FROM loyalty_ledger_lot lot
          CROSS JOIN LATERAL (
            SELECT COALESCE(sum(a.amount), 0) AS amount
              FROM loyalty_ledger_allocation a
             WHERE a.lot_id = lot.id
          ) allocated
         WHERE lot.account_id = ANY(%(ids)s)
         GROUP BY lot.account_id
    ),
    hold AS (
        SELECT account_id, sum(amount - captured) AS amount
          FROM loyalty_hold
         WHERE account_id = ANY(%(ids)s) AND state = 'active'
         GROUP BY account_id
    ),
    whole AS (
        SELECT account.id, account.managed,
               account.points, COALESCE(book.amount, 0) AS entries_points,
               COALESCE(store.available, 0) AS lots_points,
               account.pending, COALESCE(book.pending, 0) AS entries_pending,
               COALESCE(store.pending, 0) AS lots_pending,
               account.held, COALESCE(hold.amount, 0) AS holds,
               lpad(account.sequence::text, 10, '0') AS sequence, account.hash,
               COALESCE(book.last[1], '0000000000') AS last_sequence,
               COALESCE(book.last[2], '{GENESIS}') AS last_hash,
               book.broken, book.miscounted, book.unallocated AS entry_unallocated,
               store.unallocated AS lot_unallocated
          FROM account
          LEFT JOIN book ON book.account_id = account.id
          LEFT JOIN store ON store.account_id = account.id
          LEFT JOIN hold ON hold.account_id = account.id
    )
    SELECT NULL, (SELECT sum(entries) FROM book)::text,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL
     UNION ALL
    SELECT id, managed::text,
           trim_scale(points)::text, trim_scale(entries_points)::text,
           trim_scale(lots_points)::text,
           trim_scale(pending)::text, trim_scale(entries_pending)::text,
           trim_scale(lots_pending)::text,
           trim_scale(held)::text, trim_scale(holds)::text,
           sequence || ' ' || hash, last_sequence || ' ' || last_hash,
           broken, miscounted, entry_unallocated, lot_unallocated
      FROM whole
     WHERE NOT managed
        OR points <> entries_points OR points <> lots_points
        OR pending <> entries_pending OR pending <> lots_pending
        OR held <> holds
        OR sequence <> last_sequence OR hash <> last_hash
        OR broken IS NOT NULL OR miscounted IS NOT NULL
        OR entry_unallocated IS NOT NULL OR lot_unallocated IS NOT NULL
     ORDER BY 1 NULLS FIRST
"""

SQL_GUARDS = """
    SELECT guard.name
      FROM UNNEST(%(tables)s::text[]) AS guard (name)
     WHERE 2 > (
        SELECT count(*)
          FROM pg_trigger
         WHERE tgname IN ('loyalty_append_only', 'loyalty_never_empty')
           AND tgenabled IN ('O', 'A') AND tgrelid = to_regclass(guard.name))
     UNION ALL
    SELECT guard.name
      FROM UNNEST(%(indexes)s::text[]) AS guard (name)
     WHERE NOT EXISTS (
        SELECT 1
          FROM pg_index
         WHERE indexrelid = to_regclass(guard.name) AND indisunique AND indisvalid)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not add up.

    :param check: a value of ``loyalty.ledger.audit.finding.check_type``
    :param expected: what the rest of the books says
    :param found: what is there instead
    :param entry_id: the first entry in trouble, where there is one
    """

    account_id: int | None
    check: str
    expected: str
    found: str
    entry_id: int | None = None


def read_findings(rows):
    """Return what the answer to ``SQL_CHECK`` says.

    :param rows: at least the first one, which carries the totals
    :return: (number of entries read, list of findings in the order of the accounts)
    """
    (_none, entries, *_rest), *troubled = rows
    return int(entries or 0), [
        finding for row in troubled for finding in _read_account(*row)
    ]


def _read_account(
    account_id,
    managed,
    points,
    entries_points,
    lots_points,
    pending,
    entries_pending,
    lots_pending,
    held,
    holds,
    end,
    last,
    broken,
    miscounted,
    entry_unallocated,
    lot_unallocated,
):
    for check, expected, found in (
        ("account_is_managed", "true", managed),
        ("balance_is_sum_of_entries", entries_points, points),
        ("balance_is_sum_of_lots", lots_points, points),
        ("pending_is_sum_of_entries", entries_pending, pending),
        ("pending_is_sum_of_lots", lots_pending, pending),
        ("held_is_sum_of_holds", holds, held),
        ("chain_ends_at_the_account", last.lstrip("0"), end.lstrip("0")),
    ):
        if expected != found:
            yield Finding(account_id, check, expected, found)
    for check, trouble in (
        ("chain_is_whole", broken),
        ("balance_follows_entries", miscounted),
        ("entries_are_allocated", entry_unallocated),
        ("lots_are_allocated", lot_unallocated),
    ):
        if trouble:
            _order, entry_id, expected, found = trouble
            yield Finding(account_id, check, expected, found, int(entry_id))
