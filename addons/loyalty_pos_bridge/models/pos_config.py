# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain

from odoo.addons.loyalty_member.orm_cache import keep, read_to_keep

from .pos_config_quote import TILL_FIELDS

MAX_QUERY_LENGTH = 128
MAX_MATCHES = 5
# What a till may say about an order that it wants a quote for.
QUOTE_LINE_FIELDS = {
    "uuid",
    "product_id",
    "qty",
    "price_unit",
    "price_subtotal",
    "price_subtotal_incl",
    "discount",
    "tax_ids",
    "is_reward_line",
    "reward_id",
    "reward_identifier_code",
    "points_cost",
    "refunded_orderline_id",
}


class PosConfig(models.Model):
    _inherit = "pos.config"

    loyalty_store_id = fields.Many2one(
        comodel_name="loyalty.store",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Sales at this register count for this store.",
    )

    # === CRUD === #

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(TILL_FIELDS):
            # They, and which schemes registers serve, are kept ready
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    # === COMPUTE === #

    def _compute_currency(self):
        result = super()._compute_currency()
        # It is kept ready for tills
        self.env.registry.clear_cache()
        return result

    # === BUSINESS: SCHEMES === #

    def _get_loyalty_program_domain(self, today):
        """Return which managed programs this register serves on a day.

        Unlike Odoo's own list this one has programs in other currencies too: their
        members earn here, since the engine converts, while they cannot spend here.
        It also has the archived programs of closed schemes, so that the till can say
        that they are closed.
        """
        self.ensure_one()
        return (
            Domain(
                [
                    ("ledger_managed", "=", True),
                    ("pos_ok", "=", True),
                    ("pos_config_ids", "in", [self.id, False]),
                    ("company_id", "in", [self.company_id.id, False]),
                ]
            )
            & (Domain("active", "=", True) | Domain("scheme_id.state", "=", "closed"))
            & (Domain("date_from", "=", False) | Domain("date_from", "<=", today))
            & (Domain("date_to", "=", False) | Domain("date_to", ">=", today))
        )

    def _get_loyalty_schemes(self):
        """Return the schemes whose members this register serves.

        :return: loyalty.scheme in superuser mode
        """
        self.ensure_one()
        scheme_ids = self._get_loyalty_scheme_ids(fields.Date.context_today(self))
        # sudo: what a register serves does not depend on who stands behind it
        return self.env["loyalty.scheme"].sudo().browse(scheme_ids)._recall()

    @tools.ormcache("self.id", "today")
    def _get_loyalty_scheme_ids(self, today):
        """Return the ids of the schemes that this register serves, kept ready.

        Whoever changes a scheme, a program or the register's company clears the
        registry's cache.

        :param date today: on the clock of who asks
        """
        # sudo: see _get_loyalty_schemes
        program_domain = self.sudo()._get_loyalty_program_domain(today)
        schemes_sudo = self.env["loyalty.scheme"].sudo()
        return (
            schemes_sudo.with_context(active_test=False)
            .search(
                Domain("active", "=", True)
                & Domain("points_program_id", "any", program_domain),
                order="id",
            )
            ._ids
        )

    # === BUSINESS: FOR THE TILL === #

    def loyalty_member_lookup(self, query, scanned=False):
        """Find the member whom a cashier scanned or typed.

        :param str query: card number or member number; if typed also a phone
            number or an e-mail address, all of it
        :param bool scanned: whether a scanner read it
        :return: ``partner_ids`` of the customers found, ``known`` if the code
            names a card or a member at all, ``is_card`` if it is the number of a
            card or of a member, and ``message``, what to tell the cashier if that
            customer cannot be set
        :rtype: dict
        """
        self._check_loyalty_access()
        query = self._clean_loyalty_query(query)
        # sudo: the cashier need not be allowed to browse members; only the contact
        # that exactly this number belongs to is told
        member_sudo = self.env["loyalty.member"].sudo()
        card = member_sudo._find_by_code(query, company=self.company_id)
        if card:
            return self._get_loyalty_card_match(card)
        partner_ids = []
        if not scanned:
            partner_ids = self._find_loyalty_contacts(query).ids
        return {
            "known": bool(partner_ids),
            "is_card": False,
            "partner_ids": partner_ids,
            "message": False
            if partner_ids
            else self.env._(
                "No member has the number %(number)s. Scan it again, or look the "
                "customer up by name or phone.",
                number=query,
            ),
        }

    def loyalty_quote(self, order):
        """Say where the customer of an order stands, and what the order earns.

        Writes nothing.

        :param dict order: ``uuid``, ``partner_id``, and ``lines``, a list of
            values of ``pos.order.line``; once it is being paid, also
            ``payment_method_ids``
        :return: one dictionary for each scheme that this register serves
        :rtype: list[dict]
        """
        self._check_loyalty_access()
        self._check_loyalty_order(order)
        quotes = self._quote_loyalty_goods(order)
        if quotes is not None:
            return quotes
        virtual_order = self._new_loyalty_order(order)
        return [
            virtual_order._get_loyalty_quote(scheme)
            for scheme in self._get_loyalty_schemes()
        ]

    def loyalty_reserve(self, order):
        """Set aside the points that an order spends, before the customer pays.

        :param dict order: as for :meth:`loyalty_quote`; an order that spends
            nothing frees what was set aside for it
        :return: ``successful``, and ``message`` if not
        :rtype: dict
        """
        self._check_loyalty_access()
        virtual_order = self._new_loyalty_order(order)
        try:
            with self.env.cr.savepoint():
                virtual_order._hold_loyalty_points()
        except UserError as error:
            return {"successful": False, "message": str(error)}
        return {"successful": True, "message": False}

    def loyalty_enrol(self, scheme_id, partner_id):
        """Make the customer of an order a member.

        :param int scheme_id: a scheme that this register serves
        :param int partner_id: a contact that the cashier can see
        :return: number of the new member
        :rtype: str
        """
        self._check_loyalty_access()
        scheme = self._get_loyalty_scheme(scheme_id)
        partner = self.env["res.partner"].search([("id", "=", partner_id)])
        if not scheme or not partner:
            raise UserError(
                self.env._("Choose a customer and a scheme of this register.")
            )
        return self._enrol_loyalty_member(partner, scheme).number

    def loyalty_enrol_by_phone(self, scheme_id, phone, name=False):
        """Make the person who has a phone number a member, with a card.

        See ``loyalty.member._enrol_by_phone``.

        :param int scheme_id: a scheme that this register serves
        :param str phone: as the cashier typed it
        :param str name: of a new contact, if known
        :return: as :meth:`loyalty_member_lookup`, with at most one customer
        :rtype: dict
        """
        self._check_loyalty_access()
        phone = self._clean_loyalty_query(phone)
        name = self._clean_loyalty_query(name) if name else False
        try:
            with self.env.cr.savepoint():
                member_sudo = self._enrol_loyalty_phone(
                    self._get_loyalty_scheme(scheme_id), phone, name
                )
        except UserError as error:
            return {
                "known": False,
                "is_card": False,
                "partner_ids": [],
                "message": str(error),
            }
        return {
            "known": True,
            "is_card": False,
            "partner_ids": member_sudo.partner_id.ids,
            "message": False,
        }

    # === BUSINESS: CHECKS === #

    def _check_loyalty_access(self):
        """Refuse callers who do not run this register.

        :raise AccessError: when the user is no cashier, or not of this company
        """
        self.ensure_one()
        if not self.env.user.has_group("point_of_sale.group_pos_user"):
            raise AccessError(
                self.env._("Only cashiers can use loyalty at the register.")
            )
        known = self._fields["company_id"]._get_cache(self.env)
        if self.id not in known:
            keep(self, self._get_kept_till_values())
        self.check_access("read")

    @tools.ormcache("self.id")
    def _get_kept_till_values(self):
        """Return what each quote asks of the register, as the ORM's cache has it.

        Whoever changes it clears the registry's cache.
        """
        # sudo: who may ask is checked with what is kept
        return read_to_keep(self.sudo(), TILL_FIELDS)

    def _check_loyalty_order(self, order):
        """Refuse what is no order.

        :raise ValidationError: it is not as :meth:`loyalty_quote` wants it
        """
        if (
            not isinstance(order, dict)
            or not isinstance(order.get("lines"), list)
            or not all(isinstance(line, dict) for line in order["lines"])
        ):
            raise ValidationError(self.env._("The order cannot be read."))

    def _clean_loyalty_query(self, query):
        if not isinstance(query, str):
            raise ValidationError(self.env._("Scan or type a number."))
        query = query.strip()
        if not query or len(query) > MAX_QUERY_LENGTH:
            raise ValidationError(self.env._("Scan or type a number."))
        return query

    # === BUSINESS: ENROLLING === #

    def _get_loyalty_scheme(self, scheme_id):
        """Return a scheme, if this register serves it.

        :return: loyalty.scheme in superuser mode, perhaps none
        """
        return self._get_loyalty_schemes().filtered(
            lambda scheme: scheme.id == scheme_id
        )

    def _enrol_loyalty_member(self, partner, scheme):
        # sudo: a cashier enrols customers, without other rights on members
        member_sudo = self.env["loyalty.member"].sudo()
        return member_sudo._enrol(
            partner.sudo(), scheme, **self._get_loyalty_enrol_options()
        )

    def _enrol_loyalty_phone(self, scheme, phone, name):
        if not scheme:
            raise UserError(self.env._("Choose a scheme of this register."))
        # sudo: as for _enrol_loyalty_member
        member_sudo = self.env["loyalty.member"].sudo()
        return member_sudo._enrol_by_phone(
            phone,
            scheme,
            name=name,
            company=self.company_id,
            **self._get_loyalty_enrol_options(),
        )

    def _get_loyalty_enrol_options(self):
        return {"store": self.sudo().loyalty_store_id, "channel_code": "pos"}

    # === BUSINESS: STEPS === #

    def _get_loyalty_card_match(self, card_sudo):
        """Say whom a card names, or why it cannot be used here.

        A blocked member can be the customer all the same: selling goes on, the
        till says that points do not.
        """
        try:
            card_sudo.scheme_id._get_program()
        except UserError as error:
            return self._refuse_loyalty_card(str(error))
        if card_sudo.scheme_id not in self._get_loyalty_schemes():
            return self._refuse_loyalty_card(
                self.env._(
                    "Card %(number)s is of %(scheme)s, which this register does "
                    "not serve.",
                    number=card_sudo.number,
                    scheme=card_sudo.scheme_id.name,
                )
            )
        if card_sudo.state != "active":
            return self._refuse_loyalty_card(card_sudo._get_unusable_message())
        return {
            "known": True,
            "is_card": True,
            "partner_ids": card_sudo.member_id.partner_id.ids,
            "message": False,
        }

    def _refuse_loyalty_card(self, message):
        return {"known": True, "is_card": True, "partner_ids": [], "message": message}

    def _find_loyalty_contacts(self, query):
        """Find members of this register's schemes by phone or e-mail, exactly."""
        # sudo: as for loyalty_member_lookup
        partner_sudo = self.env["res.partner"].sudo()
        if "@" in query:
            partners = partner_sudo._find_member_duplicates(
                email=query.lower(),
            )
        else:
            try:
                phone = partner_sudo._normalize_member_phone(
                    query, self.company_id.country_id
                )
            except ValidationError:
                return partner_sudo
            partners = partner_sudo._find_member_duplicates(phone=phone)
        if not partners:
            return partners
        return (
            self.env["loyalty.member"]
            .sudo()
            .search(
                [
                    ("partner_id", "in", partners.ids),
                    ("scheme_id", "in", self._get_loyalty_schemes().ids),
                ],
                limit=MAX_MATCHES,
            )
            .partner_id
        )

    def _new_loyalty_order(self, order):
        """Build, without saving it, the order that a till describes.

        What is asked and what is settled thus run through the same code.

        :param dict order: see :meth:`loyalty_quote`
        :rtype: pos.order
        """
        self._check_loyalty_order(order)
        return self.env["pos.order"].new(
            {
                "uuid": str(order.get("uuid") or ""),
                "config_id": self.id,
                "session_id": self.current_session_id.id,
                "company_id": self.company_id.id,
                "partner_id": self._find_loyalty_customer(order).id,
                "fiscal_position_id": self._get_loyalty_fiscal_position(order).id,
                "date_order": fields.Datetime.now(),
                "lines": self._prepare_loyalty_lines(order["lines"]),
                "payment_ids": [
                    Command.create({"payment_method_id": method_id})
                    for method_id in self._get_loyalty_quoted_payments(order)
                ],
            }
        )

    def _get_loyalty_fiscal_position(self, order):
        fiscal_position = self.env["account.fiscal.position"]
        if not isinstance(order.get("fiscal_position_id"), int):
            return fiscal_position
        return fiscal_position.search([("id", "=", order["fiscal_position_id"])])

    def _prepare_loyalty_lines(self, lines):
        """Return the lines that a till describes, as commands, with nothing else."""
        commands = []
        for line in lines:
            values = {
                name: value for name, value in line.items() if name in QUOTE_LINE_FIELDS
            }
            values["tax_ids"] = [Command.set(values.get("tax_ids") or [])]
            commands.append(Command.create(values))
        return commands
