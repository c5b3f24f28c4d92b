# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user, tagged

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
