# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from contextlib import suppress
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.tests import tagged

from odoo.addons.loyalty_ledger.tests.common import NOW

from .common import LoyaltyTiersCommon

NEW_YEAR = "2028-01-01 12:00:00"
AMOUNTS = (40, 120, 150, 300, 310, 900)
STATE = (
    "tier_id",
    "tier_since",
    "tier_until",
    "tier_locked",
    "tier_lock_until",
    "tier_lock_reason",
)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBulk(LoyaltyTiersCommon):
    """A night writes by ranges of members what single steps would have written."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.members = cls.env["loyalty.member"]
        for amount in AMOUNTS:
            partner = cls.env["res.partner"].create({"name": f"Buys {amount}"})
            cls.members |= cls.env["loyalty.member"]._enrol(partner, cls.scheme)

    def setUp(self):
        super().setUp()
        # The test's transaction is not to be committed
        self.startPatcher(
            patch.object(
                self.env.registry["ir.cron"],
                "_commit_progress",
                lambda *_args, **_values: 1000,
            )
        )
        self.Run = self.env.registry["loyalty.tier.run"]

    def _buy_all(self):
        for member, amount in zip(self.members, AMOUNTS, strict=True):
            self._buy(f"B{member.id}", amount, member=member)

    def _night(self, day=NEW_YEAR, size=2):
        with freeze_time(day):
            run = self.env["loyalty.tier.run"]._open_run(self.scheme)
            run._continue(batch_size=size)
        self.env.invalidate_all()
        return run

    def _read_all(self):
        """Return where members stand, and their history."""
        names = set(self.env["loyalty.tier.change"]._fields)
        names -= {"id", "display_name", "create_date", "write_date"}
        self.env.invalidate_all()
        return (
            [member.read(STATE, load=False)[0] for member in self.members],
            [
                change.read(sorted(names), load=False)[0] | {"id": None}
                for change in self.members.tier_change_ids.sorted("id")
            ],
        )

    def _try(self, call):
        """Return what all is after a call, which is then undone."""
        savepoint = self.env.cr.savepoint()
        call()
        result = self._read_all()
        savepoint.close(rollback=True)
        self.env.invalidate_all()
        return result

    def test_as_member_by_member(self):
        self._buy_all()
        service = self.env["loyalty.tier.service"]

        def one_by_one():
            settings = self.scheme._get_tier_settings()
            for member in self.members:
                service._evaluate(self.scheme, settings, member.ids)

        with freeze_time(NEW_YEAR):
            expected = self._try(one_by_one)
        self.assertEqual(
            [self.env["loyalty.tier"].browse(s["tier_id"]).name for s in expected[0]],
            [False, False, False, "Silver", "Silver", "Silver"],
        )
        self.assertEqual(len(expected[1]), 10)
        for size in (1, 2, 100):
            states, history = self._try(lambda size=size: self._night(size=size))
            self.assertEqual(states, expected[0])
            self.assertCountEqual(history, expected[1])

    def test_as_through_create(self):
        """Automation rules extend ``create``: they get the very same lines."""
        self._buy_all()
        self.gold.write({"keep": "own", "keep_points": 400})
        Change = self.env.registry["loyalty.tier.change"]
        original, made = Change.create, []

        def create(model, vals_list):
            made.append(len(vals_list))
            return original(model, vals_list)

        for day in ("2027-12-05 12:00:00", NEW_YEAR):
            expected = self._try(lambda day=day: self._night(day))
            self.assertFalse(made)
            with patch.object(Change, "create", create):
                self.assertEqual(self._try(lambda day=day: self._night(day)), expected)
        self.assertEqual(sum(made), 5)

    def test_other_modules_hear_of_all_lines_at_once(self):
        self._buy_all()
        Change = self.env.registry["loyalty.tier.change"]
        heard = []
        with patch.object(Change, "_after_record", lambda lines: heard.append(lines)):
            self._night(size=100)
        self.assertEqual(len(heard), 1)
        self.assertEqual(heard[0].member_id, self.members[1:])
        self.assertEqual(set(heard[0].mapped("cause")), {"downgrade"})

    def test_stopped_in_the_middle_and_run_again(self):
        self._buy_all()
        expected = self._try(self._night)
        Change = self.env.registry["loyalty.tier.change"]
        calls = []

        def stop(changes):
            calls.append(changes)
            if len(calls) == 2:
                raise InterruptedError

        # What was done until then stays, as it does where it is committed
        with patch.object(Change, "_after_record", stop), suppress(InterruptedError):
            self._night()
        run = self.env["loyalty.tier.run"].search([("scheme_id", "=", self.scheme.id)])
        self.assertFalse(run.finished)
        self.assertLess(run.member_count, len(self.members))
        before = len(self.members.tier_change_ids)
        self.assertEqual(self._night(), run)
        self.assertTrue(run.finished)
        self.assertEqual(run.member_count, len(self.members | self.member))
        self.assertGreater(len(self.members.tier_change_ids), before)
        self.assertEqual(self._read_all(), expected)

    def test_a_month_that_a_sale_counts_at_the_same_moment(self):
        self._buy_all()
        original, calls = self.Run._evaluate_range, []

        def collide(run, *args):
            calls.append(args)
            if len(calls) == 1:
                raise UniqueViolation
            return original(run, *args)

        with patch.object(self.Run, "_evaluate_range", collide):
            run = self._night(size=100)
        self.assertEqual(len(calls), 2)
        self.assertEqual(run.change_count, 5)

    def test_queries_do_not_grow_with_members(self):
        self._buy_all()
        pricelist = self.env["product.pricelist"].create({"name": "Silver's"})
        self.silver.pricelist_id = pricelist

        def count(members):
            with freeze_time(NEW_YEAR):
                settings = self.scheme._get_tier_settings()
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                self.env["loyalty.tier.service"]._evaluate(
                    self.scheme, settings, members.ids
                )
                self.env.flush_all()
                return self.env.cr.sql_log_count - before

        few = count(self.members[3:4])
        self.assertLessEqual(count(self.members[4:]), few)
        self.assertEqual(
            [
                partner.specific_property_product_pricelist
                for partner in self.members[3:].partner_id.with_company(self.company)
            ],
            [pricelist] * 3,
        )
