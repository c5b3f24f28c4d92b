# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import ast
import logging
import math
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

ACTIVITY_TYPE = "loyalty_ledger.mail_activity_type_adjustment"
MANAGER_GROUP = "loyalty_member.loyalty_member_group_manager"
# More lines than this are posted in the background
BATCH = 1000
# More members than this are shown as a filter, not one by one
MANY = 50
# What is asked for: fixed as soon as somebody may have agreed to it
REQUEST_FIELDS = {
    "scheme_id",
    "kind",
    "points",
    "reason_id",
    "note",
    "target",
    "member_id",
    "member_ids",
    "domain",
}
# What only the steps of this model write, with the values of a new record
STEP_DEFAULTS = {
    "name": False,
    "state": "draft",
    "requested_by_id": False,
    "request_date": False,
    "approval_reason": False,
    "decided_by_id": False,
    "decision_date": False,
    "refusal_reason": False,
    "post_date": False,
    "line_ids": [],
}


class LoyaltyAdjustment(models.Model):
    """A correction of balances, which a second person approves above a limit."""

    _name = "loyalty.adjustment"
    _description = "Loyalty Adjustment"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _mail_post_access = "read"

    # === FIELDS === #

    name = fields.Char(string="Number", copy=False, readonly=True)
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("approval", "To Approve"),
            ("posting", "Being Posted"),
            ("posted", "Posted"),
            ("refused", "Refused"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        default="draft",
        required=True,
        copy=False,
        readonly=True,
        index=True,
        tracking=True,
    )
    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        default=lambda self: self.env["loyalty.member"]._default_scheme_id(),
        required=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="scheme_id.company_id",
        store=True,
        index="btree_not_null",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    kind = fields.Selection(
        selection=[("add", "Add points"), ("take", "Take points")],
        string="What to Do",
        default="add",
        required=True,
    )
    points = fields.Float(
        string="Points Each",
        digits="Loyalty Points",
        required=True,
        help="For every member.",
    )
    point_unit = fields.Char(related="scheme_id.point_name_plural")
    reason_id = fields.Many2one(
        comodel_name="loyalty.adjustment.reason",
        required=True,
        index=True,
        ondelete="restrict",
        help="Members read it on their statement.",
    )
    note = fields.Text(
        string="Internal Note", help="For colleagues; members do not see it."
    )

    # Who gets it
    target = fields.Selection(
        selection=[
            ("member", "One member"),
            ("members", "Chosen members"),
            ("filter", "All who match a filter"),
        ],
        string="For",
        default="member",
        required=True,
    )
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        index="btree_not_null",
        ondelete="restrict",
    )
    member_ids = fields.Many2many(comodel_name="loyalty.member", string="Members")
    domain = fields.Char(
        string="Filter", default="[('state', '=', 'active')]", copy=True
    )
    line_ids = fields.One2many(
        comodel_name="loyalty.adjustment.line",
        inverse_name="adjustment_id",
        copy=False,
        readonly=True,
    )
    member_count = fields.Integer(compute="_compute_size", string="Members Reached")
    points_total = fields.Float(compute="_compute_size", digits="Loyalty Points")
    value_total = fields.Monetary(compute="_compute_size", string="Worth")
    posted_count = fields.Integer(compute="_compute_size")
    refused_count = fields.Integer(compute="_compute_size")
    progress = fields.Float(compute="_compute_size")
    summary = fields.Char(compute="_compute_summary")

    # Who did what
    requested_by_id = fields.Many2one(
        comodel_name="res.users",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    request_date = fields.Datetime(string="Requested On", copy=False, readonly=True)
    approval_reason = fields.Char(
        string="Approval Needed",
        copy=False,
        readonly=True,
        help="Why the person who asked may not post it alone.",
    )
    decided_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Approved By",
        copy=False,
        readonly=True,
        ondelete="restrict",
    )
    decision_date = fields.Datetime(string="Approved On", copy=False, readonly=True)
    refusal_reason = fields.Char(copy=False, readonly=True, tracking=True)
    post_date = fields.Datetime(string="Posted On", copy=False, readonly=True)
    needs_approval = fields.Boolean(compute="_compute_rights")
    can_approve = fields.Boolean(compute="_compute_rights")
    can_cancel = fields.Boolean(compute="_compute_rights")

    # === CONSTRAINTS === #

    # NaN is larger than any number to PostgreSQL
    _points_range = models.Constraint(
        "CHECK (points > 0 AND points < 1000000000000)",
        "Say how many points each member gets or loses: a number above zero.",
    )

    # === COMPUTE === #

    @api.depends("name", "kind", "points", "scheme_id")
    def _compute_display_name(self):
        for adjustment in self:
            adjustment.display_name = adjustment.name or self.env._("New adjustment")

    @api.depends(
        "state",
        "scheme_id",
        "points",
        "target",
        "member_id",
        "member_ids",
        "domain",
        "line_ids",
    )
    def _compute_size(self):
        counts = self._count_lines()
        for adjustment in self:
            by_state = counts.get(adjustment._origin.id, {})
            count = sum(by_state.values())
            if adjustment.state == "draft":
                count = adjustment._count_members()
            adjustment.member_count = count
            adjustment.posted_count = by_state.get("posted", 0)
            adjustment.refused_count = by_state.get("refused", 0)
            done = adjustment.posted_count + adjustment.refused_count
            adjustment.progress = 100.0 * done / count if count else 0.0
            total = Decimal(str(adjustment.points or 0)) * (
                count - adjustment.refused_count
            )
            adjustment.points_total = float(total)
            adjustment.value_total = (
                adjustment.scheme_id._points_to_money(total)
                if adjustment.scheme_id
                else 0.0
            )

    def _count_lines(self):
        """Return the number of lines, by id of the adjustment and state."""
        counts = {}
        for adjustment, state, count in self.env["loyalty.adjustment.line"]._read_group(
            [("adjustment_id", "in", self._origin.ids)],
            ["adjustment_id", "state"],
            ["__count"],
        ):
            counts.setdefault(adjustment.id, {})[state] = count
        return counts

    def _count_members(self):
        """Return how many members a draft reaches; none while its filter is wrong."""
        self.ensure_one()
        if not self.scheme_id:
            return 0
        try:
            domain = self._get_member_domain()
        except ValidationError:
            return 0
        return self.env["loyalty.member"].search_count(domain)

    @api.depends("member_count", "points_total", "value_total", "kind")
    def _compute_summary(self):
        for adjustment in self:
            adjustment.summary = adjustment._get_summary()

    def _get_summary(self):
        """Say in a sentence what is asked for."""
        self.ensure_one()
        scheme = self.scheme_id
        if not scheme or not self.member_count or not self.points > 0:
            return False
        values = {
            "points": scheme._format_points(self.points),
            "total": scheme._format_points(self.points_total),
            "value": scheme._format_points_value(self.points_total),
            "count": self.member_count,
        }
        if self.member_count == 1:
            if self.kind == "add":
                return self.env._(
                    "One member gets %(points)s, worth %(value)s.", **values
                )
            return self.env._("One member loses %(points)s, worth %(value)s.", **values)
        if self.kind == "add":
            return self.env._(
                "%(count)s members get %(points)s each: %(total)s in all, worth"
                " %(value)s.",
                **values,
            )
        return self.env._(
            "%(count)s members lose %(points)s each: %(total)s in all, worth"
            " %(value)s.",
            **values,
        )

    @api.depends("state", "member_count", "points", "scheme_id", "requested_by_id")
    @api.depends_context("uid")
    def _compute_rights(self):
        user = self.env.user
        is_manager = user.has_group(MANAGER_GROUP)
        for adjustment in self:
            mine = user in adjustment._get_authors()
            adjustment.needs_approval = bool(
                adjustment.state == "draft"
                and adjustment.scheme_id
                and adjustment._explain_limit(user)
            )
            waiting = adjustment.state == "approval"
            adjustment.can_approve = is_manager and waiting and not mine
            adjustment.can_cancel = adjustment.state in ("draft", "approval") and (
                mine or is_manager
            )

    # === CONSTRAINS === #

    @api.constrains("points", "scheme_id")
    def _check_step(self):
        for adjustment in self:
            step = adjustment.scheme_id._get_step()
            if Decimal(str(adjustment.points)) % step:
                raise ValidationError(
                    self.env._(
                        "%(scheme)s counts in steps of %(step)s.",
                        scheme=adjustment.scheme_id.name,
                        step=adjustment.scheme_id._format_points(step),
                    )
                )

    @api.constrains("scheme_id", "target", "member_id", "member_ids")
    def _check_members(self):
        for adjustment in self:
            strangers = adjustment._get_chosen_members().filtered(
                lambda member, scheme=adjustment.scheme_id: member.scheme_id != scheme
            )
            if strangers:
                raise ValidationError(
                    self.env._(
                        "%(names)s belong to another scheme than %(scheme)s. Make an"
                        " adjustment for each scheme.",
                        names=", ".join(strangers[:5].mapped("display_name")),
                        scheme=adjustment.scheme_id.name,
                    )
                )

    @api.constrains("target", "domain")
    def _check_domain(self):
        for adjustment in self.filtered(lambda record: record.target == "filter"):
            adjustment._parse_domain()

    # === CRUD === #

    @api.onchange("member_id")
    def _onchange_member_id(self):
        if self.member_id:
            self.scheme_id = self.member_id.scheme_id

    @api.model_create_multi
    def create(self, vals_list):
        """Start every adjustment as a draft, whatever the caller says."""
        Sequence_sudo = self.env["ir.sequence"].sudo()
        for vals in vals_list:
            self._check_finite(vals)
            vals.update(STEP_DEFAULTS)
            vals["name"] = Sequence_sudo.next_by_code("loyalty.adjustment")
        return super().create(vals_list)

    def write(self, vals):
        """Leave the steps to the buttons, and what was submitted as it is.

        :raise AccessError: for a field that the steps write
        :raise UserError: if the request is no longer a draft
        """
        self.check_access("write")
        self._check_finite(vals)
        if not self.env.su:
            if vals.keys() & STEP_DEFAULTS.keys():
                raise AccessError(
                    self.env._("An adjustment moves on by its buttons alone.")
                )
            if vals.keys() & REQUEST_FIELDS and any(
                adjustment.state != "draft" for adjustment in self
            ):
                raise UserError(
                    self.env._(
                        "What was submitted does not change any more. Cancel it and"
                        " make a new adjustment."
                    )
                )
        return super().write(vals)

    def _check_finite(self, vals):
        """Refuse what the ORM could not even round.

        :raise ValidationError: for NaN and infinity
        """
        if not math.isfinite(float(vals.get("points") or 0)):
            raise ValidationError(
                self.env._(
                    "%(points)s is not a number of points.", points=vals["points"]
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_submitted(self):
        if any(adjustment.requested_by_id for adjustment in self):
            raise UserError(
                self.env._("An adjustment that was submitted is kept. Cancel it.")
            )

    # === ACTIONS === #

    def action_submit(self):
        """Post the adjustments, or put them before somebody who may approve them."""
        self.check_access("write")
        for adjustment in self:
            adjustment._submit()

    def action_approve(self):
        """Agree to what somebody else asks for, and post it."""
        self.check_access("write")
        for adjustment in self:
            adjustment._approve()

    def action_cancel(self):
        """Take back a request that nobody has agreed to yet."""
        self.check_access("write")
        for adjustment in self:
            adjustment._check_state("draft", "approval")
            if not self.env.su and not adjustment.can_cancel:
                raise AccessError(
                    self.env._("Only who asked for it or an administrator cancels it.")
                )
            adjustment._end("cancelled")

    def action_view_lines(self):
        """Open what happens to each member."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_ledger.loyalty_adjustment_line_action"
        )
        action["domain"] = [("adjustment_id", "=", self.id)]
        return action

    def action_view_refused(self):
        """Open the members for whom it could not be done."""
        action = self.action_view_lines()
        action["context"] = {"search_default_refused": 1}
        return action

    @api.model
    def _get_new_action(self, members):
        """Return the action that opens a new adjustment of members.

        :raise UserError: if they belong to several schemes
        """
        scheme = members.scheme_id
        if len(scheme) > 1:
            raise UserError(
                self.env._(
                    "These members belong to %(schemes)s. Choose members of one"
                    " scheme.",
                    schemes=", ".join(scheme.mapped("name")),
                )
            )
        context = {"default_scheme_id": scheme.id}
        if len(members) == 1:
            context.update(default_target="member", default_member_id=members.id)
        elif len(members) <= MANY:
            context.update(
                default_target="members",
                default_member_ids=[Command.set(members.ids)],
            )
        else:
            context.update(
                default_target="filter",
                default_domain=repr([("id", "in", members.ids)]),
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Adjust Points"),
            "res_model": self._name,
            "views": [(False, "form")],
            "context": context,
        }

    # === WHO === #

    def _parse_domain(self):
        """Return the filter as a domain.

        :raise ValidationError: if it makes no sense
        """
        self.ensure_one()
        try:
            domain = Domain(ast.literal_eval(self.domain or "[]"))
            domain.validate(self.env["loyalty.member"])
        except (ValueError, SyntaxError, TypeError, KeyError) as error:
            raise ValidationError(
                self.env._("The filter cannot be read. Build it again.")
            ) from error
        return domain

    def _get_chosen_members(self):
        self.ensure_one()
        if self.target == "member":
            return self.member_id
        return self.member_ids if self.target == "members" else self.member_id.browse()

    def _get_member_domain(self):
        """Return the domain of the members that are meant."""
        self.ensure_one()
        if self.target == "filter":
            chosen = self._parse_domain()
        else:
            chosen = Domain("id", "in", self._get_chosen_members()._origin.ids)
        return chosen & Domain("scheme_id", "=", self.scheme_id._origin.id)

    def _freeze_members(self):
        """Fix who gets it, so that what is approved is what will be posted.

        One statement for however many members match; the access rules of who asks are
        part of the search.

        :return int: how many there are
        """
        self.ensure_one()
        Member = self.env["loyalty.member"]
        for model in (Member, self.env["loyalty.card"], self):
            model.flush_model()
        members = Member._search(self._get_member_domain())
        sign = 1 if self.kind == "add" else -1
        [[count]] = self.env.execute_query(
            SQL(
                """
                WITH line AS (
                    INSERT INTO loyalty_adjustment_line
                           (adjustment_id, member_id, account_id, points, state)
                    SELECT %(adjustment)s, member.id, card.id, %(points)s, 'waiting'
                      FROM loyalty_member member
                      LEFT JOIN loyalty_card card
                        ON card.program_id = %(program)s
                       AND card.partner_id = %(partner)s
                       AND card.ledger_managed
                     WHERE member.id IN %(members)s
                     ORDER BY member.id
                    RETURNING 1
                )
                SELECT count(*) FROM line
                """,
                adjustment=self.id,
                points=Decimal(str(self.points)) * sign,
                program=self.scheme_id._get_program().id,
                partner=Member._get_account_partner_sql("member"),
                members=members.subselect(),
            )
        )
        self.invalidate_recordset()
        self.env["loyalty.adjustment.line"].invalidate_model(flush=False)
        return count

    # === LIMITS === #

    def _explain_limit(self, user):
        """Say why a user may not post this alone.

        :return str: a sentence, or ``False`` within the limits
        """
        self.ensure_one()
        scheme = self.scheme_id
        each, total = scheme._get_adjustment_limits(user)
        if self.points > each:
            return self.env._(
                "%(points)s are more than the %(limit)s that %(user)s may give or take"
                " alone.",
                points=scheme._format_points(self.points),
                limit=scheme._format_points(each),
                user=user.name,
            )
        if self.points_total > total:
            return self.env._(
                "%(points)s in all are more than the %(limit)s that %(user)s may give"
                " or take at once.",
                points=scheme._format_points(self.points_total),
                limit=scheme._format_points(total),
                user=user.name,
            )
        if self._is_for(user):
            return self.env._("%(user)s is among the members.", user=user.name)
        return False

    def _explain_day(self, user):
        """Say whether parts of today add up to more than a user may post alone."""
        self.ensure_one()
        each, _total = self.scheme_id._get_adjustment_limits(user)
        done = max(
            self.sudo().line_ids.account_id._get_adjusted_today(user).values(),
            default=0,
        )
        if done + Decimal(str(self.points)) <= each:
            return False
        return self.env._(
            "With the %(done)s of today, it is more than the %(limit)s that %(user)s"
            " may give or take alone.",
            done=self.scheme_id._format_points(done),
            limit=self.scheme_id._format_points(each),
            user=user.name,
        )

    def _is_for(self, user):
        """Return whether a user is among the members."""
        self.ensure_one()
        own = Domain("partner_id", "=", user.partner_id.id)
        if self.state != "draft":
            own = Domain("member_id.partner_id", "=", user.partner_id.id)
            return bool(
                self.sudo().line_ids.search_count(
                    [*own, ("adjustment_id", "=", self.id)], limit=1
                )
            )
        try:
            domain = self._get_member_domain()
        except ValidationError:
            return False
        return bool(self.env["loyalty.member"].search_count(domain & own, limit=1))

    def _get_authors(self):
        """Return who wrote and who asked: none of them may approve."""
        self.ensure_one()
        return self.requested_by_id | self.create_uid

    # === STEPS === #

    def _check_state(self, *states):
        """Lock an adjustment and check where it stands.

        :raise UserError: if somebody has been faster
        """
        self.ensure_one()
        self.lock_for_update()
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is %(state)s already.",
                    name=self.display_name,
                    state=labels[self.state],
                )
            )

    def _submit(self):
        self._check_state("draft")
        user = self.env.user
        explanation = self._explain_limit(user)
        if not self._freeze_members():
            raise UserError(
                self.env._(
                    "There is no member to adjust. Choose one, or widen the filter."
                )
            )
        explanation = explanation or self._explain_day(user)
        # sudo: the steps write what nobody may write by hand
        self.sudo().write(
            {
                "requested_by_id": user.id,
                "request_date": fields.Datetime.now(),
                "approval_reason": explanation,
            }
        )
        if explanation:
            self._ask_for_approval()
        else:
            self._start_posting()

    def _ask_for_approval(self):
        self.sudo().state = "approval"
        approvers = self.scheme_id._get_approvers() - self._get_authors()
        if not approvers:
            raise UserError(
                self.env._(
                    "%(why)s A second person has to approve it, and there is none: give"
                    " somebody else the role Administrator in Loyalty.",
                    why=self.approval_reason,
                )
            )
        for user in approvers:
            # sudo: an activity for somebody else
            self.sudo().activity_schedule(
                ACTIVITY_TYPE, user_id=user.id, note=self.approval_reason
            )

    def _approve(self):
        self._check_state("approval")
        self._check_may_decide()
        # sudo: the steps write what nobody may write by hand
        self.sudo().write(
            {"decided_by_id": self.env.uid, "decision_date": fields.Datetime.now()}
        )
        self.sudo().activity_unlink([ACTIVITY_TYPE])
        self._start_posting()

    def _check_may_decide(self):
        """Refuse a decision to who has no right or an interest in it.

        :raise AccessError: with the reason
        """
        user = self.env.user
        if not user.has_group(MANAGER_GROUP):
            raise AccessError(
                self.env._("Only an administrator of Loyalty approves adjustments.")
            )
        if user in self._get_authors():
            raise AccessError(
                self.env._(
                    "Nobody approves their own adjustment. Ask another administrator."
                )
            )
        if self._is_for(user):
            raise AccessError(
                self.env._(
                    "You are among the members of this adjustment. Ask another"
                    " administrator."
                )
            )

    def _refuse(self, reason):
        """Turn down what somebody asks for.

        :param str reason: for who asked
        """
        self.check_access("write")
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why you refuse it."))
        for adjustment in self:
            adjustment._check_state("approval")
            adjustment._check_may_decide()
            adjustment.sudo().refusal_reason = reason
            adjustment._end("refused")
            adjustment._tell_requester(self.env._("Refused: %(reason)s", reason=reason))

    def _end(self, state):
        """End an adjustment that moves nothing."""
        # sudo: the steps write what nobody may write by hand
        self_sudo = self.sudo()
        self_sudo.line_ids.write({"state": "cancelled"})
        self_sudo.state = state
        self_sudo.activity_unlink([ACTIVITY_TYPE])

    def _start_posting(self):
        """Post at once what is small, and leave the rest to the background."""
        self.sudo().state = "posting"
        if self.member_count > BATCH:
            self.env.ref("loyalty_ledger.ir_cron_post_adjustments").sudo()._trigger()
            return
        lines_sudo = self._as_poster().line_ids
        lines_sudo._post()
        lines_sudo._check_single()
        self._finish()

    def _as_poster(self):
        """Return the record in the name of who is responsible for the entries.

        sudo: that person may post this, but nobody writes lines or entries by hand.
        """
        self.ensure_one()
        return self.with_user(self.decided_by_id or self.requested_by_id).sudo()

    def _finish(self):
        self.invalidate_recordset()
        self.sudo().write({"state": "posted", "post_date": fields.Datetime.now()})
        if self.refused_count:
            text = self.env._(
                "Posted for %(posted)s members; %(refused)s did not have enough.",
                posted=self.posted_count,
                refused=self.refused_count,
            )
        else:
            text = self.env._("Posted: %(summary)s", summary=self.summary)
        self._tell_requester(text)

    def _tell_requester(self, text):
        """Leave word, and let it find the person who asked."""
        partner_sudo = self.sudo().requested_by_id.partner_id
        others_sudo = partner_sudo - self.env.user.partner_id
        self.sudo().message_post(
            body=text, partner_ids=others_sudo.ids, subtype_xmlid="mail.mt_note"
        )

    # === BACKGROUND === #

    @api.model
    def _cron_post(self, batch_size=BATCH):
        """Post large adjustments, line by line in batches. Safe to run again."""
        failure = None
        for adjustment in self.search([("state", "=", "posting")], order="id"):
            try:
                if not adjustment._post_in_batches(batch_size):
                    return
            except (UserError, ValidationError) as error:
                # One that fails must not keep the others waiting
                self.env.cr.rollback()
                _logger.exception("Could not post adjustment %s", adjustment.id)
                failure = error
        if failure:
            raise failure

    def _post_in_batches(self, batch_size):
        """Post the waiting lines of one adjustment and commit every batch.

        :return bool: whether there is time for more
        """
        self.ensure_one()
        domain = [("adjustment_id", "=", self.id), ("state", "=", "waiting")]
        while lines := self._as_poster().line_ids.search(domain, limit=batch_size):
            lines._post()
            remaining = lines.search_count(domain)
            if not remaining:
                self._finish()
            if not self.env["ir.cron"]._commit_progress(
                len(lines), remaining=remaining
            ):
                return False
        return True
