# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Portal Sharing",
    "summary": "Members give points and see their household in the portal",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "depends": ["loyalty_portal", "loyalty_sharing"],
    "data": [
        "views/portal_household_templates.xml",
        "views/portal_transfer_templates.xml",
    ],
    "auto_install": True,
}
