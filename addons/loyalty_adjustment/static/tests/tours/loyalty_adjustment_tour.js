import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("loyalty_adjustment_request", {
    steps: () => [
        {
            content: "Start from the member",
            trigger: "button[name=action_adjust_points]",
            run: "click",
        },
        {
            content: "More than may be given alone",
            trigger: ".o_field_widget[name=points] input",
            run: "edit 600",
        },
        {
            trigger: ".o_field_widget[name=reason_id] input",
            run: "edit Cold coffee",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Cold coffee)",
            run: "click",
        },
        {
            content: "It says so before",
            trigger: "[name=alert_summary]:contains(One member gets 600 beans, worth)",
        },
        {
            trigger: "button[name=action_submit]:contains(Ask for Approval)",
            run: "click",
        },
        {
            content: "And waits",
            trigger:
                "[name=alert_approval]:contains(Waiting for the approval of another administrator)",
        },
    ],
});

registry.category("web_tour.tours").add("loyalty_adjustment_approve", {
    steps: () => [
        {
            content: "The administrator reads why",
            trigger: "[name=alert_approval]:contains(600 beans are more than the 500 beans)",
        },
        {
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status button.o_arrow_button_current:contains(Posted)",
        },
    ],
});
