# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long the server takes to save a paid POS order whose customer earns points.

Two registers sell the same to the same customers, in turn: at one of them the program
is Odoo's own, at the other it is managed by the ledger. Each request is a transaction
of its own, with the rights and the language of a cashier, as the till makes it. For a
native program the till saves the order and then calls ``confirm_coupon_programs``; for
a managed one saving the order settles it, and the till makes no second call. One order
in four spends points.

The quotes that a till asks for while the cashier scans goods are timed for
information: nobody waits for them, and Odoo has no counterpart.
"""

import argparse
import statistics
import time
from uuid import uuid4

from odoo import SUPERUSER_ID, api, fields
from odoo.fields import Command

from benchmarks import database
from benchmarks.common import Bar, finish, print_table

MODULES = ("loyalty_pos_bridge",)
ORDERS = 200
WARM_UP = 10
CUSTOMERS = 50
REDEEMS_EVERY = 4
POINTS_USED = 50
START_POINTS = 100_000
NATIVE, MANAGED = "native", "managed"


class Till:
    """A register with one program, and the customers who come to it."""

    def __init__(self, registry, kind):
        self.registry = registry
        self.kind = kind
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            cashier = self._get_cashier(env)
            self.user_id = cashier.id
            self.context = dict(cashier.with_user(cashier).context_get())
            self.product_ids = self._create_products(env).ids
            config = self._create_config(env)
            program = getattr(self, f"_create_{kind}_program")(env)
            program.pos_config_ids = config
            self.config_id, self.program_id = config.id, program.id
            self.session_id = config.current_session_id.id
            self.method_id = config.payment_method_ids.id
            self.reward_id = program.reward_ids.id
            self.discount_product_id = program.reward_ids.discount_line_product_id.id
            self.cards = self._create_cards(env, program)

    def _get_cashier(self, env):
        login = "bench_cashier"
        user = env["res.users"].search([("login", "=", login)])
        return user or env["res.users"].create(
            {
                "name": "Cashier",
                "login": login,
                "group_ids": [
                    Command.link(env.ref("base.group_user").id),
                    Command.link(env.ref("point_of_sale.group_pos_user").id),
                ],
            }
        )

    def _create_products(self, env):
        return env["product.product"].create(
            [
                {
                    "name": f"Goods {index}",
                    "list_price": 10,
                    "available_in_pos": True,
                    "taxes_id": False,
                }
                for index in range(3)
            ]
        )

    def _create_config(self, env):
        method = env["pos.payment.method"].create(
            {"name": "On Account", "split_transactions": True}
        )
        config = env["pos.config"].create(
            {
                "name": f"Register of the {self.kind} program",
                "payment_method_ids": [Command.set(method.ids)],
            }
        )
        config.with_user(self.user_id).open_ui()
        config.current_session_id.set_opening_control(0, None)
        return config

    def _create_native_program(self, env):
        return env["loyalty.program"].create(
            {
                "name": "Native",
                "program_type": "loyalty",
                "applies_on": "both",
                "trigger": "auto",
                "rule_ids": [Command.create({"reward_point_mode": "money"})],
                "reward_ids": [
                    Command.create(
                        {
                            "reward_type": "discount",
                            "discount_mode": "per_point",
                            "discount": 0.01,
                            "discount_applicability": "order",
                        }
                    )
                ],
            }
        )

    def _create_managed_program(self, env):
        return env["loyalty.scheme"].create({"name": "Managed"}).points_program_id

    def _create_cards(self, env, program):
        """Return the card of each customer, by the customer's id."""
        partners = env["res.partner"].create(
            [{"name": f"{self.kind} {index}"} for index in range(CUSTOMERS)]
        )
        if self.kind == MANAGED:
            members = env["loyalty.member"]._enrol(partners, program.scheme_id)
            accounts = program.scheme_id._get_accounts(members)
            cards = env["loyalty.card"].union(*accounts.values())
            for card in cards:
                card.points = START_POINTS
        else:
            cards = env["loyalty.card"].create(
                [
                    {
                        "program_id": program.id,
                        "partner_id": partner.id,
                        "points": START_POINTS,
                    }
                    for partner in partners
                ]
            )
        return [(card.partner_id.id, card.id) for card in cards]

    def sell(self, index):
        """Save one paid order as the till does, and return the seconds it took."""
        partner_id, card_id = self.cards[index % CUSTOMERS]
        redeemed = 0 if index % REDEEMS_EVERY else POINTS_USED
        order = self._prepare_order(partner_id, card_id, redeemed)
        earned = int(order["amount_total"])
        start = time.perf_counter()
        order_id = self._call(
            lambda env: env["pos.order"].sync_from_ui([order])["pos.order"][0]["id"]
        )
        if self.kind == NATIVE:
            self._call(
                lambda env: (
                    env["pos.order"]
                    .browse(order_id)
                    .confirm_coupon_programs(
                        {
                            str(card_id): {
                                "points": earned - redeemed,
                                "program_id": self.program_id,
                                "coupon_id": card_id,
                                "partner_id": partner_id,
                                "line_codes": ["used"] if redeemed else [],
                            }
                        }
                    )
                )
            )
        return time.perf_counter() - start

    def quote(self, index):
        """Ask for one quote, and return the seconds it took."""
        partner_id, card_id = self.cards[index % CUSTOMERS]
        order = self._prepare_order(partner_id, card_id, 0)
        payload = {
            "uuid": order["uuid"],
            "partner_id": partner_id,
            "lines": [{**line[2], "tax_ids": []} for line in order["lines"]],
        }
        start = time.perf_counter()
        self._call(
            lambda env: env["pos.config"].browse(self.config_id).loyalty_quote(payload)
        )
        return time.perf_counter() - start

    def check(self):
        """Return how many orders are saved, and by how many points the cards moved."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            orders = env["pos.order"].search([("config_id", "=", self.config_id)])
            cards = env["loyalty.card"].browse([card for _partner, card in self.cards])
            moved = sum(cards.mapped("points")) - START_POINTS * len(cards)
            return len(orders), moved

    def _call(self, function):
        with self.registry.cursor() as cr:
            return function(api.Environment(cr, self.user_id, self.context))

    def _prepare_order(self, partner_id, card_id, redeemed):
        lines = [self._prepare_line(product_id, 10) for product_id in self.product_ids]
        if redeemed:
            lines.append(
                self._prepare_line(
                    self.discount_product_id,
                    -redeemed / 100,
                    is_reward_line=True,
                    reward_id=self.reward_id,
                    coupon_id=card_id,
                    reward_identifier_code="used",
                    points_cost=redeemed,
                )
            )
        total = sum(line["price_subtotal_incl"] for line in lines)
        return {
            "uuid": str(uuid4()),
            "session_id": self.session_id,
            "user_id": self.user_id,
            "partner_id": partner_id,
            "date_order": fields.Datetime.to_string(fields.Datetime.now()),
            "lines": [Command.create(line) for line in lines],
            "payment_ids": [
                Command.create({"amount": total, "payment_method_id": self.method_id})
            ],
            "amount_total": total,
            "amount_tax": 0,
            "amount_paid": total,
            "amount_return": 0,
            "state": "paid",
        }

    def _prepare_line(self, product_id, price, **values):
        return {
            "uuid": str(uuid4()),
            "product_id": product_id,
            "full_product_name": "Goods",
            "qty": 1,
            "price_unit": price,
            "price_subtotal": price,
            "price_subtotal_incl": price,
            "tax_ids": [Command.set([])],
            **values,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    database.add_arguments(parser, "loyalty_bench_pos")
    parser.add_argument("--orders", type=int, default=ORDERS, help="at each register")
    parser.add_argument("--check", action="store_true", help="leave with 1 if missed")
    options = parser.parse_args()
    database.configure(options)
    registry = database.get_registry(options.database, MODULES)
    tills = {kind: Till(registry, kind) for kind in (NATIVE, MANAGED)}
    report(*run(tills, options.orders), options.check)


def run(tills, orders):
    """Sell at both registers in turn, each of them first every other time.

    :return: the seconds of each order by kind, and those of the quotes
    """
    seconds = {NATIVE: [], MANAGED: []}
    for index in range(WARM_UP + orders):
        kinds = (NATIVE, MANAGED) if index % 2 else (MANAGED, NATIVE)
        for kind in kinds:
            spent = tills[kind].sell(index)
            if index >= WARM_UP:
                seconds[kind].append(spent)
    quotes = [tills[MANAGED].quote(index) for index in range(orders)]
    outcomes = {till.check() for till in tills.values()}
    if len(outcomes) > 1:
        raise SystemExit(f"The registers did not do the same: {outcomes}")
    return seconds, quotes


def report(seconds, quotes, check):
    print_table(
        ("paid order", "orders", "seconds", "median ms", "p95 ms"),
        [
            (
                name,
                len(spent),
                f"{sum(spent):.2f}",
                f"{statistics.median(spent) * 1000:.1f}",
                f"{statistics.quantiles(spent, n=20)[-1] * 1000:.1f}",
            )
            for name, spent in (
                ("native program, with its confirm call", seconds[NATIVE]),
                ("managed program", seconds[MANAGED]),
                ("a quote, for information", quotes),
            )
        ],
    )
    ratio = sum(seconds[MANAGED]) / sum(seconds[NATIVE])
    finish("pos", [Bar("managed / native", ratio, 1.0, at_most=True)], check)


if __name__ == "__main__":
    main()
