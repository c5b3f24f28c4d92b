# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """Keep when points expire: months become a term with a unit."""
    cr.execute("ALTER TABLE loyalty_scheme RENAME COLUMN expiry_months TO expiry_term")
    cr.execute("ALTER TABLE loyalty_scheme ADD COLUMN expiry_policy varchar")
    cr.execute(
        """
        UPDATE loyalty_scheme
           SET expiry_policy = CASE WHEN expiry_term > 0 THEN 'term' ELSE 'never' END,
               expiry_term = CASE WHEN expiry_term > 0 THEN expiry_term ELSE 12 END
        """
    )
