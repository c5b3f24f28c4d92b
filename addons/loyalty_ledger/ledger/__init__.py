from .chain import GENESIS, link
from .move import Move, Op
from .sale import Sale, SaleLine
