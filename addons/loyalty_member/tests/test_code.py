# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.addons.mail.tests.common import MockEmail

from .common import AUDITOR, CodeMixin, CommittedCase, LoyaltyMemberCase

NOW = "2026-03-10 12:00:00"


@freeze_time(NOW)
class TestCode(CodeMixin, MockEmail, LoyaltyMemberCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member = cls._enrol()
        cls.Code = cls.env["loyalty.member.code"]

    def _send(self, codes, record=None, member=None, purpose="identity"):
        (member or self.member)._send_code(purpose, record)
        return codes[-1]

    def _try(self, code, record=None, member=None, purpose="identity"):
        """Return why the code is refused, or ``False``."""
        return self.get_refusal(
            (member or self.member)._check_code, purpose, code, record
        )

    def test_right_code_counts_once(self):
        with self.catch_codes() as codes:
            code = self._send(codes)
            self.assertRegex(code, r"^\d{6}$")
            self.assertFalse(self._try(f" {code[:3]} {code[3:]} "))
            self.assertEqual(
                self._try(code), "This code has been used. Have a new one sent."
            )

    def test_the_code_itself_is_kept_nowhere(self):
        with self.mock_mail_gateway(mail_unlink_sent=True):
            self.member._send_code("identity")
        code = self._read_code()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT row_to_json(c)::text FROM loyalty_member_code c WHERE member_id=%s",
            [self.member.id],
        )
        self.assertNotIn(code, self.env.cr.fetchone()[0])
        self.assertFalse(self._new_mails.exists())
        self.assertFalse(
            self.env["mail.message"].search([("body", "like", code)]),
            "The message with the code is still there",
        )

    def _read_code(self):
        self.assertEqual(len(self._mails), 1)
        body = re.sub(r"<[^>]*>", " ", self._mails[0]["body"])
        return re.search(r"(?<!\d)\d{6}(?!\d)", body).group()

    def test_mail_goes_out_at_once_and_says_what_for(self):
        with self.mock_mail_gateway(mail_unlink_sent=True):
            sent_to = self.member.with_user(self.service_user)._send_code(
                "identity", about="You give 100 beans to Anna."
            )
        self.assertEqual(sent_to, "j•••@example.com")
        mail = self._mails[0]
        self.assertEqual(mail["email_to"], ['"Jane Doe" <jane@example.com>'])
        self.assertEqual(mail["subject"], "Your code for Harmony Coffee")
        self.assertIn("You give 100 beans to Anna.", mail["body"])
        words = " ".join(re.sub(r"<[^>]*>", " ", mail["body"]).split())
        self.assertIn("Your code for Harmony Coffee Dear Jane Doe", words)
        self.assertNotIn("Loyalty Member", words)
        self.assertIn("10 minutes", mail["body"])
        with self.enter_registry_test_mode():
            self.assertFalse(self._try(self._read_code()))

    def test_member_without_email(self):
        member = self._enrol(self.partner_2)
        with self.assertRaisesRegex(UserError, "John Roe has no e-mail address"):
            member._send_code("identity")

    def test_mail_that_cannot_be_sent(self):
        MailServer = self.env.registry["ir.mail_server"]
        with (
            self.mock_mail_gateway(),
            patch.object(
                MailServer, "send_email", side_effect=MailDeliveryException("down")
            ),
            self.assertRaisesRegex(UserError, "could not be sent to j•••@example"),
            mute_logger("odoo.addons.mail.models.mail_mail"),
        ):
            self.member._send_code("identity")
        self.assertFalse(self._new_mails.exists())

    def test_five_attempts_and_no_more(self):
        with self.catch_codes() as codes:
            code = self._send(codes)
            attempts = (self.get_wrong_code(code), "", None, "12345", "x" * 99)
            self.assertEqual(
                [self._try(attempt) for attempt in attempts],
                [
                    "That is not the code that was sent. 4 attempts are left.",
                    "That is not the code that was sent. 3 attempts are left.",
                    "That is not the code that was sent. 2 attempts are left.",
                    "That is not the code that was sent. One attempt is left.",
                    "That is not the code that was sent, and it was the last attempt."
                    " Have a new code sent.",
                ],
            )
            self.assertIn("counts no more", self._try(code))
            with freeze_time(fields.Datetime.now() + timedelta(seconds=30)):
                self.assertFalse(self._try(self._send(codes)))

    def test_code_expires(self):
        with self.catch_codes() as codes:
            code = self._send(codes)
            with freeze_time("2026-03-10 12:10:00"):
                self.assertIn("has expired", self._try(code))
            with freeze_time("2026-03-10 12:09:59"):
                self.assertFalse(self._try(code))

    def test_code_of_another_member_purpose_or_document(self):
        self.partner_2.email = "john@example.com"
        other = self._enrol(self.partner_2)
        with self.catch_codes() as codes:
            code = self._send(codes, record=self.store)
            elsewhere = "No code was sent for this. Have a code sent first."
            self.assertEqual(self._try(code, self.store, other), elsewhere)
            self.assertEqual(self._try(code, self.scheme), elsewhere)
            self.assertEqual(self._try(code), elsewhere)
            self.assertEqual(self._try(code, self.store, purpose="transfer"), elsewhere)
            self.assertFalse(self._try(code, self.store))

    def test_equal_codes_of_two_documents_differ(self):
        with self.catch_codes(), patch("secrets.randbelow", return_value=42):
            self.member._send_code("identity", self.store)
            with freeze_time("2026-03-10 12:01:00"):
                self.member._send_code("identity", self.scheme)
        codes = self.Code.search([("member_id", "=", self.member.id)])
        self.env.cr.execute(
            "SELECT count(DISTINCT digest) FROM loyalty_member_code WHERE id IN %s",
            [tuple(codes.ids)],
        )
        self.assertEqual(self.env.cr.fetchone(), (2,))

    def test_newest_code_counts(self):
        with self.catch_codes() as codes:
            with patch("secrets.randbelow", side_effect=[111111, 222222]):
                old = self._send(codes)
                with freeze_time("2026-03-10 12:01:00"):
                    new = self._send(codes)
            self.assertIn("not the code", self._try(old))
            self.assertFalse(self._try(new))

    def test_codes_are_not_sent_without_end(self):
        with self.catch_codes() as codes:
            self._send(codes)
            with freeze_time("2026-03-10 12:00:10"):
                self.assertEqual(
                    self.get_refusal(self._send, codes),
                    "A code was sent to Jane Doe a moment ago. Look for it, or ask for"
                    " another one in 20 seconds.",
                )
            for minute in range(1, 5):
                with freeze_time(f"2026-03-10 12:0{minute}:00"):
                    self._send(codes)
            with freeze_time("2026-03-10 12:59:59"):
                self.assertEqual(
                    self.get_refusal(self._send, codes),
                    "5 codes were sent to Jane Doe within the hour. Use the last one,"
                    " or try again in an hour.",
                )
            self.assertEqual(len(codes), 5)
            with freeze_time("2026-03-10 13:00:00"):
                self._send(codes)

    def test_old_codes_are_forgotten(self):
        with self.catch_codes() as codes:
            self._send(codes)
            self._try("000000")
        code = self.Code.search([("member_id", "=", self.member.id)])
        attempts = code.attempt_ids
        with freeze_time("2026-03-17 12:00:00"):
            self.Code._gc_codes()
            self.assertTrue(code.exists())
        with freeze_time("2026-03-17 12:00:01"):
            self.assertEqual(self.Code._gc_codes(), (1, False))
        self.assertFalse(code.exists())
        self.assertFalse(attempts.exists())

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_nobody_writes_codes_and_nobody_reads_digests(self):
        with self.catch_codes() as codes:
            self._send(codes)
            self._try("x")
        code = self.Code.search([("member_id", "=", self.member.id)])
        for user in (self.auditor_user, self.manager_user):
            record = code.with_user(user)
            self.assertEqual(record.purpose, "identity")
            self.assertEqual(len(record.attempt_ids), 1)
            with self.assertRaises(AccessError):
                record.read(["digest"])
            with self.assertRaises(AccessError):
                record.write({"used_date": False})
            with self.assertRaises(AccessError):
                record.attempt_ids.unlink()
            with self.assertRaises(AccessError):
                record.create({"member_id": self.member.id, "purpose": "identity"})
        for user in (self.service_user, self.plain_user):
            for record in (code, code.attempt_ids):
                with self.assertRaises(AccessError):
                    record.with_user(user).read(["id"])

    def test_other_company_sees_no_codes(self):
        with self.catch_codes() as codes:
            self._send(codes)
            self._try("x")
        stranger = self._create_user("stranger", AUDITOR, self.other_company)
        code = self.Code.search([("member_id", "=", self.member.id)])
        for record in (code, code.attempt_ids):
            self.assertTrue(record.with_user(self.auditor_user).search_count([]))
            elsewhere = record.with_user(stranger).with_context(
                allowed_company_ids=self.other_company.ids
            )
            found = elsewhere.search([("id", "=", record.id)])
            self.assertFalse(found)

    def test_low_rights_send_and_check(self):
        portal = self._create_user("portal", "base.group_portal")
        users = (self.service_user, portal, self.plain_user)
        for minute, user in enumerate(users):
            with (
                self.catch_codes() as codes,
                freeze_time(fields.Datetime.now() + timedelta(minutes=minute)),
            ):
                member = self.member.with_user(user)
                member._send_code("identity")
                self.assertFalse(
                    self.get_refusal(member._check_code, "identity", codes[-1])
                )


@tagged("-at_install", "post_install")
class TestCodeCommitted(CommittedCase):
    """What failing and simultaneous calls leave behind."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            partner = env["res.partner"].browse(self.partner_id)
            scheme = env["loyalty.scheme"].browse(self.scheme_id)
            member = env["loyalty.member"]._enrol(partner, scheme)
            self.member_id = member.id
            _code, self.code = env["loyalty.member.code"]._draw(member, "identity")
        self.wrong_code = f"{(int(self.code) + 1) % 10**6:06d}"

    def _get_member(self, env):
        return env["loyalty.member"].browse(self.member_id)

    def _check(self, code, then):
        """Enter a code in a transaction that ends with ``then``.

        :param str then: "commit" or "rollback"
        :return: the sentence of the refusal, or ``False``
        """
        env = self._open_env()
        try:
            self._get_member(env)._check_code("identity", code)
            env.flush_all()
        except UserError as error:
            return str(error)
        finally:
            getattr(env.cr, then)()
        return False

    def test_attempts_stay_counted_when_the_call_fails(self):
        for _attempt in range(5):
            self.assertIn("not the code", self._check(self.wrong_code, "rollback"))
        self.assertIn("counts no more", self._check(self.code, "rollback"))

    def test_code_stays_good_when_the_call_fails(self):
        self.assertFalse(self._check(self.code, "rollback"))
        self.assertFalse(self._check(self.code, "commit"))
        self.assertIn("has been used", self._check(self.code, "commit"))

    @mute_logger("odoo.sql_db")
    def test_simultaneous_attempts_are_not_counted_as_one(self):
        self._check(self.wrong_code, "rollback")
        # The other attempt is not seen yet, as if both had begun to count together
        Attempt = self.registry["loyalty.member.code.attempt"]
        with (
            patch.object(Attempt, "search_count", return_value=0),
            self.assertRaises(ConcurrencyError),
        ):
            self._check(self.code, "rollback")
        self.assertFalse(self._check(self.code, "commit"))

    @mute_logger("odoo.sql_db")
    def test_simultaneous_requests_send_one_code(self):
        sent = []

        def deliver(_member, code, _code_sudo, _about=""):
            sent.append(code)
            return ""

        first, second = self._open_env(), self._open_env()
        for env in (first, second):
            env.cr.execute("SELECT 1")  # take the snapshot before either has sent
        Member = self.registry["loyalty.member"]
        in_an_hour = fields.Datetime.now() + timedelta(hours=1)
        with patch.object(Member, "_deliver_code", deliver), freeze_time(in_an_hour):
            self._get_member(first)._send_code("identity")
            first.cr.commit()
            with self.assertRaises(SerializationFailure):
                self._get_member(second)._send_code("identity")
            second.cr.rollback()
            with self.assertRaisesRegex(UserError, "a moment ago"):
                self._get_member(second)._send_code("identity")
        self.assertEqual(len(sent), 1)
