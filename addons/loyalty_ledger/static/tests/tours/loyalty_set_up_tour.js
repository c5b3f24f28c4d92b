import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

function edit(field, value) {
    return {
        content: `Write ${value} into ${field}`,
        trigger: `.o_field_widget[name=${field}] :is(input, textarea)`,
        run: `edit ${value}`,
    };
}

registry.category("web_tour.tours").add("loyalty_ledger_set_up", {
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the Loyalty app",
            trigger: ".o_app[data-menu-xmlid='loyalty_member.loyalty_menu_root']",
            run: "click",
        },
        {
            content: "Open the configuration",
            trigger: "[data-menu-xmlid='loyalty_member.loyalty_menu_configuration']",
            run: "click",
        },
        {
            content: "Open the schemes",
            trigger: ".dropdown-item[data-menu-xmlid='loyalty_member.loyalty_menu_schemes']",
            run: "click",
        },
        {
            content: "Without a scheme, the list says what to do",
            trigger: ".o_view_nocontent:contains(Set up your first scheme)",
        },
        {
            content: "Make the first scheme",
            trigger: ".o_list_button_add",
            run: "click",
        },
        edit("name", "Harmony Coffee"),
        edit("point_name", "bean"),
        edit("point_name_plural", "beans"),
        {
            content: "Say what is earned",
            trigger: ".o_notebook_headers a[name=page_points]",
            run: "click",
        },
        edit("earn_points", "1"),
        edit("earn_amount", "1.00"),
        {
            content: "Say what points are worth",
            trigger: ".o_notebook_headers a[name=page_spending]",
            run: "click",
        },
        edit("redeem_points", "100"),
        edit("redeem_value", "1.00"),
        {
            content: "The example follows",
            trigger: ".o_field_widget[name=example]:contains(gives 25 beans, worth)",
        },
        ...stepUtils.saveForm(),
        {
            content: "Go to the members",
            trigger: "[data-menu-xmlid='loyalty_member.loyalty_menu_members']",
            run: "click",
        },
        {
            content: "Enrol the first one",
            trigger: ".o_control_panel button:contains(Enrol)",
            run: "click",
        },
        {
            content: "The only scheme is filled in",
            trigger: ".modal .o_field_widget[name=scheme_id] input:value(Harmony Coffee)",
        },
        edit("name", "Anna Bean"),
        edit("phone", "12"),
        {
            content: "Leave the field",
            trigger: ".modal .o_field_widget[name=email] input",
            run: "click",
        },
        {
            content: "A wrong number is named before anything is saved",
            trigger: ".modal .alert-danger:contains(12 is not a phone number in Belgium)",
        },
        edit("phone", "0470 12 34 56"),
        {
            content: "Leave the field again",
            trigger: ".modal .o_field_widget[name=email] input",
            run: "click",
        },
        {
            content: "Nothing is wrong any more",
            trigger: ".modal:not(:has(.alert-danger))",
        },
        {
            content: "Enrol",
            trigger: ".modal footer button[name=action_enrol]",
            run: "click",
        },
        {
            content: "The membership opens",
            trigger: "body:not(:has(.modal)) .o_form_view .o_field_widget[name=number]",
            run() {
                if (!this.anchor.textContent.trim()) {
                    throw new Error("The member has no number");
                }
            },
        },
        {
            content: "It has no points yet",
            trigger: ".o_field_widget[name=points_summary]:contains(0 beans)",
        },
        {
            content: "Look at the card",
            trigger: ".o_notebook_headers a[name=page_cards]",
            run: "click",
        },
        {
            content: "The card shows its holder",
            trigger: ".o_loyalty_card_holder:contains(Anna Bean)",
        },
        {
            content: "And its QR code",
            trigger: ".o_loyalty_card_qr",
            run() {
                if (!this.anchor.complete || !this.anchor.naturalWidth) {
                    throw new Error("The QR code is no picture");
                }
            },
        },
    ],
});
