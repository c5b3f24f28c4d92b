import { PosOrderline } from "@point_of_sale/app/models/pos_order_line";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/models/pos_order_line";

patch(PosOrderline.prototype, {
    /** Whether the line spends points that the ledger keeps. */
    get isLoyaltyRedemption() {
        return Boolean(this.is_reward_line && this.reward_id?.program_id?.ledger_managed);
    },
    /** Whether the line keeps back, on a return, the money that points had paid. */
    get isLoyaltyShare() {
        return Boolean(this.refunded_orderline_id?.isLoyaltyRedemption);
    },
    ignoreLoyaltyPoints({ program }) {
        return (
            Boolean(program.ledger_managed) ||
            this.isLoyaltyShare ||
            super.ignoreLoyaltyPoints(...arguments)
        );
    },
});
