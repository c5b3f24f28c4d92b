# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """No longer check the member of each figure, which cost more than writing them."""
    cr.execute(
        """
        ALTER TABLE loyalty_tier_figure
         DROP CONSTRAINT IF EXISTS loyalty_tier_figure_member_id_fkey
        """
    )
