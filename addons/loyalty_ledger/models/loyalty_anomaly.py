# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..ledger.move import Move, Op, Shortfall

ACTIVITY_TYPE = "loyalty_ledger.mail_activity_type_anomaly"


class LoyaltyAnomaly(models.Model):
    """Something about an account that a person should look at.

    Records are made by ``_record`` alone and end by ``_close``.
    """

    _name = "loyalty.anomaly"
    _description = "Loyalty Anomaly"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date desc, id desc"
    _mail_post_access = "read"

    kind = fields.Selection(
        selection=[
            ("shortfall", "Points not recovered"),
            ("overspend", "Points used that were not there"),
            ("payout", "More money given than points pay for"),
            ("audit", "Audit finding"),
        ],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        selection=[("open", "Open"), ("closed", "Closed")],
        string="Status",
        required=True,
        readonly=True,
        default="open",
        tracking=True,
    )
    needs_decision = fields.Boolean(
        readonly=True,
        help="The member keeps the points until a manager has decided.",
    )
    note = fields.Text(string="What Happened", required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True)
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
    account_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="account_id.partner_id")
    member_id = fields.Many2one(
        comodel_name="loyalty.member",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    transaction_id = fields.Many2one(
        comodel_name="loyalty.transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    points = fields.Float(digits="Loyalty Points", readonly=True)
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    value = fields.Monetary(readonly=True, help="What the points were worth then.")
    key = fields.Char(
        readonly=True, help="While it is open, the same finding is not recorded again."
    )

    # How it ended
    resolution = fields.Selection(
        selection=[
            ("debt", "The member owes it"),
            ("given_up", "Given up"),
            ("explained", "Looked into"),
            ("cancelled", "The return was cancelled"),
        ],
        readonly=True,
        tracking=True,
    )
    resolution_note = fields.Char(string="Because", readonly=True, tracking=True)
    closed_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, ondelete="restrict"
    )
    closed_date = fields.Datetime(string="Closed On", readonly=True)
    debt_entry_id = fields.Many2one(
        comodel_name="loyalty.ledger.entry",
        string="Taken By",
        readonly=True,
        ondelete="restrict",
    )

    _key_unique = models.UniqueIndex(
        "(account_id, key) WHERE state = 'open' AND key IS NOT NULL",
        "This has been recorded already.",
    )
    _open_idx = models.Index("(scheme_id, date) WHERE state = 'open'")

    @api.depends("kind", "account_id.partner_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for anomaly in self:
            anomaly.display_name = self.env._(
                "%(kind)s – %(name)s",
                kind=kinds.get(anomaly.kind),
                name=anomaly.partner_id.name or anomaly.account_id.code,
            )

    def action_view_member(self):
        """Open the member whom this is about."""
        self.ensure_one()
        return self.member_id.get_formview_action()

    # === RECORDING === #

    @api.model
    def _record(self, findings):
        """Record findings for somebody to look at, in a constant number of queries.

        Who is at the till or credits goods needs no right for it. A finding with the
        key of one that is open on the same account is left out.

        :param findings: list of dictionaries with ``kind``, ``account_id`` and
            ``note``; optionally ``points`` (Decimal or float), ``entry_id``,
            ``transaction_id``, ``key``, ``date`` and ``needs_decision``
        :return: loyalty.anomaly, of what is new
        """
        # sudo: nobody else makes these records
        Anomaly_sudo = self.sudo().with_context(
            mail_create_nosubscribe=True, mail_create_nolog=True, tracking_disable=True
        )
        findings = Anomaly_sudo._filter_new(findings)
        anomalies_sudo = Anomaly_sudo.create(Anomaly_sudo._prepare_values(findings))
        anomalies_sudo._ask_for_decisions()
        return anomalies_sudo.sudo(self.env.su)

    @api.model
    def _record_shortfalls(self, entries):
        """Record what ledger entries could not recover.

        :param entries: :class:`~..ledger.book.Entry` that have just been written
        """
        schemes_sudo = (
            self.env["loyalty.scheme"]
            .sudo()
            .browse({entry.row["scheme_id"] for entry in entries})
        )
        by_id = {scheme.id: scheme for scheme in schemes_sudo}
        accounts_sudo = (
            self.env["loyalty.card"]
            .sudo()
            .browse({entry.row["account_id"] for entry in entries})
        )
        accounts = {account.id: account for account in accounts_sudo}
        return self._record(
            [
                {
                    "kind": "shortfall",
                    "account_id": entry.row["account_id"],
                    "entry_id": entry.id,
                    "transaction_id": entry.row["transaction_id"],
                    "date": entry.row["date"],
                    "points": entry.shortfall,
                    "key": f"entry:{entry.id}",
                    "needs_decision": by_id[
                        entry.row["scheme_id"]
                    ]._is_shortfall_decided(),
                    "note": self.env._(
                        "%(points)s could not be taken back: they had been spent"
                        " already.",
                        points=accounts[entry.row["account_id"]]._format_value(
                            entry.shortfall
                        ),
                    ),
                }
                for entry in entries
            ]
        )

    def _filter_new(self, findings):
        """Return the findings that are not open already."""
        keyed = [finding for finding in findings if finding.get("key")]
        if not keyed:
            return findings
        known = {
            (anomaly.account_id.id, anomaly.key)
            for anomaly in self.search_fetch(
                [
                    ("state", "=", "open"),
                    ("account_id", "in", [f["account_id"] for f in keyed]),
                    ("key", "in", [f["key"] for f in keyed]),
                ],
                ["account_id", "key"],
            )
        }
        fresh = []
        for finding in findings:
            spot = (finding["account_id"], finding.get("key"))
            if spot not in known:
                fresh.append(finding)
            if finding.get("key"):
                known.add(spot)
        return fresh

    def _prepare_values(self, findings):
        """Return the values of new records."""
        accounts = self.env["loyalty.card"].browse(
            {finding["account_id"] for finding in findings}
        )
        members = {
            (member.scheme_id, member.partner_id): member
            for member in self.env["loyalty.member"].search_fetch(
                [
                    ("scheme_id", "in", accounts.scheme_id.ids),
                    ("partner_id", "in", accounts.partner_id.ids),
                ],
                ["scheme_id", "partner_id"],
            )
        }
        values = []
        for finding in findings:
            account = accounts.browse(finding["account_id"])
            scheme = account.scheme_id
            points = Decimal(str(finding.get("points") or 0))
            values.append(
                {
                    "date": fields.Datetime.now(),
                    **finding,
                    "points": float(points),
                    "value": scheme._points_to_money(points),
                    "scheme_id": scheme.id,
                    "company_id": account.company_id.id,
                    "member_id": members.get(
                        (scheme, account.partner_id), self.env["loyalty.member"]
                    ).id,
                }
            )
        return values

    def _ask_for_decisions(self):
        """Put what waits for a decision before the managers of its scheme."""
        waiting = self.filtered("needs_decision")
        for scheme, anomalies in waiting.grouped("scheme_id").items():
            for user in scheme._get_approvers():
                anomalies.with_context(
                    mail_activity_quick_update=True
                ).activity_schedule(ACTIVITY_TYPE, user_id=user.id)

    # === CLOSING === #

    def _close(self, resolution, reason):
        """End anomalies by a manager's decision. What is closed stays as it is.

        :param str resolution: "debt" takes the points from the member, who then may
            owe them; "given_up" leaves them; "explained" says what it was
        :param str reason: for colleagues
        :raise AccessError: unless a loyalty manager decides
        :raise UserError: without a reason, or where nothing can be taken
        """
        self._check_may_close()
        self.check_access("read")
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why you decide so."))
        self.lock_for_update()
        anomalies = self.filtered(lambda anomaly: anomaly.state == "open")
        if resolution == "debt":
            anomalies._take_points(reason)
        anomalies._finish(resolution, reason)

    def _check_may_close(self):
        if not self.env.su and not self.env.user.has_group(
            "loyalty_member.loyalty_member_group_manager"
        ):
            raise AccessError(
                self.env._(
                    "Only an administrator of Loyalty decides on anomalies. Leave a"
                    " note for one of them."
                )
            )

    def _take_points(self, reason):
        """Take the points from the members, who owe what is not there.

        The entry belongs to the return that fell short, as if it had not: cancelling
        that return gives these points back too.
        """
        for anomaly in self:
            if anomaly.kind != "shortfall" or not anomaly.entry_id:
                raise UserError(
                    self.env._(
                        "%(anomaly)s names no points that a member could owe. Correct"
                        " the balance instead.",
                        anomaly=anomaly.display_name,
                    )
                )
        # sudo: the decision has been checked, its record is the ledger's
        for anomaly_sudo in self.sudo():
            anomaly_sudo.debt_entry_id = self.env["loyalty.ledger"]._post(
                [anomaly_sudo._prepare_debt(reason)]
            )

    def _prepare_debt(self, reason):
        self.ensure_one()
        entry = self.entry_id
        return Move(
            account_id=self.account_id._get_current().id,
            key=f"anomaly:{self.id}",
            kind=entry.kind,
            op=Op.TAKE_BACK,
            points=Decimal(str(self.points)),
            transaction_id=entry.transaction_id.id or None,
            source_transaction_id=entry.source_transaction_id.id or None,
            shortfall=Shortfall.DEBT,
            reason=reason,
        )

    def _finish(self, resolution, reason):
        # sudo: nobody writes these records by hand
        self.sudo().write(
            {
                "state": "closed",
                "resolution": resolution,
                "resolution_note": reason,
                "closed_by_id": self.env.uid,
                "closed_date": fields.Datetime.now(),
            }
        )
        self.sudo().activity_unlink([ACTIVITY_TYPE])

    @api.model
    def _void(self, transactions):
        """Close what is open about returns that are being cancelled."""
        anomalies_sudo = self.sudo().search(
            [("transaction_id", "in", transactions.ids), ("state", "=", "open")]
        )
        if anomalies_sudo:
            anomalies_sudo._finish("cancelled", self.env._("The return was cancelled."))
