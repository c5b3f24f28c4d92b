# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.sale.tests.common import TestSaleCommon


class LoyaltySaleCommon(TestSaleCommon):
    """A scheme of 1 bean for 1.00, where 100 beans are worth 1.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["loyalty.program"].search([]).action_archive()
        cls.currency = cls.env.company.currency_id
        cls.scheme = cls.env["loyalty.scheme"].create(
            {
                "name": "Harmony Coffee",
                "point_name": "bean",
                "point_name_plural": "beans",
                "company_id": cls.env.company.id,
                "currency_id": cls.currency.id,
            }
        )
        cls.program = cls.scheme.points_program_id
        cls.anna = cls.env["res.partner"].create({"name": "Anna"})
        cls.member = cls.env["loyalty.member"]._enrol(cls.anna, cls.scheme)
        cls.account = cls.scheme._get_account(cls.member)
        cls.coffee = cls._create_goods("Coffee", 10.0)
        cls.cake = cls._create_goods("Cake", 5.0)
        cls.seller = new_test_user(
            cls.env,
            "loyalty_seller",
            groups="sales_team.group_sale_salesman_all_leads",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "loyalty_member.loyalty_member_group_manager"
        )

    @classmethod
    def _create_goods(cls, name, price, **values):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "consu",
                "list_price": price,
                "taxes_id": [Command.clear()],
                "invoice_policy": "order",
                **values,
            }
        )

    @classmethod
    def _grant(cls, points, account=None):
        (account or cls.account)._adjust(points, "Gift for the test")

    def _create_order(self, *lines, partner=None, **values):
        """Return a quotation; ``lines`` are (product, quantity)."""
        return self.env["sale.order"].create(
            {
                "partner_id": (partner or self.anna).id,
                "order_line": [
                    Command.create({"product_id": product.id, "product_uom_qty": qty})
                    for product, qty in lines or [(self.coffee, 3)]
                ],
                **values,
            }
        )

    def _create_native_program(self):
        """Return a program of Odoo's own, of one point for 1.00."""
        return self.env["loyalty.program"].create(
            {
                "name": "Native",
                "program_type": "loyalty",
                "applies_on": "both",
                "trigger": "auto",
                "rule_ids": [
                    Command.create(
                        {"reward_point_mode": "money", "reward_point_amount": 1}
                    )
                ],
            }
        )

    def _create_foreign_pricelist(self):
        """Return prices in a currency of which two are worth 1.00."""
        other = self.env["res.currency"].create(
            {
                "name": "XYZ",
                "symbol": "X",
                "rate_ids": [(0, 0, {"name": "2020-01-01", "rate": 2.0})],
            }
        )
        return self.env["product.pricelist"].create(
            {"name": "XYZ", "currency_id": other.id}
        )

    def _invoice(self, order):
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    def _credit(self, invoice, quantities=None):
        """Post a credit note of all, or of ``quantities`` by product."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.refund_moves()
        note = wizard.new_move_ids
        if quantities is not None:
            for line in note.invoice_line_ids:
                if line.product_id in quantities:
                    line.quantity = quantities[line.product_id]
                else:
                    line.unlink()
        note.action_post()
        return note

    def _pay(self, invoice):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()

    def assertPoints(self, available, pending=0.0, account=None):
        account = account or self.account
        self.assertEqual((account.points, account.ledger_pending), (available, pending))
        self.assertFalse(self.env["loyalty.ledger"]._audit(account))
