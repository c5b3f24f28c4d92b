import { describe, expect, test } from "@odoo/hoot";
import { definePosModels } from "@point_of_sale/../tests/unit/data/generate_model_definitions";
import { setupSchemeEnv } from "@loyalty_pos_bridge/../tests/unit/utils";

definePosModels();

describe("pos.store - list of customers", () => {
    test("an empty account says nothing about a customer", async () => {
        const { store, program } = await setupSchemeEnv();
        const partner = store.models["res.partner"].get(1);
        const account = store.models["loyalty.card"].create({
            id: 4711,
            code: "anna",
            program_id: program,
            partner_id: partner,
            points: 0,
        });
        expect(store.getLoyaltyCards(partner)).not.toInclude(account);
        account.points = 12;
        expect(store.getLoyaltyCards(partner)).toInclude(account);
    });
});
