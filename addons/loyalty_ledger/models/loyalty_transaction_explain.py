# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a sale earned what it did, for people."""

from odoo import api, models
from odoo.fields import Command

from .loyalty_scheme import BASE


class LoyaltyTransaction(models.Model):
    _inherit = "loyalty.transaction"

    @api.model
    def _new_explained(self, scheme, result, names):
        """Return a transaction, never saved, that only knows how to explain.

        :param result: what the engine gives for a purchase
        :param dict names: what the lines are called, by their key
        """
        return self.new(
            {
                "scheme_id": scheme.id,
                "trace": list(result.trace),
                "line_ids": [
                    Command.create({"external_id": key, "name": name})
                    for key, name in names.items()
                ],
            }
        )

    def _explain(self):
        """Return the explanation of a transaction as sentences.

        :rtype: list[str]
        """
        self.ensure_one()
        return [
            sentence
            for item in self.trace or []
            if (sentence := self._explain_item(item))
        ]

    def _explain_item(self, item):
        """Return one step of the explanation as a sentence, in the user's language."""
        explain = getattr(self, f"_explain_{item.get('code')}", None)
        return explain(item) if explain else ""

    def _explain_rule(self, item):
        parts = [
            self.env._(
                "%(rule)s: %(gives)s",
                rule=self._get_rule_name(item["rule"], item["name"]),
                gives=self._explain_effect(item),
            )
        ]
        if item.get("lines") is not None:
            names = self._get_line_names(item["lines"])
            parts.append(self.env._("Counted on %(lines)s", lines=", ".join(names)))
        if item.get("cap"):
            parts.append(
                self.env._(
                    "Without its limit %(limit)s it would have given %(uncapped)s",
                    limit=self._explain_cap(item["cap"], item),
                    uncapped=self._format_given(item, "uncapped"),
                )
            )
        return ". ".join(parts) + "."

    def _explain_effect(self, item):
        """Return what a rule gave, and on what, as a part of a sentence."""
        effect = item.get("effect", "amount")
        values = {
            "value": self._format_given(item, "value"),
            "given": self._format_given(item, "given"),
            "number": f"{float(item['value']):g}",
        }
        if effect == "multiplier":
            return self.env._(
                "%(number)s times %(base)s, that is %(given)s more",
                base=self._format_given(item, "base"),
                **values,
            )
        if effect == "receipt":
            return self.env._("%(given)s for the receipt", **values)
        if effect == "unit":
            return self.env._(
                "%(value)s for each %(per)s units, for %(quantity)s units that is"
                " %(given)s",
                per=f"{float(item['per']):g}",
                quantity=f"{float(item['quantity']):g}",
                **values,
            )
        scheme = self.scheme_id
        values["base"] = scheme._format_money(item["base"])
        if effect == "percent":
            return self.env._("%(number)s %% of %(base)s, that is %(given)s", **values)
        values["per"] = scheme._format_money(item["per"])
        if effect == "step":
            return self.env._(
                "%(value)s for each full %(per)s. On %(base)s that is %(given)s",
                **values,
            )
        return self.env._(
            "%(value)s for each %(per)s. On %(base)s that is %(given)s", **values
        )

    def _format_given(self, item, name):
        """Return points or money of a step, as the rule gives it."""
        scheme = self.scheme_id
        if item.get("target") == "wallet":
            return scheme._format_money(item[name])
        return scheme._format_points(item[name])

    def _explain_cap(self, cap, item):
        values = {"amount": self._format_given({**item, **cap}, "amount")}
        texts = {
            "receipt": self.env._("of %(amount)s a receipt", **values),
            "day": self.env._("of %(amount)s a day", **values),
            "week": self.env._("of %(amount)s a week", **values),
            "month": self.env._("of %(amount)s a month", **values),
            "total": self.env._("of %(amount)s for a member", **values),
            "budget": self.env._("of %(amount)s for all members", **values),
        }
        return texts[cap["period"]]

    def _explain_scheme_cap(self, item):
        return self.env._(
            "The scheme has a limit %(limit)s, so %(points)s are left.",
            limit=self._explain_cap(item, {}),
            points=self.scheme_id._format_points(item["points"]),
        )

    def _get_line_names(self, keys):
        lines = self.line_ids.filtered(lambda line: line.external_id in keys)
        return [line.name or line.external_id for line in lines]

    def _get_rule_name(self, key, name=None):
        """Return what a rule is called; what it was called then if it is gone."""
        kind, _colon, id_ = key.partition(":")
        if kind != "rule" or not id_.isdecimal():
            return name or self._get_other_rule_name(key)
        known = self.env["loyalty.earn.rule"]._get_name(int(id_), self.env.lang)
        return known or name or self.env._("A former rule")

    def _get_other_rule_name(self, key):
        """Return the name of a rule without a record; other modules add theirs."""
        return self.scheme_id.name if key == BASE else key

    # === WHY RULES GAVE NOTHING === #

    def _explain_skipped_rules(self):
        """Return why rules gave nothing, as sentences.

        :rtype: list[str]
        """
        self.ensure_one()
        return self._get_skipped_sentences(self.trace)

    @api.model
    def _get_skipped_sentences(self, trace):
        """Return why rules gave nothing for a sale or an event, as sentences.

        :param trace: the steps by which it was worked out, as kept
        :rtype: list[str]
        """
        reasons = self._get_skip_reasons()
        return [
            self.env._(
                "%(rule)s: %(reason)s",
                rule=self._get_rule_name(key),
                reason=reasons.get(why, why),
            )
            for item in trace or []
            if item.get("code") == "skipped"
            for why, keys in item["rules"].items()
            for key in keys
        ]

    @api.model
    def _get_skip_reasons(self):
        """Return what keeps a rule from giving, for people, by the engine's codes."""
        return {
            "balance": self.env._("the member has too few points."),
            "birthday": self.env._("it is not around the member's birthday."),
            "cap": self.env._("its limit was reached already."),
            "channel": self.env._("it is for other channels."),
            "date": self.env._("it was not running on that day."),
            "exclusive": self.env._("a rule before it gives alone."),
            "group": self.env._("another rule of its group gave more."),
            "hour": self.env._("it is for other hours."),
            "minimum_amount": self.env._("the amount was too small."),
            "minimum_points": self.env._("the member had too few points before."),
            "minimum_quantity": self.env._("too few units were bought."),
            "payload": self.env._("what came with the event does not match."),
            "payment": self.env._("it is for other ways to pay."),
            "product": self.env._("none of its products was bought."),
            "purchases": self.env._("it is for another purchase of a member."),
            "segment": self.env._("it is for other segments."),
            "store": self.env._("it is for other stores."),
            "tier": self.env._("it is for other tiers."),
            "too_little": self.env._("it came to nothing."),
            "weekday": self.env._("it is for other days of the week."),
        }

    def _explain_discount(self, item):
        return self.env._(
            "Discounts and rewards of %(amount)s lower what was paid, and with it what"
            " is earned.",
            amount=self.scheme_id._format_money(abs(float(item["amount"]))),
        )

    def _explain_rounding(self, item):
        return self.env._(
            "Rounded to %(points)s.",
            points=self.scheme_id._format_points(item["points"]),
        )

    def _explain_not_eligible(self, item):
        return self.env._(
            "Nothing is earned on %(lines)s.",
            lines=", ".join(self._get_line_names(item["lines"])),
        )

    def _explain_nothing_eligible(self, _item):
        return self.env._("Nothing was bought that earns.")

    def _explain_scheme_closed(self, _item):
        return self.env._("The scheme was closed, so nothing is earned.")

    def _explain_member_blocked(self, _item):
        return self.env._("The membership was blocked, so nothing is earned.")

    def _explain_member_staff(self, _item):
        return self.env._("Staff earn nothing in this scheme.")

    def _explain_member_excluded(self, _item):
        return self.env._("This customer is left out of this scheme's earning.")

    def _explain_member_left(self, _item):
        return self.env._("The member had left, so nothing is earned.")

    def _explain_cancelled(self, item):
        if item.get("reason"):
            return self.env._("Cancelled: %(reason)s.", reason=item["reason"])
        return self.env._("Cancelled.")

    def _explain_return(self, item):
        scheme = self.scheme_id
        return self.env._(
            "Return of goods from %(sale)s: %(points)s taken back, %(redeemed)s given"
            " back.",
            sale=item["sale"],
            points=scheme._format_points(item["points"]),
            redeemed=scheme._format_points(item["redeemed"]),
        )

    def _explain_note(self, item):
        return item.get("text", "")
