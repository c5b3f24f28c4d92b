import OrderPaymentValidation from "@point_of_sale/app/utils/order_payment_validation";
import { patch } from "@web/core/utils/patch";

patch(OrderPaymentValidation.prototype, {
    async validateOrder() {
        // Also for orders that are paid with one tap, without the payment screen.
        if (!(await this.pos.reserveLoyaltyPoints(this.order))) {
            return false;
        }
        return super.validateOrder(...arguments);
    },
});
