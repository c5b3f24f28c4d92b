# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Loyalty Members",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "summary": "Membership schemes, members and the cards they show",
    "author": "Loyalty CRM contributors",
    "license": "LGPL-3",
    "application": True,
    "depends": [
        "barcodes",
        "contacts",
        "mail",
        "phone_validation",
        "portal",
    ],
    "external_dependencies": {"python": ["phonenumbers", "qrcode"]},
    "data": [
        "security/loyalty_member_groups.xml",
        "security/ir.model.access.csv",
        "security/loyalty_member_security.xml",
        "data/loyalty_channel_data.xml",
        "data/mail_layout_data.xml",
        "data/mail_template_data.xml",
        "report/loyalty_member_card_templates.xml",
        "report/loyalty_member_card_reports.xml",
        "wizard/loyalty_member_block_views.xml",
        "wizard/loyalty_member_card_generate_views.xml",
        "wizard/loyalty_member_enrol_views.xml",
        "wizard/loyalty_member_merge_wizard_views.xml",
        "views/loyalty_channel_views.xml",
        "views/loyalty_store_views.xml",
        "views/loyalty_member_card_views.xml",
        "views/loyalty_member_merge_views.xml",
        "views/loyalty_member_views.xml",
        "views/loyalty_scheme_views.xml",
        "views/res_partner_views.xml",
        "views/loyalty_menus.xml",
    ],
    "demo": [
        "demo/loyalty_scheme_demo.xml",
        "demo/loyalty_store_demo.xml",
        "demo/loyalty_member_demo.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "loyalty_member/static/src/scss/loyalty_card.scss",
        ],
        "web.assets_frontend": [
            "loyalty_member/static/src/scss/loyalty_card.scss",
        ],
        "web.report_assets_common": [
            "loyalty_member/static/src/scss/loyalty_card.scss",
        ],
    },
}
