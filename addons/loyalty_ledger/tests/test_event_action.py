# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .test_event import LoyaltyEventCommon


@tagged("post_install", "-at_install")
class TestEventAction(LoyaltyEventCommon):
    """Server actions, by which automation rules raise events without code."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._rule("review", 20, [("color", ">=", "4")])

    def _action(self, model="res.partner", payload=("color",), **values):
        fields = self.env["ir.model.fields"]
        model = self.env["ir.model"]._get(model)
        for name in payload:
            fields |= fields._get(model.model, name)
        return self.env["ir.actions.server"].create(
            {
                "name": "Tell",
                "model_id": model.id,
                "state": "loyalty_event",
                "loyalty_event_id": self._event("review").id,
                "loyalty_event_field_ids": [Command.set(fields.ids)],
                **values,
            }
        )

    def _run(self, action, records):
        # As automation rules and the Actions menu do
        action.with_context(
            active_model=records._name,
            active_id=records[:1].id,
            active_ids=records.ids,
        ).run()

    def _field(self, name, model="res.partner"):
        return self.env["ir.model.fields"]._get(model, name).id

    def test_each_record_once(self):
        action = self._action()
        self.assertEqual(action._generate_action_name(), "Raise loyalty event “Review”")
        self.anna.color = 5
        self._run(action, self.anna)
        self._run(action, self.anna)
        event = self.member.event_ids
        self.assertEqual(
            (event.key, event.payload, event.points),
            (f"res.partner:{self.anna.id}", {"color": 5}, 20),
        )
        self.assertBooks(20)

    def test_many_records(self):
        members = self.member | self._enrol("Bob") | self._enrol("Cleo")
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        members.partner_id.color = 4
        self._run(self._action(), members.partner_id | stranger)
        self.assertEqual(members.mapped("points_balance"), [20, 20, 20])

    def test_key(self):
        self.anna.write({"color": 4, "ref": "A 1"})
        for values, key in (
            ({"loyalty_event_key": "summer"}, "summer"),
            ({"loyalty_event_key_field_id": self._field("ref")}, "A 1"),
            (
                {
                    "loyalty_event_key": "ref",
                    "loyalty_event_key_field_id": self._field("ref"),
                },
                "ref:A 1",
            ),
        ):
            self._run(self._action(**values), self.anna)
            self.assertEqual(self.member.event_ids.sorted("id")[-1].key, key)
        self.assertEqual(self.account.points, 60)

    def test_without_what_makes_the_key_nothing_has_happened(self):
        action = self._action(loyalty_event_key_field_id=self._field("ref"))
        self.anna.ref = False
        self._run(action, self.anna)
        self.assertFalse(self.member.event_ids)

    def test_values(self):
        belgium = self.env.ref("base.be")
        self.anna.write(
            {
                "color": 4,
                "comment": False,
                "country_id": belgium.id,
                "birthdate_date": "1990-05-01",
                "ref": "x" * 900,
            }
        )
        names = ("active", "color", "country_id", "birthdate_date", "ref", "vat")
        self._run(self._action(payload=names), self.anna)
        self.assertEqual(
            self.member.event_ids.payload,
            {
                "active": True,
                "color": 4,
                "country_id": belgium.name,
                "birthdate_date": "1990-05-01",
                "ref": "x" * 250,
            },
        )

    def test_members_themselves_and_what_names_one(self):
        self._run(self._action("loyalty.member", ()), self.member)
        self.assertEqual(self.member.event_count, 1)
        card = self.member.main_card_id
        self._run(self._action("loyalty.member.card", ()), card)
        self.assertEqual(
            self.member.event_ids.sorted("id")[-1].key,
            f"loyalty.member.card:{card.id}",
        )

    def test_schemes(self):
        other = self._create_scheme(name="Other")
        elsewhere = self.env["loyalty.member"]._enrol(self.anna, other)
        self._run(self._action(loyalty_event_scheme_id=other.id), self.anna)
        self.assertFalse(self.member.event_ids)
        self.assertEqual(len(elsewhere.event_ids), 1)
        self._run(self._action(loyalty_event_key="all"), self.anna)
        self.assertEqual(len(self.member.event_ids), 1)
        self.assertEqual(len(elsewhere.event_ids), 2)

    def test_archived_events_disturb_nobody(self):
        action = self._action()
        self._event("review").active = False
        self._run(action, self.anna)
        self.assertFalse(self.member.event_ids)

    def test_by_whoever_may_change_the_record(self):
        """Who sells raises what an administrator has set up, but not what they like."""
        user = new_test_user(
            self.env, "seller", groups="base.group_user,base.group_partner_manager"
        )
        self.anna.color = 5
        self._run(self._action().with_user(user), self.anna.with_user(user))
        self.assertEqual(self.account.points, 20)
        self.assertEqual(self.member.event_ids.create_uid, user)

    def test_warnings(self):
        self.assertIn("names no contact", self._action("res.country", ()).warning)
        self.assertIn(
            "“Image” cannot come with an event",
            self._action(payload=("image_1920",)).warning,
        )
        self.assertFalse(self._action().warning)
