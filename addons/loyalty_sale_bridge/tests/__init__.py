from . import (
    test_concurrency,
    test_credit_note,
    test_hold,
    test_native,
    test_redeem,
    test_settle,
)
