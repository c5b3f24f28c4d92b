# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .basket import Basket, BasketLine
from .evaluate import Result, evaluate
from .rounding import allot, round_to_step
from .rules import Policy, Rule
