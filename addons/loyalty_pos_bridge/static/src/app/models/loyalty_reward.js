import { Base } from "@point_of_sale/app/models/related_models";
import { registry } from "@web/core/registry";

export class LoyaltyReward extends Base {
    static pythonModel = "loyalty.reward";

    /** Whether the reward is a scheme's points paid as money, of which the cashier picks how many. */
    get isLoyaltyPointsReward() {
        return (
            Boolean(this.program_id?.ledger_managed) &&
            this.program_id.program_type !== "ewallet" &&
            this.reward_type === "discount" &&
            this.discount_mode === "per_point"
        );
    }

    /** Whether the reward is what a scheme's wallet pays. */
    get isLoyaltyWalletReward() {
        return (
            Boolean(this.program_id?.ledger_managed) && this.program_id.program_type === "ewallet"
        );
    }
}

registry.category("pos_available_models").add(LoyaltyReward.pythonModel, LoyaltyReward);
