# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..ledger.move import Op
from ..models.loyalty_member_event import Occasion
from .common import NOW, LoyaltyLedgerCommon

SERVICE = "loyalty_member.loyalty_member_group_service"
MANAGER = "loyalty_member.loyalty_member_group_manager"


class LoyaltyEventCommon(LoyaltyLedgerCommon):
    @classmethod
    def _event(cls, code):
        return cls.env["loyalty.earn.event"]._get_by_code(code)

    @classmethod
    def _rule(cls, code, value=50, tests=(), **values):
        event = cls._event(code)
        return cls.env["loyalty.earn.rule"].create(
            {
                "name": event.name,
                "scheme_id": cls.scheme.id,
                "trigger": "event",
                "effect": "receipt",
                "event_id": event.id,
                "value": value,
                "payload_condition_ids": [
                    Command.create({"key": key, "operator": operator, "value": wanted})
                    for key, operator, wanted in tests
                ],
                **values,
            }
        )

    def _enrol(self, name="Bob", scheme=None, **values):
        partner = self.env["res.partner"].create({"name": name, **values})
        return self.env["loyalty.member"]._enrol(partner, scheme or self.scheme)

    def _happened(self, member, code):
        return self.env["loyalty.member.event"].search(
            [("member_id", "=", member.id), ("event_id.code", "=", code)]
        )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEvent(LoyaltyEventCommon):
    """What happens to members beside their purchases, and what it gives."""

    # === GIVING === #

    def test_gives_once_for_a_key(self):
        self._rule("review", 20)
        first = self.member._raise_event("review", "order 1", {"stars": 5})
        self.assertEqual((first.points, first.payload), (20, {"stars": 5}))
        self.assertBooks(20)
        again = self.member._raise_event("review", "order 1", {"stars": 1})
        self.assertEqual(again, first)
        self.assertBooks(20)
        self.member._raise_event("review", "order 2")
        self.assertBooks(40)
        self.assertEqual(self.member.event_count, 2)

    def test_key_is_for_the_member_and_the_event(self):
        self._rule("review", 20)
        self._rule("newsletter", 5)
        other = self._enrol()
        self.member._raise_event("review", "1")
        self.member._raise_event("newsletter", "1")
        other._raise_event("review", "1")
        self.assertEqual(self.account.points, 25)
        self.assertEqual(other.points_balance, 20)

    def test_many_at_once(self):
        """The same twice in one call, and a member twice, count as one by one."""
        self._rule("review", 20, cap_total=30)
        events = self.env["loyalty.member.event"]._record(
            self._event("review"),
            [Occasion(self.member, key) for key in ("1", "1", "2", "3")],
        )
        self.assertEqual(events[0], events[1])
        self.assertEqual([each.points for each in events], [20, 20, 10, 0])
        self.assertBooks(30)

    def test_many_members_cost_as_much_as_one(self):
        self._rule("review", 20, cap_day=30, on_birthday=True, minimum_points=1)
        members = self.env["loyalty.member"]
        for number in range(13):
            members |= self._enrol(f"Member {number}")
        members.partner_id.birthdate_date = date(1990, 3, 10)
        for account in self.scheme._get_accounts(members).values():
            self._post(Op.CREDIT, 5, account=account)
        counts, event = [], self._event("review")
        for some in (members[:1], members[1:2], members[2:]):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            events = self.env["loyalty.member.event"]._record(
                event, [Occasion(member.browse(member.id), "1") for member in some]
            )
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(set(events.mapped("points")), {20})
        # The first asks once for what is kept ready, like the scheme's rules
        self.assertEqual(counts[1], counts[2])
        self.assertLessEqual(counts[1], 25)

    def test_without_a_rule_it_is_recorded(self):
        event = self.member._raise_event("review", "1")
        self.assertEqual(event.points, 0)
        self.assertEqual(event.explanation, "No rule gives anything for it.")
        self._rule("review", 20)
        self.assertEqual(self.member._raise_event("review", "1").points, 0)

    def test_entry(self):
        self.scheme.write({"expiry_policy": "term", "expiry_term": 6})
        self._rule("review", 20)
        event = self.member._raise_event("review", "1", date=datetime(2026, 3, 9, 8))
        entry = self.account.entry_ids
        self.assertEqual(
            (entry.kind, entry.amount, entry.date, entry.key, entry.reason),
            ("event", 20, event.date, f"event:{event.id}", "Review"),
        )
        self.assertEqual(entry.member_event_id, event)
        self.assertEqual(self.account.lot_ids.expiry_date, date(2026, 9, 9))
        row = entry._get_statement_row()
        self.assertEqual((row["what"], row["why"]), ("Review", "Review: 20 beans."))
        self.assertEqual(
            event.action_view_entries()["domain"], [("id", "in", entry.ids)]
        )

    def test_points_are_rounded_by_the_scheme(self):
        self._rule("review", 2.7)
        event = self.member._raise_event("review", "1")
        self.assertEqual(event.points, 2)
        self.assertEqual(
            event._explain(), ["Review: 2.7 beans.", "Rounded to 2 beans."]
        )

    def test_wallet(self):
        self.scheme.has_wallet = True
        self._rule("review", 2.5, target="wallet")
        event = self.member._raise_event("review", "1")
        self.assertEqual((event.points, event.wallet), (0, 2.5))
        self.assertBooks(2.5, account=self.member.wallet_account_id)
        self.assertEqual(
            event._explain(), [f"Review: {self.scheme._format_money(2.5)}."]
        )

    def test_purchases_know_nothing_of_it(self):
        self._rule("review", 20)
        self.assertEqual(self._record("S1", self._line("a", 10)).points_earned, 10)

    # === CONDITIONS === #

    def test_payload(self):
        self._rule("review", 20, [("stars", ">=", "4"), ("city", "=", "Ghent")])
        for number, (payload, points) in enumerate(
            (
                ({"stars": 5, "city": "ghent"}, 20),
                ({"stars": 3, "city": "ghent"}, 0),
                ({"stars": 5}, 0),
                (None, 0),
            )
        ):
            event = self.member._raise_event("review", str(number), payload)
            self.assertEqual(event.points, points, payload)
        self.assertEqual(
            event._explain_skipped_rules(),
            ["Review: what came with the event does not match."],
        )

    def test_clock_of_the_home_store(self):
        # Tuesday 10 March 2026, 02:00 UTC, is Monday 22:00 in New York
        night = datetime(2026, 3, 10, 2, 0)
        new_york, london = self.env["loyalty.store"].create(
            [
                {"name": "New York", "tz": "America/New_York"},
                {"name": "London", "tz": "Europe/London"},
            ]
        )
        self.member.store_id = new_york
        self._rule("review", 20, mon=True, has_hours=True, hour_from=21, hour_to=23)
        self.assertEqual(self.member._raise_event("review", "1", date=night).points, 20)
        there = self.member._raise_event("review", "2", date=night, store=london)
        self.assertEqual((there.points, there.store_id), (0, london))

    def test_channel_store_and_points(self):
        api = self.env["loyalty.channel"]._get_by_code("api")
        store = self.env["loyalty.store"].create({"name": "Downtown"})
        self._rule(
            "review",
            20,
            channel_ids=api.ids,
            store_ids=store.ids,
            minimum_points=10,
        )
        self.assertEqual(self.member._raise_event("review", "1").points, 0)
        where = {"channel": api, "store": store}
        self.assertEqual(self.member._raise_event("review", "2", **where).points, 0)
        self._record("S1", self._line("a", 10))
        self.assertEqual(self.member._raise_event("review", "3", **where).points, 20)

    def test_caps(self):
        self._rule("review", 20, cap_day=30, cap_total=45)
        dates = [NOW - timedelta(days=2)] * 2 + [NOW - timedelta(days=1), NOW]
        points = [
            self.member._raise_event("review", str(number), date=when).points
            for number, when in enumerate(dates)
        ]
        self.assertEqual(points, [20, 10, 15, 0])

    def test_budget(self):
        rule = self._rule("review", 20, budget=30)
        members = [self.member, self._enrol("Bob"), self._enrol("Cleo")]
        points = [member._raise_event("review", "1").points for member in members]
        self.assertEqual(points, [20, 10, 0])
        self.assertEqual(rule.given, 30)
        award = self.env["loyalty.earn.award"].search(
            [("rule_id", "=", rule.id)], order="id", limit=1
        )
        self.assertEqual((award.amount, award.member_id), (20, self.member))
        self.assertTrue(award.member_event_id)
        self.assertFalse(award.transaction_id)

    def test_caps_of_the_scheme_are_for_purchases(self):
        self.scheme.earn_cap_day = 15
        self._rule("review", 20)
        self.assertEqual(self.member._raise_event("review", "1").points, 20)
        self.assertEqual(self._record("S1", self._line("a", 10)).points_earned, 10)

    def test_a_revised_sale_still_sees_events(self):
        """A rule of the same member counts events while a sale is computed again."""
        rule = self._rule("review", 5, cap_total=8)
        self.env["loyalty.earn.rule"].create(
            {
                "name": "Offer",
                "scheme_id": self.scheme.id,
                "effect": "receipt",
                "value": 5,
                "cap_total": 8,
            }
        )
        self.member._raise_event("review", "1")
        sale = self._record("S1", self._line("a", 10))
        used = self.env["loyalty.earn.award"]._get_used(
            self.scheme._get_event_rules(rule.event_id),
            [(self.member, NOW.date())],
            sale,
        )
        self.assertEqual(list(used[0].values()), [5])

    # === WHO GETS NOTHING === #

    def test_blocked_left_and_closed(self):
        self._rule("review", 20)
        left = self._enrol()
        left.action_leave()
        self.member.action_block("Fraud")
        blocked = self.member._raise_event("review", "1")
        self.assertEqual(
            blocked._explain(), ["The membership was blocked, so nothing is earned."]
        )
        gone = left._raise_event("review", "1")
        self.assertEqual(
            gone._explain(), ["The member had left, so nothing is earned."]
        )
        self.member.action_unblock()
        self.assertEqual(self.member._raise_event("review", "1").points, 0)
        self.scheme.action_close()
        closed = self.member._raise_event("review", "2")
        self.assertEqual(
            closed._explain(), ["The scheme was closed, so nothing is earned."]
        )
        self.assertBooks(0)

    # === BAD INPUT === #

    def test_bad_payload(self):
        for payload in (
            [1],
            "text",
            {"a": {"b": 1}},
            {"a": [1]},
            {"a": None},
            {1: "a"},
            {"": "a"},
            {"a": float("nan")},
            {"a": "x\0y"},
            {"a": "\ud800"},
            {"a\n": "x"},
        ):
            with (
                self.subTest(payload=payload),
                self.assertRaisesRegex(ValidationError, "a list of names"),
            ):
                self.member._raise_event("review", "1", payload)
        for payload in (
            {"a": "x" * 5000},
            {"a": 10**4200},
            {f"k{number}": 1 for number in range(51)},
        ):
            with self.assertRaisesRegex(ValidationError, "Too much"):
                self.member._raise_event("review", "1", payload)
        self.assertFalse(self.member.event_ids)

    def test_bad_key_date_and_code(self):
        for key in ("", "  ", None, 5, "a\nb", "x" * 201):
            with (
                self.subTest(key=key),
                self.assertRaisesRegex(ValidationError, "needs a key"),
            ):
                self.member._raise_event("review", key)
        for when in ("soon", "2026-13-01"):
            with self.assertRaisesRegex(ValidationError, "is not a date"):
                self.member._raise_event("review", "1", date=when)
        with self.assertRaisesRegex(ValidationError, "still to come"):
            self.member._raise_event("review", "1", date=NOW + timedelta(days=2))
        for code in ("nothing", None, 5):
            with self.assertRaisesRegex(ValidationError, "There is no event"):
                self.member._raise_event(code, "1")

    def test_append_only(self):
        event = self.member._raise_event("review", "1")
        for change in (
            lambda: event.write({"points": 5}),
            lambda: event.copy(),
            lambda: event.unlink(),
            lambda: self.env["loyalty.member.event"].create({}),
        ):
            with self.assertRaisesRegex(AccessError, "never changes"):
                change()

    # === RULES === #

    def test_form(self):
        manager = new_test_user(self.env, "boss", groups=MANAGER)
        form = Form(self.env["loyalty.earn.rule"].with_user(manager))
        form.name = "Review"
        form.scheme_id = self.scheme
        form.minimum_amount = 10
        form.trigger = "event"
        form.event_id = self._event("review")
        form.value = 20
        with form.payload_condition_ids.new() as condition:
            condition.key = "stars"
            condition.operator = ">="
            condition.value = "4"
        rule = form.save()
        self.assertEqual(rule.summary, "20 beans for “Review”, if stars is at least 4")
        self.assertEqual(self.member._raise_event("review", "1").points, 0)
        event = self.member._raise_event("review", "2", {"stars": 4})
        self.assertEqual(event.points, 20)
        rule.payload_condition_ids.value = "5"
        event = self.member._raise_event("review", "3", {"stars": 4})
        self.assertEqual(event.points, 0)

    def test_rules_for_events_ask_nothing_about_goods(self):
        cash = self.env.ref("loyalty_ledger.loyalty_payment_method_cash")
        for values in (
            {"minimum_amount": 5},
            {"purchase_to": 1},
            {"payment_method_ids": cash.ids},
            {"cap_receipt": 5},
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(ValidationError, "nothing is bought"),
                self.env.cr.savepoint(),
            ):
                self._rule("review", **values)
        rule = self._rule("review", 5)
        with self.assertRaisesRegex(ValidationError, "Say with what"):
            rule.payload_condition_ids = [Command.create({"key": "stars"})]

    def test_rules_for_events_are_not_tried_on_a_purchase(self):
        rule = self._rule("review", 20)
        with self.assertRaisesRegex(UserError, "rewards an event"):
            self.scheme._get_draft_rules(self.env["loyalty.earn.rule"], rule)

    def test_rules_for_events_give_once(self):
        for values in (
            {"effect": "amount"},
            {"event_id": False},
            {"trigger": "purchase"},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(IntegrityError),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self._rule("review", **values)

    def test_archived_rules_and_events(self):
        rule = self._rule("review", 20)
        rule.active = False
        self.assertEqual(self.member._raise_event("review", "1").points, 0)
        rule.active = True
        self.assertEqual(self.member._raise_event("review", "2").points, 20)
        self._event("review").active = False
        with self.assertRaisesRegex(ValidationError, "There is no event"):
            self.member._raise_event("review", "3")

    # === KINDS OF EVENTS === #

    def test_custom_event(self):
        Event = self.env["loyalty.earn.event"]
        event = Event.create({"name": "Workshop", "code": "workshop"})
        self._rule("workshop", 15)
        self.assertEqual(self.member._raise_event("workshop", "May").points, 15)
        self.assertEqual(event.rule_count, 1)
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            event.code = "course"
        with self.assertRaisesRegex(UserError, "Archive it instead"):
            event.unlink()
        with self.assertRaisesRegex(UserError, "Archive it instead"):
            self._event("signup").unlink()
        Event.create({"name": "Unused", "code": "unused"}).unlink()
        for code in ("Big", "two words", "1st", "é"):
            with (
                self.subTest(code=code),
                self.assertRaisesRegex(ValidationError, "small letters"),
                self.env.cr.savepoint(),
            ):
                Event.create({"name": "Bad", "code": code})


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEventSources(LoyaltyEventCommon):
    """Who says that something has happened."""

    def test_sign_up(self):
        self._rule("signup")
        member = self._enrol()
        self.assertEqual(member.points_balance, 50)
        self.assertEqual(self._happened(member, "signup").channel_id.code, "manual")
        member.action_leave()
        self.env["loyalty.member"]._enrol(member.partner_id, self.scheme)
        self.assertEqual(member.points_balance, 50)
        self.assertEqual(self.account.points, 0)

    def test_sign_up_through_a_channel(self):
        website = self.env["loyalty.channel"]._get_by_code("website")
        self._rule("signup", channel_ids=website.ids)
        self.assertEqual(self._enrol("Bob").points_balance, 0)
        partner = self.env["res.partner"].create({"name": "Cleo"})
        member = self.env["loyalty.member"]._enrol(
            partner, self.scheme, channel_code="website"
        )
        self.assertEqual(member.points_balance, 50)

    def test_enrolling_asks_nothing_where_no_rule_is(self):
        member = self._enrol()
        self.assertFalse(member.event_ids)
        self.assertFalse(member.account_id)

    def test_profile_completed(self):
        self._rule("profile_completed", 30)
        self.anna.phone = False
        self.anna.birthdate_date = date(1990, 5, 1)
        self.assertEqual(self.account.points, 0)
        self.anna.email = "anna@example.com"
        self.assertEqual(self.account.points, 30)
        self.anna.email = False
        self.anna.email = "anna@example.com"
        self.assertEqual(self.account.points, 30)
        complete = self._enrol(email="bob@example.com", birthdate_date=date(1991, 1, 1))
        self.assertEqual(complete.points_balance, 30)

    def test_profile_completed_by_the_member(self):
        self._rule("profile_completed", 30)
        user = new_test_user(self.env, "anna", groups="base.group_portal")
        user.partner_id = self.anna
        self.anna.with_user(user).sudo().write({"birthdate_date": date(1990, 5, 1)})
        self.assertEqual(self.account.points, 30)

    def test_anonymous_members_have_no_profile(self):
        self._rule("profile_completed", 30)
        self.anna.is_anonymous_member = True
        self.anna.birthdate_date = date(1990, 5, 1)
        self.assertEqual(self.account.points, 0)
        self.anna.is_anonymous_member = False
        self.assertEqual(self.account.points, 30)


@tagged("post_install", "-at_install")
class TestBirthday(LoyaltyEventCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member.enrol_date = datetime(2020, 1, 1)
        cls._rule("birthday")

    def _run(self, now):
        with (
            freeze_time(now),
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            self.env(cr=cr)["loyalty.member"]._cron_raise_birthdays()
        self.env.invalidate_all()
        return self.account.points

    def _store(self, tz):
        return self.env["loyalty.store"].create({"name": tz, "tz": tz})

    def test_once_a_year_on_the_day(self):
        self.anna.birthdate_date = date(1990, 3, 10)
        for now, points in (
            ("2026-03-09 04:00:00", 0),
            ("2026-03-10 04:00:00", 50),
            ("2026-03-10 05:00:00", 50),
            ("2026-03-11 04:00:00", 50),
            ("2027-03-10 04:00:00", 100),
        ):
            self.assertEqual(self._run(now), points, now)
        self.assertEqual(
            sorted(self._happened(self.member, "birthday").mapped("key")),
            ["2026", "2027"],
        )

    def test_29_february(self):
        self.anna.birthdate_date = date(2000, 2, 29)
        for now, points in (
            ("2026-02-27 04:00:00", 0),
            ("2026-02-28 04:00:00", 50),
            ("2026-03-01 04:00:00", 50),
            ("2028-02-28 04:00:00", 50),
            ("2028-02-29 04:00:00", 100),
        ):
            self.assertEqual(self._run(now), points, now)

    def test_a_night_without_the_job_is_made_up_for(self):
        self.env["loyalty.earn.rule"].search(
            [("scheme_id", "=", self.scheme.id)]
        ).on_birthday = True
        self.anna.birthdate_date = date(1990, 3, 10)
        self.assertEqual(self._run("2026-03-13 04:00:00"), 50)
        event = self._happened(self.member, "birthday")
        self.assertEqual(event.date, datetime(2026, 3, 10, 12))

    def test_not_for_ever(self):
        self.anna.birthdate_date = date(1990, 3, 10)
        self.assertEqual(self._run("2026-03-17 04:00:00"), 0)

    def test_the_turn_of_the_year(self):
        self.anna.birthdate_date = date(1990, 12, 31)
        self.assertEqual(self._run("2027-01-02 04:00:00"), 50)
        self.assertEqual(self._happened(self.member, "birthday").key, "2026")

    def test_the_day_begins_on_the_clock_of_the_store(self):
        store = self.env["loyalty.store"].create(
            {"name": "A", "tz": "Pacific/Auckland"}
        )
        self.member.store_id = store
        self.anna.birthdate_date = date(1990, 3, 10)
        self.assertEqual(self._run("2026-03-09 10:00:00"), 0)
        self.assertEqual(self._run("2026-03-09 12:00:00"), 50)

    def test_the_day_is_not_over_elsewhere(self):
        store = self.env["loyalty.store"].create(
            {"name": "A", "tz": "Pacific/Honolulu"}
        )
        self.member.store_id = store
        self.anna.birthdate_date = date(1990, 3, 10)
        self.assertEqual(self._run("2026-03-10 09:00:00"), 0)
        self.assertEqual(self._run("2026-03-10 11:00:00"), 50)

    def test_who_is_left_out(self):
        self.anna.birthdate_date = date(1990, 3, 10)
        blocked = self._enrol("Bob", birthdate_date=date(1990, 3, 10))
        blocked.enrol_date = datetime(2020, 1, 1)
        blocked.action_block("Fraud")
        newcomer = self._enrol("Cleo", birthdate_date=date(1990, 3, 10))
        newcomer.enrol_date = datetime(2026, 3, 11)
        baby = self._enrol("Dan", birthdate_date=date(2026, 3, 10))
        baby.enrol_date = datetime(2026, 3, 10)
        self.assertEqual(self._run("2026-03-12 04:00:00"), 50)
        for member in (blocked, newcomer, baby):
            self.assertFalse(self._happened(member, "birthday"))

    def test_in_batches(self):
        members = self.member
        for name in ("Bob", "Cleo", "Dan", "Eve"):
            members |= self._enrol(name)
        members.enrol_date = datetime(2020, 1, 1)
        members.partner_id.birthdate_date = date(1990, 3, 10)
        find = self.registry["loyalty.member"]._find_birthdays
        found = []

        def find_two(records, *args):
            found.append(find(records, *args, limit=2))
            return found[-1]

        self.patch(self.registry["loyalty.member"], "_find_birthdays", find_two)
        self._run("2026-03-10 04:00:00")
        self.assertEqual(list(map(len, found)), [2, 2, 1, 0])
        self.assertEqual(members.mapped("points_balance"), [50] * 5)

    def test_no_rule_no_work(self):
        self.env["loyalty.earn.rule"].search([]).active = False
        self.anna.birthdate_date = date(1990, 3, 10)
        self._run("2026-03-10 04:00:00")
        self.assertFalse(self.member.event_ids)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestEventByHand(LoyaltyEventCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = new_test_user(cls.env, "service", groups=SERVICE)
        cls.manager = new_test_user(cls.env, "boss", groups=MANAGER)

    def _wizard(self, code, user=None, member=None):
        member = member or self.member
        return (
            self.env["loyalty.member.event.raise"]
            .with_user(user or self.manager)
            .create({"member_id": member.id, "event_id": self._event(code).id})
        )

    def test_visit(self):
        self._rule("visit", 5)
        action = self.member.with_user(self.service).action_visit()
        self.assertEqual(action["params"]["message"], "Visit: 5 beans")
        action = self.member.with_user(self.service).action_visit()
        self.assertEqual(
            action["params"]["message"],
            "Visit was recorded today already and gives nothing again.",
        )
        self.assertEqual(self.account.points, 5)
        with freeze_time(NOW + timedelta(days=1)):
            self.member.with_user(self.service).action_visit()
        self.assertEqual(self.account.points, 10)
        event = self.member.event_ids[0]
        self.assertEqual((event.by_hand, event.create_uid), (True, self.service))
        self.assertBooks(10)

    def test_visit_that_gives_nothing(self):
        self._rule("visit", 5, mon=True)
        action = self.member.with_user(self.service).action_visit()
        self.assertEqual(
            action["params"]["message"],
            "Visit: recorded, but it gives nothing. Visit: it is for other days of the"
            " week.",
        )

    def test_visits_are_noted_where_they_give_something(self):
        other = self._enrol(scheme=self._create_scheme(name="Other"))
        self._rule("visit", 5)
        self.assertTrue(self.member.with_user(self.service).has_visits)
        self.assertFalse(other.with_user(self.service).has_visits)

    def test_nobody_gives_to_themselves(self):
        self.scheme.exclude_staff = False
        self._rule("visit", 5)
        member = self.env["loyalty.member"]._enrol(self.manager.partner_id, self.scheme)
        with self.assertRaisesRegex(UserError, "your own account"):
            member.with_user(self.manager).action_visit()

    def test_wizard(self):
        self._rule("referral", 30)
        action = self._wizard("referral").action_raise()
        self.assertEqual(action["params"]["message"], "Referral: 30 beans")
        self._wizard("referral").action_raise()
        self.assertEqual(self.account.points, 30)

    def test_wizard_is_for_managers(self):
        with self.assertRaises(AccessError):
            self._wizard("referral", user=self.service)
        with self.assertRaisesRegex(AccessError, "Only administrators"):
            self.member.with_user(self.service).raise_event("referral")

    def test_not_every_event_is_raised_by_hand(self):
        with self.assertRaisesRegex(UserError, "is not raised by hand"):
            self._wizard("birthday").action_raise()
        with self.assertRaisesRegex(UserError, "is not raised by hand"):
            self.member.with_user(self.manager).raise_event("signup")

    def test_blocked_members(self):
        self.member.action_block("Fraud")
        with self.assertRaisesRegex(UserError, "is blocked"):
            self._wizard("referral").action_raise()

    def test_remote_call(self):
        self._rule("review", 20, [("stars", ">=", "4")])
        member = self.member.with_user(self.manager)
        event_id = member.raise_event("review", "order 1", {"stars": 5})
        self.assertEqual(member.raise_event("review", "order 1"), event_id)
        self.assertEqual(self.account.points, 20)

    def test_rights(self):
        nobody = new_test_user(self.env, "nobody", groups="base.group_user")
        event = self.member._raise_event("review", "1")
        event.with_user(self.service).read(["explanation", "payload_text"])
        for model in (
            "loyalty.member.event",
            "loyalty.earn.event",
            "loyalty.earn.rule.condition",
        ):
            with self.assertRaises(AccessError):
                self.env[model].with_user(nobody).search([])
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.service).create({})
        with self.assertRaises(AccessError):
            self.member.with_user(nobody).action_visit()
        with self.assertRaises(AccessError):
            event.with_user(self.manager).sudo(False).write({"points": 1})

    def test_companies(self):
        event = self.member._raise_event("review", "1")
        rule = self._rule("review", tests=[("stars", "=", "5")])
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            groups=MANAGER,
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for records in (event, rule.payload_condition_ids):
            found = records.with_user(stranger).search([("id", "in", records.ids)])
            self.assertFalse(found)
