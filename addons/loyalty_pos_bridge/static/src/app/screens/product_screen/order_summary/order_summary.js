import { OrderSummary } from "@point_of_sale/app/screens/product_screen/order_summary/order_summary";
import { LoyaltyBar } from "@loyalty_pos_bridge/app/components/loyalty_bar/loyalty_bar";
import { LoyaltyEarning } from "@loyalty_pos_bridge/app/components/loyalty_earning/loyalty_earning";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/screens/product_screen/order_summary/order_summary";

patch(OrderSummary, {
    components: { ...OrderSummary.components, LoyaltyBar, LoyaltyEarning },
});
