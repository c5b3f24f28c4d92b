# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import ast
import math
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

ACTIVITY_TYPE = "loyalty_adjustment.mail_activity_type_adjustment"
MANAGER_GROUP = "loyalty_member.loyalty_member_group_manager"
# Lines per job; an adjustment with more of them is posted in the background
BATCH = 1000
# More members than this become a filter on a new form
MANY = 50
# The request: fixed as soon as somebody may have approved it
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


class LoyaltyAdjustment(models.Model):
    """A correction of balances, which a second user approves above a limit."""

    _name = "loyalty.adjustment"
    _description = "Loyalty Adjustment"
    _inherit = ["loyalty.workflow.mixin", "mail.thread", "mail.activity.mixin"]
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
        string="Operation",
        default="add",
        required=True,
    )
    points = fields.Float(
        string="Points per Member",
        digits="Loyalty Points",
        required=True,
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

    # Members
    target = fields.Selection(
        selection=[
            ("member", "One member"),
            ("members", "Several members"),
            ("filter", "All members that match a filter"),
        ],
        string="Applies To",
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
    member_count = fields.Integer(compute="_compute_size")
    points_total = fields.Float(compute="_compute_size", digits="Loyalty Points")
    value_total = fields.Monetary(compute="_compute_size", string="Value")
    posted_count = fields.Integer(compute="_compute_size")
    refused_count = fields.Integer(compute="_compute_size")
    progress = fields.Float(compute="_compute_size")
    summary = fields.Char(compute="_compute_summary")

    # Request, approval and posting
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
        help="Why the user who requested it may not post it alone.",
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
    problem = fields.Char(
        copy=False,
        readonly=True,
        help="Why the posting in the background has stopped.",
    )
    needs_approval = fields.Boolean(compute="_compute_rights")
    can_approve = fields.Boolean(compute="_compute_rights")
    can_cancel = fields.Boolean(compute="_compute_rights")

    # === CONSTRAINTS === #

    # NaN is larger than any number to PostgreSQL
    _points_range = models.Constraint(
        "CHECK (points > 0 AND points < 1000000000000)",
        "Enter a number of points greater than zero.",
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
            others = adjustment._get_chosen_members().filtered(
                lambda member, scheme=adjustment.scheme_id: member.scheme_id != scheme
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "%(names)s belong to another scheme than %(scheme)s. Make an"
                        " adjustment for each scheme.",
                        names=", ".join(others[:5].mapped("display_name")),
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
        """Number the adjustments."""
        for vals in vals_list:
            self._check_finite(vals)
        adjustments = super().create(vals_list)
        Sequence_sudo = self.env["ir.sequence"].sudo()
        # sudo: only the steps write the number
        for adjustment_sudo in adjustments.sudo():
            adjustment_sudo.name = Sequence_sudo.next_by_code("loyalty.adjustment")
        return adjustments

    def write(self, vals):
        """Keep a submitted request unchanged.

        :raise UserError: if the request is no longer a draft
        """
        self.check_access("write")
        self._check_finite(vals)
        if (
            not self.env.su
            and vals.keys() & REQUEST_FIELDS
            and any(adjustment.state != "draft" for adjustment in self)
        ):
            raise UserError(
                self.env._(
                    "A submitted adjustment cannot be changed. Cancel it and create a"
                    " new one."
                )
            )
        return super().write(vals)

    def _check_finite(self, vals):
        """Refuse numbers that the ORM cannot round.

        :raise ValidationError: for NaN and infinity
        """
        if not math.isfinite(float(vals.get("points") or 0)):
            raise ValidationError(
                self.env._("Enter a number of points greater than zero.")
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_submitted(self):
        if any(adjustment.requested_by_id for adjustment in self):
            raise UserError(
                self.env._(
                    "A submitted adjustment cannot be deleted. Cancel it instead."
                )
            )

    # === ACTIONS === #

    def action_submit(self):
        """Post the adjustments, or request the approval of an administrator."""
        self.check_access("write")
        for adjustment in self:
            adjustment._submit()

    def action_approve(self):
        """Approve the requests of other users, and post them."""
        self.check_access("write")
        for adjustment in self:
            adjustment._approve()

    def action_cancel(self):
        """Cancel requests that nobody has approved yet."""
        self.check_access("write")
        for adjustment in self:
            adjustment._check_state("draft", "approval")
            if not self.env.su and not adjustment.can_cancel:
                raise AccessError(
                    self.env._(
                        "Only the user who requested %(name)s or an administrator can"
                        " cancel it.",
                        name=adjustment.display_name,
                    )
                )
            adjustment._end("cancelled")

    def action_resume(self):
        """Continue to post adjustments that have stopped with a problem."""
        self.check_access("write")
        for adjustment in self:
            adjustment._check_state("posting")
            adjustment._enqueue_batch()

    def action_view_lines(self):
        """Open the lines of the members."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "loyalty_adjustment.loyalty_adjustment_line_action"
        )
        action["domain"] = [("adjustment_id", "=", self.id)]
        return action

    def action_view_refused(self):
        """Open the lines of the members who did not have enough points."""
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

    # === MEMBERS === #

    def _parse_domain(self):
        """Return the filter as a domain.

        :raise ValidationError: if it cannot be read
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
        """Return the domain of the members to adjust."""
        self.ensure_one()
        if self.target == "filter":
            chosen = self._parse_domain()
        else:
            chosen = Domain("id", "in", self._get_chosen_members()._origin.ids)
        return chosen & Domain("scheme_id", "=", self.scheme_id._origin.id)

    def _freeze_members(self):
        """Create a line for each member, so that what is approved is what is posted.

        One statement for any number of members; the access rules of the user are part
        of the search.

        :return int: the number of lines
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
        """Return why a user may not post this alone.

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
        """Return why this and the other adjustments of today are too much for a user.

        :return str: a sentence, or ``False`` within the limits
        """
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
        """Return the users who may not approve: who created and who requested it."""
        self.ensure_one()
        return self.requested_by_id | self.create_uid

    # === STEPS === #

    @api.model
    def _get_workflow_defaults(self):
        return {
            **super()._get_workflow_defaults(),
            "name": False,
            "requested_by_id": False,
            "request_date": False,
            "approval_reason": False,
            "decided_by_id": False,
            "decision_date": False,
            "refusal_reason": False,
            "post_date": False,
            "problem": False,
            "line_ids": [],
        }

    def _check_state(self, *states):
        """Lock the adjustments first: two users can press buttons at the same time."""
        self.lock_for_update()
        return super()._check_state(*states)

    def _submit(self):
        self._check_state("draft")
        user = self.env.user
        explanation = self._explain_limit(user)
        if not self._freeze_members():
            raise UserError(
                self.env._(
                    "There is no member to adjust. Choose one, or change the filter."
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
                    "%(why)s A second administrator has to approve it, but there is"
                    " none. Give another user the role Administrator in Loyalty.",
                    why=self.approval_reason,
                )
            )
        for user in approvers:
            # sudo: an activity for another user
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
        """Refuse a decision of a user without the right to it, or with an interest.

        :raise AccessError: with the reason
        """
        user = self.env.user
        if not user.has_group(MANAGER_GROUP):
            raise AccessError(
                self.env._(
                    "Only administrators of Loyalty can approve or refuse adjustments."
                )
            )
        if user in self._get_authors():
            raise AccessError(
                self.env._(
                    "You cannot decide on your own adjustment. Ask another"
                    " administrator."
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
        """Refuse the requests of other users.

        :param str reason: for the user who requested it
        """
        self.check_access("write")
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Enter a reason for the refusal."))
        for adjustment in self:
            adjustment._check_state("approval")
            adjustment._check_may_decide()
            adjustment.sudo().refusal_reason = reason
            adjustment._end("refused")
            adjustment._notify_requester(
                self.env._("Refused: %(reason)s", reason=reason)
            )

    def _end(self, state):
        """End an adjustment without posting it."""
        # sudo: the steps write what nobody may write by hand
        self_sudo = self.sudo()
        self_sudo.line_ids.write({"state": "cancelled"})
        self_sudo.state = state
        self_sudo.activity_unlink([ACTIVITY_TYPE])

    def _start_posting(self):
        """Post a small adjustment at once, and a large one in the background."""
        self.sudo().state = "posting"
        if self.member_count > BATCH:
            self._enqueue_batch()
            return
        lines_sudo = self._as_poster().line_ids
        lines_sudo._post()
        lines_sudo._check_single()
        self._finish()

    def _as_poster(self):
        """Return the record in the name of the user who answers for the entries.

        sudo: that user may post this, but nobody writes lines or entries by hand.
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
        self._notify_requester(text)

    def _notify_requester(self, text):
        """Post a message that notifies the user who requested the adjustment."""
        partner_sudo = self.sudo().requested_by_id.partner_id
        others_sudo = partner_sudo - self.env.user.partner_id
        self.sudo().message_post(
            body=text, partner_ids=others_sudo.ids, subtype_xmlid="mail.mt_note"
        )

    # === BACKGROUND === #

    def _enqueue_batch(self):
        """Enqueue the job that posts the next lines."""
        counts = self._count_lines().get(self.id, {})
        done = counts.get("posted", 0) + counts.get("refused", 0)
        # sudo: only the steps write it
        self.sudo().problem = False
        self._as_poster().with_delay(
            description=self.env._(
                "%(name)s: lines from %(number)s", name=self.name, number=done + 1
            ),
            identity_key=f"{self._name}-{self.id}-{done}",
        )._post_batch()

    def _post_batch(self):
        """Post the next lines, then enqueue the job for more of them or finish.

        Safe to run twice: a line that is posted does not wait any more.
        """
        adjustment = self.exists()
        if adjustment.state != "posting":
            return
        domain = [("adjustment_id", "=", adjustment.id), ("state", "=", "waiting")]
        lines = adjustment.line_ids.search(domain, limit=BATCH)
        if lines:
            lines._post()
        if lines.search_count(domain, limit=1):
            adjustment._enqueue_batch()
        else:
            adjustment._finish()

    def _on_batch_failed(self, exc_message="", **_values):
        """Say on the adjustment why its posting has stopped; called by queue_job."""
        adjustment = self.exists()
        if adjustment.state == "posting":
            adjustment.problem = exc_message or self.env._("The job has failed.")
            adjustment._notify_requester(
                self.env._("Posting stopped: %(why)s", why=adjustment.problem)
            )
