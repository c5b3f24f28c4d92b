# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import threading
from decimal import Decimal

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL, mute_logger

from ..ledger.move import Move, Op
from ..ledger.sale import Sale, SaleLine
from .common import NOW


class ConcurrencyCase(BaseCase):
    """Two transactions at once, each on a cursor of its own, as two tills would."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            scheme = env["loyalty.scheme"].create({"name": "Two Tills"})
            partner = env["res.partner"].create({"name": "Anna Twice"})
            member = env["loyalty.member"]._enrol(partner, scheme)
            self.scheme_id = scheme.id
            self.member_id = member.id
            self.account_id = scheme._get_account(member).id
            env["loyalty.ledger"]._post(
                [Move(self.account_id, "start", "earn", Op.CREDIT, Decimal(100))]
            )
        self.addCleanup(self._clean_up)

    def _clean_up(self):
        """Remove what was committed; the guards have to stand aside for it."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            program_ids = scheme._get_managed_programs().ids
            partner_ids = scheme.member_ids.partner_id.ids
            guarded = ("loyalty_ledger_entry", "loyalty_ledger_allocation")
            for table in guarded:
                cr.execute(
                    SQL("ALTER TABLE %s DISABLE TRIGGER USER", SQL.identifier(table))
                )
            entries = SQL(
                "SELECT id FROM loyalty_ledger_entry WHERE scheme_id = %s",
                self.scheme_id,
            )
            sales = SQL(
                "SELECT id FROM loyalty_transaction WHERE scheme_id = %s",
                self.scheme_id,
            )
            for query in (
                *self._get_clean_up_queries(),
                SQL(
                    "DELETE FROM loyalty_ledger_allocation WHERE entry_id IN (%s)",
                    entries,
                ),
                SQL(
                    "DELETE FROM loyalty_ledger_lot WHERE scheme_id = %s",
                    self.scheme_id,
                ),
                SQL(
                    "DELETE FROM loyalty_ledger_entry WHERE scheme_id = %s",
                    self.scheme_id,
                ),
                SQL(
                    "UPDATE loyalty_transaction_line SET origin_line_id = NULL"
                    " WHERE transaction_id IN (%s)",
                    sales,
                ),
                SQL(
                    "UPDATE loyalty_transaction SET origin_id = NULL"
                    " WHERE scheme_id = %s",
                    self.scheme_id,
                ),
                SQL(
                    "DELETE FROM loyalty_transaction_line WHERE transaction_id IN (%s)",
                    sales,
                ),
                SQL(
                    "DELETE FROM loyalty_transaction WHERE scheme_id = %s",
                    self.scheme_id,
                ),
                SQL(
                    "DELETE FROM loyalty_hold WHERE account_id IN"
                    " (SELECT id FROM loyalty_card WHERE program_id = ANY(%s))",
                    program_ids,
                ),
                SQL("DELETE FROM loyalty_card WHERE program_id = ANY(%s)", program_ids),
                SQL(
                    "DELETE FROM loyalty_member_card WHERE scheme_id = %s",
                    self.scheme_id,
                ),
                SQL("DELETE FROM loyalty_member WHERE scheme_id = %s", self.scheme_id),
                SQL(
                    "UPDATE loyalty_scheme SET points_program_id = NULL,"
                    " wallet_program_id = NULL WHERE id = %s",
                    self.scheme_id,
                ),
                SQL("DELETE FROM loyalty_program WHERE id = ANY(%s)", program_ids),
                SQL("DELETE FROM loyalty_scheme WHERE id = %s", self.scheme_id),
            ):
                cr.execute(query)
            for table in guarded:
                cr.execute(
                    SQL("ALTER TABLE %s ENABLE TRIGGER USER", SQL.identifier(table))
                )
            env.invalidate_all()
            env["res.partner"].browse(partner_ids).unlink()

    def _get_clean_up_queries(self):
        """Return what removes the records of a test that stand on those of the ledger.

        :return: list of SQL
        """
        return []

    def _at_once(self, *calls):
        """Run calls in parallel transactions that all begin before any ends.

        :param calls: functions of an environment
        :return: list of results, or of the exceptions raised
        """
        barrier = threading.Barrier(len(calls))
        outcomes = [None] * len(calls)

        def run(index, call):
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                waited = []

                def attempt():
                    # The snapshot of the transaction is taken before the others
                    # commit, in the first attempt; a retry starts afresh.
                    env["loyalty.card"].browse(self.account_id).read(["points"])
                    if not waited:
                        waited.append(True)
                        barrier.wait(timeout=20)
                    return call(env)

                try:
                    outcomes[index] = retrying(attempt, env)
                except UserError as error:
                    # As a refused request does
                    cr.rollback()
                    outcomes[index] = error

        threads = [
            threading.Thread(target=run, args=(index, call))
            for index, call in enumerate(calls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        return outcomes

    def _env(self, cr):
        return api.Environment(cr, SUPERUSER_ID, {})

    def _read(self, function):
        with self.registry.cursor() as cr:
            return function(api.Environment(cr, SUPERUSER_ID, {}))

    def _points(self):
        return self._read(
            lambda env: env["loyalty.card"].browse(self.account_id).points
        )

    def _audit(self):
        return self._read(
            lambda env: env["loyalty.ledger"]._audit(
                env["loyalty.card"].browse(self.account_id)
            )
        )

    def _sale(self, env, reference, amount, redeemed=0, member_id=None):
        member = env["loyalty.member"].browse(member_id or self.member_id)
        return (
            env["loyalty.transaction"]
            ._record(
                member,
                Sale(
                    channel="pos",
                    reference=reference,
                    date=NOW,
                    currency_id=member.scheme_id.currency_id.id,
                    company_id=env.company.id,
                    lines=(SaleLine("a", None, 1, amount, amount),),
                    redeemed=redeemed,
                ),
            )
            .id
        )


@tagged("post_install", "-at_install", "database_breaking")
class TestConcurrency(ConcurrencyCase):
    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_tills_spend_80_of_the_same_100_points(self):
        outcomes = self._at_once(
            lambda env: self._sale(env, "till 1", 10, redeemed=80),
            lambda env: self._sale(env, "till 2", 10, redeemed=80),
        )
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertIn("can spend 30 points, not 80 points", str(refused[0]))
        self.assertEqual(self._points(), 30)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_holds_on_the_same_points(self):
        def hold(owner):
            return lambda env: (
                env["loyalty.card"].browse(self.account_id)._hold(owner, 80).id
            )

        outcomes = self._at_once(hold("pos:1"), hold("pos:2"))
        refused = [o for o in outcomes if isinstance(o, UserError)]
        self.assertEqual(len(refused), 1, outcomes)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_the_same_sale_sent_twice_at_once(self):
        outcomes = self._at_once(
            lambda env: self._sale(env, "same", 10),
            lambda env: self._sale(env, "same", 10),
        )
        self.assertEqual(outcomes[0], outcomes[1])
        self.assertEqual(self._points(), 110)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_first_purchases_open_one_account(self):
        def enrol(env):
            partner = env["res.partner"].create({"name": "Bob Twice"})
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            return env["loyalty.member"]._enrol(partner, scheme).id

        with self.registry.cursor() as cr:
            member_id = enrol(api.Environment(cr, SUPERUSER_ID, {}))

        def account(env):
            member = env["loyalty.member"].browse(member_id)
            return member.scheme_id._get_account(member).id

        outcomes = self._at_once(account, account)
        self.assertEqual(outcomes[0], outcomes[1])
        self.assertIsInstance(outcomes[0], int)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_tills_take_half_of_one_line_back(self):
        """Neither half is worth a whole point, but both together are."""

        sale_id = self._at_once(lambda env: self._sale(env, "one point", 1))[0]

        def give_back(reference):
            def call(env):
                sale = env["loyalty.transaction"].browse(sale_id)
                return sale._record_return(
                    Sale(
                        channel="pos",
                        reference=reference,
                        date=NOW,
                        currency_id=sale.currency_id.id,
                        company_id=sale.company_id.id,
                        lines=(SaleLine("x", None, 1, 0.5, 0.5, origin_key="a"),),
                    )
                ).id

            return call

        self._at_once(give_back("till 1"), give_back("till 2"))
        self.assertEqual(self._points(), 100)
        self.assertEqual(self._audit(), [])

    def _rule(self, **values):
        with self.registry.cursor() as cr:
            env = self._env(cr)
            env["loyalty.earn.rule"].create(
                {
                    "name": "Offer",
                    "scheme_id": self.scheme_id,
                    "effect": "receipt",
                    **values,
                }
            )

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_tills_make_the_first_purchase(self):
        self._rule(value=50, purchase_to=1)
        self._at_once(
            lambda env: self._sale(env, "till 1", 10),
            lambda env: self._sale(env, "till 2", 10),
        )
        self.assertEqual(self._points(), 100 + 60 + 10)
        self.assertEqual(self._audit(), [])

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_two_members_take_the_last_of_a_budget(self):
        self._rule(value=100, budget=3000)

        def enrol(name):
            with self.registry.cursor() as cr:
                env = self._env(cr)
                partner = env["res.partner"].create({"name": name})
                scheme = env["loyalty.scheme"].browse(self.scheme_id)
                return env["loyalty.member"]._enrol(partner, scheme).id

        others = [enrol("Bob Twice"), enrol("Cleo Twice")]
        with self.registry.cursor() as cr:
            for number in range(29):
                self._sale(self._env(cr), f"before {number}", 1)
        outcomes = self._at_once(
            *(
                lambda env, id_=id_: self._sale(env, f"last {id_}", 1, member_id=id_)
                for id_ in others
            )
        )
        earned = self._read(
            lambda env: sorted(
                env["loyalty.transaction"].browse(outcomes).mapped("points_earned")
            )
        )
        self.assertEqual(earned, [1, 101])
