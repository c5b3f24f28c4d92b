import { registry } from "@web/core/registry";
import * as tourUtils from "@website_sale/js/tours/tour_utils";

registry.category("web_tour.tours").add("loyalty_website_bridge_shopper", {
    steps: () => [
        {
            content: "Open the product",
            trigger: ".oe_product_cart a:contains(Harmony House Blend)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Put it into the cart",
            trigger: "#product_detail form #add_to_cart",
            run: "click",
        },
        tourUtils.goToCart(),
        {
            content: "The cart says what it will earn",
            trigger: ".o_loyalty_cart [name=loyalty_earn]:contains(12 beans)",
        },
        {
            content: "Choose how many beans to use",
            trigger: ".o_loyalty_cart_use input[name=points]",
            run: "edit 200",
        },
        {
            content: "Their worth stands beside",
            trigger: ".o_loyalty_cart_use .o_loyalty_cart_worth:contains(2.00)",
        },
        {
            content: "Use them",
            trigger: ".o_loyalty_cart_use button[name=loyalty_use]",
            run: "click",
        },
        {
            content: "They are used at once",
            trigger: ".o_loyalty_cart_used:contains(200 beans)",
        },
        ...tourUtils.assertCartAmounts({ total: "10.50" }),
        {
            content: "Take them back with one tap",
            trigger: ".o_loyalty_cart_used button[name=loyalty_remove]",
            run: "click",
        },
        ...tourUtils.assertCartAmounts({ total: "12.50" }),
        {
            content: "More than there are",
            trigger: ".o_loyalty_cart:not(:has(.o_loyalty_cart_used)) input[name=points]",
            run: "edit 499",
        },
        {
            content: "Use as many as there are",
            trigger: ".o_loyalty_cart_use button[name=loyalty_use]",
            run: "click",
        },
        ...tourUtils.assertCartAmounts({ total: "7.51" }),
        tourUtils.goToCheckout(),
        {
            content: "Open the control on the payment page",
            trigger: ".o_loyalty_cart:visible details summary",
            run: "click",
        },
        {
            content: "Choose another amount",
            trigger: ".o_loyalty_cart:visible .o_loyalty_cart_use input[name=points]",
            run: "edit 150",
        },
        {
            content: "Use that amount",
            trigger: ".o_loyalty_cart:visible .o_loyalty_cart_use button[name=loyalty_use]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The page shows it",
            trigger: ".o_loyalty_cart_used:visible:contains(150 beans)",
        },
        ...tourUtils.payWithDemo(),
        {
            content: "The confirmation says what was used",
            trigger: "[name=loyalty_confirmation]:contains(You used 150 beans)",
        },
        {
            content: "And what was earned, and from when it counts",
            trigger: "[name=loyalty_confirmation]:contains(You earned 11 beans)",
        },
        {
            content: "With a date",
            trigger: "[name=loyalty_confirmation]:contains(You can use them from)",
        },
    ],
});
