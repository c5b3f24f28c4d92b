import * as CustomerDisplay from "@point_of_sale/../tests/customer_display/customer_display_utils";
import { registry } from "@web/core/registry";

const ORDER = {
    ...JSON.parse(CustomerDisplay.ADD_PRODUCT),
    loyalty: [
        {
            scheme: "Harmony Coffee",
            color: "#0B5D3B",
            textColor: "#FFFFFF",
            name: "Anna",
            balance: "120 beans",
            value: "$ 1.20",
            earned: "9 beans",
            availableOn: "12/06/2026",
            used: "40 beans",
            usedValue: "$ 0.40",
        },
    ],
};
const PAID = {
    ...JSON.parse(CustomerDisplay.ORDER_IS_FINALIZED),
    loyalty: [
        {
            scheme: "Harmony Coffee",
            balance: "89 beans",
            value: "$ 0.89",
            earned: "9 beans",
            availableOn: "",
            used: "40 beans",
            usedValue: "$ 0.40",
        },
    ],
};
const NEXT = { ...JSON.parse(CustomerDisplay.NEW_ORDER), loyalty: [] };

const says = (part, text) => ({
    content: `the display says ${text}`,
    trigger: `.o_loyalty_display_${part}:contains("${text}")`,
});

registry.category("web_tour.tours").add("LoyaltyCustomerDisplay", {
    steps: () =>
        [
            CustomerDisplay.addProduct(ORDER, "the order of a member"),
            says("name", "Hello Anna"),
            says("balance", "120 beans = $ 1.20"),
            says("earned", "You will earn"),
            says("earned", "+9 beans from 12/06/2026"),
            says("used", "40 beans = $ 0.40"),
            CustomerDisplay.postMessage(PAID, "the order is paid"),
            says("earned", "You earned"),
            says("balance", "New balance"),
            says("balance", "89 beans = $ 0.89"),
            CustomerDisplay.postMessage(NEXT, "the next customer"),
            { trigger: "div:contains('Welcome.')" },
            {
                content: "the next customer does not see it",
                trigger: "body:not(:has(.o_loyalty_display))",
            },
        ].flat(),
});
