# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.tests import Form
from odoo.tools import mute_logger

from .common import SERVICE, LoyaltyMemberCase

MODELS = (
    "loyalty.scheme",
    "loyalty.channel",
    "loyalty.store",
    "loyalty.member",
    "loyalty.member.card",
)


class TestAccess(LoyaltyMemberCase):
    """What each role may do, and may not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stranger = cls._create_user("stranger", SERVICE, cls.other_company)
        cls.member = cls._enrol()
        cls.records = {
            "loyalty.scheme": cls.scheme,
            "loyalty.channel": cls.env.ref("loyalty_member.channel_pos"),
            "loyalty.store": cls.store,
            "loyalty.member": cls.member,
            "loyalty.member.card": cls.member.card_ids,
        }

    def _get_rights(self, user):
        """Return what the user may do, as ``{model: "rwcu"}``."""
        operations = ("read", "write", "create", "unlink")
        return {
            model: "".join(
                operation[0]
                for operation in operations
                if self.records[model].with_user(user).has_access(operation)
            )
            for model in MODELS
        }

    def test_plain_user_sees_nothing(self):
        self.assertEqual(self._get_rights(self.plain_user), dict.fromkeys(MODELS, ""))

    def test_auditor_reads_everything(self):
        self.assertEqual(
            self._get_rights(self.auditor_user), dict.fromkeys(MODELS, "r")
        )

    def test_service_looks_after_members(self):
        self.assertEqual(
            self._get_rights(self.service_user),
            {
                "loyalty.scheme": "r",
                "loyalty.channel": "r",
                "loyalty.store": "r",
                "loyalty.member": "rwc",
                "loyalty.member.card": "rwc",
            },
        )

    def test_manager_configures(self):
        self.assertEqual(
            self._get_rights(self.manager_user), dict.fromkeys(MODELS, "rwcu")
        )

    def test_plain_user_still_edits_contacts(self):
        partner = self.partner.with_user(self.plain_user)
        self.assertEqual(partner.name, "Jane Doe")
        with Form(partner):
            pass
        with self.assertRaises(AccessError):
            partner.read(["loyalty_member_count"])

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_actions_check_access(self):
        for user in (self.plain_user, self.auditor_user):
            member = self.member.with_user(user)
            card = self.member.card_ids.with_user(user)
            scheme = self.scheme.with_user(user)
            for action in (
                member.action_block,
                member.action_leave,
                member.action_new_card,
                card.action_block,
                card.action_lost,
                card.action_replace,
                scheme.action_close,
            ):
                with self.assertRaises(AccessError):
                    action()
        with self.assertRaises(AccessError):
            self.scheme.with_user(self.service_user).action_close()
        self.assertEqual(self.member.state, "active")
        self.assertEqual(self.member.card_ids.state, "active")

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_dialogs_check_access(self):
        for user in (self.plain_user, self.auditor_user):
            for model in ("loyalty.member.enrol", "loyalty.member.block"):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).create({})
        with self.assertRaises(AccessError):
            self.env["loyalty.member.card.generate"].with_user(
                self.service_user
            ).create({})

    def _as_stranger(self, record):
        """Return the record as a service user of the other company sees it."""
        return record.with_user(self.stranger).with_context(
            allowed_company_ids=self.other_company.ids
        )

    def test_other_company_sees_nothing(self):
        for model in MODELS:
            if model == "loyalty.channel":
                continue
            record = self._as_stranger(self.records[model])
            self.assertFalse(record.search([("id", "=", record.id)]), model)
            with self.assertRaises(AccessError):
                record.read(["display_name"])
        member = self._as_stranger(self.env["loyalty.member"])
        self.assertFalse(member._find_by_code(self.member.card_ids.number))

    def test_shared_scheme_is_seen_everywhere(self):
        shared = self._create_scheme(name="Shared", company_id=False)
        member = self.env["loyalty.member"]._enrol(self.partner, shared)
        self.assertEqual(self._as_stranger(member).display_name, "Jane Doe")
        self.assertTrue(self._as_stranger(member.card_ids).number)
