# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_access
from . import test_card
from . import test_channel
from . import test_code
from . import test_concurrent_enrol
from . import test_enrol
from . import test_enrol_by_phone
from . import test_enrol_dialog
from . import test_member
from . import test_member_merge
from . import test_merge
from . import test_partner
from . import test_scheme
from . import test_store
