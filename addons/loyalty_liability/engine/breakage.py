# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which part of points will never be spent, told from what became of earlier ones.

Points earned in one month are a cohort. Laid out by the months since, the cohorts form
the run-off triangle of an actuary. For each age, the cohorts that have lived through
that month together say which part of what was left at its beginning was spent in it,
and which part expired: the volume-weighted factors of the chain-ladder method (T. Mack,
"Distribution-free calculation of the standard error of chain ladder reserve estimates",
ASTIN Bulletin 23 (1993), 213-225). As points leave in two ways that exclude each other,
the factors are chained as the cumulative incidence of expiry (O. Aalen and S. Johansen,
"An Empirical Transition Matrix for Non-homogeneous Markov Chains Based on Censored
Observations", Scandinavian Journal of Statistics 5 (1978), 141-150). Points that are
taken back, corrected or given away leave the triangle without telling anything. Points
that went along when members were merged or unmerged are as old as they were.

What no cohort is old enough to tell counts as being spent, so that a debt to members is
rather shown too large; only after the scheme's own limit are points counted as never
spent. See IFRS 15, B44 to B47.
"""

from decimal import Decimal

ZERO, ONE = Decimal(0), Decimal(1)

# One row for each scheme and age: what was left at the beginning of that month of life
# in all cohorts that have lived through it, and what became of it within the month.
# Expects "month": the first day of the current one, which is not over.
SQL_TRIANGLE = """
    WITH credit AS (
        SELECT lot.id, lot.scheme_id, lot.entry_id, lot.amount,
               date_part('year', entry.date)::int * 12
               + date_part('month', entry.date)::int AS cohort
          FROM loyalty_ledger_lot lot
          JOIN loyalty_ledger_entry entry ON entry.id = lot.entry_id
          JOIN loyalty_card card ON card.id = lot.account_id
          JOIN loyalty_scheme scheme ON scheme.id = lot.scheme_id
                                    AND scheme.points_program_id = card.program_id
         WHERE lot.amount > 0 AND lot.root_id IS NULL AND entry.date < %(month)s
    ), outflow AS (
        SELECT credit.scheme_id, credit.cohort,
               GREATEST(
                   date_part('year', entry.date)::int * 12
                   + date_part('month', entry.date)::int - credit.cohort, 0
               ) AS age,
               -sum(part.amount) FILTER (
                   WHERE part.is_settlement
                      OR entry.kind IN ('redeem', 'return_redeem')
               ) AS used,
               -sum(part.amount) FILTER (
                   WHERE part.is_settlement IS NOT TRUE AND entry.kind = 'expire'
               ) AS expired,
               -sum(part.amount) AS gone
          FROM credit
          JOIN loyalty_ledger_lot lot ON COALESCE(lot.root_id, lot.id) = credit.id
          JOIN loyalty_ledger_allocation part ON part.lot_id = lot.id
          JOIN loyalty_ledger_entry entry ON entry.id = part.entry_id
         WHERE part.amount <> 0 AND entry.date < %(month)s
           AND NOT (part.entry_id = credit.entry_id AND part.amount > 0)
           AND (entry.kind NOT IN ('merge_out', 'merge_in') OR part.is_settlement)
         GROUP BY 1, 2, 3
    ), cohort AS (
        SELECT scheme_id, cohort, sum(amount) AS amount
          FROM credit GROUP BY scheme_id, cohort
    ), cell AS (
        SELECT cohort.scheme_id, month.age,
               cohort.amount - COALESCE(sum(outflow.gone) OVER (
                   PARTITION BY cohort.scheme_id, cohort.cohort ORDER BY month.age
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ), 0) AS exposed,
               COALESCE(outflow.used, 0) AS used,
               COALESCE(outflow.expired, 0) AS expired
          FROM cohort
          CROSS JOIN LATERAL generate_series(
                   0,
                   date_part('year', %(month)s::date)::int * 12
                   + date_part('month', %(month)s::date)::int - cohort.cohort - 1
               ) month (age)
          LEFT JOIN outflow ON outflow.scheme_id = cohort.scheme_id
                           AND outflow.cohort = cohort.cohort
                           AND outflow.age = month.age
    )
    SELECT scheme_id, sum(exposed)::text, sum(used)::text, sum(expired)::text
      FROM cell GROUP BY scheme_id, age ORDER BY scheme_id, age
"""


def estimate(months, limit):
    """Return which part of points that are left at an age will never be spent.

    :param months: for each age in months from 0 on, as Decimal: what was left at its
        beginning, what was spent and what expired within it
    :param int limit: the age from which points count as never spent
    :return: Decimal from 0 to 1 for each age from 0 on; the last one is good for all
        that are older. Empty without any month.
    """
    if not months:
        return []
    # Nobody is old enough to tell what becomes of points after the last month
    rates = [ONE if len(months) >= limit else ZERO]
    for exposed, used, expired in reversed(months[:limit]):
        lapse = _part(expired, exposed)
        spent = min(_part(used, exposed), ONE - lapse)
        rates.append(lapse + (ONE - lapse - spent) * rates[-1])
    return rates[::-1]


def _part(amount, whole):
    if whole <= 0:
        return ZERO
    return min(max(amount / whole, ZERO), ONE)
