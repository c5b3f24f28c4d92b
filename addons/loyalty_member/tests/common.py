# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, TransactionCase, new_test_user, tagged
from odoo.tests.common import get_db_name
from odoo.tools import SQL

SERVICE = "loyalty_member.loyalty_member_group_service"
AUDITOR = "loyalty_member.loyalty_member_group_auditor"
MANAGER = "loyalty_member.loyalty_member_group_manager"


@tagged("post_install", "-at_install")
class LoyaltyMemberCase(TransactionCase):
    """A coffee brand in Belgium, a person for each role, and two contacts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        cls.belgium = cls.env.ref("base.be")
        cls.company = cls.env["res.company"].create(
            {"name": "Harmony Belgium", "country_id": cls.belgium.id}
        )
        cls.other_company = cls.env["res.company"].create({"name": "Rival Coffee"})
        cls.service_user = cls._create_user("service", SERVICE)
        cls.auditor_user = cls._create_user("auditor", AUDITOR)
        cls.manager_user = cls._create_user("manager", MANAGER)
        cls.plain_user = cls._create_user("plain", "base.group_user")
        cls.env = cls.env(
            context={**cls.env.context, "allowed_company_ids": cls.company.ids}
        )
        cls.scheme = cls._create_scheme(name="Harmony Coffee")
        cls.store = cls.env["loyalty.store"].create(
            {"name": "Downtown", "code": "DT1", "company_id": cls.company.id}
        )
        cls.partner, cls.partner_2 = cls.env["res.partner"].create(
            [
                {
                    "name": "Jane Doe",
                    "phone": "0470 12 34 56",
                    "email": "jane@example.com",
                    "country_id": cls.belgium.id,
                },
                {"name": "John Roe", "country_id": cls.belgium.id},
            ]
        )

    @classmethod
    def _create_user(cls, login, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=f"loyalty_{login}",
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _create_scheme(cls, **values):
        return cls.env["loyalty.scheme"].create(
            {
                "company_id": cls.company.id,
                "point_name": "bean",
                "point_name_plural": "beans",
                **values,
            }
        )

    @classmethod
    def _enrol(cls, partner=None, user=None, **kwargs):
        members = cls.env["loyalty.member"]
        if user:
            members = members.with_user(user)
        return members._enrol(partner or cls.partner, cls.scheme, **kwargs)


class CodeMixin:
    """For tests in which a member gets a one-time code and enters it."""

    @contextmanager
    def catch_codes(self):
        """Deliver no codes; yield the list that they come into, in order."""
        codes = []

        def deliver(_member, code, _code_sudo, _about=""):
            codes.append(code)
            return "j•••@example.com"

        Member = self.env.registry["loyalty.member"]
        # Attempts are counted on a cursor of their own, which has to see what the
        # test has not committed
        with (
            self.enter_registry_test_mode(),
            patch.object(Member, "_deliver_code", deliver),
        ):
            yield codes

    def get_wrong_code(self, code):
        return f"{(int(code) + 1) % 10**6:06d}"

    def get_refusal(self, function, *args, **kwargs):
        """Call, and return the sentence of the refusal, or ``False`` without one.

        Unlike ``assertRaises`` it rolls nothing back, so that attempts stay counted.
        """
        try:
            function(*args, **kwargs)
        except UserError as error:
            return str(error)
        return False


class CommittedCase(BaseCase):
    """A scheme and a contact that are committed, for tests on real cursors."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.scheme_id = env["loyalty.scheme"].create({"name": "Race"}).id
            self.partner_id = env["res.partner"].create({"name": "Racer"}).id
        self.addCleanup(self._clean_up)  # after the cursors of the tests are closed

    def _clean_up(self):
        with self.registry.cursor() as cr:
            self._delete(cr, "loyalty_scheme", [self.scheme_id], set())
            self._delete(cr, "res_partner", [self.partner_id], set())

    def _delete(self, cr, table, ids, seen):
        """Delete committed rows and all that refers to them.

        By SQL, since the ORM rightly refuses, and by the catalogue, since modules
        on top of this one add rows of their own.
        """
        seen.add(table)
        cr.execute(
            "DELETE FROM mail_message WHERE model = %s AND res_id = ANY(%s)",
            [table.replace("_", "."), ids],
        )
        cr.execute(
            """
            SELECT rel.relname, att.attname
              FROM pg_constraint con
              JOIN pg_class rel ON rel.oid = con.conrelid
              JOIN pg_attribute att
                ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
             WHERE con.contype = 'f' AND con.confdeltype != 'c'
               AND con.confrelid = %s::regclass
            """,
            [table],
        )
        for child, column in cr.fetchall():
            where = SQL("%s = ANY(%s)", SQL.identifier(column), ids)
            child_name = SQL.identifier(child)
            if child in seen:
                cr.execute(
                    SQL(
                        "UPDATE %s SET %s = NULL WHERE %s",
                        child_name,
                        SQL.identifier(column),
                        where,
                    )
                )
                continue
            cr.execute(SQL("SELECT id FROM %s WHERE %s", child_name, where))
            child_ids = [row[0] for row in cr.fetchall()]
            if child_ids:
                self._delete(cr, child, child_ids, set(seen))
        cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", SQL.identifier(table), ids))

    def _open_env(self):
        """Return an environment with a cursor of its own.

        It must be made in the main thread, which holds the registry's lock while
        the tests run.
        """
        cr = self.registry.cursor()
        self.addCleanup(cr.close)
        return api.Environment(cr, SUPERUSER_ID, {})
