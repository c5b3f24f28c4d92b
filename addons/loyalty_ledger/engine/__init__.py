from .basket import Basket, BasketLine
from .evaluate import Result, evaluate
from .rounding import allot, round_to_step
from .rules import Policy, Rule
