# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.loyalty_ledger.ledger.move import Op
from odoo.addons.loyalty_ledger.tests.common import LoyaltyLedgerCommon
from odoo.addons.queue_job.tests.common import trap_jobs

MODULE = "odoo.addons.loyalty_adjustment.models.loyalty_adjustment"


class AdjustmentCommon(LoyaltyLedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "loyalty_member.loyalty_member_group_"
        cls.plain = new_test_user(cls.env, "adjust_plain", "base.group_user")
        cls.service = new_test_user(cls.env, "adjust_service", group + "service")
        cls.auditor = new_test_user(cls.env, "adjust_auditor", group + "auditor")
        cls.manager = new_test_user(cls.env, "adjust_manager", group + "manager")
        cls.other_manager = new_test_user(cls.env, "adjust_other", group + "manager")
        cls.scheme.write(
            {
                "adjust_user_limit": 100,
                "adjust_user_total": 250,
                "adjust_manager_limit": 1000,
                "adjust_manager_total": 2000,
            }
        )
        cls.reason = cls.env["loyalty.adjustment.reason"].create(
            {"name": "Cold coffee"}
        )
        cls.friends = cls.env["loyalty.member"]._enrol(
            cls.env["res.partner"].create(
                [{"name": f"Friend {number}"} for number in range(4)]
            ),
            cls.scheme,
        )

    def _adjustment(self, user, points, **values):
        values.setdefault("member_id", self.member.id)
        return (
            self.env["loyalty.adjustment"]
            .with_user(user)
            .create(
                {
                    "scheme_id": self.scheme.id,
                    "points": points,
                    "reason_id": self.reason.id,
                    **values,
                }
            )
        )

    def _submit(self, user, points, **values):
        adjustment = self._adjustment(user, points, **values)
        adjustment.action_submit()
        return adjustment

    def _for_friends(self, **values):
        return {
            "target": "filter",
            "domain": "[('partner_id.name', 'like', 'Friend')]",
            **values,
        }

    def _balances(self):
        self.env.invalidate_all()
        return self.friends.sorted("id").mapped("points_balance")

    def _refuse(self, adjustment, user, reason="No"):
        return (
            self.env["loyalty.adjustment.refuse"]
            .with_user(user)
            .create({"adjustment_ids": adjustment.ids, "reason": reason})
            .action_refuse()
        )


@tagged("post_install", "-at_install")
class TestAdjustment(AdjustmentCommon):
    # === WITHIN THE LIMIT === #

    def test_within_the_limit_it_is_posted_at_once(self):
        adjustment = self._submit(self.service, 100, note="Third time")
        self.assertRecordValues(
            adjustment,
            [
                {
                    "state": "posted",
                    "requested_by_id": self.service.id,
                    "decided_by_id": False,
                    "posted_count": 1,
                    "refused_count": 0,
                }
            ],
        )
        self.assertTrue(adjustment.name)
        entry = adjustment.line_ids.entry_id
        self.assertEqual(
            (entry.kind, entry.amount, entry.reason, entry.key, entry.create_uid),
            (
                "adjust",
                100,
                "Cold coffee",
                f"adjustment:{adjustment.line_ids.id}",
                self.service,
            ),
        )
        self.assertEqual(
            (entry.res_model, entry.res_id), (adjustment._name, adjustment.id)
        )
        self.assertFalse(adjustment.activity_ids)
        self.assertBooks(100)

    def test_taking(self):
        self._post(Op.CREDIT, 60)
        adjustment = self._submit(self.service, 50, kind="take")
        self.assertEqual(adjustment.line_ids.points, -50)
        self.assertBooks(10)

    def test_taking_more_than_is_there_is_refused_whole(self):
        self._post(Op.CREDIT, 30)
        adjustment = self._adjustment(self.service, 50, kind="take")
        with self.assertRaisesRegex(UserError, "Anna has 30 beans .*takes 50 beans"):
            adjustment.action_submit()
        self.assertBooks(30)

    def test_taking_leaves_what_is_on_hold(self):
        self._post(Op.CREDIT, 60)
        self.account._hold("sale:1", 40)
        adjustment = self._adjustment(self.service, 50, kind="take")
        with self.assertRaisesRegex(UserError, "has 20 beans"):
            adjustment.action_submit()

    @freeze_time("2026-03-10")
    def test_points_expire_as_the_scheme_says(self):
        self.scheme.expiry_policy = "term"
        self._submit(self.service, 10)
        self.assertEqual(self.account.lot_ids.expiry_date, date(2027, 3, 10))

    def test_posting_again_changes_nothing(self):
        adjustment = self._submit(self.service, 10)
        with self.assertRaisesRegex(UserError, "is Posted"):
            adjustment.action_submit()
        adjustment.sudo().line_ids._post()
        self.assertBooks(10)

    # === ABOVE THE LIMIT === #

    def test_above_the_limit_a_second_person_approves(self):
        adjustment = self._submit(self.service, 101)
        self.assertEqual(adjustment.state, "approval")
        self.assertIn("101 beans", adjustment.approval_reason)
        self.assertIn("100 beans", adjustment.approval_reason)
        users = adjustment.activity_ids.user_id
        self.assertLessEqual(self.manager | self.other_manager, users)
        self.assertFalse((self.service | self.auditor | self.plain) & users)
        self.assertBooks(0)
        adjustment.with_user(self.manager).action_approve()
        self.assertRecordValues(
            adjustment, [{"state": "posted", "decided_by_id": self.manager.id}]
        )
        self.assertTrue(adjustment.decision_date and adjustment.post_date)
        self.assertFalse(adjustment.activity_ids)
        self.assertIn(self.service.partner_id, adjustment.message_ids.partner_ids)
        self.assertBooks(101)
        with self.assertRaisesRegex(UserError, "is Posted"):
            adjustment.with_user(self.other_manager).action_approve()
        self.assertBooks(101)

    def test_nobody_approves_their_own_not_even_an_administrator(self):
        admin = self.env.ref("base.user_admin")
        for user in (self.manager, admin):
            adjustment = self._submit(user, 1001)
            self.assertEqual(adjustment.state, "approval")
            self.assertNotIn(user, adjustment.activity_ids.user_id)
            self.assertFalse(adjustment.can_approve)
            with self.assertRaisesRegex(AccessError, "cannot decide on your own"):
                adjustment.action_approve()
            with self.assertRaisesRegex(AccessError, "cannot decide on your own"):
                adjustment.sudo().action_approve()
            with self.assertRaisesRegex(AccessError, "cannot decide on your own"):
                self._refuse(adjustment, user)
        self.assertBooks(0)

    def test_who_wrote_it_does_not_approve_what_another_submits(self):
        adjustment = self._adjustment(self.manager, 500)
        adjustment.with_user(self.service).action_submit()
        self.assertEqual(adjustment.state, "approval")
        with self.assertRaises(AccessError):
            adjustment.with_user(self.manager).action_approve()
        adjustment.with_user(self.other_manager).action_approve()
        self.assertBooks(500)

    def test_service_users_do_not_approve(self):
        adjustment = self._submit(self.service, 101)
        colleague = new_test_user(
            self.env, "colleague", "loyalty_member.loyalty_member_group_service"
        )
        for user in (colleague, self.auditor, self.plain):
            with self.assertRaises(AccessError):
                adjustment.with_user(user).action_approve()
            with self.assertRaises(AccessError):
                self._refuse(adjustment, user)
        self.assertBooks(0)

    def test_small_parts_of_one_day_add_up(self):
        self._submit(self.service, 60)
        second = self._submit(self.service, 41)
        self.assertEqual(second.state, "approval")
        self.assertIn("60 beans of today", second.approval_reason)
        second.with_user(self.manager).action_approve()
        self.assertEqual(self._submit(self.service, 40).state, "posted")
        self.assertBooks(141)

    def test_a_new_day_starts_anew(self):
        with freeze_time("2026-03-10 12:00:00"):
            self._submit(self.service, 100)
        with freeze_time("2026-03-11 12:00:00"):
            self.assertEqual(self._submit(self.service, 100).state, "posted")

    def test_own_account_needs_a_second_person(self):
        own = self.env["loyalty.member"]._enrol(self.manager.partner_id, self.scheme)
        adjustment = self._submit(self.manager, 1, member_id=own.id)
        self.assertEqual(adjustment.state, "approval")
        mine = self._submit(self.service, 101, member_id=own.id)
        with self.assertRaisesRegex(AccessError, "You are among the members"):
            mine.with_user(self.manager).action_approve()
        mine.with_user(self.other_manager).action_approve()
        self.assertEqual(own.points_balance, 101)

    def test_without_a_second_person_it_says_so(self):
        group = self.env.ref("loyalty_member.loyalty_member_group_manager")
        (group.all_user_ids - self.manager).active = False
        adjustment = self._adjustment(self.manager, 1001)
        with self.assertRaisesRegex(UserError, "role Administrator"):
            adjustment.action_submit()

    def test_approving_what_is_no_longer_there(self):
        self._post(Op.CREDIT, 500)
        adjustment = self._submit(self.service, 400, kind="take")
        self._post(Op.DEBIT, 200)
        with self.assertRaisesRegex(UserError, "has 300 beans"), self.cr.savepoint():
            adjustment.with_user(self.manager).action_approve()
        self.assertEqual(adjustment.state, "approval")
        self.assertBooks(300)

    def test_refusing_needs_a_reason_and_moves_nothing(self):
        adjustment = self._submit(self.service, 101)
        with self.assertRaisesRegex(UserError, "Enter a reason"):
            self._refuse(adjustment, self.manager, " ")
        self._refuse(adjustment, self.manager, "She drank it")
        self.assertEqual(adjustment.state, "refused")
        self.assertEqual(adjustment.refusal_reason, "She drank it")
        self.assertEqual(adjustment.line_ids.state, "cancelled")
        self.assertFalse(adjustment.activity_ids)
        self.assertIn("She drank it", adjustment.message_ids[0].body)
        with self.assertRaisesRegex(UserError, "is Refused"):
            adjustment.with_user(self.other_manager).action_approve()
        self.assertBooks(0)

    def test_cancelling(self):
        adjustment = self._submit(self.service, 101)
        colleague = new_test_user(
            self.env, "canceller", "loyalty_member.loyalty_member_group_service"
        )
        with self.assertRaises(AccessError):
            adjustment.with_user(colleague).action_cancel()
        adjustment.action_cancel()
        self.assertEqual(adjustment.state, "cancelled")
        with self.assertRaisesRegex(UserError, "is Cancelled"):
            adjustment.with_user(self.manager).action_approve()
        posted = self._submit(self.service, 1)
        with self.assertRaisesRegex(UserError, "is Posted"):
            posted.action_cancel()
        self.assertBooks(1)

    # === MANY === #

    def test_bulk_says_how_many_and_how_much_before(self):
        adjustment = self._adjustment(self.service, 60, **self._for_friends())
        self.assertEqual(adjustment.member_count, 4)
        self.assertEqual(adjustment.points_total, 240)
        self.assertIn("4 members get 60 beans each: 240 beans", adjustment.summary)
        self.assertFalse(adjustment.needs_approval)
        adjustment.action_submit()
        self.assertEqual(adjustment.state, "posted")
        self.assertEqual(self._balances(), [60] * 4)

    def test_bulk_total_above_the_limit_is_approved(self):
        adjustment = self._adjustment(self.service, 63, **self._for_friends())
        self.assertTrue(adjustment.needs_approval)
        adjustment.action_submit()
        self.assertEqual(adjustment.state, "approval")
        self.assertIn("252 beans in all", adjustment.approval_reason)
        self.assertEqual(self._balances(), [0] * 4)

    def test_what_was_approved_is_what_is_posted(self):
        adjustment = self._submit(self.service, 63, **self._for_friends())
        late = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Friend too late"}), self.scheme
        )
        self.friends[0].partner_id.name = "Foe"
        adjustment.with_user(self.manager).action_approve()
        self.assertEqual(self._balances(), [63] * 4)
        self.assertEqual(late.points_balance, 0)

    def test_bulk_says_what_happened_to_each(self):
        accounts = self.scheme._get_accounts(self.friends[:3])
        for member, points in zip(self.friends[:3], (50, 10, 50), strict=True):
            self._post(Op.CREDIT, points, account=accounts[member.id])
        adjustment = self._submit(
            self.service,
            50,
            kind="take",
            target="members",
            member_ids=[Command.set(self.friends.ids)],
        )
        self.assertEqual(adjustment.state, "posted")
        self.assertEqual(self._balances(), [0, 10, 0, 0])
        lines = adjustment.line_ids.sorted(lambda line: line.member_id.id)
        self.assertEqual(
            lines.mapped("state"), ["posted", "refused", "posted", "refused"]
        )
        self.assertIn("Friend 1 has 10 beans", lines[1].message)
        self.assertIn("Friend 3 has 0 beans", lines[3].message)
        self.assertEqual((adjustment.posted_count, adjustment.refused_count), (2, 2))
        self.assertEqual((adjustment.points_total, adjustment.value_total), (100, 1))
        self.assertIn("2 did not have enough", adjustment.message_ids[0].body)

    def _start_large_bulk(self):
        """Submit an adjustment of four members that is posted in jobs of three."""
        self.startPatcher(patch(f"{MODULE}.BATCH", 3))
        return self._submit(self.service, 60, **self._for_friends())

    def test_large_bulk_is_posted_in_the_background(self):
        with trap_jobs() as trap:
            adjustment = self._start_large_bulk()
            self.assertEqual(adjustment.state, "posting")
            self.assertEqual(self._balances(), [0] * 4)
            trap.assert_enqueued_job(
                adjustment.sudo()._post_batch,
                properties={"identity_key": f"loyalty.adjustment-{adjustment.id}-0"},
            )
            trap.perform_enqueued_jobs()
            self.assertEqual(self._balances(), [60] * 3 + [0])
            self.assertEqual((adjustment.state, adjustment.progress), ("posting", 75))
            trap.perform_enqueued_jobs()
            self.assertFalse(trap.enqueued_jobs)
        self.assertEqual(self._balances(), [60] * 4)
        self.assertEqual(adjustment.state, "posted")
        self.assertEqual(adjustment.line_ids.entry_id.create_uid, self.service)
        adjustment.sudo()._post_batch()
        self.assertEqual(self._balances(), [60] * 4)

    def test_a_failed_job_is_resumed(self):
        with trap_jobs() as trap:
            adjustment = self._start_large_bulk()
            trap.perform_enqueued_jobs()
            adjustment.sudo()._on_batch_failed(exc_message="The disk is full.")
            self.assertEqual(adjustment.problem, "The disk is full.")
            self.assertIn("The disk is full.", adjustment.message_ids[0].body)
            trap.enqueued_jobs.clear()
            with self.assertRaises(AccessError):
                adjustment.with_user(self.auditor).action_resume()
            adjustment.action_resume()
            self.assertFalse(adjustment.problem)
            trap.perform_enqueued_jobs()
        self.assertEqual(adjustment.state, "posted")
        self.assertEqual(self._balances(), [60] * 4)
        with self.assertRaisesRegex(UserError, "is Posted"):
            adjustment.action_resume()

    def test_jobs_have_a_channel(self):
        function = self.env.ref("loyalty_adjustment.queue_job_function_post_batch")
        self.assertEqual(function.name, "<loyalty.adjustment>._post_batch")
        self.assertEqual(function.channel, "root.loyalty_adjustment")
        for name in (function.method, function.on_fail_method):
            self.assertTrue(callable(getattr(self.env["loyalty.adjustment"], name)))

    def test_another_scheme_is_left_alone(self):
        other = self._create_scheme(name="Other")
        stranger = self.env["loyalty.member"]._enrol(
            self.env["res.partner"].create({"name": "Friend of others"}), other
        )
        adjustment = self._submit(self.service, 10, **self._for_friends())
        self.assertEqual(adjustment.member_count, 4)
        with self.assertRaisesRegex(ValidationError, "another scheme"):
            self._adjustment(self.service, 10, member_id=stranger.id)
        with self.assertRaisesRegex(UserError, "one scheme"):
            (stranger | self.member).with_user(self.service).action_adjust_points()

    def test_many_lines_take_a_constant_number_of_queries(self):
        def count(number):
            partners = self.env["res.partner"].create(
                [{"name": f"Member {number}.{i}"} for i in range(number)]
            )
            self.env["loyalty.member"]._enrol(partners, self.scheme)
            adjustment = self._adjustment(
                self.manager,
                1,
                target="filter",
                domain=f"[('partner_id.name', 'like', 'Member {number}.')]",
            )
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            adjustment.action_submit()
            self.env.flush_all()
            self.assertEqual(adjustment.posted_count, number)
            return self.cr.sql_log_count - before

        count(2)
        few = count(3)
        self.assertEqual(count(40), few)

    # === BAD INPUT === #

    def test_bad_amounts(self):
        for points in (0, -5, 1e12):
            with (
                self.subTest(points=points),
                self.assertRaises(CheckViolation),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                self._adjustment(self.service, points).flush_recordset()
        for points in (float("nan"), float("inf")):
            with self.assertRaisesRegex(ValidationError, "greater than zero"):
                self._adjustment(self.service, points)
        with self.assertRaisesRegex(ValidationError, "steps of 1 bean"):
            self._adjustment(self.service, 1.5)
        self.assertBooks(0)

    def test_bad_filters(self):
        for domain in ("nonsense", "[('no_such_field', '=', 1)]", "[1]", "[('state'"):
            with (
                self.subTest(domain=domain),
                self.assertRaisesRegex(ValidationError, "filter cannot be read"),
                self.cr.savepoint(),
            ):
                self._adjustment(self.service, 1, target="filter", domain=domain)

    def test_nobody_to_adjust(self):
        for values in (
            {"member_id": False},
            {"target": "members"},
            {"target": "filter", "domain": "[('number', '=', 'none')]"},
        ):
            adjustment = self._adjustment(self.service, 1, **values)
            with self.assertRaisesRegex(UserError, "no member"), self.cr.savepoint():
                adjustment.action_submit()
            self.assertEqual(adjustment.state, "draft")

    # === RIGHTS === #

    def test_the_steps_are_not_written_by_hand(self):
        forged = {
            "state": "approval",
            "requested_by_id": self.other_manager.id,
            "decided_by_id": self.other_manager.id,
        }
        adjustment = (
            self.env["loyalty.adjustment"]
            .with_user(self.manager)
            .with_context(default_state="posted", default_decided_by_id=self.manager.id)
            .create(
                {
                    "scheme_id": self.scheme.id,
                    "member_id": self.member.id,
                    "points": 5000,
                    "reason_id": self.reason.id,
                    "line_ids": [
                        Command.create(
                            {"member_id": self.member.id, "state": "waiting"}
                        )
                    ],
                    **forged,
                }
            )
        )
        self.assertEqual(adjustment.state, "draft")
        self.assertFalse(adjustment.requested_by_id | adjustment.decided_by_id)
        self.assertFalse(adjustment.line_ids)
        for name, value in forged.items():
            with self.assertRaisesRegex(AccessError, "Use the buttons"):
                adjustment.write({name: value})
        adjustment.action_submit()
        for values in (
            {"points": 1},
            {"member_id": self.friends[0].id},
            {"domain": "[]"},
            {"kind": "take"},
        ):
            with self.assertRaisesRegex(UserError, "cannot be changed"):
                adjustment.with_user(self.other_manager).write(values)
        line = adjustment.line_ids
        for user in (self.service, self.manager, self.auditor):
            with self.assertRaises(AccessError):
                line.with_user(user).write({"points": 1})
            with self.assertRaises(AccessError):
                line.with_user(user).create(
                    {
                        "adjustment_id": adjustment.id,
                        "member_id": self.friends[0].id,
                        "state": "waiting",
                    }
                )
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            adjustment.with_user(self.manager).unlink()

    def test_auditors_read_and_plain_users_see_nothing(self):
        adjustment = self._submit(self.service, 1)
        self.assertEqual(adjustment.with_user(self.auditor).posted_count, 1)
        with self.assertRaises(AccessError):
            adjustment.with_user(self.auditor).write({"note": "x"})
        with self.assertRaises(AccessError):
            self._adjustment(self.auditor, 1)
        for record in (adjustment, adjustment.line_ids):
            with self.assertRaises(AccessError):
                record.with_user(self.plain).read(["points"])
        with self.assertRaises(AccessError):
            self.reason.with_user(self.service).write({"name": "x"})

    def test_users_of_another_company_see_nothing(self):
        self.scheme.company_id = self.company
        adjustment = self._submit(self.service, 101)
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "adjust_stranger",
            "loyalty_member.loyalty_member_group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for record in (adjustment, adjustment.line_ids):
            self.assertNotIn(record, record.with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            adjustment.with_user(stranger).action_approve()
        self.assertNotIn(stranger, adjustment.activity_ids.user_id)

    # === BY OTHER WAYS === #

    def test_points_written_by_import_keep_to_the_limit(self):
        card = self.account.with_user(self.manager)
        card.write({"points": 900})
        self.assertBooks(900)
        with self.assertRaisesRegex(UserError, "Make an adjustment instead"):
            card.write({"points": 1001})
        with self.assertRaisesRegex(UserError, "1,000 beans"):
            card.write({"points": 2000})
        self.assertBooks(900)
        accounts = self.env["loyalty.card"].concat(
            *self.scheme._get_accounts(self.friends).values()
        )
        with self.assertRaisesRegex(UserError, "2,000 beans at once"):
            accounts.with_user(self.manager).write({"points": 501})
        self.assertEqual(self._balances(), [0] * 4)

    def test_native_wizard_keeps_to_the_limit(self):
        wizard = (
            self.env["loyalty.card.update.balance"]
            .with_user(self.manager)
            .create(
                {
                    "card_id": self.account.id,
                    "new_balance": 1001,
                    "description": "Many cold coffees",
                }
            )
        )
        with self.assertRaisesRegex(UserError, "Make an adjustment instead"):
            wizard.action_update_card_point()
        self.assertBooks(0)
        wizard.new_balance = 1000
        wizard.action_update_card_point()
        self.assertBooks(1000)

    def test_opening_balances_keep_to_the_limit(self):
        self.env["ir.model.access"].create(
            {
                "name": "as a sales manager",
                "model_id": self.env.ref("loyalty.model_loyalty_card").id,
                "group_id": self.env.ref("base.group_user").id,
                "perm_create": True,
            }
        )
        Card = self.env["loyalty.card"].with_user(self.manager)
        values = {
            "program_id": self.scheme.points_program_id.id,
            "partner_id": self.friends[0].partner_id.id,
        }
        with self.assertRaises(UserError), self.cr.savepoint():
            Card.create({**values, "points": 1001})
        card = Card.create({**values, "points": 1000})
        self.assertEqual(card.points, 1000)
        with self.assertRaises(UserError):
            card.write({"points": 1001})

    # === SCREENS === #

    def test_buttons_open_a_new_adjustment(self):
        action = self.member.with_user(self.service).action_adjust_points()
        Adjustment = self.env["loyalty.adjustment"].with_user(self.service)
        with Form(Adjustment.with_context(**action["context"])) as form:
            form.points = 20
            form.reason_id = self.reason
            self.assertEqual(form.member_id, self.member)
            self.assertIn("One member gets 20 beans, worth", form.summary)
            self.assertFalse(form.needs_approval)
            form.points = 101
            self.assertTrue(form.needs_approval)
        form.record.action_submit()
        self.assertEqual(form.record.state, "approval")

        action = self.friends.with_user(self.service).action_adjust_points()
        with Form(Adjustment.with_context(**action["context"])) as form:
            form.points = 20
            form.reason_id = self.reason
            self.assertEqual(form.target, "members")
        self.assertEqual(form.record.member_ids, self.friends)
        self.assertEqual(form.record.points_total, 80)
