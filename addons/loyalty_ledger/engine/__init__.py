# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .basket import NOTHING, UNKNOWN, Basket, BasketLine, Facts, Product
from .evaluate import Result, evaluate
from .event import Event, EventResult, Operator, PayloadTest, evaluate_event
from .plan import RuleSet
from .returns import reverse
from .rounding import allot, apportion, round_to_step
from .rules import Cap, Conditions, Effect, Period, Policy, Rule, Target
