# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.loyalty_ledger.tests.common import LoyaltyLedgerCommon
from odoo.addons.queue_job.job import PENDING, Job

GROUP = "loyalty_member.loyalty_member_group_"


class MigrationCase(LoyaltyLedgerCommon):
    """A program of Odoo's own: 2 points per 1 spent, a point is worth 0.005."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(cls.env, "manager", GROUP + "manager")
        cls.cake = cls.env["product.product"].create({"name": "Cake"})
        cls.program = cls._create_program()
        cls.bob, cls.carl, cls.dora = cls.env["res.partner"].create(
            [{"name": "Bob"}, {"name": "Carl"}, {"name": "Dora"}]
        )
        cls.registry_enter_test_mode_cls()

    @classmethod
    def _create_program(cls, **values):
        return cls.env["loyalty.program"].create(
            {
                "name": "Native Stars",
                "program_type": "loyalty",
                "applies_on": "both",
                "trigger": "auto",
                "portal_point_name": "stars",
                "company_id": cls.company.id,
                "rule_ids": [
                    Command.clear(),
                    Command.create(
                        {"reward_point_mode": "money", "reward_point_amount": 2}
                    ),
                ],
                "reward_ids": [
                    Command.clear(),
                    Command.create(
                        {
                            "reward_type": "discount",
                            "discount_mode": "per_point",
                            "discount": 0.005,
                            "required_points": 50,
                            "description": "Stars for money",
                        }
                    ),
                    Command.create(
                        {
                            "reward_type": "product",
                            "reward_product_id": cls.cake.id,
                            "required_points": 300,
                        }
                    ),
                ],
                **values,
            }
        )

    def _create_cards(self, *rows):
        """Create native cards.

        :param rows: (contact or None, points) or with a last day
        """
        return self.env["loyalty.card"].create(
            [
                {
                    "program_id": self.program.id,
                    "partner_id": row[0] and row[0].id,
                    "points": row[1],
                    "expiration_date": row[2] if len(row) > 2 else False,
                }
                for row in rows
            ]
        )

    def _prepare(self, scheme=None, **values):
        """Return a migration of the manager's, with a scheme."""
        migration = (
            self.env["loyalty.migration"]
            .with_user(self.manager)
            .create(
                {
                    "program_id": self.program.id,
                    "scheme_id": scheme and scheme.id,
                    **values,
                }
            )
        )
        if not scheme:
            migration.action_make_scheme()
        return migration

    def _run(self, scheme=None):
        migration = self._prepare(scheme)
        migration.action_check()
        migration.action_run()
        return migration

    def _lines(self, migration):
        """Return (card, what happens, opening balance), by card."""
        return [
            (line.card_id, line.action, line.points)
            for line in migration.line_ids.sorted("id")
        ]

    def _state(self):
        """Return all that Odoo knows of the program's cards and its rewards."""
        self.env.invalidate_all()
        cards = self.env["loyalty.card"].with_context(active_test=False)
        names = ["partner_id", "points", "expiration_date", "active", "code"]
        rewards = self.program.with_context(active_test=False).reward_ids
        return (
            cards.search([("program_id", "=", self.program.id)], order="id").read(
                [*names, "ledger_managed", "merged_into_id"], load=None
            ),
            self.program.read(
                ["name", "active", "portal_point_name", "scheme_id", "ledger_managed"],
                load=None,
            ),
            rewards.filtered("active").read(
                ["description", "discount", "required_points"], load=None
            ),
        )

    def assertClean(self):
        self.env.invalidate_all()
        self.assertEqual(self.ledger._audit(), [])

    def _get_jobs(self, migration):
        """Return the jobs of a migration that wait in the queue."""
        return (
            self.env["queue.job"]
            .search(
                [("model_name", "=", migration._name), ("state", "=", PENDING)],
                order="date_created, id",
            )
            .filtered(lambda job: job.records == migration)
        )

    def _perform_job(self, migration):
        """Perform the one job that waits, as the queue does.

        :return str: the name of its method
        """
        [record] = self._get_jobs(migration)
        job = Job.load(self.env, record.uuid)
        job.set_started()
        job.store()
        job.perform()
        job.set_done()
        job.store()
        self.env.flush_all()
        return record.method_name

    def _perform_jobs(self, migration):
        """Perform all jobs, also those that other jobs queue.

        :rtype: list[str]
        """
        methods = []
        while self._get_jobs(migration):
            methods.append(self._perform_job(migration))
        return methods
