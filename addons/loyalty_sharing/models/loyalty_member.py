# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from odoo.addons.loyalty_ledger.ledger.flow import POINTS

HOUSEHOLD_FIELDS = {"household_id", "household_sequence"}


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    # === FIELDS === #

    household_id = fields.Many2one(
        comodel_name="loyalty.household",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        help="Its members share one account.",
    )
    household_sequence = fields.Integer(
        copy=False,
        readonly=True,
        help="Sequence of the last entry on the shared account before the member"
        " joined.",
    )
    household_earned = fields.Float(
        string="Earned Here",
        compute="_compute_household_points",
        compute_sudo=True,
        digits="Loyalty Points",
        help="Points that this member has earned on the account of the household,"
        " less returns.",
    )
    household_spent = fields.Float(
        string="Spent Here",
        compute="_compute_household_points",
        compute_sudo=True,
        digits="Loyalty Points",
    )
    transfer_count = fields.Integer(compute="_compute_transfers", compute_sudo=True)

    # === COMPUTE === #

    @api.depends("household_id.head_id")
    def _compute_account(self):
        return super()._compute_account()

    @api.depends("household_id", "transaction_ids")
    def _compute_household_points(self):
        totals = {}
        for member, account, kind, earned, spent in self.env[
            "loyalty.transaction"
        ]._read_group(
            [
                ("member_id", "in", self.ids),
                ("account_id", "in", self.account_id.ids),
                ("state", "=", "posted"),
            ],
            ["member_id", "account_id", "kind"],
            ["points_earned:sum", "points_redeemed:sum"],
        ):
            sign = -1 if kind == "return" else 1
            before = totals.get((member, account), (0.0, 0.0))
            totals[member, account] = (
                before[0] + sign * earned,
                before[1] + sign * spent,
            )
        for member in self:
            member.household_earned, member.household_spent = totals.get(
                (member._origin, member.account_id), (0.0, 0.0)
            )

    def _compute_transfers(self):
        counts = Counter()
        for field in ("giver_id", "recipient_id"):
            counts.update(
                dict(
                    self.env["loyalty.transfer"]._read_group(
                        [(field, "in", self.ids)], [field], ["__count"]
                    )
                )
            )
        for member in self:
            member.transfer_count = counts[member._origin]

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_household_write(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_household_write(vals)
        return super().write(vals)

    @api.model
    def _check_household_write(self, vals):
        if not self.env.su and HOUSEHOLD_FIELDS & vals.keys():
            raise AccessError(
                self.env._(
                    "The household of a member cannot be edited. Use the buttons of the"
                    " household to add or remove a member."
                )
            )

    # === ACTIONS === #

    def action_leave(self):
        """Leave the household as well; the head has to dissolve it first.

        :raise UserError: for the head of a household with other members
        """
        for member in self.filtered("household_id"):
            household = member.household_id
            if household.head_id != member:
                household._leave(member)
            elif household.member_ids == member:
                household.action_dissolve()
            else:
                raise UserError(
                    self.env._(
                        "%(member)s is the head of %(household)s. Dissolve the"
                        " household first: its points stay with %(member)s.",
                        member=member.display_name,
                        household=household.name,
                    )
                )
        return super().action_leave()

    def action_leave_household(self):
        """Leave the household; the points of its account stay there.

        :raise UserError: for its head
        """
        self.check_access("write")
        for household, members in self.grouped("household_id").items():
            if household:
                household._leave(members)

    def action_view_transfers(self):
        """Open the transfers that these members gave and received."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_sharing.loyalty_transfer_action"
        )
        action["domain"] = [
            "|",
            ("giver_id", "in", self.ids),
            ("recipient_id", "in", self.ids),
        ]
        action["context"] = {
            "default_giver_id": self.id if len(self) == 1 else False,
        }
        return action

    # === BUSINESS: HOUSEHOLDS === #

    @api.model
    def _get_buyer_fields(self):
        return [*super()._get_buyer_fields(), "household_id"]

    def _leave_household(self):
        """Leave the household before being merged; a head who is alone dissolves it."""
        for member in self.sudo().filtered("household_id"):
            household = member.household_id
            if household.head_id == member:
                household.action_dissolve()
            else:
                household._leave(member)

    def _get_account_partner(self, kind=POINTS):
        """Let a household share points; its members keep wallets of their own."""
        self.ensure_one()
        # sudo: a user who cannot see the household needs the account as well
        household_sudo = self._get_survivor().sudo().household_id
        if not household_sudo or kind != POINTS:
            return super()._get_account_partner(kind)
        return household_sudo.head_id.partner_id.with_env(self.env)

    @api.model
    def _get_account_partner_sql(self, alias):
        return SQL(
            """
            COALESCE(
                (SELECT head.partner_id
                   FROM loyalty_household household
                   JOIN loyalty_member head ON head.id = household.head_id
                  WHERE household.id = %(household)s),
                %(own)s
            )
            """,
            household=SQL.identifier(alias, "household_id"),
            own=super()._get_account_partner_sql(alias),
        )

    def _get_statement_floor(self, account):
        """Hide the entries of the shared account before the member joined."""
        if account.partner_id == self.partner_id:
            return super()._get_statement_floor(account)
        return self.household_sequence

    def _set_household(self, household, sequence=0):
        # sudo: a step of the household, see _check_household_write
        self.sudo().write(
            {"household_id": household.id, "household_sequence": sequence}
        )

    # === BUSINESS: MERGING === #

    def _check_can_be_merged(self):
        result = super()._check_can_be_merged()
        # sudo: the household matters also to a user who cannot see it
        household_sudo = self.sudo().household_id
        if household_sudo.head_id == self and household_sudo.member_ids != self:
            raise UserError(
                self.env._(
                    "%(member)s is the head of %(household)s, on whose account the"
                    " points of others are. Dissolve the household first, or choose"
                    " %(member)s to stay.",
                    member=self.display_name,
                    household=household_sudo.name,
                )
            )
        return result

    def _get_merge_facts(self):
        # sudo: the household matters also to a user who cannot see it
        household_sudo = self.sudo().household_id
        return [
            *super()._get_merge_facts(),
            (self.env._("Household"), household_sudo.name or ""),
        ]

    def _get_merge_warnings(self, duplicates):
        warnings = super()._get_merge_warnings(duplicates)
        for duplicate in duplicates:
            # sudo: the household matters also to a user who cannot see it
            household_sudo = duplicate.sudo().household_id
            if household_sudo:
                warnings.append(
                    self.env._(
                        "%(member)s leaves %(household)s, and the points of the"
                        " household stay there. Unmerging does not add the member to"
                        " the household again.",
                        member=duplicate.display_name,
                        household=household_sudo.name,
                    )
                )
        return warnings

    # === BUSINESS: TRANSFERS === #

    def _get_short_name(self):
        """Return the name that another member may read: "Anna D.".

        A member known by a phone number or an e-mail address alone stays unnamed.
        """
        self.ensure_one()
        # sudo: the user need not have access to the other member
        name = (self.sudo().partner_id.name or "").split()
        if (
            self.sudo().is_anonymous
            or not name
            or not set("@0123456789").isdisjoint(name[0])
        ):
            return self.env._("another member")
        initials = [f"{word[0].upper()}." for word in name[1:][-1:] if word.isalpha()]
        return " ".join([name[0], *initials])

    @api.model
    def _find_named(self, name, scheme, country):
        """Return the member with exactly this number or address.

        :param str name: a card or member number, an e-mail address or a phone number
        :param scheme: the loyalty.scheme
        :param country: res.country of a phone number without a country code
        :return: one loyalty.member
        :raise UserError: if no member matches, or several do
        """
        name = " ".join(str(name or "").split())
        members = self.browse()
        for domain in self._get_named_domains(name, country) if name else ():
            members = self.search(
                [("scheme_id", "=", scheme.id), ("state", "!=", "left"), *domain],
                limit=2,
            )._get_survivor()
            members = self.browse(dict.fromkeys(members.ids))
            if members:
                break
        if not members:
            raise UserError(
                self.env._(
                    "No member of %(scheme)s has this number or address. Ask for the"
                    " number on the card, and enter all of it.",
                    scheme=scheme.name,
                )
            )
        if len(members) > 1:
            raise UserError(
                self.env._(
                    "Several members share this address or number. Ask for the number"
                    " on the card."
                )
            )
        return members

    @api.model
    def _get_named_domains(self, name, country):
        """Return the domains to search a name with, the most reliable first."""
        if "@" in name:
            return [[("partner_id.email_normalized", "=", name.lower())]]
        code = name.replace(" ", "")
        domains = [
            [
                (
                    "card_ids",
                    "any",
                    [
                        ("number", "in", self._get_scanned_codes(code)),
                        ("state", "=", "active"),
                    ],
                )
            ],
            [("number", "=", code)],
        ]
        try:
            phone = self.env["res.partner"]._normalize_member_phone(name, country)
        except ValidationError:
            return domains
        return [*domains, [("partner_id.phone_sanitized", "=", phone)]]
