# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .arithmetic import apportion
from .basket import NOTHING, UNKNOWN, Basket, BasketLine, Facts, Product
from .evaluate import Result, evaluate
from .event import Event, EventResult, Operator, PayloadTest, evaluate_event
from .returns import reverse
from .rounding import allot, round_to_step
from .rule_set import RuleSet
from .rules import Cap, Conditions, Effect, Period, Policy, Rule, Target
