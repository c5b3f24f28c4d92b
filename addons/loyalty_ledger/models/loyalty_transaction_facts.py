# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the engine is told about a sale: its lines, the member and the moment."""

from collections import defaultdict
from datetime import UTC
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import (
    NOTHING,
    UNKNOWN,
    Basket,
    BasketLine,
    Facts,
    Period,
    Product,
    evaluate,
)
from .loyalty_transaction import exact

ZERO = Decimal(0)
# Rule sets remember which rules look at a product: the same for the same
make_product = lru_cache(maxsize=65536)(Product)
FACTS = frozenset(("balance", "birthday", "moment", "purchases"))


class LoyaltyTransaction(models.Model):
    _inherit = "loyalty.transaction"

    def _evaluate(self, scheme, sales, rules=None):
        """Return what the engine gives for sales of one scheme. Writes nothing.

        Called on a transaction, it is that one's sale that is computed again: what it
        has counted for until now is left out of what is asked about the past.

        :param sales: list of (loyalty.member, Sale); a member occurs once, unless the
            rules do not ask about the past
        :param RuleSet rules: those of the scheme if omitted
        :return: list of :class:`~..engine.Result`
        """
        scheme._recall()
        rules = rules or scheme._get_rules()
        # One query for what is asked of all of them
        members = self.env["loyalty.member"].union(*(member for member, _s in sales))
        sales = [(member.with_prefetch(members.ids), sale) for member, sale in sales]
        products = self._get_products(sales, rules)
        facts = self._get_facts(scheme, sales, rules)
        spent = defaultdict(Decimal)
        results = []
        for (member, sale), known in zip(sales, facts, strict=True):
            if spent:
                known["used"] = self._add_budget(known["used"], spent)
            basket = self._prepare_basket(member, scheme, sale, known, products)
            result = evaluate(basket, rules)
            if "used" in rules.asks and len(sales) > 1:
                for key, given in result.awards.items():
                    spent[key] += given
            results.append(result)
        return results

    def _prepare_basket(self, member, scheme, sale, facts, products):
        """Return one sale as the engine takes it.

        :param dict facts: the arguments of :class:`~..engine.Facts`
        :param dict products: see ``_get_products``
        """
        incl = scheme.earn_tax == "incl"
        field, discount = (
            ("amount_incl", "discount_incl")
            if incl
            else ("amount_excl", "discount_excl")
        )
        rate = self._get_rate(sale, scheme.currency_id)
        return Basket(
            lines=tuple(
                BasketLine(
                    key=line.key,
                    amount=amount,
                    quantity=exact(line.quantity),
                    product=products.get((line.product_id, line.category_id), UNKNOWN),
                    eligible=line.eligible,
                    is_reward=line.is_reward,
                    discount=exact(getattr(line, discount)) * rate,
                )
                for line, amount in self._convert(scheme, sale, field)
            ),
            facts=Facts(**facts),
            refusal=self._get_refusal(member, scheme),
        )

    def _get_refusal(self, member, scheme):
        """Return the code that explains why nothing is earned, or ``None``."""
        if scheme.state != "open" or not scheme.active:
            return "scheme_closed"
        if not member:
            return None
        if member.state != "active":
            return f"member_{member.state}"
        # sudo: who sells need not see who is staff, or the tags of customers
        member_sudo = member.sudo()
        if scheme.sudo().exclude_staff and member_sudo.is_staff:
            return "member_staff"
        excluded = scheme._get_excluded_tag_ids()
        if excluded and not excluded.isdisjoint(member_sudo.partner_id.category_id.ids):
            return "member_excluded"
        return None

    # === FACTS === #

    def _get_facts(self, scheme, sales, rules):
        """Return what the rules ask about members and moments.

        A query for each kind of fact that is asked for, however many sales there are.
        Other modules add what they know.

        :return: for each sale the arguments of :class:`~..engine.Facts`
        :rtype: list[dict]
        """
        facts = [
            {
                "channel": sale.channel,
                "store": sale.store_id,
                "payments": frozenset(sale.payments),
                "used": NOTHING,
            }
            for _member, sale in sales
        ]
        for name in sorted(FACTS & rules.asks):
            values = getattr(self, f"_get_facts_{name}")(scheme, sales)
            for known, value in zip(facts, values, strict=True):
                known[name] = value
        if "used" in rules.asks:
            occasions = [
                (member, known["moment"].date())
                for (member, _sale), known in zip(sales, facts, strict=True)
            ]
            used = self.env["loyalty.earn.award"]._get_used(rules, occasions, self)
            for known, value in zip(facts, used, strict=True):
                known["used"] = value
        return facts

    def _get_facts_moment(self, scheme, sales):
        return [self._get_moment(scheme, sale) for _member, sale in sales]

    def _get_facts_birthday(self, _scheme, sales):
        # sudo: who sells need not see a birthday, only what it gives
        return [member.sudo().birthdate_date or None for member, _sale in sales]

    def _get_facts_balance(self, _scheme, sales):
        # sudo: what a rule asks for is no secret to who sells
        return [exact(member.sudo().account_id.points) for member, _sale in sales]

    def _get_facts_purchases(self, _scheme, sales):
        members = self.env["loyalty.member"].union(*(member for member, _s in sales))
        # sudo: see above
        counts = dict(
            self.env["loyalty.transaction"]
            .sudo()
            ._read_group(
                [
                    ("member_id", "in", members.ids),
                    ("kind", "=", "sale"),
                    ("state", "=", "posted"),
                    ("id", "not in", self.ids),
                ],
                ["member_id"],
                ["__count"],
            )
        )
        return [counts.get(member, 0) if member else None for member, _s in sales]

    def _get_moment(self, scheme, sale):
        """Return when a sale was made, on the clock of its store."""
        zone = self._get_zone(scheme, sale.store_id)
        return sale.date.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)

    def _get_zone(self, scheme, store_id):
        """Return the time zone of the clock of a store."""
        store = self.env["loyalty.store"].browse(store_id or ())
        return ZoneInfo((store and store._get_tz()) or scheme._get_tz())

    def _add_budget(self, used, spent):
        """Return what was given before, with what this delivery has given so far.

        :param dict spent: points or money by rule key
        """
        return {
            **used,
            **{
                (key, Period.BUDGET): used.get((key, Period.BUDGET), ZERO) + given
                for key, given in spent.items()
            },
        }

    # === PRODUCTS === #

    def _get_products(self, sales, rules):
        """Return what the rules ask about what is sold.

        :return: :class:`~..engine.Product` by (product id, category id) of a line
        :rtype: dict
        """
        if "products" not in rules.asks:
            return {}
        spots = {
            (line.product_id, line.category_id)
            for _member, sale in sales
            for line in sale.lines
        }
        ids = [product_id for product_id, _category_id in spots if product_id]
        traits = self._get_product_traits(ids)
        parents = self._get_category_parents(
            {
                category_id
                for product_id, category_id in spots
                if product_id not in traits
            }
        )
        domains = self._get_product_domains(ids, rules)
        return {
            (product_id, category_id): make_product(
                product_id,
                *traits.get(
                    product_id, (parents.get(category_id, frozenset()), frozenset())
                ),
                domains.get(product_id, frozenset()),
            )
            for product_id, category_id in spots
        }

    def _get_product_traits(self, product_ids):
        """Return how products are sorted: what rules ask about most of them.

        :return: the ids of a product's category and of all categories above it, and
            the ids of its tags and of those of its template, by product id
        :rtype: dict[int, tuple[frozenset, frozenset]]
        """
        if not product_ids:
            return {}
        for name, fields in (
            ("product.product", ["product_tmpl_id", "additional_product_tag_ids"]),
            ("product.template", ["categ_id", "product_tag_ids"]),
            ("product.category", ["parent_path"]),
        ):
            self.env[name].flush_model(fields)
        # One statement, where the ORM takes six and reads whole products. How goods are
        # sorted is no secret to who sells them.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT product.id, category.parent_path,
                       ARRAY(
                           SELECT product_tag_id
                             FROM product_tag_product_template_rel
                            WHERE product_template_id = template.id
                            UNION
                           SELECT product_tag_id
                             FROM product_tag_product_product_rel
                            WHERE product_product_id = product.id
                       )
                  FROM product_product product
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
                  LEFT JOIN product_category category
                    ON category.id = template.categ_id
                 WHERE product.id = ANY(%s)
                """,
                product_ids,
            )
        )
        return {
            id_: (frozenset(map(int, (path or "").split("/")[:-1])), frozenset(tags))
            for id_, path, tags in rows
        }

    def _get_category_parents(self, category_ids):
        """Return the ids of categories and of all above them, by category id."""
        # sudo: how goods are sorted is no secret to who sells them
        categories_sudo = (
            self.env["product.category"].sudo().browse(category_ids - {None}).exists()
        )
        return {
            category.id: frozenset(map(int, category.parent_path.strip("/").split("/")))
            for category in categories_sudo
        }

    def _get_product_tags(self, product_ids):
        """Return the ids of the tags of products and of their templates."""
        # sudo: see above
        products_sudo = self.env["product.product"].sudo().browse(product_ids)
        return {
            product.id: frozenset(product.all_product_tag_ids.ids)
            for product in products_sudo
        }

    def _get_product_domains(self, product_ids, rules):
        """Return the keys of the rules whose product filter matches, by product id."""
        keys = defaultdict(set)
        # sudo: see above
        Product_sudo = self.env["product.product"].sudo()
        for rule in rules.rules:
            if not rule.conditions.domain:
                continue
            domain = self.env["loyalty.earn.rule"]._get_product_domain(rule.record)
            for product in Product_sudo.search(
                Domain("id", "in", product_ids) & domain
            ):
                keys[product.id].add(rule.key)
        return {product_id: frozenset(own) for product_id, own in keys.items()}
