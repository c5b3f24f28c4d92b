# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.loyalty_ledger.ledger.move import Move, Op

KINDS = {Op.CREDIT: "earn", Op.DEBIT: "redeem"}


class LoyaltyHttp(http.Controller):
    """The ledger service over HTTP, for tests: a real request, worker and commit."""

    @http.route("/test_loyalty_http/open", type="jsonrpc", auth="user")
    def open_accounts(self, count):
        """Open accounts in a scheme of their own; return their ids."""
        env = request.env(su=True)
        scheme = env["loyalty.scheme"].create({"name": "HTTP"})
        partners = env["res.partner"].create(
            [{"name": f"Member {number}"} for number in range(count)]
        )
        members = env["loyalty.member"]._enrol(partners, scheme)
        return sorted(account.id for account in scheme._get_accounts(members).values())

    @http.route("/test_loyalty_http/post", type="jsonrpc", auth="user")
    def post(self, account_id, key, op, points):
        """Post one move; return its entry, or why it is refused."""
        move = Move(account_id, key, KINDS[Op(op)], Op(op), Decimal(points))
        try:
            entry = request.env(su=True)["loyalty.ledger"]._post([move])
        except UserError as error:
            return {"refused": str(error)}
        return {"entry": entry.id}

    @http.route("/test_loyalty_http/audit", type="jsonrpc", auth="user")
    def audit(self):
        """Return what does not add up."""
        return [
            [finding.account_id, finding.check, finding.expected, finding.found]
            for finding in request.env(su=True)["loyalty.ledger"]._audit()
        ]
