# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who buys, and what the order earns and can spend."""

from odoo import fields, models
from odoo.tools import float_compare, float_is_zero, float_round

from .sale_order import POINTS_DIGITS


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # === WHO AND WITH WHAT === #

    def _loyalty_get_member(self):
        """Return under which membership the customer buys.

        :rtype: loyalty.member, in superuser mode: sellers and shoppers need no right
            on members to see what an order earns
        """
        self.ensure_one()
        # sudo: see the docstring
        order_sudo = self.sudo()
        if order_sudo.loyalty_transaction_id.state == "posted":
            return order_sudo.loyalty_transaction_id.member_id
        paying_member = order_sudo._loyalty_get_paying_member()
        if paying_member:
            return paying_member._get_survivor()
        partner = order_sudo.partner_id
        members = order_sudo.env["loyalty.member"].search(
            [
                *self._loyalty_get_members_domain(),
                ("scheme_id.points_program_id", "any", self._get_program_domain()),
            ]
        )
        return members.sorted(
            lambda member: (
                member.partner_id != partner,
                member.state != "active",
                not member.company_id,
                member.scheme_id.sequence,
                member.id,
            )
        )[:1]._get_survivor()

    def _loyalty_get_paying_member(self):
        """Return the membership whose points the order uses.

        In any state: the customer may have left, or the scheme been closed, since the
        points were chosen, or even since the order was paid for.
        """
        self.ensure_one()
        accounts = self._loyalty_get_redemption_lines().coupon_id.filtered(
            "ledger_managed"
        )
        partners = self.partner_id | self.partner_id.commercial_partner_id
        members = self.env["loyalty.member"]
        if not accounts:
            return members
        members = members.with_context(active_test=False).search(
            [
                ("partner_id", "in", partners.ids),
                ("scheme_id", "in", accounts.program_id.scheme_id.ids),
                ("company_id", "in", [self.company_id.id, False]),
            ],
            order="id",
        )
        return members.filtered(
            lambda member: any(
                self._loyalty_is_account_of(account, member) for account in accounts
            )
        )[:1].with_env(self.env)

    def _loyalty_get_members_domain(self):
        """Return the domain of the customer's memberships, usable here or not."""
        partner = self.partner_id
        return [
            ("partner_id", "in", (partner | partner.commercial_partner_id).ids),
            ("state", "!=", "left"),
            ("company_id", "in", [self.company_id.id, False]),
        ]

    def _loyalty_check_schemes(self):
        """Refuse points of a customer none of whose schemes is in use.

        :raise UserError: when a scheme of theirs is closed or has no program
        """
        self.ensure_one()
        # sudo: as for _loyalty_get_member
        members_sudo = (
            self.env["loyalty.member"].sudo().search(self._loyalty_get_members_domain())
        )
        for scheme_sudo in members_sudo.scheme_id.sorted():
            scheme_sudo._check_open()
            scheme_sudo._get_program()

    def _loyalty_is_account_of(self, account, member):
        return (
            bool(member)
            and account.program_id.scheme_id == member.scheme_id
            and account.partner_id == member._get_account_partner(account.ledger_kind)
        )

    def _loyalty_get_channel_code(self):
        """Return the code of the channel through which the order came."""
        self.ensure_one()
        return "sale"

    def _loyalty_get_store(self):
        """Return the loyalty.store that made the sale, if one is known."""
        self.ensure_one()
        return self.env["loyalty.store"]

    def _loyalty_get_hold_owner(self):
        self.ensure_one()
        return f"sale:{self.id}"

    def _loyalty_is_amount(self, reward):
        """Tell whether a reward gives money for points, however many."""
        return (
            reward.program_id.ledger_managed
            and not reward.program_id.is_payment_program
            and reward.reward_type == "discount"
            and reward.discount_mode == "per_point"
        )

    def _loyalty_get_amount_reward(self, scheme):
        return scheme.points_program_id.reward_ids.filtered(self._loyalty_is_amount)[:1]

    def _loyalty_convert(self, amount, currency):
        """Convert money of a scheme to the order's currency at the order's date."""
        self.ensure_one()
        return currency._convert(
            float(amount),
            self.currency_id,
            self.company_id,
            (self.date_order or fields.Datetime.now()).date(),
        )

    def _loyalty_get_price(self, amount, scheme):
        """Return how many points a discount costs.

        :param float amount: money of the order's currency
        :rtype: float
        """
        self.ensure_one()
        amount = self.currency_id._convert(
            amount,
            scheme.currency_id,
            self.company_id,
            (self.date_order or fields.Datetime.now()).date(),
        )
        return float(scheme._money_to_points(amount))

    # === QUOTES === #

    def _loyalty_get_quote(self, member=None, scheme=None):
        """Ask the engine what the order earns, and what the member has.

        :param member: loyalty.member; none for a guest, who then needs a scheme
        :param scheme: the loyalty.scheme to join
        :rtype: dict
        """
        self.ensure_one()
        # sudo: the quote is about this order only, and writes nothing
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        member = member or transaction_sudo.env["loyalty.member"]
        scheme = scheme or member.scheme_id
        return transaction_sudo._quote(
            member, scheme.sudo(), self._loyalty_prepare_sale()
        )

    def _loyalty_get_summary(self, member, quote):
        scheme = member.scheme_id
        return self.env._(
            "%(member)s has %(balance)s, worth %(value)s; this order earns %(points)s.",
            member=member.display_name,
            balance=scheme._format_points(quote["spendable"]),
            value=scheme._format_points_value(quote["spendable"]),
            points=scheme._format_points(quote["points"]),
        )

    def _loyalty_get_program_status(self, program, member):
        """Answer native's question about one managed program."""
        self.ensure_one()
        if not member or member.scheme_id != program.scheme_id.sudo():
            return {
                "error": self.env._(
                    "The customer is not a member of %(scheme)s.",
                    scheme=program.scheme_id.name,
                )
            }
        if member._get_account_partner() != self.partner_id.sudo():
            # Native knows no other card than the contact's own, and would make one
            return {
                "error": self.env._(
                    "The points go to %(member)s.", member=member.display_name
                )
            }
        return {"points": [self._loyalty_get_quote(member)["points"]]}

    def _loyalty_get_spendable(self, account, with_promise=True):
        """Return what this order may spend of an account, before its own rewards.

        What others have on hold is not there; what this order has on hold, or has
        spent already, is.

        :param bool with_promise: whether points count that were set aside for an
            order which is paid for, even if they were spent elsewhere since: the
            price that the customer paid must not change any more
        :rtype: float
        """
        self.ensure_one()
        member = self._loyalty_get_member()
        # sudo: what the customer may spend on this order is for this order to know
        account_sudo = account.sudo()
        if not self._loyalty_is_account_of(account_sudo, member):
            return 0.0
        points = 0.0
        if member.state == "active" and member.scheme_id.state == "open":
            owner = self._loyalty_get_hold_owner()
            spendable = account_sudo._get_spendable(exclude_owner=owner)
            points = float(spendable[account_sudo.id])
        transaction_sudo = self.sudo().loyalty_transaction_id
        if transaction_sudo.state == "posted":
            return points + self._loyalty_get_spent(account_sudo)
        if with_promise and self._loyalty_is_money_taken():
            return max(points, self._loyalty_get_promised(account_sudo))
        return points

    def _loyalty_get_spent(self, account):
        """Return what this order, which is posted, has spent of an account."""
        self.ensure_one()
        # sudo: what this very order has spent
        return self.sudo().loyalty_transaction_id.points_redeemed

    def _loyalty_get_promised(self, account):
        """Return the points last set aside for this order, in time or not."""
        hold = account.hold_ids.filtered(
            lambda hold: (
                hold.owner == self._loyalty_get_hold_owner()
                and hold.state in ("active", "expired")
            )
        )
        return hold.sorted("id")[-1:].amount

    def _loyalty_get_redeem_limits(self, member):
        """Return how many points this order may use.

        :return: ``minimum`` and ``maximum`` in points (both 0 where nothing can be
            used), and ``message``, why not, for the person who asks
        :rtype: dict
        """
        self.ensure_one()
        nothing = {"minimum": 0.0, "maximum": 0.0, "message": False}
        scheme = member.scheme_id
        # Asking opens no account
        account = member.account_id
        if not account or not self._loyalty_get_amount_reward(scheme):
            return nothing
        maximum = self._loyalty_get_redeem_maximum(account, scheme)
        if float_is_zero(maximum, precision_digits=POINTS_DIGITS):
            return nothing
        minimum = max(scheme.redeem_minimum, scheme.points_rounding)
        if float_compare(maximum, minimum, precision_digits=POINTS_DIGITS) < 0:
            nothing["message"] = self.env._(
                "From %(minimum)s on you can use them; on this order it would be "
                "%(maximum)s.",
                minimum=scheme._format_points(minimum),
                maximum=scheme._format_points(maximum),
            )
            return nothing
        return {"minimum": minimum, "maximum": maximum, "message": False}

    def _loyalty_get_redeem_maximum(self, account, scheme):
        """Return the most points that can be used as money on this order.

        What there is, what a receipt takes and what there is to pay, in whole steps.

        :rtype: float
        """
        spendable = self._loyalty_get_spendable(account) - sum(
            self.order_line.filtered(
                lambda line: (
                    line.coupon_id == account
                    and not self._loyalty_is_amount(line.reward_id)
                )
            ).mapped("points_cost")
        )
        payable = self._loyalty_get_price(self._loyalty_get_payable(), scheme)
        limit = self._loyalty_get_receipt_limit(scheme)
        return float_round(
            max(min(spendable, limit, payable), 0.0),
            precision_rounding=scheme.points_rounding,
            rounding_method="DOWN",
        )

    def _loyalty_get_receipt_limit(self, scheme):
        """Return the most points that the scheme takes for an order like this."""
        # sudo: the limits of a receipt follow from the order and the scheme alone
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        return float(
            transaction_sudo._get_receipt_limit(
                scheme.sudo(), self._loyalty_prepare_sale()
            )
        )

    def _loyalty_get_payable(self):
        """Return what the goods cost after other discounts, tax included."""
        self.ensure_one()
        return max(
            sum(
                line.price_total
                for line in self._loyalty_get_lines()
                if not self._loyalty_is_amount(line.reward_id)
            ),
            0.0,
        )
