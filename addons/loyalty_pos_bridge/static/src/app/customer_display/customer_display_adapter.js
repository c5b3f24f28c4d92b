import { CustomerDisplayPosAdapter } from "@point_of_sale/app/customer_display/customer_display_adapter";
import { patch } from "@web/core/utils/patch";

patch(CustomerDisplayPosAdapter.prototype, {
    formatOrderData(order) {
        super.formatOrderData(...arguments);
        this.data.loyalty = order.finalized
            ? this.getLoyaltyReceiptData(order)
            : this.getLoyaltyData(order);
    },
    /** What the member sees while the cashier sells: one row for each scheme. */
    getLoyaltyData(order) {
        return order.loyaltySchemes
            .map((scheme) => ({ scheme, quote: order.getLoyaltyQuote(scheme) }))
            .filter(({ quote }) => quote?.is_member)
            .map(({ scheme, quote }) => {
                const used = order.getLoyaltyPointsUsed(scheme);
                return {
                    scheme: scheme.name,
                    color: scheme.color_primary,
                    textColor: scheme.color_text,
                    name: this.getLoyaltyFirstName(quote.name),
                    balance: quote.balance_text,
                    value: quote.value_text,
                    earned: quote.earns ? quote.points_text : "",
                    availableOn: quote.available_text || "",
                    used: used ? scheme.formatPoints(used) : "",
                    usedValue: used ? scheme.formatPointsValue(used) : "",
                };
            });
    },
    /** What the member sees when all is paid: the same as on the receipt. */
    getLoyaltyReceiptData(order) {
        return (order.loyalty_receipt || []).flatMap((part) =>
            part.movements
                .filter((movement) => movement.kind !== "return")
                .map((movement) => ({
                    scheme: part.scheme,
                    earned: movement.earned_text || "",
                    availableOn: movement.available_on || "",
                    used: movement.redeemed_text || "",
                    usedValue: movement.redeemed_text ? movement.redeemed_value : "",
                    balance: part.balance_text,
                    value: part.balance_value,
                })),
        );
    },
    /**
     * Everybody in the queue can read the display: no family name, and of a member without a name
     * not the phone number that stands for it.
     */
    getLoyaltyFirstName(name) {
        const [first] = (name || "").trim().split(/\s+/);
        return /\p{L}/u.test(first) ? first : "";
    },
});
