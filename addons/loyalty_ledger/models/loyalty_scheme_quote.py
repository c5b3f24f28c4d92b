# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a purchase would give, asked for by an outside sales system."""

from odoo import fields, models

SPENDING = (
    "balance",
    "balance_value",
    "pending_balance",
    "spendable",
    "spendable_value",
    "max_redeem",
    "min_redeem",
    "wallet",
)


class LoyaltyScheme(models.Model):
    _inherit = "loyalty.scheme"

    def quote(self, purchase, explain=False):
        """Say what a purchase gives and what of it points can pay. Writes nothing.

        For outside systems, whose user may see schemes and members.

        :param dict purchase: ``lines``; and as far as it is known ``member`` (number of
            the member or of a card), ``channel`` (its code, ``api`` if omitted),
            ``store`` (code), ``payments`` (codes of payment methods), ``currency`` (ISO
            code, that of the scheme if omitted) and ``date`` (UTC, now if omitted). A
            line has ``amount``, what is paid for it with tax, negative for a discount,
            and may have ``product`` (id or internal reference), ``quantity`` (1 if
            omitted), ``amount_untaxed`` (the same as ``amount`` if omitted), ``name``
            and ``key`` (its number from 1 on if omitted)
        :param bool explain: whether to say why, in sentences
        :return dict: ``points``, ``cashback`` (money into the wallet), ``unit``,
            ``pending``, ``available_on`` and ``expiry`` (dates or ``False``);
            ``lines``: ``key``, ``points`` and ``cashback`` of each; ``member`` (the
            number or ``False``), ``notice`` (why the member can neither earn nor
            spend, or ``False``), ``balance``, ``balance_value``,
            ``pending_balance``, ``spendable``, ``spendable_value``, ``max_redeem``,
            ``min_redeem``, and ``wallet``; with ``explain`` also ``explanation``, a
            list of sentences
        :raise AccessError: when the user may not see the scheme or its members
        :raise ValidationError: a purchase that cannot be understood, with what is wrong
        :raise UserError: a card that is lost or not in use
        """
        self.ensure_one()
        scheme_sudo = self.sudo()._recall()
        self.check_access("read")
        self.env["loyalty.member"].check_access("read")
        self._check_purchase(purchase)
        member_sudo = self._find_quoted_member(purchase.get("member"))
        sale = self._prepare_quoted_sale(purchase)
        # sudo: who may see schemes and members may know what they are given
        transaction_sudo = self.env["loyalty.transaction"].sudo()
        result = transaction_sudo._evaluate(scheme_sudo, [(member_sudo, sale)])[0]
        quote = transaction_sudo._prepare_quote(member_sudo, scheme_sudo, sale, result)
        answer = self._prepare_answer(member_sudo, sale, result, quote)
        if explain:
            names = {line.key: line.name for line in sale.lines}
            explained = transaction_sudo._new_explained(scheme_sudo, result, names)
            answer["explanation"] = [
                *explained._explain(),
                *explained._explain_skipped_rules(),
            ]
        return answer

    def _prepare_answer(self, member, sale, result, quote):
        """Return what :meth:`quote` tells the caller."""
        notice = member and member._get_refusal_text()
        spending = {name: quote[name] for name in SPENDING}
        if notice:
            spending |= dict.fromkeys(
                ("spendable", "spendable_value", "max_redeem"), 0.0
            )
        return {
            "points": quote["points"],
            "cashback": float(result.wallet),
            "unit": quote["unit"],
            "pending": quote["pending"],
            "available_on": fields.Date.to_string(quote["available_on"]),
            "expiry": fields.Date.to_string(quote["expiry"]),
            "lines": [
                {
                    "key": line.key,
                    "points": float(result.lines.get(line.key, 0)),
                    "cashback": float(result.wallet_lines.get(line.key, 0)),
                }
                for line in sale.lines
            ],
            "member": member.number or False,
            "notice": notice or False,
            **spending,
        }
