import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("loyalty_portal_member", {
    steps: () => [
        {
            content: "The code is large enough to be scanned",
            trigger: ".o_loyalty_portal_qr",
            run() {
                const { width } = this.anchor.getBoundingClientRect();
                if (width < 200 || document.documentElement.scrollWidth > window.innerWidth) {
                    throw new Error("The card does not fit a phone");
                }
            },
        },
        {
            content: "The balance and its worth",
            trigger: "[name=loyalty_balance]:contains(400 beans):contains(4.00)",
        },
        {
            content: "What is pending",
            trigger: "[name=loyalty_pending]:contains(24 beans)",
        },
        {
            content: "Why was it earned?",
            trigger: ".o_loyalty_portal_row summary:contains(Why?)",
            run: "click",
        },
        {
            content: "The explanation opens",
            trigger: ".o_loyalty_portal_row details[open]:contains(1 bean for each)",
        },
    ],
});
