# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The explanation of an evaluation: a list of steps fit for JSON."""

from decimal import Decimal

from .rules import Effect, Target

SHOWN = Decimal("1e-6")


def explain(evaluation):
    """Return why a basket gives what it gives, as a tuple of plain dictionaries.

    :param Evaluation evaluation: has run
    """
    if evaluation.basket.refusal:
        return ({"code": evaluation.basket.refusal},)
    steps = []
    if evaluation.has_goods:
        steps += _explain_lines(evaluation)
    steps += [_explain_award(award, evaluation.lines) for award in evaluation.awards]
    steps += _explain_total(evaluation)
    if evaluation.skipped:
        steps.append({"code": "skipped", "rules": dict(evaluation.skipped)})
    return tuple(map(_write, steps))


def _explain_lines(evaluation):
    """Tell which lines cannot earn, and which discounts lower the others."""
    lines = evaluation.basket.lines
    left_out = [
        line.key for line in lines if not line.is_discount and not line.eligible
    ]
    if left_out:
        yield {"code": "not_eligible", "lines": left_out}
    if not evaluation.lines:
        yield {"code": "nothing_eligible"}
    elif not evaluation.rules.policy.before_discounts:
        discount = sum(line.amount for line in lines if line.is_discount)
        if discount:
            yield {"code": "discount", "amount": discount}


def _explain_award(award, lines):
    """Tell what a rule gives, on which lines, and whether a cap reduced it."""
    rule = award.rule
    step = {
        "code": "rule",
        "rule": rule.key,
        "name": rule.name,
        "effect": rule.effect,
        "target": rule.target,
        "value": rule.value,
        "per": rule.per,
        "base": award.base,
        "given": award.given,
    }
    if rule.effect is Effect.UNIT:
        step["quantity"] = award.quantity
    if rule.conditions.chooses_lines:
        step["lines"] = [lines[index].key for index in award.lines]
    if award.cap:
        step["cap"] = {"period": award.cap.period, "amount": award.cap.amount}
        step["uncapped"] = award.uncapped
    return step


def _explain_total(evaluation):
    """Tell how points were rounded, and which caps of the scheme reduced them."""
    exact = evaluation.exact[Target.POINTS]
    if not exact:
        return
    policy = evaluation.rules.policy
    points = evaluation.get_rounded(Target.POINTS)
    if points != exact.quantize(SHOWN):
        yield {
            "code": "rounding",
            "step": policy.step,
            "rounding": policy.rounding,
            "points": points,
        }
    for cap, left in evaluation.cuts:
        yield {
            "code": "scheme_cap",
            "period": cap.period,
            "amount": cap.amount,
            "points": left,
        }


def _write(value):
    """Make a step of the explanation fit for JSON."""
    if isinstance(value, Decimal):
        return format(value.quantize(SHOWN).normalize(), "f")
    if isinstance(value, dict):
        return {key: _write(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_write(item) for item in value]
    return str(value) if isinstance(value, str) else value
