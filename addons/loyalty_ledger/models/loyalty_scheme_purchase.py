# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reading a purchase as an outside sales system describes it."""

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..ledger.sale import Sale, SaleLine

MAX_LINES = 1000
MAX_NUMBER = 1e12
MAX_TEXT = 128
YEARS = range(1970, 9000)
PURCHASE_KEYS = {"lines", "member", "channel", "store", "payments", "currency", "date"}
LINE_KEYS = {"key", "product", "name", "quantity", "amount", "amount_untaxed"}


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    # === WHAT IS ASKED === #

    @api.model
    def _check_purchase(self, purchase):
        """Refuse a purchase that is not as :meth:`quote` wants it.

        :raise ValidationError: with what is wrong
        """
        if not isinstance(purchase, dict):
            raise ValidationError(self.env._("The purchase is no dictionary."))
        self._check_known(purchase, PURCHASE_KEYS)
        lines = purchase.get("lines")
        if not isinstance(lines, list) or not 0 < len(lines) <= MAX_LINES:
            raise ValidationError(
                self.env._(
                    "Give the lines of the purchase as a list of 1 to %(most)s.",
                    most=MAX_LINES,
                )
            )
        for name in ("member", "channel", "store", "currency", "date"):
            self._check_text(purchase, name)
        payments = purchase.get("payments") or []
        if not isinstance(payments, list) or not all(map(_is_text, payments)):
            raise ValidationError(
                self.env._("Give “payments” as a list of codes of payment methods.")
            )
        for line in lines:
            self._check_purchase_line(line)

    @api.model
    def _check_purchase_line(self, line):
        if not isinstance(line, dict):
            raise ValidationError(self.env._("A line is no dictionary."))
        self._check_known(line, LINE_KEYS)
        for name in ("key", "name"):
            self._check_text(line, name)
        for name, default in (("amount", None), ("amount_untaxed", 0), ("quantity", 1)):
            number = line.get(name, default)
            if not _is_number(number) or (name == "quantity" and number <= 0):
                raise ValidationError(
                    self.env._(
                        "“%(name)s” of a line is %(value)s. Give a number, more than"
                        " zero for a quantity.",
                        name=name,
                        value=_shorten(number),
                    )
                )
        product = line.get("product") or ""
        if not _is_text(product) and not _is_id(product):
            raise ValidationError(
                self.env._(
                    "“%(value)s” names no product. Give its id or its internal"
                    " reference.",
                    value=_shorten(product),
                )
            )

    @api.model
    def _check_known(self, values, names):
        for name in values:
            if name not in names:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” is not known. Known are: %(names)s.",
                        name=_shorten(name),
                        names=", ".join(sorted(names)),
                    )
                )

    @api.model
    def _check_text(self, values, name):
        if not _is_text(values.get(name) or ""):
            raise ValidationError(
                self.env._(
                    "“%(name)s” is a text of at most %(most)s letters.",
                    name=name,
                    most=MAX_TEXT,
                )
            )

    # === IN THE LEDGER'S WORDS === #

    def _find_quoted_member(self, code):
        """Return whom a number names, in superuser mode; none for a guest.

        :raise ValidationError: nobody has the number
        :raise UserError: the card is not in use
        """
        Member = self.env["loyalty.member"]
        code = (code or "").strip()
        if not code:
            return Member.sudo()
        # Systems mostly know members by their own number, whatever cards they have
        member = Member.search_fetch(
            [("number", "=", code), ("scheme_id", "=", self.id)], limit=1
        )
        if not member:
            card = Member._find_by_code(code, scheme=self)
            if card and card.state != "active":
                raise UserError(card._get_unusable_message())
            member = card.member_id
        member = member._get_survivor()
        if not member:
            raise ValidationError(
                self.env._(
                    "No member of %(scheme)s has the number %(number)s.",
                    scheme=self.name,
                    number=_shorten(code),
                )
            )
        return member.sudo()

    def _prepare_quoted_sale(self, purchase):
        """Return a purchase as the ledger takes it.

        :rtype: Sale
        """
        company = self.company_id or self.env.company
        lines = self._prepare_quoted_lines(purchase["lines"])
        if len({line.key for line in lines}) < len(lines):
            raise ValidationError(self.env._("Two lines have the same key."))
        channel = purchase.get("channel") or "api"
        self.env["loyalty.channel"]._get_by_code(channel)
        return Sale(
            channel=channel,
            reference="quote",
            date=self._get_quoted_date(purchase.get("date")),
            currency_id=self._get_quoted_currency_id(purchase.get("currency")),
            company_id=company.id,
            store_id=self._get_quoted_store_id(purchase.get("store")),
            payments=tuple(self._get_quoted_payments(purchase.get("payments") or ())),
            lines=lines,
        )

    def _prepare_quoted_lines(self, lines):
        products = self._find_quoted_products(
            {line["product"] for line in lines if line.get("product")}
        )
        return tuple(
            SaleLine(
                key=line.get("key") or str(number),
                product_id=products.get(line.get("product") or None),
                quantity=line.get("quantity", 1),
                amount_incl=line["amount"],
                amount_excl=line.get("amount_untaxed", line["amount"]),
                name=line.get("name") or str(line.get("product") or ""),
                eligible=line["amount"] >= 0,
                is_reward=line["amount"] < 0,
            )
            for number, line in enumerate(lines, start=1)
        )

    def _find_quoted_products(self, names):
        """Return the ids of products by id or internal reference.

        :raise ValidationError: one is not there, or a reference is that of several
        """
        if not names:
            return {}
        ids = [name for name in names if isinstance(name, int)]
        codes = [name for name in names if isinstance(name, str)]
        # sudo: which products there are is no secret to who sells them
        product_sudo = self.env["product.product"].sudo()
        products_sudo = product_sudo.with_context(active_test=False).search_fetch(
            self._get_quoted_products_domain(ids, codes),
            ["default_code"],
            order="id",
        )
        found = {}
        for product in products_sudo:
            if product.id in names:
                found[product.id] = product.id
            if product.default_code not in names:
                continue
            if product.default_code in found:
                raise ValidationError(
                    self.env._(
                        "Several products have the internal reference %(code)s. Give"
                        " the id of the right one.",
                        code=product.default_code,
                    )
                )
            found[product.default_code] = product.id
        for name in names:
            if name not in found:
                raise ValidationError(
                    self.env._("There is no product %(name)s.", name=_shorten(name))
                )
        return found

    def _get_quoted_products_domain(self, ids, codes):
        domain = Domain("id", "in", ids)
        if codes:
            domain |= Domain("default_code", "in", codes) & Domain("active", "=", True)
        if self.company_id:
            domain &= Domain("company_id", "in", [self.company_id.id, False])
        return domain

    @api.model
    def _get_quoted_date(self, text):
        if not text:
            return fields.Datetime.now()
        try:
            date = fields.Datetime.to_datetime(text)
        except ValueError:
            date = None
        if not date or date.year not in YEARS:
            raise ValidationError(
                self.env._(
                    "%(date)s is no date. Write it in UTC like 2026-12-31 18:30:00.",
                    date=_shorten(text),
                )
            )
        return date

    def _get_quoted_currency_id(self, code):
        if not code:
            return self.currency_id.id
        # sudo: currencies are no secret
        currency_sudo = self.env["res.currency"].sudo().search([("name", "=", code)])
        if not currency_sudo:
            raise ValidationError(
                self.env._("There is no currency %(code)s here.", code=_shorten(code))
            )
        return currency_sudo.id

    def _get_quoted_store_id(self, code):
        if not code:
            return None
        company = self.company_id or self.env.company
        store = self.env["loyalty.store"].search(
            [("code", "=", code), ("company_id", "in", [company.id, False])], limit=1
        )
        if not store:
            raise ValidationError(
                self.env._(
                    "No store has the code %(code)s. Set it in Loyalty > Configuration"
                    " > Stores.",
                    code=_shorten(code),
                )
            )
        return store.id

    @api.model
    def _get_quoted_payments(self, codes):
        """Return the codes, if they all are those of payment methods."""
        if not codes:
            return codes
        # sudo: the words for ways to pay are the same for everybody
        methods_sudo = self.env["loyalty.payment.method"].sudo()
        known = set(methods_sudo.search([("code", "in", codes)]).mapped("code"))
        for code in codes:
            if code not in known:
                raise ValidationError(
                    self.env._(
                        "No payment method has the code %(code)s.", code=_shorten(code)
                    )
                )
        return codes


def _shorten(value):
    """Return what was sent as far as it fits into a sentence."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _is_text(value):
    return isinstance(value, str) and len(value) <= MAX_TEXT and "\0" not in value


def _is_id(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def _is_number(value):
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        # Neither is what is no number
        and abs(value) <= MAX_NUMBER
    )
