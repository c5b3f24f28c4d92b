# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import Counter
from dataclasses import replace

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.loyalty_tiers.engine import Ladder


class LoyaltyTierTrial(models.TransientModel):
    """Tries other thresholds on a copy: who would move, before anything is saved."""

    _name = "loyalty.tier.trial"
    _description = "Try Thresholds of Tiers"

    scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="scheme_id.currency_id")
    line_ids = fields.One2many(
        comodel_name="loyalty.tier.trial.line", inverse_name="trial_id"
    )
    move_ids = fields.One2many(
        comodel_name="loyalty.tier.trial.move", inverse_name="trial_id", readonly=True
    )
    state = fields.Selection(
        selection=[("draft", "Thresholds"), ("done", "Who Moves")],
        default="draft",
        required=True,
        readonly=True,
    )
    summary = fields.Char(compute="_compute_summary")

    @api.depends("move_ids", "state")
    def _compute_summary(self):
        for trial in self:
            trial.summary = trial.state == "done" and trial._get_summary()

    def _get_summary(self):
        self.ensure_one()
        counts = Counter()
        for move in self.move_ids:
            counts[move.way] += move.member_count
        if not counts:
            return self.env._("Nobody would move.")
        return self.env._(
            "Would rise at once: %(up)s. Would fall at the end of their period, unless"
            " they buy more: %(down)s.",
            up=counts["up"],
            down=counts["down"],
        )

    @api.model
    def _open(self, scheme):
        """Return the action that tries the thresholds of a scheme."""
        scheme.ensure_one().check_access("write")
        trial = self.create(
            {
                "scheme_id": scheme.id,
                "line_ids": [
                    Command.create({"tier_id": tier.id, **tier._get_thresholds()})
                    for tier in scheme.tier_ids.sorted()
                    if tier.entry == "figures"
                ],
            }
        )
        return trial._get_action()

    def _get_action(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try Thresholds"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    # === ACTIONS === #

    def action_try(self):
        """Say how many members would move with these thresholds. Saves nothing."""
        self.ensure_one()
        self.scheme_id.check_access("write")
        moves = self._get_moves()
        self.write(
            {
                "state": "done",
                "move_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "from_id": before,
                                "to_id": after,
                                "way": way,
                                "member_count": count,
                            }
                        )
                        for (way, before, after), count in moves.items()
                    ),
                ],
            }
        )
        return self._get_action()

    def action_apply(self):
        """Save the thresholds; the next look at all members moves them."""
        self.ensure_one()
        self.scheme_id.check_access("write")
        for line in self.line_ids:
            line.tier_id.write(line._get_thresholds())
        # sudo: who sets up tiers need not be allowed to run jobs
        self.env["loyalty.tier.run"].sudo()._restart(self.scheme_id)
        return {"type": "ir.actions.act_window_close"}

    # === BUSINESS === #

    def _get_moves(self):
        """Return how many members would move.

        Who reaches a higher tier rises at once. Who deserves the tier by the thresholds
        of today but not by the new ones falls at the end of the period, unless more is
        bought until then.

        :return: number by (``up`` or ``down``, id of the tier before, id after)
        :rtype: collections.Counter
        """
        settings = self.scheme_id._get_tier_settings()
        trial = replace(settings, ladder=self._prepare_ladder(settings))
        moves = Counter()
        for tier, was, earned, fit, kept, keeps, count in self._count_groups(
            settings, trial
        ):
            rank = trial.ladder.get_rank
            if rank(earned) > rank(tier):
                moves["up", tier, earned] += count
            elif (
                rank(earned) < rank(tier)
                and not keeps
                and (kept or rank(was) >= rank(tier))
            ):
                moves["down", tier, self._get_lower(trial, tier, fit)] += count
        return moves

    def _get_lower(self, trial, tier, fit):
        """Return the id of the tier to which a member falls, or ``None``."""
        if trial.ladder.policy.downgrade == "fit":
            return fit
        below = trial.ladder.steps[: trial.ladder.get_rank(tier)]
        return next((step.id for step in reversed(below) if step.entry), None)

    def _prepare_ladder(self, settings):
        steps = {line.tier_id.id: line._prepare_step() for line in self.line_ids}
        return Ladder(
            [steps.get(step.id, step) for step in settings.ladder.steps],
            settings.ladder.policy,
        )

    def _count_groups(self, settings, trial):
        """Return how many members stand alike.

        :return: rows of tier, tier earned today, tier earned in the trial, lower tier
            that fits in the trial, whether the tier is kept today and in the trial, and
            the number of members
        """
        # sudo: figures decide whoever sees them
        service = self.env["loyalty.tier.service"].sudo()
        scheme, everybody = self.scheme_id, SQL("> 0")
        runs = self.env["loyalty.tier.run"].sudo()
        if not runs.search_count(
            [("scheme_id", "=", scheme.id), ("finished", "=", True)]
        ):
            # No night has counted yet what was bought before there were tiers
            service._count(scheme, settings, everybody)
        return self.env.execute_query(
            SQL(
                """
                WITH %(figures)s, %(ladder)s, trial_%(trial)s
                SELECT figure.tier_id, was.id, earned.id, fit.id, %(kept)s, %(keeps)s,
                       count(*)
                  FROM figure
                  LEFT JOIN ladder own ON own.id = figure.tier_id
                  LEFT JOIN trial_ladder other ON other.id = figure.tier_id
                  LEFT JOIN LATERAL (
                       SELECT id FROM ladder step WHERE %(reached)s
                        ORDER BY rank DESC LIMIT 1
                  ) was ON TRUE
                  LEFT JOIN LATERAL (
                       SELECT id FROM trial_ladder step WHERE %(reached)s
                        ORDER BY rank DESC LIMIT 1
                  ) earned ON TRUE
                  LEFT JOIN LATERAL (
                       SELECT id FROM trial_ladder step
                        WHERE step.points IS NOT NULL AND step.rank < other.rank
                          AND (%(stays)s OR (step.keep_points IS NULL AND %(reached)s))
                        ORDER BY rank DESC LIMIT 1
                  ) fit ON TRUE
                 GROUP BY 1, 2, 3, 4, 5, 6
                 ORDER BY 1, 2, 3, 4, 5, 6
                """,
                figures=service._get_figures_query(
                    scheme, settings, everybody, settings.today()
                ),
                ladder=settings.get_ladder_sql(),
                trial=trial.get_ladder_sql(),
                reached=service._get_reached_sql("step", ""),
                stays=service._get_reached_sql("step", "keep_", of_now=True),
                kept=self._get_kept_sql("own"),
                keeps=self._get_kept_sql("other"),
            )
        )

    def _get_kept_sql(self, step):
        """Return in SQL whether what was bought so far is enough to stay."""
        service = self.env["loyalty.tier.service"]
        return SQL(
            "(%s IS NULL OR %s)",
            SQL.identifier(step, "keep_points"),
            service._get_reached_sql(step, "keep_", of_now=True),
        )
