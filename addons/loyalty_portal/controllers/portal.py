# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.http import request, route
from odoo.tools import float_round, format_date, format_datetime

from odoo.addons.loyalty.controllers.portal import CustomerPortalLoyalty
from odoo.addons.loyalty_ledger.ledger.flow import POINTS, WALLET
from odoo.addons.portal.controllers.portal import pager as portal_pager

QR_SIZE = 480
DATES_AHEAD = 3
POINTS_DIGITS = 4
ICONS = {
    "earn": "fa-plus-circle",
    "event": "fa-gift",
    "release": "fa-unlock",
    "redeem": "fa-shopping-bag",
    "return_earn": "fa-undo",
    "return_redeem": "fa-undo",
    "expire": "fa-clock-o",
    "adjust": "fa-pencil",
    "transfer_in": "fa-gift",
    "transfer_out": "fa-gift",
    "merge_in": "fa-compress",
    "merge_out": "fa-compress",
    "opening": "fa-star",
    "top_up": "fa-plus-circle",
    "return_top_up": "fa-undo",
    "wallet_pay": "fa-shopping-bag",
    "return_wallet_pay": "fa-undo",
    "refund": "fa-undo",
    "cashback": "fa-plus-circle",
    "return_cashback": "fa-undo",
}


class LoyaltyPortal(CustomerPortalLoyalty):
    """The member's pages under ``/my/loyalty``.

    An addon that shows more of a membership extends ``_prepare_loyalty_card`` (the
    card and its figures), ``_prepare_loyalty_row`` (a line of the statement) or
    ``_prepare_loyalty_page_values`` (all pages of one membership), and inherits the
    template with the block that it needs.
    """

    # === ROUTES === #

    @route("/my/loyalty", type="http", auth="user", website=True)
    def portal_my_loyalty(self, **kw):
        """Show the visitor's card, or a choice of cards, or how to get one."""
        members_sudo = self._get_loyalty_members()
        if len(members_sudo) == 1:
            return self.portal_my_loyalty_member(members_sudo.id)
        return request.render(
            "loyalty_portal.portal_my_loyalty_cards",
            self._prepare_loyalty_cards_values(members_sudo),
        )

    @route(
        ["/my/loyalty/<int:member_id>", "/my/loyalty/<int:member_id>/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
    )
    def portal_my_loyalty_member(self, member_id, page=1, account=None, **kw):
        """Show one card with its balances and the statement of points or wallet."""
        member_sudo = self._get_loyalty_own_member(member_id)
        if not member_sudo:
            return request.redirect("/my")
        return request.render(
            "loyalty_portal.portal_my_loyalty",
            self._prepare_loyalty_values(
                member_sudo, page, WALLET if account == WALLET else POINTS
            ),
        )

    @route("/my/loyalty/<int:member_id>/qr.png", type="http", auth="user")
    def portal_my_loyalty_qr(self, member_id, **kw):
        """Return the QR code of the visitor's own card."""
        member_sudo = self._get_loyalty_own_member(member_id)
        card_sudo = member_sudo.main_card_id
        if not card_sudo:
            raise request.not_found()
        return request.make_response(
            card_sudo._get_qr_image(QR_SIZE),
            [
                ("Content-Type", "image/png"),
                ("Cache-Control", "private, max-age=86400"),
            ],
        )

    # === NATIVE PAGES === #

    def _prepare_home_portal_values(self, counters):
        """Show accounts of the ledger on their own page only."""
        values = super()._prepare_home_portal_values(counters)
        if "cards_per_programs" in values:
            values["cards_per_programs"] = {
                program: cards
                for program, cards in values["cards_per_programs"].items()
                if not program.ledger_managed
            }
        return values

    @route()
    def portal_my_loyalty_card_history(self, card_id, page=1, sortby="date", **kw):
        member_sudo = self._get_loyalty_member_of_account(card_id)
        if member_sudo:
            return request.redirect(f"/my/loyalty/{member_sudo.id}")
        return super().portal_my_loyalty_card_history(
            card_id, page=page, sortby=sortby, **kw
        )

    @route()
    def portal_get_card_history_values(self, card_id):
        """List the entries of an account of the ledger, which has no history."""
        # sudo: to know native cards, which native code answers for
        account_sudo = request.env["loyalty.card"].sudo().browse(int(card_id)).exists()
        member_sudo = self._get_loyalty_member_of_account(card_id)
        if account_sudo.ledger_managed and not member_sudo:
            return {}
        values = super().portal_get_card_history_values(card_id)
        if not member_sudo:
            return values
        entries_sudo = self._get_loyalty_entries(member_sudo, limit=5)
        values["history_lines"] = [
            {
                "order_id": False,
                "description": row["what"],
                "order_portal_url": False,
                "points": row["points"],
            }
            for row in map(self._prepare_loyalty_row, entries_sudo)
        ]
        return values

    # === STEPS === #

    def _get_loyalty_members(self):
        """Return the visitor's own memberships, in superuser mode.

        For one that was merged: the member who stays, who is the same person.

        :rtype: loyalty.member
        """
        # sudo: portal users have no rights on members; the domain leaves their own
        members_sudo = (
            request.env["loyalty.member"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", request.env.user.partner_id.id),
                    ("state", "!=", "left"),
                    ("scheme_id.active", "=", True),
                ],
                order="id",
            )
        )
        return members_sudo.browse(dict.fromkeys(members_sudo._get_survivor().ids))

    def _get_loyalty_own_member(self, member_id):
        """Return one of the visitor's own memberships, in superuser mode, or none."""
        return self._get_loyalty_members().filtered(
            lambda member: member.id == member_id
        )

    def _get_loyalty_member_of_account(self, card_id):
        """Return the visitor's own membership behind a native card."""
        # sudo: as for _get_loyalty_members
        account_sudo = (
            request.env["loyalty.card"]
            .sudo()
            .search(
                [
                    ("id", "=", int(card_id)),
                    ("partner_id", "=", request.env.user.partner_id.id),
                    ("ledger_managed", "=", True),
                ]
            )
        )
        return self._get_loyalty_members().filtered(
            lambda member: member.scheme_id == account_sudo.program_id.scheme_id
        )

    def _get_loyalty_entries_domain(self, member_sudo, kind=POINTS):
        account = member_sudo.account_id
        if kind == WALLET:
            account = member_sudo.wallet_account_id
        return [("account_id", "=", account.id)]

    def _get_loyalty_entries(self, member_sudo, limit=None, offset=0, kind=POINTS):
        """Return entries of a membership that is known to be the visitor's own."""
        # sudo: as for _get_loyalty_members
        return (
            request.env["loyalty.ledger.entry"]
            .sudo()
            .search(
                self._get_loyalty_entries_domain(member_sudo, kind),
                # By the index of the chain, however many entries there are
                order="sequence desc",
                limit=limit,
                offset=offset,
            )
        )

    def _prepare_loyalty_cards_values(self, members_sudo):
        """Return what the page needs on which the visitor chooses a card."""
        return {
            "page_name": "loyalty",
            "cards": [self._prepare_loyalty_card(member) for member in members_sudo],
        }

    def _prepare_loyalty_page_values(self, member_sudo, title=False):
        """Return what every page about one membership needs.

        :param str title: the last breadcrumb, unless it is the page of the card
        """
        return {
            "page_name": "loyalty",
            "loyalty_page": title,
            "card": self._prepare_loyalty_card(member_sudo),
            "several": len(self._get_loyalty_members()) > 1,
        }

    def _prepare_loyalty_values(self, member_sudo, page, kind=POINTS):
        total = (
            request.env["loyalty.ledger.entry"]
            .sudo()  # sudo: as for _get_loyalty_members
            .search_count(self._get_loyalty_entries_domain(member_sudo, kind))
        )
        pager = portal_pager(
            url=f"/my/loyalty/{member_sudo.id}",
            url_args={"account": kind} if kind == WALLET else None,
            total=total,
            page=page,
            step=self._items_per_page,
        )
        entries_sudo = self._get_loyalty_entries(
            member_sudo,
            limit=self._items_per_page,
            offset=pager["offset"],
            kind=kind,
        )
        return {
            **self._prepare_loyalty_page_values(member_sudo),
            "months": self._prepare_loyalty_months(entries_sudo),
            "pager": pager,
            "kind": kind,
        }

    def _prepare_loyalty_card(self, member_sudo):
        """Return what the card and the figures under it show."""
        scheme = member_sudo.scheme_id
        account = member_sudo.account_id
        card = member_sudo.main_card_id
        spendable = float(account._get_spendable().get(account.id, 0))
        on_hold = float_round(account.points - spendable, POINTS_DIGITS)
        return {
            "member": member_sudo,
            "scheme": scheme,
            "holder": member_sudo.display_name,
            "number": card.number,
            "color": scheme._get_safe_color(scheme.color_primary),
            "color_text": scheme.color_text,
            "balance": scheme._format_points(account.points),
            "value": scheme._format_points_value(account.points),
            "on_hold": on_hold > 0 and scheme._format_points(on_hold),
            "wallet": self._get_loyalty_wallet_balance(member_sudo),
            "badge": member_sudo._get_badge(),
            "problem": self._get_loyalty_problem(member_sudo),
            "pending": self._prepare_loyalty_dates(
                scheme, account.lot_ids, "pending", "release_date"
            ),
            "expiring": self._prepare_loyalty_dates(
                scheme, account.lot_ids, "available", "expiry_date"
            ),
        }

    def _get_loyalty_wallet_balance(self, member_sudo):
        """Return what is in the member's wallet, as text, if there is one."""
        if not (member_sudo.scheme_id.has_wallet or member_sudo.wallet_account_id):
            return False
        return member_sudo.scheme_id._format_money(member_sudo.wallet_balance)

    def _get_loyalty_problem(self, member_sudo):
        """Return why the member cannot earn or spend, in words for the member."""
        if member_sudo.state == "blocked":
            return request.env._(
                "Your card is blocked. Please contact us to use it again."
            )
        if member_sudo.scheme_id.state != "open":
            return request.env._("This scheme is closed at the moment.")
        return False

    def _prepare_loyalty_dates(self, scheme, lots, state, date_field):
        """Return the next dates on which points change, with how many.

        :return: list of ``points`` and ``date``, both text; ``date`` is ``False``
            for points whose date is not known yet
        """
        today = fields.Date.context_today(lots)
        lots = lots.filtered(
            lambda lot: (
                lot.state == state
                and lot.remaining > 0
                and (lot[date_field] or state == "pending")
                and (not lot[date_field] or lot[date_field] >= today)
            )
        )
        by_date = lots.grouped(date_field)
        dates = sorted(filter(None, by_date))[:DATES_AHEAD]
        dates += [False] if False in by_date else []
        return [
            {
                "points": scheme._format_points(sum(by_date[day].mapped("remaining"))),
                "date": day and format_date(request.env, day),
            }
            for day in dates
        ]

    def _prepare_loyalty_months(self, entries_sudo):
        """Return the statement, month by month.

        :return: list of ``label`` and ``rows``
        """
        months = []
        for entry_sudo in entries_sudo:
            day = fields.Datetime.context_timestamp(entry_sudo, entry_sudo.date).date()
            label = format_date(request.env, day, date_format="MMMM yyyy")
            if not months or months[-1]["label"] != label:
                months.append({"label": label, "rows": []})
            months[-1]["rows"].append(self._prepare_loyalty_row(entry_sudo))
        return months

    def _prepare_loyalty_row(self, entry_sudo):
        """Return one line of the statement: what, where, when, how much, why."""
        account = entry_sudo.account_id
        amount = entry_sudo.amount or entry_sudo.pending
        transaction = entry_sudo.transaction_id
        where = transaction.store_id.name or transaction.channel_id.name
        text = account._format_value(abs(amount))
        return {
            "icon": ICONS.get(entry_sudo.kind, "fa-star"),
            "what": entry_sudo._get_statement_title(),
            "where": where or "",
            "when": format_datetime(request.env, entry_sudo.date, dt_format="short"),
            "is_gain": amount > 0,
            "is_pending": not entry_sudo.amount,
            "points": f"+{text}" if amount > 0 else f"−{text}",
            "balance": account._format_value(entry_sudo.balance_after),
            "why": entry_sudo._get_statement_reasons(),
        }
