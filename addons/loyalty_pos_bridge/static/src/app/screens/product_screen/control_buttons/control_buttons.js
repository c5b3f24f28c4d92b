import { ControlButtons } from "@point_of_sale/app/screens/product_screen/control_buttons/control_buttons";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/screens/product_screen/control_buttons/control_buttons";

patch(ControlButtons.prototype, {
    /** Points are used on their own pad, wherever the cashier comes from. */
    async _applyReward(reward) {
        if (reward.isLoyaltyPointsReward) {
            return this.pos.openLoyaltyPad(reward.program_id.scheme_id);
        }
        return super._applyReward(...arguments);
    },
    async clickRewards() {
        const rewards = this.getPotentialRewards();
        if (rewards.length === 1 && rewards[0].reward.isLoyaltyPointsReward) {
            this.props.close?.();
            return this.pos.openLoyaltyPad(rewards[0].reward.program_id.scheme_id);
        }
        return super.clickRewards(...arguments);
    },
});
