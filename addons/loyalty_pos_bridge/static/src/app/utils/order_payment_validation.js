import OrderPaymentValidation from "@point_of_sale/app/utils/order_payment_validation";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/utils/order_payment_validation";

patch(OrderPaymentValidation.prototype, {
    async validateOrder() {
        // Also for orders that are paid with one tap, without the payment screen.
        if (!(await this.pos.reserveLoyaltyPoints(this.order))) {
            return false;
        }
        return super.validateOrder(...arguments);
    },
});
