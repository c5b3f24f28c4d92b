# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import defaultdict
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import float_compare, float_is_zero, float_round, plaintext2html

from odoo.addons.loyalty_ledger.ledger.sale import Sale
from odoo.addons.sale_loyalty.models.sale_order import _generate_random_reward_code

POINTS_DIGITS = 4
# The orders whose lines are being changed by one call, kept with the cursor and not
# in the context, which remote callers choose.
DEFERRED_KEY = "loyalty_sale_bridge.deferred"
HOLD_MINUTES = 30
HOLD_MINUTES_AWAITING_PAYMENT = 30 * 24 * 60


class SaleOrder(models.Model):
    _inherit = "sale.order"

    loyalty_points_to_use = fields.Float(
        string="Points to Use",
        digits="Loyalty Points",
        copy=False,
        readonly=True,
        help="How many points the customer chose to spend on this order. What is "
        "spent can be less: never more than the order or the balance allows.",
    )
    loyalty_transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    loyalty_summary = fields.Char(compute="_compute_loyalty_summary", compute_sudo=True)
    loyalty_can_redeem = fields.Boolean(
        compute="_compute_loyalty_summary", compute_sudo=True
    )
    loyalty_transaction_count = fields.Integer(
        compute="_compute_loyalty_transaction_count"
    )

    # === COMPUTE === #

    @api.depends("partner_id", "company_id", "state", "amount_total", "order_line")
    def _compute_loyalty_summary(self):
        self.loyalty_summary = False
        self.loyalty_can_redeem = False
        for order in self.filtered(
            lambda order: order.partner_id and order.state in ("draft", "sent")
        ):
            member = order._loyalty_get_member()
            if not member:
                continue
            quote = order._loyalty_get_quote(member)
            order.loyalty_summary = order._loyalty_get_summary(member, quote)
            order.loyalty_can_redeem = (
                order._loyalty_get_redeem_limits(member)["maximum"] > 0
            )

    @api.depends("loyalty_transaction_id")
    def _compute_loyalty_transaction_count(self):
        # sudo: sellers see that there are transactions, their group decides on more
        counts = dict(
            self.env["loyalty.transaction"]
            .sudo()
            ._read_group(
                [("origin_id", "in", self.loyalty_transaction_id.ids)],
                ["origin_id"],
                ["__count"],
            )
        )
        for order in self:
            transaction = order.loyalty_transaction_id
            order.loyalty_transaction_count = (
                1 + counts.get(transaction.sudo(), 0) if transaction else 0
            )

    def _compute_loyalty_data(self):
        """Show what the ledger has posted, where native reads its history."""
        res = super()._compute_loyalty_data()
        for order in self.filtered("loyalty_transaction_id"):
            # sudo: the customer reads this on the portal, for an order of theirs
            transaction_sudo = order.sudo().loyalty_transaction_id
            if transaction_sudo.state != "posted":
                continue
            order.loyalty_data = {
                "point_name": transaction_sudo.scheme_id.point_name_plural,
                "issued": transaction_sudo.points_earned,
                "cost": transaction_sudo.points_redeemed,
            }
        return res

    # === CRUD === #

    def write(self, vals):
        if "order_line" not in vals:
            return super().write(vals)
        with self._loyalty_settle_once():
            return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_release_loyalty_holds(self):
        self._loyalty_release_hold()

    # === ACTIONS === #

    def action_confirm(self):
        for order in self:
            order._loyalty_check_redeemable()
        with self._loyalty_settle_once():
            return super().action_confirm()

    def _action_cancel(self):
        with self._loyalty_settle_once():
            res = super()._action_cancel()
        for order in self:
            order._loyalty_cancel()
        return res

    def action_open_reward_wizard(self):
        """Open the dialog for points where there is no other reward to claim."""
        self.ensure_one()
        res = super().action_open_reward_wizard()
        if res is True and not self._get_claimable_rewards():
            member = self._loyalty_get_member()
            if member and self._loyalty_get_redeem_limits(member)["maximum"]:
                return self.action_loyalty_use_points()
        return res

    def action_loyalty_use_points(self):
        """Ask how many points the customer wants to use."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Use Points"),
            "res_model": "loyalty.sale.redeem",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id, "dialog_size": "medium"},
        }

    def action_view_loyalty_transactions(self):
        """Open what loyalty has recorded of this order."""
        self.ensure_one()
        transactions = (
            self.loyalty_transaction_id | self.loyalty_transaction_id.return_ids
        )
        action = {
            "type": "ir.actions.act_window",
            "name": self.env._("Loyalty Transactions"),
            "res_model": "loyalty.transaction",
            "view_mode": "list,form",
            "domain": [("id", "in", transactions.ids)],
            "context": {"create": False},
        }
        if len(transactions) == 1:
            action.update(view_mode="form", res_id=transactions.id)
        return action

    # === NATIVE POINTS: NOT FOR MANAGED PROGRAMS === #

    def _get_point_changes(self):
        """Leave the accounts of managed programs to the ledger."""
        return {
            coupon: change
            for coupon, change in super()._get_point_changes().items()
            if not coupon.ledger_managed
        }

    def _add_points_for_coupon(self, coupon_points):
        """Note what the order will earn without moving points of the ledger."""
        if not any(coupon.ledger_managed for coupon in coupon_points):
            return super()._add_points_for_coupon(coupon_points)
        order = self.with_context(loyalty_ledger_ignore_points=True)
        return super(SaleOrder, order)._add_points_for_coupon(
            {
                coupon.with_env(order.env): points
                for coupon, points in coupon_points.items()
            }
        )

    def _add_loyalty_history_lines(self):
        """Keep no second history of an account that has entries."""
        res = super()._add_loyalty_history_lines()
        coupons = self.coupon_point_ids.coupon_id | self.order_line.coupon_id
        managed = coupons.filtered("ledger_managed")
        if managed:
            # sudo: native lets no one delete history either, and does so itself
            self.env["loyalty.history"].sudo().search(
                [
                    ("order_model", "=", self._name),
                    ("order_id", "=", self.id),
                    ("card_id", "in", managed.ids),
                ]
            ).unlink()
        return res

    def _update_loyalty_history(self, coupon_id, points):
        if coupon_id.ledger_managed:
            return None
        return super()._update_loyalty_history(coupon_id, points)

    # === NATIVE QUESTIONS, ANSWERED BY THE LEDGER === #

    def _update_programs_and_rewards(self):
        """Bring the member's account in before native looks for one."""
        for order in self:
            order._loyalty_apply_account()
        with self._loyalty_settle_once():
            return super()._update_programs_and_rewards()

    def _program_check_compute_points(self, programs):
        """Let the engine say what managed programs give."""
        managed = programs.filtered("ledger_managed")
        if not managed:
            return super()._program_check_compute_points(programs)
        result = super()._program_check_compute_points(programs - managed)
        member = self._loyalty_get_member()
        for program in managed:
            result[program] = self._loyalty_get_program_status(program, member)
        return result

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        """Offer what is available now, never what the order is about to earn."""
        if not coupon.ledger_managed:
            return super()._get_real_points_for_coupon(coupon, post_confirm)
        self.ensure_one()
        spendable = self._loyalty_get_spendable(coupon)
        used = sum(
            self.order_line.filtered(lambda line: line.coupon_id == coupon).mapped(
                "points_cost"
            )
        )
        # Native refuses an order below zero without a word why, even one that is paid
        # for; the order is checked when it is confirmed
        return max(float_round(spendable - used, precision_digits=POINTS_DIGITS), 0.0)

    def _get_program_domain(self):
        """Keep the programs of rewards that the customer has paid with."""
        domain = super()._get_program_domain()
        if not self._loyalty_is_price_final():
            return domain
        programs = self._loyalty_get_redemption_lines().reward_id.program_id
        return Domain.OR([domain, [("id", "in", programs.ids)]])

    def _get_reward_line_values(self, reward, coupon, **kwargs):
        """Price no reward anew that the customer has paid with."""
        if reward.program_id.ledger_managed and self._loyalty_is_price_final():
            return []
        return super()._get_reward_line_values(reward, coupon, **kwargs)

    def _get_claimable_rewards(self, forced_coupons=None):
        """Leave the amount reward out: one uses points by saying how many."""
        claimable = super()._get_claimable_rewards(forced_coupons)
        for coupon, rewards in list(claimable.items()):
            others = rewards.filtered(
                lambda reward: not self._loyalty_is_amount(reward)
            )
            if others:
                claimable[coupon] = others
            else:
                del claimable[coupon]
        return claimable

    def _get_reward_values_discount(self, reward, coupon, **kwargs):
        """Discount what the customer chose to use, not all or nothing."""
        if not self._loyalty_is_amount(reward):
            return super()._get_reward_values_discount(reward, coupon, **kwargs)
        discountable, discountable_per_tax = self._loyalty_get_discountable(reward)
        if not discountable:
            # Native says what to do with nothing to discount, or all paid for
            return super()._get_reward_values_discount(reward, coupon, **kwargs)
        points = self._loyalty_get_points_to_use()
        scheme = coupon.program_id.scheme_id
        amount = min(
            self._loyalty_convert(scheme._points_to_money(points), scheme.currency_id),
            discountable,
            self.amount_total,
        )
        cost = min(points, self._loyalty_get_price(amount, scheme))
        return self._loyalty_prepare_discount_lines(
            reward, coupon, cost, amount / discountable, discountable_per_tax
        )

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
            return paying_member
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
        )[:1]

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
        if not accounts.partner_id & partners:
            return members
        members = members.with_context(active_test=False).search(
            [
                ("partner_id", "in", (accounts.partner_id & partners).ids),
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
            and account.partner_id == member.partner_id
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
        if member.partner_id != self.partner_id.sudo():
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
            return points + transaction_sudo.points_redeemed
        if with_promise and self._loyalty_is_money_taken():
            return max(points, self._loyalty_get_promised(account_sudo))
        return points

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
        spendable = self._loyalty_get_spendable(account) - sum(
            self.order_line.filtered(
                lambda line: (
                    line.coupon_id == account
                    and not self._loyalty_is_amount(line.reward_id)
                )
            ).mapped("points_cost")
        )
        step = scheme.points_rounding
        # sudo: the limits of a receipt follow from the order and the scheme alone
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        limit = transaction_sudo._get_receipt_limit(
            scheme, self._loyalty_prepare_sale()
        )
        payable = self._loyalty_get_price(self._loyalty_get_payable(), scheme)
        maximum = float_round(
            max(min(spendable, float(limit), payable), 0.0),
            precision_rounding=step,
            rounding_method="DOWN",
        )
        if float_is_zero(maximum, precision_digits=POINTS_DIGITS):
            return nothing
        minimum = max(scheme.redeem_minimum, step)
        if float_compare(maximum, minimum, precision_digits=POINTS_DIGITS) < 0:
            nothing["message"] = self.env._(
                "From %(minimum)s on you can use them; on this order it would be "
                "%(maximum)s.",
                minimum=scheme._format_points(minimum),
                maximum=scheme._format_points(maximum),
            )
            return nothing
        return {"minimum": minimum, "maximum": maximum, "message": False}

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

    # === USING POINTS === #

    def _loyalty_set_points_to_use(self, points):
        """Use points on the order as money; 0 takes that back.

        :param float points: how many the customer chose
        :raise UserError: when it cannot be that many, saying how many it can
        """
        self.ensure_one()
        member = self._loyalty_get_member()
        if self.state not in ("draft", "sent"):
            raise UserError(
                self.env._("Points can only be used before the order is confirmed.")
            )
        if self._loyalty_is_price_final():
            raise UserError(
                self.env._("This order is paid for: its points cannot change any more.")
            )
        if not member:
            self._loyalty_check_schemes()
            raise UserError(self.env._("Only members can use points."))
        reward = self._loyalty_get_amount_reward(member.scheme_id)
        lines = self._loyalty_get_amount_lines()
        if float_is_zero(points, precision_digits=POINTS_DIGITS):
            self.loyalty_points_to_use = 0
            self._loyalty_release_hold()
            lines.unlink()
            self._update_programs_and_rewards()
            return
        self._loyalty_check_points_to_use(member, points)
        account = member.scheme_id._get_account(member)
        self._loyalty_release_hold()
        self.loyalty_points_to_use = points
        if not lines:
            status = self._apply_program_reward(
                reward.with_env(self.env), account.with_env(self.env)
            )
            if status.get("error"):
                raise UserError(status["error"])
        self._update_programs_and_rewards()

    def _loyalty_check_points_to_use(self, member, points):
        """Refuse an amount of points, in words for the one who chose it.

        :raise UserError: when it is not allowed
        """
        member._check_can_transact()
        scheme = member.scheme_id
        limits = self._loyalty_get_redeem_limits(member)
        if limits["message"]:
            raise UserError(limits["message"])
        if not limits["maximum"]:
            raise UserError(
                self.env._(
                    "There are no %(points)s to use on this order.",
                    points=scheme.point_name_plural,
                )
            )
        below = float_compare(points, limits["minimum"], POINTS_DIGITS) < 0
        above = float_compare(points, limits["maximum"], POINTS_DIGITS) > 0
        if below or above:
            raise UserError(
                self.env._(
                    "%(points)s cannot be used here. Choose from %(minimum)s up to "
                    "%(maximum)s.",
                    points=scheme._format_points(points),
                    minimum=scheme._format_points(limits["minimum"]),
                    maximum=scheme._format_points(limits["maximum"]),
                )
            )
        step = scheme.points_rounding
        if float_compare(
            points,
            float_round(points, precision_rounding=step),
            precision_digits=POINTS_DIGITS,
        ):
            raise UserError(
                self.env._(
                    "Choose %(points)s in steps of %(step)s.",
                    points=scheme.point_name_plural,
                    step=scheme._format_points(step),
                )
            )

    def _loyalty_get_points_to_use(self):
        """Return how many points the amount reward takes now.

        The customer's choice, capped by what the order and the balance allow.

        :raise UserError: when none can be used
        :rtype: float
        """
        self.ensure_one()
        limits = self._loyalty_get_redeem_limits(self._loyalty_get_member())
        if not limits["maximum"]:
            raise UserError(
                limits["message"] or self.env._("There is nothing to discount")
            )
        if not self.loyalty_points_to_use:
            return limits["maximum"]
        return min(self.loyalty_points_to_use, limits["maximum"])

    def _loyalty_get_discountable(self, reward):
        self.ensure_one()
        compute = {
            "order": self._discountable_order,
            "specific": self._discountable_specific,
            "cheapest": self._discountable_cheapest,
        }
        return compute[reward.discount_applicability](reward)

    def _loyalty_prepare_discount_lines(self, reward, coupon, cost, share, per_tax):
        """Return the lines of a discount, one for each set of taxes.

        :param float cost: points that the discount costs
        :param float share: the part of the price that is discounted, 0 to 1
        :param dict per_tax: untaxed amounts by taxes
        :rtype: list[dict]
        """
        self.ensure_one()
        sequences = self.order_line.filtered(lambda line: not line.is_reward_line)
        common = {
            "name": self._loyalty_get_discount_name(coupon, cost),
            "product_id": reward.discount_line_product_id.id,
            "product_uom_qty": 1.0,
            "reward_id": reward.id,
            "coupon_id": coupon.id,
            "sequence": max(sequences.mapped("sequence"), default=10) + 1,
            "reward_identifier_code": _generate_random_reward_code(),
        }
        values = [
            {
                **common,
                "price_unit": -price * min(share, 1.0),
                "points_cost": 0,
                "tax_ids": [Command.set(self.fiscal_position_id.map_tax(taxes).ids)],
            }
            for taxes, price in per_tax.items()
            if price
        ]
        if values:
            # The cost goes on one line, so that it counts once
            values[0]["points_cost"] = cost
        return values

    def _loyalty_get_discount_name(self, coupon, points):
        # sudo: the name of the unit is for the customer to read
        scheme_sudo = coupon.sudo().program_id.scheme_id
        return self.env._(
            "%(points)s used",
            points=scheme_sudo.with_context(lang=self._get_lang())._format_points(
                points
            ),
        )

    def _write_vals_from_reward_vals(self, reward_vals, old_lines, delete=True):
        """Say on the line how many points it takes, also when that changes.

        Native keeps the name of the line it reuses, for those who edited it.
        """
        names = {
            vals["reward_identifier_code"]: vals["name"]
            for vals in reward_vals
            if self.env["loyalty.reward"]
            .browse(vals.get("reward_id"))
            .program_id.ledger_managed
        }
        res = super()._write_vals_from_reward_vals(reward_vals, old_lines, delete)
        for line in self.order_line.filtered(
            lambda line: line.reward_identifier_code in names
        ):
            if line.name != names[line.reward_identifier_code]:
                line.name = names[line.reward_identifier_code]
        return res

    def _loyalty_apply_account(self):
        """Make the member's account known to native, whoever's name it carries."""
        self.ensure_one()
        if not self._allow_nominative_programs():
            return
        member = self._loyalty_get_member()
        strangers = self.applied_coupon_ids.filtered(
            lambda coupon: (
                coupon.ledger_managed
                and not self._loyalty_is_account_of(coupon.sudo(), member)
            )
        )
        if strangers:
            self.applied_coupon_ids -= strangers
            if not self._loyalty_is_price_final():
                self._loyalty_get_amount_lines().filtered(
                    lambda line: line.coupon_id in strangers
                ).unlink()
        scheme = member.scheme_id
        if member.state != "active" or scheme.state != "open":
            return
        if not scheme.points_program_id:
            return
        account = member.scheme_id._get_account(member).with_env(self.env)
        if not member.account_id:
            member.invalidate_recordset(["account_id"])
        if account not in self.applied_coupon_ids:
            self.applied_coupon_ids |= account

    def _loyalty_get_amount_lines(self):
        """Return the lines on which points are used as money."""
        return self.order_line.filtered(
            lambda line: self._loyalty_is_amount(line.reward_id)
        )

    def _loyalty_forget_choice(self):
        """Drop the choice of orders that no longer have a line for it."""
        for order in self:
            if order.loyalty_points_to_use and not order._loyalty_get_amount_lines():
                order.loyalty_points_to_use = 0

    # === HOLDS === #

    def _loyalty_hold(self, minutes=HOLD_MINUTES):
        """Set aside what the order uses, so that nobody else can spend it.

        :param float minutes: for how long at least; what is on hold for longer, as
            for a bank transfer, stays so
        :raise UserError: when it is no longer there
        """
        for order in self:
            owner = order._loyalty_get_hold_owner()
            points_by_account = order._loyalty_get_used_points()
            for account, points in points_by_account.items():
                order._loyalty_check_redeemable()
                # sudo: the shopper pays for an order of theirs
                account_sudo = account.sudo()
                left = order._loyalty_get_minutes_left(account_sudo)
                account_sudo._hold(owner, points, minutes=max(minutes, left))

    def _loyalty_get_minutes_left(self, account):
        """Return for how long the points of the order are on hold still.

        :param account: loyalty.card in superuser mode
        :rtype: float
        """
        hold = account.hold_ids.filtered(
            lambda hold: (
                hold.owner == self._loyalty_get_hold_owner() and hold.state == "active"
            )
        )
        if not hold:
            return 0.0
        return (hold.deadline - fields.Datetime.now()).total_seconds() / 60

    def _loyalty_release_hold(self):
        """Free what was set aside for these orders."""
        owners = [order._loyalty_get_hold_owner() for order in self if order.id]
        # sudo: holds belong to the order, and go with it
        holds_sudo = (
            self.env["loyalty.hold"]
            .sudo()
            .search([("owner", "in", owners), ("state", "=", "active")])
        )
        for hold_sudo in holds_sudo:
            hold_sudo.account_id._release_hold(hold_sudo.owner)

    def _loyalty_get_used_points(self, sold=False):
        """Return the points that the order's rewards cost, by account.

        :param bool sold: count a reward again that was credited and invoiced anew
        """
        self.ensure_one()
        points = defaultdict(float)
        for line in self._loyalty_get_own_lines():
            times = line._loyalty_get_times_sold() if sold else 1
            points[line.coupon_id] += line.points_cost * times
        return points

    def _loyalty_get_redemption_lines(self):
        """Return the lines for which points have to pay."""
        return self.order_line.filtered(lambda line: line._loyalty_is_redemption())

    def _loyalty_get_own_lines(self):
        """Return the lines that are paid for with points of the order's member."""
        self.ensure_one()
        lines = self._loyalty_get_redemption_lines()
        member = self._loyalty_get_member() if lines else None
        return lines.filtered(
            # sudo: whose account pays is for this order to know
            lambda line: (
                line.coupon_id.sudo().program_id == line.reward_id.sudo().program_id
                and self._loyalty_is_account_of(line.coupon_id.sudo(), member)
            )
        )

    def _loyalty_check_redeemable(self):
        """Refuse to go on with an order that uses points that are not there.

        :raise UserError: saying what is there and what to do
        """
        self.ensure_one()
        lines = self._loyalty_get_redemption_lines()
        if not lines or self._loyalty_is_money_taken():
            return
        # sudo: whether a scheme is open holds for everybody
        lines.reward_id.sudo().program_id.scheme_id._check_open()
        problems = self._loyalty_get_account_problems()
        if problems:
            raise UserError("\n".join(problems))
        self._loyalty_get_member()._check_can_transact()
        for account, points in self._loyalty_get_used_points().items():
            # sudo: the unit of the points is for everybody to read
            scheme = account.sudo().program_id.scheme_id
            available = self._loyalty_get_spendable(account)
            if float_compare(points, available, precision_digits=POINTS_DIGITS) > 0:
                raise UserError(
                    self.env._(
                        "This order uses %(points)s, but only %(available)s are left. "
                        "Choose again how many to use.",
                        points=scheme._format_points(points),
                        available=scheme._format_points(available),
                    )
                )

    # === SETTLEMENT === #

    @contextmanager
    def _loyalty_settle_once(self):
        """Settle confirmed orders once, however many of their lines change inside."""
        deferred = self.env.cr.precommit.data.setdefault(DEFERRED_KEY, set())
        mine = set(self.ids) - deferred
        deferred |= mine
        try:
            yield
        finally:
            deferred -= mine
        self.browse(mine)._loyalty_settle()

    def _loyalty_is_deferred(self):
        return self.id in self.env.cr.precommit.data.get(DEFERRED_KEY, ())

    def _loyalty_settle(self, strict=True):
        """Make the ledger agree with confirmed orders.

        Spends what their rewards cost and lets them earn; after an edit, posts the
        exact difference. Safe to call at any time.

        :param bool strict: whether to refuse an order that uses more points than
            there are, or rewards that no points pay for; one that is paid for already
            is never refused, and staff are told what could not be posted
        :raise UserError: when the order is refused
        """
        for order in self:
            if order.state != "sale" or order._loyalty_is_deferred():
                continue
            if strict and not order._loyalty_is_paid_before():
                order._loyalty_record(strict=True)
            else:
                order._loyalty_record_leniently()

    def _loyalty_is_paid_before(self):
        """Tell whether the money had come before the ledger first saw the order."""
        self.ensure_one()
        # sudo: whether the sale is known to the ledger
        is_first = self.sudo().loyalty_transaction_id.state != "posted"
        return is_first and self._loyalty_is_money_taken()

    def _loyalty_record_leniently(self):
        """Post what can be posted, and tell staff of what cannot."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._loyalty_record(strict=False)
        except UserError as error:
            self._loyalty_report(
                self.env._("Points that could not be posted"),
                self.env._(
                    "What this order earns and spends is not on the account: "
                    "%(reason)s",
                    reason=str(error),
                ),
            )
        # sudo: as for settling
        if not self.sudo().loyalty_transaction_id.points_redeemed:
            # What was not spent must not stay aside
            self._loyalty_release_hold()

    def _loyalty_record(self, strict):
        """Post what the order spends and earns now.

        :param bool strict: see :meth:`_loyalty_settle`
        """
        self.ensure_one()
        self._loyalty_check_rewards(strict)
        member = self._loyalty_get_member()
        if not member:
            return
        sale = self._loyalty_prepare_sale(settle=True, strict=strict)
        # sudo: who may confirm or edit an order need not see the ledger; what is
        # posted follows from the order alone
        transaction = self.env["loyalty.transaction"].sudo()._record(member, sale)
        if self.loyalty_transaction_id != transaction:
            self.sudo().loyalty_transaction_id = transaction
        self._loyalty_start_pending()

    def _loyalty_cancel(self):
        """Reverse what the ledger has posted for a cancelled order."""
        self.ensure_one()
        self._loyalty_release_hold()
        # sudo: as for settling
        transaction_sudo = self.sudo().loyalty_transaction_id
        if transaction_sudo.state == "posted":
            transaction_sudo._cancel(
                self.env._("Order %(order)s was cancelled", order=self.name)
            )
        self.loyalty_points_to_use = 0

    def _loyalty_get_reference(self):
        """Return what names this sale in its channel, for ever.

        An order that was cancelled and is confirmed again is another sale.
        """
        self.ensure_one()
        # sudo: transactions of this order, to number them
        Transaction = self.env["loyalty.transaction"].sudo()
        current = self.sudo().loyalty_transaction_id
        if current.state == "posted":
            return current.reference
        before = Transaction.search_count(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("kind", "=", "sale"),
            ]
        )
        return f"sale.order:{self.id}" + (f":{before + 1}" if before else "")

    def _loyalty_prepare_sale(self, settle=False, strict=True):
        """Describe the order to the ledger.

        :param bool settle: for a transaction that will be posted
        :param bool strict: see :meth:`_loyalty_settle`
        :rtype: Sale
        """
        self.ensure_one()
        owner = self._loyalty_get_hold_owner()
        # sudo: whether the sale is known to the ledger, and through what it came
        transaction_sudo = self.sudo().loyalty_transaction_id
        return Sale(
            # A sale is known by channel and reference: in another it would be new
            channel=transaction_sudo.channel_id.code
            if transaction_sudo.state == "posted"
            else self._loyalty_get_channel_code(),
            reference=self._loyalty_get_reference() if settle else owner,
            date=self.date_order or fields.Datetime.now(),
            currency_id=self.currency_id.id,
            company_id=self.company_id.id,
            lines=tuple(self._loyalty_prepare_lines()),
            store_id=self._loyalty_get_store().id or None,
            redeemed=self._loyalty_get_redeemed(strict) if settle else 0,
            hold_owner=owner,
            res_model=self._name,
            res_id=self.id if settle else None,
            name=self.name or "",
        )

    def _loyalty_get_lines(self):
        """Return the lines that make up the purchase of goods.

        Shipping is left out rather than counted as goods that earn nothing: a
        discount would spread to it, and the same goods earn more than at a till.
        Gift cards and wallets that pay for the goods do not make them cheaper.
        """
        self.ensure_one()
        lines = self.order_line - self._get_no_effect_on_threshold_lines()
        return lines.filtered(
            lambda line: (
                not line.display_type
                and not line.is_downpayment
                and not line._is_delivery()
                and not line.reward_id.program_id.is_payment_program
            )
        )

    def _loyalty_prepare_lines(self):
        lines = self._loyalty_get_lines()
        top_ups = self._loyalty_get_top_up_products(lines.product_id)
        return [
            line._loyalty_prepare_line(line.product_id in top_ups) for line in lines
        ]

    def _loyalty_get_top_up_products(self, products):
        """Return which of the products are money to be spent later."""
        # sudo: what a product is does not depend on who sells it
        rules_sudo = self.env["loyalty.rule"].sudo()
        rules = rules_sudo.search(
            [
                ("program_id.program_type", "in", ("gift_card", "ewallet")),
                ("product_ids", "in", products.ids),
            ]
        )
        return rules.product_ids & products.sudo()

    def _loyalty_get_redeemed(self, strict=True):
        """Return the points that the order's rewards cost.

        :param bool strict: whether to leave it to the ledger to refuse, rather than
            to spend what is there and tell staff of the rest
        :rtype: float
        """
        self.ensure_one()
        redeemed = 0.0
        for account, points in self._loyalty_get_used_points(sold=True).items():
            if not strict:
                points = self._loyalty_get_taken(account, points)
            redeemed += points
        return float_round(redeemed, precision_digits=POINTS_DIGITS)

    def _loyalty_get_taken(self, account, points):
        """Return how many of the points can be spent that the order uses."""
        self.ensure_one()
        available = self._loyalty_get_takeable(account)
        if points <= available:
            return max(points, 0.0)
        try:
            self._loyalty_get_member()._check_can_transact()
        except UserError as refusal:
            self._loyalty_report_refusal(account, points, refusal)
        else:
            self._loyalty_report_shortage(account, points - available)
        return available

    def _loyalty_get_takeable(self, account):
        """Return the most points that the ledger lets this order spend."""
        self.ensure_one()
        available = self._loyalty_get_spendable(account, with_promise=False)
        # sudo: the scheme's rules hold for everybody, and this sale is posted already
        # with what it has spent
        scheme_sudo = account.sudo().program_id.scheme_id
        transaction_sudo = self.sudo().loyalty_transaction_id
        spent = (
            transaction_sudo.points_redeemed
            if transaction_sudo.state == "posted"
            else 0.0
        )
        limit = transaction_sudo._get_receipt_limit(
            scheme_sudo, self._loyalty_prepare_sale()
        )
        available = min(available, float(limit))
        if available < scheme_sudo.redeem_minimum:
            available = 0.0
        return max(available, spent)

    def _loyalty_check_rewards(self, strict=True):
        """Refuse rewards that nobody pays for, or not in full.

        :param bool strict: whether to refuse rather than to tell staff
        :raise UserError: naming the rewards
        """
        self.ensure_one()
        problems = [
            *self._loyalty_get_account_problems(),
            *self._loyalty_get_price_problems(),
        ]
        if problems and strict:
            raise UserError("\n".join(problems))
        if problems:
            self._loyalty_report(
                self.env._("Rewards that no points pay for"),
                self.env._(
                    "This order was paid for, so its discount stands.\n%(problems)s",
                    problems="\n".join(problems),
                ),
            )

    def _loyalty_get_account_problems(self):
        """Return a sentence for each reward that the order's member does not pay."""
        self.ensure_one()
        lines = self._loyalty_get_redemption_lines() - self._loyalty_get_own_lines()
        return [
            self.env._(
                "“%(reward)s” is not paid for with points of this customer. "
                "Remove the line and claim the reward again.",
                reward=line.name,
            )
            for line in lines
        ]

    def _loyalty_get_price_problems(self):
        """Return a sentence for each reward that gives more than its points pay for.

        The cost is a field of the line, so anybody who may edit the order could
        have changed it.
        """
        self.ensure_one()
        problems = []
        rewards = self._loyalty_get_own_lines().grouped(
            lambda line: (line.reward_id, line.reward_identifier_code)
        )
        for lines in rewards.values():
            # sudo: the price list of the scheme holds for everybody
            scheme_sudo = lines.reward_id.program_id.sudo().scheme_id
            cost = sum(lines.mapped("points_cost"))
            price = self._loyalty_get_reward_price(lines, scheme_sudo)
            if float_compare(cost, price, precision_digits=POINTS_DIGITS) < 0:
                problems.append(
                    self.env._(
                        "“%(reward)s” costs %(price)s, while the order takes %(cost)s. "
                        "Remove the line and claim the reward again.",
                        reward=lines[:1].name,
                        price=scheme_sudo._format_points(price),
                        cost=scheme_sudo._format_points(cost),
                    )
                )
        return problems

    def _loyalty_get_reward_price(self, lines, scheme):
        """Return the points for which one claimed reward is to be had.

        :param lines: the sale.order.line records of the reward
        :rtype: float
        """
        reward = lines.reward_id[:1]
        if self._loyalty_is_amount(reward):
            # Each set of taxes is a line of its own and rounds by itself
            tolerance = self.currency_id.rounding * len(lines)
            given = -sum(lines.mapped("price_total")) - tolerance
            return self._loyalty_get_price(given, scheme) if given > 0 else 0.0
        if reward.reward_type == "product" and reward.reward_product_qty:
            quantity = max(sum(lines.mapped("product_uom_qty")), 0.0)
            return quantity / reward.reward_product_qty * reward.required_points
        return reward.required_points

    def _loyalty_report_refusal(self, account, missing, refusal):
        """Tell staff of points that a member may not spend any more."""
        self.ensure_one()
        # sudo: for colleagues to see, whoever confirms
        scheme_sudo = account.sudo().program_id.scheme_id
        self._loyalty_report(
            self.env._("Points used that could not be taken"),
            self.env._(
                "%(points)s that this order was paid for with were not taken: "
                "%(reason)s The discount of %(value)s stands.",
                points=scheme_sudo._format_points(missing),
                reason=str(refusal),
                value=scheme_sudo._format_points_value(missing),
            ),
        )

    def _loyalty_report_shortage(self, account, missing):
        """Tell staff of points that were gone when the money had come already."""
        self.ensure_one()
        # sudo: for colleagues to see, whoever confirms
        scheme_sudo = account.sudo().program_id.scheme_id
        self._loyalty_report(
            self.env._("Points used that were no longer there"),
            self.env._(
                "This order was paid for when %(points)s of those it uses had been "
                "spent elsewhere. The discount of %(value)s stands.",
                points=scheme_sudo._format_points(missing),
                value=scheme_sudo._format_points_value(missing),
            ),
        )

    def _loyalty_report(self, summary, note):
        """Leave staff an activity, unless the same one is open.

        :param str summary: what is wrong
        :param str note: what there is to know, plain text
        """
        self.ensure_one()
        # sudo: for colleagues to see, whoever confirms
        order_sudo = self.sudo()
        if summary not in order_sudo.activity_ids.mapped("summary"):
            order_sudo.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=summary,
                note=plaintext2html(note),
                user_id=(self.user_id or self.env.ref("base.user_admin")).id,
            )

    def _loyalty_is_money_taken(self):
        """Tell whether the customer has paid before the order is confirmed."""
        self.ensure_one()
        # sudo: payments of this order
        states = self.sudo().transaction_ids.mapped("state")
        return "done" in states or "authorized" in states

    def _loyalty_is_price_final(self):
        """Tell whether the customer has paid the price that the quotation has now."""
        self.ensure_one()
        return (
            self.state in ("draft", "sent")
            and self._loyalty_is_money_taken()
            # sudo: payments of this order
            and self.sudo()._is_confirmation_amount_reached()
        )

    def _loyalty_is_payment_under_way(self):
        """Tell whether the customer has paid, or has sent money that is to arrive."""
        self.ensure_one()
        # sudo: payments of this order
        states = self.sudo().transaction_ids.mapped("state")
        return not {"pending", "authorized", "done"}.isdisjoint(states)

    def _loyalty_is_paid(self):
        """Tell whether all of the order is paid, online or by its invoices."""
        self.ensure_one()
        # sudo: payments and invoices of this order
        order_sudo = self.sudo()
        paid = sum(
            transaction.amount
            for transaction in order_sudo.transaction_ids
            if transaction.state == "done"
        )
        if order_sudo.currency_id.compare_amounts(paid, order_sudo.amount_total) >= 0:
            return True
        invoices = order_sudo.invoice_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_invoice"
        )
        return (
            bool(invoices)
            and order_sudo.invoice_status == "invoiced"
            and set(invoices.mapped("payment_state"))
            <= {"paid", "in_payment", "reversed"}
        )

    def _loyalty_start_pending(self):
        """Let the waiting time of earned points begin for orders that are paid."""
        for order in self:
            # sudo: as for settling
            transaction_sudo = order.sudo().loyalty_transaction_id
            if transaction_sudo.state == "posted" and order._loyalty_is_paid():
                transaction_sudo._start_pending(fields.Date.context_today(order))
