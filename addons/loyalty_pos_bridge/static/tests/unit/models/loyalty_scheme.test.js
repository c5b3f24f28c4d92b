import { describe, expect, test } from "@odoo/hoot";
import { definePosModels } from "@point_of_sale/../tests/unit/data/generate_model_definitions";
import { expectFormattedPrice } from "@point_of_sale/../tests/unit/utils";
import { setupSchemeEnv } from "@loyalty_pos_bridge/../tests/unit/utils";

definePosModels();

describe("loyalty.scheme", () => {
    test("a scheme knows its program and its reward", async () => {
        const { store, scheme, program, reward } = await setupSchemeEnv();
        expect(store.hasLoyaltySchemes).toBe(true);
        expect(scheme.program).toBe(program);
        expect(scheme.pointsReward).toBe(reward);
        expect(store.models["loyalty.reward"].get(1).isLoyaltyPointsReward).toBe(false);
    });

    test("closed schemes take nobody", async () => {
        const { store, scheme } = await setupSchemeEnv();
        expect(store.openLoyaltySchemes).toEqual([scheme]);
        scheme.state = "closed";
        expect(store.openLoyaltySchemes).toEqual([]);
    });

    test("points are said in the words of the brand", async () => {
        const { scheme } = await setupSchemeEnv();
        expect(scheme.formatPoints(0)).toBe("0 beans");
        expect(scheme.formatPoints(1)).toBe("1 bean");
        expect(scheme.formatPoints(-1)).toBe("-1 bean");
        expect(scheme.formatPoints(1250.5)).toBe("1,250.5 beans");
        expectFormattedPrice(scheme.formatPointsValue(120), "$ 1.20");
    });

    test("points and money convert as on the server", async () => {
        const { scheme } = await setupSchemeEnv({ redeem_points: 3, redeem_value: 0.1 });
        // Money is rounded down, the points that it costs are rounded up
        expect(scheme.pointsToMoney(10)).toBe(0.33);
        expect(scheme.moneyToPoints(0.33)).toBe(10);
        expect(scheme.roomForPoints(0.33)).toBe(9);
        // Noise of a division costs no step
        expect(scheme.pointsToMoney(30)).toBe(1);
        expect(scheme.moneyToPoints(1)).toBe(30);
        expect(scheme.roomForPoints(1)).toBe(30);
    });

    test("points come in the steps of the scheme", async () => {
        const { scheme } = await setupSchemeEnv({ points_rounding: 0.5 });
        expect(scheme.floorPoints(10.7)).toBe(10.5);
        expect(scheme.isWholeSteps(10.5)).toBe(true);
        expect(scheme.isWholeSteps(10.6)).toBe(false);
    });
});
