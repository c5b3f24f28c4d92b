import { describe, expect, test } from "@odoo/hoot";
import { CustomerDisplayPosAdapter } from "@point_of_sale/app/customer_display/customer_display_adapter";
import { definePosModels } from "@point_of_sale/../tests/unit/data/generate_model_definitions";
import { setupPosEnv } from "@point_of_sale/../tests/unit/utils";
import {
    addPointsLine,
    getMemberOrder,
    setupSchemeEnv,
} from "@loyalty_pos_bridge/../tests/unit/utils";

definePosModels();

function getDisplayed(order) {
    const adapter = new CustomerDisplayPosAdapter();
    adapter.formatOrderData(order);
    // As it is sent
    return JSON.parse(JSON.stringify(adapter.data)).loyalty;
}

describe("customer display", () => {
    test("it shows who the member is, what they have, earn and use", async () => {
        const { store, scheme, reward } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        await addPointsLine(store, order, reward, 40);
        expect(getDisplayed(order)).toEqual([
            {
                scheme: "Harmony Coffee",
                color: "#0B5D3B",
                textColor: "#FFFFFF",
                name: "Anna",
                balance: "120 beans",
                value: "$ 1.20",
                earned: "10 beans",
                availableOn: "",
                used: "40 beans",
                usedValue: "$\u00a00.40",
            },
        ]);
    });

    test("it shows nothing of who is no member", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme, { quote: { is_member: false } });
        expect(getDisplayed(order)).toEqual([]);
    });

    test("it says no family name and no phone number", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const names = { "Ольга Петрова": "Ольга", "+32470123456": "", "": "" };
        for (const [name, first] of Object.entries(names)) {
            const { order } = await getMemberOrder(store, scheme, { quote: { name } });
            expect(getDisplayed(order)[0].name).toBe(first);
        }
    });

    test("after payment it shows what the receipt says", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        order.state = "paid";
        expect(getDisplayed(order)).toEqual([]);
        order.loyalty_receipt = [
            {
                scheme: "Harmony Coffee",
                balance_text: "89 beans",
                balance_value: "$ 0.89",
                movements: [
                    {
                        kind: "sale",
                        earned_text: "9 beans",
                        available_on: false,
                        redeemed_text: "40 beans",
                        redeemed_value: "$ 0.40",
                    },
                ],
            },
        ];
        expect(getDisplayed(order)).toEqual([
            {
                scheme: "Harmony Coffee",
                earned: "9 beans",
                availableOn: "",
                used: "40 beans",
                usedValue: "$ 0.40",
                balance: "89 beans",
                value: "$ 0.89",
            },
        ]);
    });

    test("a till without schemes sends nothing about members", async () => {
        const store = await setupPosEnv();
        const order = store.addNewOrder();
        order.setPartner(store.models["res.partner"].get(1));
        expect(getDisplayed(order)).toEqual([]);
    });
});
