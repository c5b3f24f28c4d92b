import { describe, expect, test } from "@odoo/hoot";
import { definePosModels } from "@point_of_sale/../tests/unit/data/generate_model_definitions";
import {
    addPointsLine,
    addUntaxedLine,
    getMemberOrder,
    setQuote,
    setupSchemeEnv,
} from "@loyalty_pos_bridge/../tests/unit/utils";

definePosModels();

describe("pos.order - what the server said", () => {
    test("a quote is about the order as it was", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order, line } = await getMemberOrder(store, scheme);
        expect(order.isLoyaltyQuoteFresh).toBe(true);
        line.setQuantity(2);
        expect(order.isLoyaltyQuoteFresh).toBe(false);
        // The old answer stays until there is a new one
        expect(order.getLoyaltyQuote(scheme).points).toBe(10);
    });

    test("a quote is about one customer", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        order.uiState.loyalty.chosen = { 100: 40 };
        order.setPartner(store.models["res.partner"].get(3));
        expect(order.getLoyaltyQuote(scheme)).toBe(undefined);
        expect(order.uiState.loyalty.chosen).toEqual({});
    });

    test("an old balance does not outlive a reload, what was chosen does", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        order.uiState.loyalty.chosen = { 100: 40 };
        order.uiState.loyalty.held = true;
        order.restoreState({ ...order.uiState });
        expect(order.getLoyaltyQuote(scheme)).toBe(undefined);
        expect(order.uiState.loyalty.chosen).toEqual({ 100: 40 });
        expect(order.uiState.loyalty.held).toBe(true);
    });

    test("the order goes to the server as its lines are", async () => {
        const { store, scheme, reward } = await setupSchemeEnv();
        const { order, line } = await getMemberOrder(store, scheme);
        await addPointsLine(store, order, reward, 40);
        const payload = order.getLoyaltyPayload();
        expect(payload.uuid).toBe(order.uuid);
        expect(payload.partner_id).toBe(1);
        expect(payload.payment_method_ids).toEqual([]);
        expect(payload.lines).toHaveLength(2);
        const goods = payload.lines.find((values) => values.uuid === line.uuid);
        expect(goods.price_subtotal_incl).toBe(10);
        expect(goods.is_reward_line).toBe(false);
        const points = payload.lines.find((values) => values.is_reward_line);
        expect(points.reward_id).toBe(reward.id);
        expect(points.points_cost).toBe(40);
        expect(points.price_subtotal_incl).toBe(-0.4);
    });

    test("points of managed programs are those of the quote", async () => {
        const { store, scheme, program } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme, { quote: { points: 12.5 } });
        expect(order.pointsForPrograms([program])[program.id]).toEqual([{ points: 12.5 }]);
        setQuote(order, scheme, { points: 0 });
        expect(order.pointsForPrograms([program])[program.id]).toEqual([]);
    });

    test("the receipt says that points follow only when nobody has settled them", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        expect(order.loyaltyWillFollow).toBe(false);
        order.state = "paid";
        expect(order.loyaltyWillFollow).toBe(true);
        setQuote(order, scheme, { is_member: false });
        expect(order.loyaltyWillFollow).toBe(false);
    });
});

describe("pos.order - how many points can be used", () => {
    test("no more than there are", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        expect(order.getLoyaltyLimits(scheme)).toEqual({ least: 1, most: 120, balance: 120 });
    });

    test("no more than the order has room for", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme, { price: 0.5 });
        expect(order.getLoyaltyLimits(scheme).most).toBe(50);
    });

    test("no more than the share of the receipt that the scheme allows", async () => {
        const { store, scheme } = await setupSchemeEnv({ redeem_max_share: 5 });
        const { order } = await getMemberOrder(store, scheme, { price: 10.5 });
        // 5 % of 10.50 are 0.525, of which the last half cent has no point
        expect(order.getLoyaltyLimits(scheme).most).toBe(52);
    });

    test("the last cent of a whole receipt may cost one point more", async () => {
        const { store, scheme } = await setupSchemeEnv({ redeem_points: 3, redeem_value: 0.1 });
        const { order } = await getMemberOrder(store, scheme, { price: 0.33 });
        expect(order.getLoyaltyLimits(scheme).most).toBe(10);
    });

    test("what is used already makes room for itself", async () => {
        const { store, scheme, reward } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme, { price: 0.5 });
        await addPointsLine(store, order, reward, 40);
        expect(order.priceIncl).toBeCloseTo(0.1);
        expect(order.getLoyaltyPointsUsed(scheme)).toBe(40);
        expect(order.getLoyaltyLimits(scheme).most).toBe(50);
    });

    test("none without the server's word", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme, { quote: { can_redeem: false } });
        expect(order.getLoyaltyLimits(scheme).most).toBe(0);
        order.uiState.loyalty.quotes = {};
        expect(order.getLoyaltyLimits(scheme)).toEqual({ least: 1, most: 0, balance: 0 });
    });

    test("what cannot be used is explained", async () => {
        const { store, scheme } = await setupSchemeEnv({
            redeem_minimum: 20,
            points_rounding: 5,
            redeem_max_share: 10,
        });
        const { order } = await getMemberOrder(store, scheme);
        const refusals = {
            121: "The member has 120 beans. Type no more than that.",
            105: "No more than 100 beans can be used on this order.",
            15: "At least 20 beans must be used at once.",
            42: "Use beans in steps of 5 beans.",
            "-1": "Type how many beans to use.",
        };
        for (const [points, sentence] of Object.entries(refusals)) {
            expect(String(order.getLoyaltyRefusal(scheme, Number(points)))).toBe(sentence);
        }
        expect(String(order.getLoyaltyRefusal(scheme, NaN))).toBe("Type how many beans to use.");
        for (const points of [0, 20, 45, 100]) {
            expect(order.getLoyaltyRefusal(scheme, points)).toBe(false);
        }
    });
});

describe("pos.order - using points", () => {
    test("points that are used are a line of the order", async () => {
        const { store, scheme, reward } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        store._linkLoyaltyAccounts(order, [order.getLoyaltyQuote(scheme)]);
        expect(order.useLoyaltyPoints(scheme, 40)).toBe(true);
        const [line] = order.loyaltyRedemptionLines;
        expect(line.points_cost).toBe(40);
        expect(line.priceIncl).toBe(-0.4);
        expect(order.priceIncl).toBeCloseTo(9.6);
        // Another number takes the place of the first
        order.useLoyaltyPoints(scheme, 100);
        expect(order.loyaltyRedemptionLines).toHaveLength(1);
        expect(order.priceIncl).toBe(9);
        expect(order.uiState.loyalty.chosen).toEqual({ [reward.id]: 100 });
        // Zero takes it away
        order.useLoyaltyPoints(scheme, 0);
        expect(order.loyaltyRedemptionLines).toHaveLength(0);
        expect(order.priceIncl).toBe(10);
        expect(order.uiState.loyalty.chosen).toEqual({});
    });

    test("a refusal leaves the order as it was", async () => {
        const { store, scheme } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        expect(String(order.useLoyaltyPoints(scheme, 121))).toBe(
            "The member has 120 beans. Type no more than that.",
        );
        expect(order.lines).toHaveLength(1);
    });

    test("points that the order is about to earn cannot be spent on it", async () => {
        const { store, scheme, reward } = await setupSchemeEnv();
        const { order } = await getMemberOrder(store, scheme);
        store._linkLoyaltyAccounts(order, [order.getLoyaltyQuote(scheme)]);
        expect(order._getRealCouponPoints(77)).toBe(120);
        await addPointsLine(store, order, reward, 40);
        expect(order._getRealCouponPoints(77)).toBe(80);
    });
});

describe("pos.order - returns", () => {
    test("what points had paid is split over what comes back", async () => {
        const { store, scheme, reward } = await setupSchemeEnv();
        const { order: sold } = await getMemberOrder(store, scheme);
        const used = await addPointsLine(store, sold, reward, 100);
        const returned = store.addNewOrder();
        await addUntaxedLine(store, returned, 10, { qty: -1 });
        const share = { line_id: used.id, price_unit: -0.33, amount: 0.33 };
        returned.updateLoyaltyShares([{ shares: [share] }]);
        const [kept] = returned.lines.filter((line) => line.isLoyaltyShare);
        expect(kept.qty).toBe(-1);
        expect(kept.priceIncl).toBe(0.33);
        expect(returned.priceIncl).toBeCloseTo(-9.67);
        // More comes back: the same line, with its new share
        returned.updateLoyaltyShares([{ shares: [{ ...share, price_unit: -0.66 }] }]);
        expect(returned.lines.filter((line) => line.isLoyaltyShare)).toEqual([kept]);
        expect(kept.priceIncl).toBe(0.66);
        // It does not come back after all
        returned.updateLoyaltyShares([{ shares: [] }]);
        expect(returned.lines).toHaveLength(1);
    });
});
