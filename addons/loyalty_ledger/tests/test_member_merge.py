# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Merging members who have points, and undoing it."""

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from ..ledger.flow import WALLET
from ..ledger.move import Op, Shortfall
from .common import NOW, LoyaltyLedgerCommon

TODAY = NOW.date()


def in_days(days):
    return TODAY + timedelta(days=days)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMemberMerge(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme.pending_days = 0
        cls.twin = cls.env["res.partner"].create({"name": "Anna Twin"})
        cls.duplicate = cls.env["loyalty.member"]._enrol(cls.twin, cls.scheme)
        cls.old_account = cls.scheme._get_account(cls.duplicate)
        cls.manager = new_test_user(
            cls.env, "merger", "loyalty_member.loyalty_member_group_manager"
        )

    def _merge(self):
        self.env.flush_all()
        member = self.member.with_user(self.manager)
        return member._merge(self.duplicate.with_user(self.manager), "The same phone")

    def _unmerge(self):
        self.duplicate.with_user(self.manager).action_unmerge()

    def _give(self, points, account=None, **values):
        return self._post(
            values.pop("op", Op.CREDIT),
            points,
            account=account or self.old_account,
            **values,
        )

    def _sell(self, reference, amount, member=None, **values):
        return self.env["loyalty.transaction"]._record(
            member or self.duplicate,
            self._sale(reference, self._line("a", amount), **values),
        )

    def _bring_back(self, transaction, reference, amount, quantity=1):
        return transaction._record_return(
            self._sale(
                reference, self._line("b", amount, quantity=quantity, origin_key="a")
            )
        )

    def _open_lots(self, account):
        return [
            (
                lot.remaining,
                lot.state,
                lot.release_date or None,
                lot.expiry_date or None,
            )
            for lot in account.lot_ids.sorted("id")
            if lot.remaining
        ]

    def assertApart(self, kept, given):
        """The two accounts have so much, and the books of both add up."""
        self.assertBooks(kept)
        self.assertBooks(given, account=self.old_account)

    # === MERGE === #

    def test_every_lot_keeps_its_days(self):
        self._give(50, expiry_date=in_days(3))
        self._give(30)
        self._give(20, op=Op.PEND, release_date=in_days(1), expiry_date=in_days(9))
        lots = self._open_lots(self.old_account)
        self._give(7, account=self.account)
        self._merge()
        self.assertBooks(87, 20)
        self.assertBooks(0, 0, account=self.old_account)
        self.assertEqual(
            self._open_lots(self.account), [(7, "available", None, None), *lots]
        )
        self.assertEqual(
            [
                (entry.kind, entry.amount, entry.pending)
                for entry in self.account.entry_ids[:1]
            ],
            [("merge_in", 80, 20)],
        )
        self.assertEqual(self.old_account.ledger_successor_id, self.account)
        self.assertEqual(self.duplicate.account_id, self.account)

    def test_pending_points_become_available_for_who_stays(self):
        self._give(20, op=Op.PEND, release_date=in_days(1))
        self._merge()
        with freeze_time(NOW + timedelta(days=1)):
            self.env["loyalty.ledger.due"]._post(
                "release", fields.Date.today(), self.account.ids
            )
            self.assertBooks(20)

    def test_a_debt_is_not_lost(self):
        self._give(10)
        self._give(30, op=Op.TAKE_BACK, shortfall=Shortfall.DEBT, key="debt")
        self._give(50, account=self.account)
        self._merge()
        self.assertApart(30, 0)
        self.assertEqual(self._open_lots(self.account), [(30, "available", None, None)])

    def test_nothing_moves_on_the_old_account_any_more(self):
        entry = self._give(10, key="first")
        self._merge()
        with self.assertRaisesRegex(
            ValidationError, "points are on the account of Anna"
        ):
            self._give(10, key="second")
        # What came before is still known
        self.assertEqual(self._give(10, key="first"), entry)
        self.assertApart(10, 0)

    def test_an_order_that_is_being_paid_comes_first(self):
        self._give(10)
        self.old_account._hold("Shop/0001", 5)
        with (
            self.assertRaisesRegex(
                UserError, r"Shop/0001 has 5 beans of Anna Twin set"
            ),
            self.env.cr.savepoint(),
        ):
            self._merge()
        self.old_account._release_hold("Shop/0001")
        self._merge()
        self.assertApart(10, 0)

    # === SALES === #

    def test_sales_and_returns_of_before(self):
        sale = self._sell("S1", 100)
        self.assertBooks(100, account=self.old_account)
        self._merge()
        self.assertEqual((sale.member_id, sale.account_id), (self.member, self.account))
        self._bring_back(sale, "R1", 40, 0.4)
        self.assertApart(60, 0)
        self._bring_back(sale, "R2", 60, 0.6)
        self.assertApart(0, 0)

    def test_what_was_spent_before_comes_back_with_its_last_day(self):
        self._give(30, expiry_date=in_days(5))
        self._give(30, expiry_date=in_days(9))
        sale = self._sell("S1", 0.4, redeemed=40)
        self._merge()
        before = self._open_lots(self.account)
        self.assertEqual(before, [(20, "available", None, in_days(9))])
        self._bring_back(sale, "R1", 0.2, 0.5)
        self._bring_back(sale, "R2", 0.2, 0.5)
        self.assertApart(60, 0)
        by_day = {}
        for points, _state, _release, day in self._open_lots(self.account):
            by_day[day] = by_day.get(day, 0) + points
        self.assertEqual(by_day, {in_days(5): 30, in_days(9): 30})

    def test_the_duplicate_goes_on_buying(self):
        self._merge()
        sale = self._sell("S1", 25)
        self.assertEqual(sale.member_id, self.member)
        self.assertBooks(25)
        self.assertEqual(
            self.env["loyalty.member"]._find_for_partner(self.twin, self.scheme),
            self.member,
        )

    # === UNMERGE === #

    def test_what_is_still_there_goes_back(self):
        self._give(50, expiry_date=in_days(3))
        self._give(30, expiry_date=in_days(9))
        self._give(20, op=Op.PEND, release_date=in_days(1))
        self._give(7, account=self.account)
        self._merge()
        self._give(5, account=self.account)
        # Takes what ends first
        self._post(Op.DEBIT, 60)
        self._unmerge()
        self.assertBooks(12)
        self.assertBooks(20, 20, account=self.old_account)
        self.assertEqual(
            self._open_lots(self.old_account),
            [
                (20, "available", None, in_days(9)),
                (20, "pending", in_days(1), None),
            ],
        )
        self.assertFalse(self.old_account.ledger_successor_id)
        self._give(1, key="again")
        self.assertBooks(21, 20, account=self.old_account)

    def test_sales_go_back_and_returns_stay_exact(self):
        self._give(30, expiry_date=in_days(5))
        sale = self._sell("S1", 100, redeemed=20)
        self._merge()
        mine = self._sell("S2", 10)
        self._bring_back(sale, "R1", 50, 0.5)
        # 30 - 20 + 100, half of the sale undone, and what S2 has earned
        self.assertApart(80, 0)
        self._unmerge()
        self.assertApart(10, 70)
        self.assertEqual(
            (sale.member_id, sale.account_id, sale.return_ids.account_id),
            (self.duplicate, self.old_account, self.old_account),
        )
        self.assertEqual((mine.member_id, mine.account_id), (self.member, self.account))
        self._bring_back(sale, "R2", 50, 0.5)
        self.assertApart(10, 30)
        self.assertEqual(
            sum(
                lot[0]
                for lot in self._open_lots(self.old_account)
                if lot[3] == in_days(5)
            ),
            30,
        )

    def test_a_return_is_cancelled_after_the_merge_and_after_its_end(self):
        sale = self._sell("S1", 100)
        returned = self._bring_back(sale, "R1", 50, 0.5)
        self._merge()
        returned._cancel()
        self.assertApart(100, 0)
        returned = self._bring_back(sale, "R2", 20, 0.2)
        self.assertApart(80, 0)
        self._unmerge()
        returned._cancel()
        self.assertApart(0, 100)

    def test_merged_twice_and_undone_in_order(self):
        third = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Third"}), self.scheme
        )
        self._give(40, expiry_date=in_days(2))
        sale = self._sell("S1", 10)
        self._merge()
        self._give(3, account=self.account)
        third._merge(self.member, "Once more")
        last = self.scheme._get_account(third)
        self.assertBooks(53, account=last)
        self.assertEqual(sale.account_id, last)
        with self.assertRaisesRegex(UserError, "has been merged into Third since"):
            self._unmerge()
        self.member.action_unmerge()
        self.assertBooks(0, account=last)
        self.assertApart(53, 0)
        self._unmerge()
        self.assertApart(3, 50)
        self.assertEqual(sale.account_id, self.old_account)

    def test_the_wallet_comes_along(self):
        self.scheme.has_wallet = True
        wallet = self.scheme._get_account(self.duplicate, WALLET)
        self._post(Op.CREDIT, 12.5, account=wallet, kind="top_up")
        self._merge()
        mine = self.scheme._get_account(self.member, WALLET)
        self.assertBooks(12.5, account=mine)
        self.assertEqual(self.duplicate.wallet_account_id, mine)
        self._unmerge()
        self.assertBooks(0, account=mine)
        self.assertBooks(12.5, account=wallet)

    # === AROUND THE MERGE === #

    def test_a_sale_that_the_merge_has_not_seen(self):
        """Recorded at the same moment by a till, without moving any points."""
        sale = self._sell("S1", 0.3)
        self.assertBooks(0, account=self.old_account)
        self._merge()
        # As another transaction would have left it
        sale.write({"member_id": self.duplicate.id, "account_id": self.old_account.id})
        self._sell("S1", 25)
        self.assertEqual((sale.member_id, sale.account_id), (self.member, self.account))
        self.assertApart(25, 0)

    def test_a_sale_is_changed_under_either_name(self):
        self._merge()
        sale = self._sell("S1", 25)
        self._unmerge()
        self._sell("S1", 30, member=self.duplicate)
        self.assertEqual(sale.member_id, self.member)
        self.assertApart(30, 0)

    def test_nobody_owes_what_others_have(self):
        """Unmerging stops where a debt of who stays would grow."""
        self._give(30)
        self._merge()
        # A debt beside points: what was on hold when it came about
        self.account._hold("Shop/1", 30)
        self._post(Op.TAKE_BACK, 20, shortfall=Shortfall.DEBT)
        with (
            self.assertRaisesRegex(UserError, "Shop/1 has 30 beans of Anna set aside"),
            self.env.cr.savepoint(),
        ):
            self._unmerge()
        self.account._release_hold("Shop/1")
        with (
            self.assertRaisesRegex(
                UserError,
                "30 beans would go back, but only 10 beans are on the account",
            ),
            self.env.cr.savepoint(),
        ):
            self._unmerge()
        self.assertApart(10, 0)

    def test_the_preview_tells_of_points(self):
        self._give(12)
        dialog = (
            self.env["loyalty.member.merge.wizard"]
            .with_user(self.manager)
            .new({"member_ids": (self.member | self.duplicate).ids})
        )
        self.assertIn("12 beans, worth", dialog.preview)

    def test_what_a_merge_has_carried(self):
        self._give(12)
        self._give(8, op=Op.PEND)
        merge = self._merge()
        auditor = new_test_user(
            self.env, "merge_reader", "loyalty_member.loyalty_member_group_auditor"
        )
        line = merge.with_user(auditor).account_ids
        self.assertEqual(line.moved_summary, "12 beans, and 8 beans pending")
        self.assertFalse(line.returned_summary)
        self._post(Op.DEBIT, 5)
        self._unmerge()
        self.assertEqual(line.returned_summary, "7 beans, and 8 beans pending")
        for record in (line, merge):
            with self.assertRaises(AccessError):
                record.with_user(self.manager).unlink()
        with self.assertRaises(AccessError):
            line.with_user(self.manager).write({"moved": 1})
