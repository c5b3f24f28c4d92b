# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite

from odoo import api, fields, models
from odoo.exceptions import (
    AccessError,
    ConcurrencyError,
    ValidationError,
)
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import Event, Facts, evaluate_event
from ..ledger.flow import WALLET
from ..ledger.move import Move, Op
from ..ledger.sale import Sale

KEY_LENGTH = 200
PAYLOAD_VALUES = 50
PAYLOAD_SIZE = 4096
#: clocks of other systems may be this far ahead
AHEAD = timedelta(days=1)
#: why nothing is given at all, explained as for a sale
REFUSALS = frozenset(
    (
        "scheme_closed",
        "member_blocked",
        "member_left",
        "member_staff",
        "member_excluded",
    )
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing that happened to one member.

    :param member: loyalty.member
    :param key: with it the event gives once to a member, for ever
    :param payload: text, numbers and booleans by name
    :param date: when, naive UTC; now if omitted
    :param channel: loyalty.channel through which it happened, if any
    :param store: loyalty.store where it happened; the member's home store if omitted
    :param by_hand: raised by a user, who may not give to their own account
    """

    member: models.Model
    key: str
    payload: dict | None = None
    date: datetime | None = None
    channel: models.Model | None = None
    store: models.Model | None = None
    by_hand: bool = False


class LoyaltyMemberEvent(models.Model):
    """Something that happened to a member, and what it gave. Never changed."""

    _name = "loyalty.member.event"
    _description = "Loyalty Member Event"
    _inherit = ["loyalty.append.only.mixin"]
    _order = "date desc, id desc"
    _rec_name = "key"

    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    event_id = fields.Many2one(
        comodel_name="loyalty.earn.event",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    key = fields.Char(
        required=True,
        readonly=True,
        help="The same event with the same key happens to a member only once.",
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    store_id = fields.Many2one(
        comodel_name="loyalty.store", readonly=True, ondelete="restrict"
    )
    channel_id = fields.Many2one(
        comodel_name="loyalty.channel", readonly=True, ondelete="restrict"
    )
    date = fields.Datetime(required=True, readonly=True)
    payload = fields.Json(readonly=True)
    payload_text = fields.Text(string="Came With It", compute="_compute_payload_text")
    points = fields.Float(digits="Loyalty Points", readonly=True)
    wallet = fields.Monetary(string="Into the Wallet", readonly=True)
    by_hand = fields.Boolean(readonly=True)
    trace = fields.Json(readonly=True)
    explanation = fields.Text(compute="_compute_explanation")
    create_uid = fields.Many2one(
        comodel_name="res.users",
        string="Recorded By",
        readonly=True,
        ondelete="restrict",
    )

    _once = models.UniqueIndex(
        "(member_id, event_id, key)", "This event has been recorded already."
    )
    _member_date_idx = models.Index("(member_id, date DESC)")

    # === COMPUTE === #

    @api.depends("event_id", "member_id")
    def _compute_display_name(self):
        for event in self:
            event.display_name = self.env._(
                "%(event)s – %(member)s",
                event=event.event_id.name,
                member=event.member_id.display_name,
            )

    @api.depends("payload")
    def _compute_payload_text(self):
        for event in self:
            event.payload_text = "\n".join(
                f"{key}: {value}" for key, value in (event.payload or {}).items()
            )

    @api.depends("trace")
    @api.depends_context("lang")
    def _compute_explanation(self):
        for event in self:
            event.explanation = "\n".join(event._get_sentences())

    # === CRUD === #

    def _refuse_change(self):
        raise AccessError(
            self.env._(
                "What has happened to a member is recorded once and never changes."
                " Correct the balance instead."
            )
        )

    # === ACTIONS === #

    def action_view_entries(self):
        """Open the ledger entries of these events."""
        return self.env["loyalty.ledger.entry"]._get_action(
            [("id", "in", self._get_entries().ids)]
        )

    # === RECORD === #

    @api.model
    def _record(self, event, occasions):
        """Record what happened to members, and give them what the rules say.

        What has been recorded before under the same key gives nothing again, also
        where it was with a member who has been merged into this one since. What happens
        to one who was merged happens to who stays. A constant number of queries for
        each scheme.

        :param event: loyalty.earn.event
        :param occasions: list of Occasion
        :return: loyalty.member.event in superuser mode, in the order of ``occasions``
        :raise ValidationError: a bad key, date or payload
        :raise ConcurrencyError: if somebody else records the same right now; Odoo
            then runs the call again
        """
        # sudo: whoever causes an event need not have rights on loyalty records
        Event_sudo = self.sudo()
        members = self.env["loyalty.member"].union(*(each.member for each in occasions))
        survivors_sudo = dict(
            zip(members.ids, members.sudo()._get_survivor(), strict=True)
        )
        occasions = [
            self._check_occasion(each, survivors_sudo[each.member.id])
            for each in occasions
        ]
        recorded = Event_sudo._find_recorded(event, occasions)
        for group in self._get_rounds(occasions, recorded):
            for (scheme, by_hand), some in group.items():
                new = Event_sudo._record_new(scheme, event, some, by_hand)
                recorded |= dict(zip(map(_get_spot, some), new.ids, strict=True))
        return Event_sudo.browse(recorded[_get_spot(each)] for each in occasions)

    def _check_occasion(self, occasion, member_sudo):
        """Return the occasion with everything filled in.

        :param member_sudo: to whom it happens
        :raise ValidationError: if it cannot be recorded
        """
        key, now = occasion.key, fields.Datetime.now()
        if (
            not isinstance(key, str)
            or not key.strip()
            or not key.isprintable()
            or len(key) > KEY_LENGTH
        ):
            raise ValidationError(
                self.env._(
                    "An event needs a key, a text of up to %(length)s characters by"
                    " which it is known again.",
                    length=KEY_LENGTH,
                )
            )
        try:
            date = fields.Datetime.to_datetime(occasion.date) or now
        except (ValueError, TypeError) as error:
            raise ValidationError(
                self.env._("“%(date)s” is not a date.", date=occasion.date)
            ) from error
        if date > now + AHEAD:
            raise ValidationError(
                self.env._("An event that is still to come cannot be recorded.")
            )
        self._check_payload(occasion.payload)
        return Occasion(
            member=member_sudo,
            key=key.strip(),
            payload=occasion.payload or {},
            date=date.replace(microsecond=0, tzinfo=None),
            channel=occasion.channel or self.env["loyalty.channel"],
            store=occasion.store or member_sudo.store_id,
            by_hand=occasion.by_hand,
        )

    def _check_payload(self, payload):
        """Refuse what rules could not look at, or what is too large to keep.

        :raise ValidationError: unless it is a flat dict of text, numbers and booleans
        """
        payload = {} if payload is None else payload
        if not isinstance(payload, dict) or not all(
            isinstance(key, str) and key and key.isprintable() and _is_plain(value)
            for key, value in payload.items()
        ):
            raise ValidationError(
                self.env._(
                    "What comes with an event is a list of names with a text, a number"
                    " or yes or no each, and nothing else."
                )
            )
        if (
            len(payload) > PAYLOAD_VALUES
            or len(json.dumps(payload).encode()) > PAYLOAD_SIZE
        ):
            raise ValidationError(
                self.env._(
                    "Too much comes with the event: at most %(count)s values and"
                    " %(size)s characters in all.",
                    count=PAYLOAD_VALUES,
                    size=PAYLOAD_SIZE,
                )
            )

    def _find_recorded(self, event, occasions):
        """Return the ids of what has been recorded already, by member id and key.

        Events stay with the member to whom they happened, whoever was merged since.
        """
        found = self.search_fetch(
            Domain("event_id", "=", event.id)
            & Domain("member_id", "child_of", [each.member.id for each in occasions])
            & Domain("key", "in", [each.key for each in occasions]),
            ["member_id", "key"],
        )
        recorded = {}
        for each in found:
            member, survivor = each.member_id, each.member_id._get_survivor()
            # Both may have had their birthday: the member's own comes first
            if member == survivor or (survivor.id, each.key) not in recorded:
                recorded[survivor.id, each.key] = each.id
        return recorded

    def _get_rounds(self, occasions, recorded):
        """Return what is new, by scheme, so that a member occurs once in a round."""
        rounds, seen, spots = defaultdict(dict), defaultdict(int), set(recorded)
        for occasion in occasions:
            if _get_spot(occasion) in spots:
                continue
            spots.add(_get_spot(occasion))
            member = occasion.member
            group = rounds[seen[member]]
            group.setdefault((member.scheme_id, occasion.by_hand), []).append(occasion)
            seen[member] += 1
        return rounds.values()

    def _record_new(self, scheme, event, occasions, by_hand):
        """Record events of one scheme that are new, of a member once.

        :return: loyalty.member.event, in the order of ``occasions``
        """
        rules = scheme._get_event_rules(event)
        members = self.env["loyalty.member"].union(*(each.member for each in occasions))
        accounts = scheme._get_accounts(members) if rules.rules else {}
        if rules.asks_history:
            # What has been given is read below, so nobody else may add to it
            self.env["loyalty.ledger"]._lock([card.id for card in accounts.values()])
            self.env["loyalty.earn.budget"]._queue_up(rules)
        sales = [(each.member, self._prepare_sale(scheme, each)) for each in occasions]
        results = self._evaluate(scheme, sales, occasions, rules)
        wallets = self._get_wallets(scheme, occasions, results)
        if by_hand:
            self._check_by_hand(occasions, results, accounts, wallets)
        ids = self.env["loyalty.ledger"]._next_ids(self._table, len(occasions))
        rows, moves = [], []
        for id_, occasion, result in zip(ids, occasions, results, strict=True):
            rows.append(self._prepare_row(id_, scheme, event, occasion, result))
            moves += self._prepare_moves(
                id_,
                event,
                occasion,
                (
                    (accounts.get(occasion.member.id), result.points),
                    (wallets.get(occasion.member.id), result.wallet),
                ),
            )
        self._insert(rows)
        self.env["loyalty.earn.award"]._add(
            scheme, sales, ids, results, origin="member_event_id"
        )
        self.env["loyalty.ledger"]._post(moves)
        events = self.browse(ids)
        events._after_post()
        return events

    def _after_post(self):
        """Do what follows once events have been recorded.

        A hook for other modules: the ledger knows all about them by now.
        """

    def _prepare_sale(self, scheme, occasion):
        """Return the event as a purchase of nothing, to be asked the same facts."""
        return Sale(
            channel=occasion.channel.code or "",
            reference=occasion.key,
            date=occasion.date,
            currency_id=scheme.currency_id.id,
            company_id=scheme.company_id.id or None,
            lines=(),
            store_id=occasion.store.id or None,
        )

    def _evaluate(self, scheme, sales, occasions, rules):
        """Return what the engine gives for events. Writes nothing.

        :param sales: list of (loyalty.member, Sale), as for the facts of purchases
        :return: list of :class:`~..engine.EventResult`
        """
        Transaction = self.env["loyalty.transaction"]
        facts = Transaction._get_facts(scheme, sales, rules)
        spent = defaultdict(Decimal)
        results = []
        for occasion, known in zip(occasions, facts, strict=True):
            if spent:
                known["used"] = Transaction._add_budget(known["used"], spent)
            result = evaluate_event(
                Event(
                    payload=occasion.payload,
                    facts=Facts(**known),
                    refusal=Transaction._get_refusal(occasion.member, scheme),
                ),
                rules,
            )
            if "used" in rules.asks:
                for key, given in result.awards.items():
                    spent[key] += given
            results.append(result)
        return results

    def _get_wallets(self, scheme, occasions, results):
        """Return the wallets that get something, by id of the member."""
        members = self.env["loyalty.member"].union(
            *(
                occasion.member
                for occasion, result in zip(occasions, results, strict=True)
                if result.wallet
            )
        )
        return scheme._get_accounts(members, WALLET) if members else {}

    def _check_by_hand(self, occasions, results, accounts, wallets):
        """Refuse to give by hand what the user may not give as a correction.

        :raise UserError: with the limit
        """
        # As the user: superuser mode has no limits
        Card = self.env["loyalty.card"].sudo(False)
        changes = {}
        for occasion, result in zip(occasions, results, strict=True):
            for cards, value in ((accounts, result.points), (wallets, result.wallet)):
                if value:
                    card = Card.browse(cards[occasion.member.id].id)
                    changes[card] = changes.get(card, 0) + value
        if changes:
            Card._check_may_adjust(changes)

    def _prepare_row(self, id_, scheme, event, occasion, result):
        return {
            "id": id_,
            "member_id": occasion.member.id,
            "event_id": event.id,
            "key": occasion.key,
            "scheme_id": scheme.id,
            "company_id": scheme.company_id.id or None,
            "store_id": occasion.store.id or None,
            "channel_id": occasion.channel.id or None,
            "date": occasion.date,
            "payload": occasion.payload,
            "points": result.points,
            "wallet": result.wallet,
            "by_hand": occasion.by_hand,
            "trace": result.trace,
        }

    def _prepare_moves(self, id_, event, occasion, values):
        """Return what an event moves.

        :param values: tuples of account and Decimal
        """
        scheme = occasion.member.scheme_id
        return [
            Move(
                account_id=account.id,
                key=f"event:{id_}",
                kind="event",
                op=Op.CREDIT,
                points=value,
                date=occasion.date,
                expiry_date=scheme._get_expiry_date(occasion.date.date(), account),
                res_model=self._name,
                res_id=id_,
                reason=event.name,
            )
            for account, value in values
            if value
        ]

    def _insert(self, rows):
        """Insert events by one statement.

        Plain SQL, so that what another transaction has recorded meanwhile is told from
        a mistake and makes Odoo run the call again.
        """
        self.env["loyalty.ledger"]._insert_dicts(
            self,
            {
                "id": "int4",
                "member_id": "int4",
                "event_id": "int4",
                "key": "varchar",
                "scheme_id": "int4",
                "company_id": "int4",
                "store_id": "int4",
                "channel_id": "int4",
                "date": "timestamp",
                "payload": "jsonb",
                "points": "numeric",
                "wallet": "numeric",
                "by_hand": "bool",
                "trace": "jsonb",
            },
            rows,
            SQL("ON CONFLICT (member_id, event_id, key) DO NOTHING"),
        )
        if self.env.cr.rowcount < len(rows):
            raise ConcurrencyError(
                self.env._("The same event is being recorded by another process.")
            )
        # The ORM does not know of the new rows
        self.env["loyalty.member"].browse(
            row["member_id"] for row in rows
        ).invalidate_recordset(["event_ids", "event_count"], flush=False)

    # === ENTRIES === #

    def _get_entries(self):
        """Return the ledger entries of these events."""
        return self.env["loyalty.ledger.entry"].search(
            Domain("scheme_id", "in", self.scheme_id.ids)
            & Domain("res_model", "=", self._name)
            & Domain("res_id", "in", self.ids)
        )

    @api.model
    def _find_by_entries(self, entries):
        """Return the event behind each entry that comes from one.

        :return dict: loyalty.member.event by id of the entry, in superuser mode
        """
        ids = {
            entry.id: entry.res_id for entry in entries if entry.res_model == self._name
        }
        # sudo: who may read an entry may read what it says
        found = self.sudo().browse(set(ids.values())).exists()
        return {
            entry_id: found.browse(id_)
            for entry_id, id_ in ids.items()
            if id_ in found._ids
        }

    # === EXPLANATION === #

    def _explain(self):
        """Return why the event gave what it did, as sentences.

        :rtype: list[str]
        """
        self.ensure_one()
        return [
            sentence
            for item in self.trace or []
            if (sentence := self._explain_item(item))
        ]

    def _get_sentences(self):
        """Return all there is to say about what the event gave, and did not give."""
        self.ensure_one()
        sentences = self._explain() + self._explain_skipped_rules()
        return sentences or [self.env._("No rule gives anything for it.")]

    def _explain_item(self, item):
        """Return one step of the explanation as a sentence, in the user's language."""
        code = item.get("code")
        Transaction = self.env["loyalty.transaction"]
        if code in REFUSALS:
            return getattr(Transaction, f"_explain_{code}")(item)
        if code == "rounding":
            return self.env._(
                "Rounded to %(points)s.",
                points=self.scheme_id._format_points(item["points"]),
            )
        if code != "rule":
            return ""
        values = {
            "rule": Transaction._get_rule_name(item["rule"], item["name"]),
            "given": self._format_given(item, "given"),
        }
        if not item.get("cap"):
            return self.env._("%(rule)s: %(given)s.", **values)
        return self.env._(
            "%(rule)s: %(given)s. Without its limit it would have given %(uncapped)s.",
            uncapped=self._format_given(item, "uncapped"),
            **values,
        )

    def _format_given(self, item, name):
        if item["target"] == "wallet":
            return self.scheme_id._format_money(item[name])
        return self.scheme_id._format_points(item[name])

    def _explain_skipped_rules(self):
        """Return why rules gave nothing, as sentences.

        :rtype: list[str]
        """
        self.ensure_one()
        return self.env["loyalty.transaction"]._get_skipped_sentences(self.trace)

    def _get_notification(self, is_new=True):
        """Return the action that tells the user what the event gave.

        :param is_new: whether it gave it just now
        """
        self.ensure_one()
        message = self._get_summary()
        if not is_new:
            message = self.env._(
                "%(event)s was recorded today already and gives nothing again.",
                event=self.event_id.name,
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success"
                if is_new and (self.points or self.wallet)
                else "info",
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _get_summary(self):
        """Return what the event gave, as a sentence for whoever raised it."""
        self.ensure_one()
        scheme = self.scheme_id
        given = [
            text
            for value, text in (
                (self.points, scheme._format_points(self.points)),
                (self.wallet, scheme._format_money(self.wallet)),
            )
            if value
        ]
        if not given:
            return self.env._(
                "%(event)s: recorded, but it gives nothing. %(why)s",
                event=self.event_id.name,
                why=" ".join(self._get_sentences()),
            )
        return self.env._(
            "%(event)s: %(given)s",
            event=self.event_id.name,
            given=" + ".join(given),
        )


def _get_spot(occasion):
    return occasion.member.id, occasion.key


def _is_plain(value):
    if isinstance(value, str):
        return _is_text(value)
    return isinstance(value, bool | int) or (
        isinstance(value, float) and isfinite(value)
    )


def _is_text(value):
    """Return whether PostgreSQL can keep a text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
