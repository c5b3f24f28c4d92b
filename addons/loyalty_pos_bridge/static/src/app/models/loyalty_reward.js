import { Base } from "@point_of_sale/app/models/related_models";
import { registry } from "@web/core/registry";

export class LoyaltyReward extends Base {
    static pythonModel = "loyalty.reward";

    /** Whether the reward is a scheme's points paid as money, of which the cashier picks how many. */
    get isLoyaltyPointsReward() {
        return (
            Boolean(this.program_id?.ledger_managed) &&
            this.reward_type === "discount" &&
            this.discount_mode === "per_point"
        );
    }
}

registry.category("pos_available_models").add(LoyaltyReward.pythonModel, LoyaltyReward);
