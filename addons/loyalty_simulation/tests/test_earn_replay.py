# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dataclasses import replace
from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.loyalty_ledger.tests.common import NOW, LoyaltyLedgerCommon
from odoo.addons.queue_job.tests.common import trap_jobs

AUDITOR = "loyalty_member.loyalty_member_group_auditor"
SERVICE = "loyalty_member.loyalty_member_group_service"
START = NOW - timedelta(days=40)
MODULE = "odoo.addons.loyalty_simulation.models.loyalty_earn_replay"


class EarnReplayCommon(LoyaltyLedgerCommon):
    """Two schemes with the same members; one has the rules that the other tries."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.has_wallet = True
        cls.other = cls._create_scheme(name="As It Would Be", has_wallet=True)
        partners = cls.env["res.partner"].create(
            [{"name": f"Buyer {number}"} for number in range(4)]
        )
        Member = cls.env["loyalty.member"]
        cls.members = {
            scheme: Member._enrol(partners, scheme)
            for scheme in (cls.scheme, cls.other)
        }
        cls.coffee = cls.env["product.category"].create({"name": "Coffee"})
        cls.espresso = cls.env["product.product"].create(
            {"name": "Espresso", "categ_id": cls.coffee.id}
        )
        cls.stores = cls.env["loyalty.store"].create(
            [
                {"name": "Downtown", "tz": "America/New_York"},
                {"name": "Uptown", "tz": "UTC"},
            ]
        )
        cls.auditor = new_test_user(
            cls.env,
            "replay_auditor",
            groups=AUDITOR,
        )

    @classmethod
    def _rule(cls, scheme, name="Offer", **values):
        return cls.env["loyalty.earn.rule"].create(
            {"name": name, "scheme_id": scheme.id, **values}
        )

    def _try_rule(self, name="Offer", **values):
        """Give one scheme a rule, and the other the same one to try."""
        self._rule(self.other, name, **values)
        return self._rule(self.scheme, name, active=False, **values)

    def _sell(self, number, buyer, day, *lines, scheme=None, **values):
        """Record a sale in both schemes, or in one."""
        schemes = [scheme] if scheme else [self.scheme, self.other]
        return [
            self.env["loyalty.transaction"]._record(
                self.members[one][buyer],
                self._sale(
                    f"{one.id}-{number}",
                    *(lines or [self._line("a", 10)]),
                    date=START + timedelta(days=day, minutes=number),
                    **values,
                ),
            )
            for one in schemes
        ]

    def _return(self, number, sold, line, day):
        for transaction in sold:
            transaction._record_return(
                self._sale(
                    f"R{transaction.id}-{number}",
                    line,
                    date=START + timedelta(days=day),
                )
            )

    def _sell_much(self):
        """Record sales that the conditions and limits of rules look at."""
        number = 0
        for day in range(0, 36, 2):
            for buyer in range(4):
                if (day + buyer) % 3 == 0:
                    continue
                number += 1
                coffee = self._line(
                    "coffee", 3.5 + number, 2, product_id=self.espresso.id
                )
                cake = self._line("cake", 4.25 + buyer)
                self._sell(
                    number,
                    buyer,
                    day,
                    coffee,
                    cake,
                    store_id=self.stores[number % 2].id,
                    payments=("cash",) if number % 3 else ("card", "cash"),
                )

    def _replay(self, added=None, removed=None, **values):
        added = added or self.env["loyalty.earn.rule"]
        removed = removed or self.env["loyalty.earn.rule"]
        return (
            self.env["loyalty.earn.replay"]
            .with_user(self.auditor)
            .create(
                {
                    "scheme_id": self.scheme.id,
                    "date_from": START.date(),
                    "date_to": NOW.date(),
                    "added_rule_ids": added.ids,
                    "removed_rule_ids": removed.ids,
                    **values,
                }
            )
        )

    def _run(self, *args, **values):
        replay = self._replay(*args, **values)
        replay.action_run()
        self.assertEqual(replay.state, "done")
        return replay

    def _get_really(self, scheme, domain=()):
        """Return what the ledger gave in a scheme, less what it took back."""
        sales = self.env["loyalty.transaction"].search(
            [("scheme_id", "=", scheme.id), ("kind", "=", "sale"), *domain]
        )
        returns = sales.return_ids
        return tuple(
            round(sum(sales.mapped(name)) - sum(returns.mapped(name)), 6)
            for name in ("points_earned", "wallet_cashback")
        )

    def _lines(self, replay, dimension):
        return replay.line_ids.filtered(lambda line: line.dimension == dimension)

    def assertAsRecorded(self, replay, of_returns=True):
        """The replay comes to what was really recorded under the rules tried."""
        self.assertEqual(
            (replay.points_before, replay.wallet_before),
            self._get_really(self.scheme),
        )
        self.assertEqual(
            (replay.points_after, replay.wallet_after), self._get_really(self.other)
        )
        self.assertEqual(replay.points_today, replay.points_before)
        self.assertEqual(replay.differing_count, 0)
        for dimension in ("rule", "store", "tier", "channel", "month"):
            lines = self._lines(replay, dimension)
            self.assertAlmostEqual(
                sum(lines.mapped("points_after")), replay.points_after, msg=dimension
            )
            self.assertAlmostEqual(
                sum(lines.mapped("points_before")), replay.points_before, msg=dimension
            )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEarnReplay(EarnReplayCommon):
    def _count_rows(self):
        self.env.flush_all()
        return {
            name: model.with_context(active_test=False).sudo().search_count([])
            for name in self.env.registry.models
            if name.startswith("loyalty.")
            and not name.startswith("loyalty.earn.replay")
            and (model := self.env[name])._auto
            and not model._abstract
        }

    # === THE SAME AS REALLY RECORDED === #

    def test_goods_place_and_time(self):
        rules = self._try_rule(
            "Coffee", effect="multiplier", value=3, product_category_ids=self.coffee.ids
        )
        rules |= self._try_rule(
            "Downtown at night",
            effect="receipt",
            value=5,
            store_ids=self.stores[0].ids,
            mon=True,
            tue=True,
        )
        rules |= self._try_rule(
            "Card", effect="percent", value=5, target="wallet", minimum_amount=20
        )
        self._sell_much()
        replay = self._run(rules)
        self.assertAsRecorded(replay)
        self.assertGreater(replay.points_after, replay.points_before)
        self.assertGreater(replay.wallet_after, 0)
        for store in self.stores:
            line = self._lines(replay, "store").filtered(
                lambda line, store=store: line.res_id == store.id
            )
            self.assertEqual(
                line.points_after,
                self._get_really(self.other, [("store_id", "=", store.id)])[0],
            )

    def test_limits_and_purchases_in_the_order_of_time(self):
        rules = self._try_rule("Day", effect="receipt", value=5, cap_day=7)
        rules |= self._try_rule("Week", effect="amount", value=1, cap_week=30)
        rules |= self._try_rule(
            "Month", effect="multiplier", value=2, cap_month=60, cap_total=90
        )
        rules |= self._try_rule("First", effect="receipt", value=40, purchase_to=1)
        rules |= self._try_rule("Third", effect="receipt", value=3, purchase_from=3)
        rules |= self._try_rule("Budget", effect="receipt", value=6, budget=100)
        self._sell_much()
        # Twice on a day
        self._sell(901, 0, 37)
        self._sell(902, 0, 37)
        replay = self._run(rules)
        self.assertAsRecorded(replay)
        budget = self._lines(replay, "rule").filtered(
            lambda line: line.name == "Budget"
        )
        self.assertEqual(budget.points_after, 100)

    def test_balance(self):
        rule = self._try_rule("Rich", effect="multiplier", value=2, minimum_points=30)
        for number in range(6):
            self._sell(number, 0, number)
        replay = self._run(rule)
        self.assertAsRecorded(replay)
        self.assertEqual(replay.points_after, 90)

    def test_returns(self):
        rules = self._try_rule("Three", effect="amount", value=2)
        rules |= self._try_rule("Cash", effect="percent", value=10, target="wallet")
        sold = self._sell(1, 0, 1, self._line("a", 10, 3), self._line("b", 5))
        self._sell(2, 1, 2)
        part = self._line("r", 3.33, 1, origin_key="a")
        self._return(1, sold, part, 5)
        self._return(2, sold, part, 6)
        replay = self._run(rules)
        self.assertAsRecorded(replay)
        # 15 + 10, less 6 of the 10 of three units of which two came back
        self.assertEqual(replay.points_before, 19)
        taken = self._lines(replay, "rule").filtered(
            lambda line: line.name == "Returned Goods"
        )
        self.assertEqual(taken.points_before, -6)
        self.assertEqual(taken.points_after, -19)

    def test_scheme_limits_and_discounts(self):
        for scheme in (self.scheme, self.other):
            scheme.write({"earn_cap_month": 50, "earn_before_discounts": True})
        rule = self._try_rule("Double", effect="multiplier", value=2)
        for number in range(8):
            self._sell(
                number,
                0,
                number * 5,
                self._line("a", 8, discount_incl=2),
                self._line("b", 3),
            )
        self.assertAsRecorded(self._run(rule))

    def test_other_points_for_each_amount(self):
        self.other.write({"earn_points": 3, "earn_amount": 2})
        self._sell_much()
        replay = self._run(has_base=True, earn_points=3, earn_amount=2)
        self.assertAsRecorded(replay)
        self.other.earn_points = 0
        nothing = self._run(has_base=True, earn_points=0, earn_amount=1)
        self.assertEqual(nothing.points_after, 0)

    def test_removed_rule(self):
        rule = self._rule(self.scheme, effect="multiplier", value=2)
        self._sell_much()
        self.assertAsRecorded(self._run(removed=rule))

    def test_other_currency_at_the_day_of_the_sale(self):
        currency = self.env["res.currency"].create(
            {"name": "BNZ", "symbol": "T", "rounding": 0.01}
        )
        self.env["res.currency.rate"].create(
            [
                {"currency_id": currency.id, "name": START.date(), "rate": 2},
                {
                    "currency_id": currency.id,
                    "name": (START + timedelta(days=10)).date(),
                    "rate": 4,
                },
            ]
        )
        rule = self._try_rule("Double", effect="multiplier", value=2)
        self._sell(1, 0, 1, self._line("a", 100), currency=currency)
        self._sell(2, 0, 12, self._line("a", 100), currency=currency)
        replay = self._run(rule)
        self.assertAsRecorded(replay)
        self.assertEqual(replay.points_after, 150)

    def test_what_was_given_before_the_period_counts(self):
        rules = self._try_rule("First", effect="receipt", value=40, purchase_to=1)
        active = self._rule(
            self.scheme, "Month", effect="receipt", value=9, cap_month=20
        )
        self._rule(self.other, "Month", effect="receipt", value=9, cap_month=20)
        self._sell(1, 0, 4)
        self._sell(2, 0, 5)
        self._sell(3, 0, 6)
        self._sell(4, 1, 6)
        replay = self._run(rules, date_from=(START + timedelta(days=6)).date())
        self.assertEqual(replay.total_count, 2)
        # 10 + what is left of 20, and 10 + 9; the first purchase of the second is new
        self.assertEqual(replay.points_before, 12 + 19)
        self.assertEqual(replay.points_today, 31)
        self.assertEqual(replay.points_after, 31 + 40)
        self.assertTrue(active.active)

    # === WHAT IS LEFT OUT === #

    def test_nothing_is_written(self):
        rule = self._try_rule("Double", effect="multiplier", value=2, cap_month=50)
        self._sell_much()
        self.env.flush_all()
        accounts = self.members[self.scheme].account_id
        balances = accounts.mapped("points")
        before = self._count_rows()
        self._run(rule)
        self.assertEqual(self._count_rows(), before)
        self.env.invalidate_all()
        self.assertEqual(
            self.members[self.scheme].account_id.mapped("points"), balances
        )
        self.assertFalse(self.env["loyalty.earn.replay.member"].search([]))

    def test_refused_then_is_refused_now(self):
        rule = self._try_rule("Double", effect="multiplier", value=2)
        self._sell(1, 0, 1)
        blocked = self.members[self.scheme][1] | self.members[self.other][1]
        blocked.state = "blocked"
        self._sell(2, 1, 2)
        blocked.state = "active"
        cancelled = self._sell(3, 2, 3)
        for transaction in cancelled:
            transaction._cancel()
        replay = self._run(rule)
        self.assertEqual(replay.total_count, 2)
        self.assertEqual((replay.points_before, replay.points_after), (10, 20))

    def test_control_says_that_rules_were_changed(self):
        self._sell(1, 0, 1)
        rule = self._rule(self.scheme, effect="multiplier", value=2)
        self._sell(2, 0, 2, scheme=self.scheme)
        replay = self._run(removed=rule)
        self.assertEqual(replay.points_before, 30)
        self.assertEqual(replay.points_today, 40)
        self.assertEqual(replay.points_after, 20)
        self.assertEqual(replay.differing_count, 1)
        self.assertIn("1 sales earn something else", replay.control)
        control = self._lines(replay, "rule").filtered(
            lambda line: line.name == "Difference to Today's Rules"
        )
        self.assertEqual(control.points_before, -10)

    # === RESULTS === #

    def test_members_most_affected(self):
        lost = self._rule(self.scheme, "Big", effect="receipt", value=50, purchase_to=1)
        rule = self._try_rule("Coffee", effect="receipt", value=30, minimum_amount=50)
        self._sell(1, 0, 1)
        self._sell(2, 1, 1, self._line("a", 60))
        self._sell(3, 1, 2, self._line("a", 60))
        replay = self._run(rule, removed=lost)
        lines = self._lines(replay, "member")
        members = self.members[self.scheme]
        self.assertEqual(
            {line.res_id: line.points_change for line in lines},
            {members[0].id: -50, members[1].id: 10},
        )
        self.assertEqual(
            (replay.more_count, replay.less_count, replay.same_count), (1, 1, 0)
        )
        # 100 beans are worth 1
        self.assertAlmostEqual(replay.cost_change, -0.4)
        self.assertIn("0.40", replay.summary)
        self.assertIn("less", replay.summary)
        action = lines[0].action_open()
        self.assertEqual(action["res_model"], "loyalty.member")
        self.assertIn(action["res_id"], members.ids)

    def test_dimension_of_another_module(self):
        Replay = type(self.env["loyalty.earn.replay"])
        dimensions = Replay._get_replay_dimensions
        facts = Replay._read_member_facts
        tiers = {member.id: 7 for member in self.members[self.scheme][:2]}
        with (
            patch.object(
                Replay,
                "_get_replay_dimensions",
                lambda self: {
                    **dimensions(self),
                    "channel": lambda _sale, known: known["tier"],
                },
            ),
            patch.object(
                Replay,
                "_read_member_facts",
                lambda self, progress, ids: {
                    **facts(self, progress, ids),
                    **{id_: {"tier": tiers.get(id_)} for id_ in ids},
                },
            ),
            patch.object(
                Replay,
                "_get_key_labels",
                lambda self, _dimension, keys: {k: (str(k), None, None) for k in keys},
            ),
        ):
            self._sell(1, 0, 1)
            self._sell(2, 3, 1, self._line("a", 20))
            replay = self._run()
        lines = self._lines(replay, "channel")
        self.assertEqual(
            {line.name: line.points_before for line in lines}, {"7": 10, "None": 20}
        )

    # === IN THE BACKGROUND === #

    def test_interrupted_and_taken_up_again(self):
        rules = self._try_rule("Month", effect="multiplier", value=2, cap_month=60)
        rules |= self._try_rule("Third", effect="receipt", value=3, purchase_from=3)
        rules |= self._try_rule("Budget", effect="receipt", value=6, budget=50)
        self._sell_much()
        whole = self._run(rules)
        replay = self._replay(rules)
        with patch(f"{MODULE}.SALES_IN_BATCH", 5), trap_jobs() as trap:
            replay.action_run()
            done = 0
            while trap.enqueued_jobs:
                self.assertEqual(replay.done_count, done)
                self.assertEqual(bool(replay.progress), bool(done))
                done = min(done + 5, replay.total_count)
                # Every job begins with what the one before it has saved
                trap.perform_enqueued_jobs()
                self.env.flush_all()
                self.env.invalidate_all()
        self.assertEqual(replay.state, "done")
        self.assertEqual(replay.done_count, done)
        self.assertEqual(replay.total_count, done)
        fields = ["points_before", "points_after", "cost_change", "differing_count"]
        self.assertEqual(
            replay.read(fields)[0] | {"id": 0}, whole.read(fields)[0] | {"id": 0}
        )
        names = [
            "dimension",
            "name",
            "res_id",
            "sale_count",
            "points_after",
            "cost_after",
        ]
        self.assertEqual(
            [tuple(line[name] for name in names) for line in replay.line_ids],
            [tuple(line[name] for name in names) for line in whole.line_ids],
        )

    def test_in_the_background(self):
        rule = self._try_rule("Double", effect="multiplier", value=2)
        self._sell_much()
        replay = self._replay(rule)
        with patch(f"{MODULE}.SALES_IN_BATCH", 10), trap_jobs() as trap:
            replay.action_run()
            self.assertEqual(replay.state, "running")
            self.assertFalse(replay.done_count)
            trap.assert_enqueued_job(
                replay.sudo().with_user(SUPERUSER_ID)._run_batch,
                args=(0,),
                properties={"identity_key": f"loyalty.earn.replay-{replay.id}-0"},
            )
            while trap.enqueued_jobs:
                trap.perform_enqueued_jobs()
        self.env.invalidate_all()
        self.assertEqual(replay.state, "done")
        self.assertAsRecorded(replay)
        message = replay.message_ids.filtered(lambda m: "is done" in (m.body or ""))
        self.assertEqual(message.partner_ids, self.auditor.partner_id)

    def test_a_job_run_twice(self):
        rule = self._try_rule("Double", effect="multiplier", value=2)
        self._sell_much()
        replay = self._replay(rule)
        with patch(f"{MODULE}.SALES_IN_BATCH", 10), trap_jobs() as trap:
            replay.action_run()
            while trap.enqueued_jobs:
                done = replay.done_count
                trap.perform_enqueued_jobs()
                count = trap.jobs_count()
                replay.sudo()._run_batch(done)
                trap.assert_jobs_count(count)
        self.assertAsRecorded(replay)

    def test_job_that_fails(self):
        self._sell_much()
        replay = self._replay()
        with patch(f"{MODULE}.SALES_IN_BATCH", 5), trap_jobs():
            replay.action_run()
        function = self.env["queue.job.function"].job_config(
            "<loyalty.earn.replay>._run_batch"
        )
        self.assertEqual(function.channel, "root.loyalty_simulation")
        fail = getattr(replay.sudo(), function.on_fail_method_name)
        fail(exc_name="ValueError", exc_message="No such thing", exc_info="")
        self.assertEqual((replay.state, replay.problem), ("failed", "No such thing"))
        replay.action_run()
        self.assertEqual(replay.state, "done")

    def test_cancelled(self):
        self._sell_much()
        replay = self._replay()
        with patch(f"{MODULE}.SALES_IN_BATCH", 5), trap_jobs() as trap:
            replay.action_run()
            trap.perform_enqueued_jobs()
            self.assertEqual(replay.done_count, 5)
            replay.with_user(self.auditor).action_cancel()
            self.assertEqual(replay.state, "cancelled")
            self.assertFalse(self.env["loyalty.earn.replay.member"].search([]))
            trap.perform_enqueued_jobs()
            trap.assert_jobs_count(0)
        self.assertEqual((replay.state, replay.done_count), ("cancelled", 5))
        with self.assertRaisesRegex(UserError, "Cancelled"):
            replay.with_user(self.auditor).action_cancel()
        replay.with_user(self.auditor).action_run()
        self.assertEqual(replay.state, "done")

    def test_rules_changed_meanwhile(self):
        rule = self._try_rule("Double", effect="multiplier", value=2)
        self._sell(1, 0, 1)
        replay = self._replay(rule).sudo()
        replay._begin()
        with freeze_time(NOW + timedelta(minutes=1)):
            rule.value = 3
            self.env.flush_all()
            with self.assertRaisesRegex(UserError, "rules have changed"):
                replay._load_progress()
            replay._run_batch(0)
        self.assertEqual(replay.state, "failed")
        self.assertIn("Run it again", replay.problem)

    def test_name(self):
        form = Form(self.env["loyalty.earn.replay"])
        form.scheme_id = self.env["loyalty.scheme"]
        form.date_from, form.date_to = date(2026, 1, 1), date(2026, 1, 31)
        self.assertEqual(form.name, "01/01/2026 – 01/31/2026")
        form.scheme_id = self.scheme
        self.assertEqual(form.name, "Harmony Coffee, 01/01/2026 – 01/31/2026")

    # === BAD INPUT AND RIGHTS === #

    def test_bad_input(self):
        with self.assertRaisesRegex(UserError, "has no sales"):
            self._replay().action_run()
        rule = self._rule(self.other)
        with self.assertRaises(ValidationError):
            self._replay(rule)
        one = self._rule(self.scheme, effect="receipt", best_of="x")
        other = self._rule(
            self.scheme, effect="multiplier", value=2, best_of="x", active=False
        )
        self.assertTrue(one)
        with self.assertRaisesRegex(ValidationError, "cannot be compared"):
            self._replay(other)

    def test_choices_are_closed_once_run(self):
        self._sell(1, 0, 1)
        replay = self._run()
        with self.assertRaisesRegex(UserError, "settings cannot change"):
            replay.date_to = START.date()
        with self.assertRaises(AccessError):
            replay.points_after = 5
        with self.assertRaises(AccessError):
            replay.line_ids[:1].with_user(self.auditor).name = "x"
        again = replay.copy()
        self.assertEqual(again.state, "draft")
        self.assertFalse(again.line_ids)
        forged = (
            self.env["loyalty.earn.replay"]
            .with_user(self.auditor)
            .create({"scheme_id": self.scheme.id, "state": "done", "points_after": 9})
        )
        self.assertEqual((forged.state, forged.points_after), ("draft", 0))

    def test_rights(self):
        service = new_test_user(
            self.env,
            "replay_service",
            groups=SERVICE,
        )
        self._sell(1, 0, 1)
        replay = self._run()
        for record in (replay, replay.line_ids):
            with self.assertRaises(AccessError):
                record.with_user(service).read(["id"])
        with self.assertRaises(AccessError):
            self.scheme.with_user(service).action_replay()
        with self.assertRaises(AccessError):
            replay.with_user(self.auditor).unlink()

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        shared = self._create_scheme(
            company_id=False, currency_id=self.company.currency_id.id
        )
        members = self.env["loyalty.member"]._enrol(
            self.members[self.scheme].partner_id, shared
        )
        rule = self._rule(shared, effect="receipt", value=7, budget=10, active=False)
        own = self._sale("S", self._line("a", 10), date=START + timedelta(days=2))
        self.env["loyalty.transaction"]._record_many(
            [
                (members[0], own),
                (
                    members[1],
                    replace(
                        own,
                        reference="F",
                        company_id=company.id,
                        date=START + timedelta(days=1),
                    ),
                ),
            ]
        )
        replay = self._run(rule, scheme_id=shared.id)
        self.assertEqual(replay.company_id, self.company)
        self.assertEqual(replay.points_before, 10)
        # The other company's sale has taken its part of the budget
        self.assertEqual(replay.points_after, 13)
        self.assertEqual(self._lines(replay, "member").mapped("res_id"), members[0].ids)
        other = new_test_user(
            self.env,
            "replay_elsewhere",
            groups=AUDITOR,
            company_id=company.id,
            company_ids=[company.id],
        )
        with self.assertRaises(AccessError):
            replay.with_user(other).read(["points_after"])
        self.assertFalse(
            self.env["loyalty.earn.replay.line"].with_user(other).search([])
        )

    def test_opened_from_a_rule(self):
        archived = self._rule(self.scheme, active=False)
        action = archived.with_user(self.auditor).action_replay()
        form = Form(
            self.env["loyalty.earn.replay"]
            .with_user(self.auditor)
            .with_context(**action["context"])
        )
        self.assertEqual(form.added_rule_ids[:], archived)
        self.assertEqual(form.scheme_id, self.scheme)
        draft = self.env["loyalty.earn.rule"].browse(archived.action_draft()["res_id"])
        self.assertFalse(draft.active)
        self.assertNotEqual(draft, archived)
