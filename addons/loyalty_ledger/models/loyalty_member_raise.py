# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What happens to members beside their purchases, and who says so."""

from calendar import isleap
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .loyalty_earn_event import BIRTHDAY, PROFILE, SIGNUP, VISIT
from .loyalty_member_event import Occasion

#: the key of what happens to a member once for ever
ONCE = "once"
BIRTHDAYS_AT_ONCE = 1000
#: birthdays of so many days are made up for after the nightly job has not run
BIRTHDAY_DAYS = 7
FIRST_CLOCK = timedelta(hours=14)


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    event_ids = fields.One2many(
        comodel_name="loyalty.member.event",
        inverse_name="member_id",
        string="Events",
        readonly=True,
    )
    event_count = fields.Integer(compute="_compute_event_count", compute_sudo=True)

    has_visits = fields.Boolean(
        compute="_compute_has_visits",
        help="The scheme gives something for visits.",
    )

    @api.depends("scheme_id")
    def _compute_has_visits(self):
        scheme_ids = self.env["loyalty.scheme"]._get_ids_giving_for(VISIT)
        for member in self:
            member.has_visits = member.scheme_id.id in scheme_ids

    @api.depends("event_ids", "merge_ids.state")
    def _compute_event_count(self):
        counts = self._count_with_merged("loyalty.member.event")
        for member in self:
            member.event_count = counts[member._origin]

    # === ACTIONS === #

    def action_view_events(self):
        """Open what has happened to these members."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_member_event_action"
        )
        action["domain"] = [("member_id", "child_of", self.ids)]
        action["context"] = {}
        return action

    def action_visit(self):
        """Note that the member has visited today, once a day.

        :raise AccessError: unless the user looks after members
        :raise UserError: if the user may not give what the rules say
        """
        return self._raise_and_tell(
            VISIT, "loyalty_member.loyalty_member_group_service"
        )

    def raise_event(self, code, key=None, payload=None):
        """Say that something has happened to a member.

        For administrators, and for events that may be raised by hand. Other systems
        and automation rules are not limited: they come by ``_raise_event``.

        :param str code: of the loyalty.earn.event
        :param str key: with it the event gives once to the member; today if omitted
        :param dict payload: text, numbers and booleans by name
        :return: id of the loyalty.member.event
        :raise AccessError: unless the user is a loyalty administrator
        :raise UserError: if the user may not give what the rules say
        :raise ValidationError: a bad code, key or payload
        """
        return self._raise_by_hand(
            code,
            "loyalty_member.loyalty_member_group_manager",
            key=key,
            payload=payload,
        ).id

    # === RAISING === #

    def _raise_event(
        self, code, key, payload=None, date=None, channel=None, store=None
    ):
        """Record that something happened to this member, and give what the rules say.

        With the same key it gives once; raising it again returns the first.

        :param str code: of the loyalty.earn.event
        :param str key: identifies what happened, for ever
        :param dict payload: text, numbers and booleans by name, for the rules
        :param datetime date: naive UTC; now if omitted
        :param channel: loyalty.channel through which it happened
        :param store: loyalty.store where it happened; the home store if omitted
        :return: loyalty.member.event in superuser mode
        :raise ValidationError: a bad code, key, date or payload
        """
        self.ensure_one()
        return self.env["loyalty.member.event"]._record(
            self.env["loyalty.earn.event"]._get_by_code(code),
            [Occasion(self, key, payload, date, channel, store)],
        )

    def _raise_once(self, code, **values):
        """Record what happens to each of these members once, where it gives something.

        :param values: further arguments of Occasion
        """
        scheme_ids = self.env["loyalty.scheme"]._get_ids_giving_for(code)
        members = self.filtered(lambda member: member.scheme_id.id in scheme_ids)
        if not members:
            return
        self.env["loyalty.member.event"]._record(
            self.env["loyalty.earn.event"]._get_by_code(code),
            [
                Occasion(member, ONCE, channel=member.channel_id, **values)
                for member in members
            ],
        )

    def _raise_by_hand(self, code, group, key=None, payload=None, store=None):
        """Record an event that a person vouches for.

        :param str group: the group that may do so
        :return: loyalty.member.event
        """
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group(group):
            raise AccessError(
                self.env._(
                    "Only administrators of Loyalty raise events, and those who look"
                    " after members note visits."
                )
            )
        event = self.env["loyalty.earn.event"]._get_by_code(code)
        if not event.sudo().manual:
            raise UserError(
                self.env._(
                    "“%(event)s” is not raised by hand: what it is about happens by"
                    " itself, or another system reports it.",
                    event=event.sudo().name,
                )
            )
        self._check_can_transact()
        if key is None:
            key = fields.Date.to_string(fields.Date.context_today(self))
        recorded_sudo = self.env["loyalty.member.event"]._record(
            event,
            [
                Occasion(
                    self,
                    key,
                    payload,
                    channel=self.env["loyalty.channel"]._get_by_code("manual"),
                    store=store,
                    by_hand=True,
                )
            ],
        )
        return recorded_sudo.sudo(self.env.su)

    def _raise_and_tell(self, code, group, store=None):
        """Record an event that a person vouches for, once a day.

        :return: the action that tells the user what it gave
        """
        # sudo: whether it is new is no secret to who may raise it
        Event_sudo = self.env["loyalty.member.event"].sudo()
        before_sudo = Event_sudo.search([("member_id", "child_of", self.ids)])
        event = self._raise_by_hand(code, group, store=store)
        return event._get_notification(is_new=event not in before_sudo)

    # === SIGN-UP AND PROFILE === #

    @api.model
    def _create_enrolled(self, vals_list):
        members = super()._create_enrolled(vals_list)
        members._raise_signed_up()
        return members

    def _raise_signed_up(self):
        """Raise the events of new members that signing up causes."""
        self._raise_once(SIGNUP)
        self._raise_profile_completed()

    def _raise_profile_completed(self):
        """Tell the members among these whose profile is complete, once."""
        if self.env["loyalty.scheme"]._get_ids_giving_for(PROFILE):
            # sudo: who changes a profile need not see all of it
            members_sudo = self.sudo().filtered(
                lambda member: member.partner_id._is_profile_complete()
            )
            members_sudo.with_env(self.env)._raise_once(PROFILE)

    # === BIRTHDAYS === #

    @api.model
    def _cron_raise_birthdays(self):
        """Raise the birthdays of today and of the last days. Safe to run again.

        Only where a scheme gives something for it. A day begins when it does on the
        clock of the member's home store.
        """
        event = self.env["loyalty.earn.event"]
        event = event.browse(event._get_id_by_code(BIRTHDAY))
        scheme_ids = self.env["loyalty.scheme"]._get_ids_giving_for(BIRTHDAY)
        commit_progress = self.env["ir.cron"]._commit_progress
        now, after = fields.Datetime.now(), 0
        clocks = self._get_clocks(scheme_ids, now)
        while scheme_ids:
            found = self._find_birthdays(event, clocks, now, after)
            if not found:
                return
            after = found[-1][0]
            if not commit_progress(remaining=len(found)):
                return
            members = self.browse(id_ for id_, _day in found)
            occasions = [
                member._prepare_birthday(day, now)
                for member, (_id, day) in zip(members, found, strict=True)
            ]
            self.env["loyalty.member.event"]._record(event, occasions)
            if not commit_progress(len(found)):
                return

    def _prepare_birthday(self, day, now):
        """Return the birthday of a member, on that day wherever the member is."""
        zone = self._get_zone()
        local = now.replace(tzinfo=UTC).astimezone(zone)
        noon = datetime.combine(day, time(12), zone).astimezone(UTC)
        return Occasion(
            self,
            str(day.year),
            date=now if local.date() == day else noon.replace(tzinfo=None),
        )

    def _get_zone(self):
        """Return the time zone of the member's home store."""
        # sudo: the clock on the wall is no secret
        member_sudo = self.sudo()
        company = member_sudo.scheme_id.company_id
        return ZoneInfo(member_sudo.store_id.tz or company.partner_id.tz or "UTC")

    @api.model
    def _find_birthdays(self, event, clocks, now, after, limit=BIRTHDAYS_AT_ONCE):
        """Return members, above ``after``, whose birthday has not been raised yet.

        :param clocks: see ``_get_clocks``
        :return: list of (id, day), ordered
        """
        self.env.flush_all()
        last_day = (now + FIRST_CLOCK).date()
        # One more than is made up for: elsewhere it is still yesterday
        days = [last_day - timedelta(days=n) for n in range(BIRTHDAY_DAYS + 2)]
        births = [birth for day in days for birth in _get_births(day)]
        # SQL: all members are looked through, and few have their birthday
        rows = self.env.execute_query(
            SQL(
                """
                SELECT member.id, birth.day
                  FROM UNNEST(%(days)s::date[], %(months)s::int[], %(numbers)s::int[])
                       AS birth (day, month, number)
                  JOIN res_partner partner
                    ON date_part('month', partner.birthdate_date) = birth.month
                   AND date_part('day', partner.birthdate_date) = birth.number
                  JOIN loyalty_member member ON member.partner_id = partner.id
                  JOIN UNNEST(%(schemes)s::int[], %(stores)s::int[],
                              %(todays)s::date[])
                       AS clock (scheme_id, store_id, today)
                    ON clock.scheme_id = member.scheme_id
                   AND clock.store_id = COALESCE(member.store_id, 0)
                 WHERE member.id > %(after)s AND member.state = 'active'
                   AND birth.day <= clock.today
                   AND birth.day > clock.today - %(back)s
                   AND birth.day >= member.enrol_date::date
                   AND birth.day > partner.birthdate_date
                   AND NOT EXISTS (
                       WITH RECURSIVE person AS (
                           SELECT member.id
                            UNION ALL
                           SELECT merged.id FROM loyalty_member merged
                             JOIN person ON merged.merged_into_id = person.id
                       )
                       SELECT FROM loyalty_member_event known
                         JOIN person ON known.member_id = person.id
                        WHERE known.event_id = %(event)s
                          AND known.key = date_part('year', birth.day)::int::text
                   )
                 ORDER BY member.id
                 LIMIT %(limit)s
                """,
                days=[day for day, _birth in births],
                months=[birth[0] for _day, birth in births],
                numbers=[birth[1] for _day, birth in births],
                schemes=[scheme_id for scheme_id, _store, _today in clocks],
                stores=[store_id for _scheme, store_id, _today in clocks],
                todays=[today for _scheme, _store, today in clocks],
                after=after,
                back=BIRTHDAY_DAYS,
                event=event.id,
                limit=limit,
            )
        )
        return [(id_, day) for id_, day in rows]

    @api.model
    def _get_clocks(self, scheme_ids, now):
        """Return which day it is for members, by scheme and home store.

        :return: list of (scheme id, store id or 0, date)
        """
        moment = now.replace(tzinfo=UTC)
        # sudo: the clock on the wall is no secret
        homes_sudo = self.sudo()._read_group(
            [("scheme_id", "in", list(scheme_ids)), ("state", "=", "active")],
            ["scheme_id", "store_id"],
        )
        clocks = []
        for scheme, store in homes_sudo:
            name = store.tz or scheme.company_id.partner_id.tz or "UTC"
            today = moment.astimezone(ZoneInfo(name)).date()
            clocks.append((scheme.id, store.id or 0, today))
        return clocks


def _get_births(day):
    """Return (day, (month, number)) of those who have their birthday on a day.

    Who was born on 29 February has it on the 28th in other years.
    """
    births = [(day, (day.month, day.day))]
    if (day.month, day.day) == (2, 28) and not isleap(day.year):
        births.append((day, (2, 29)))
    return births
